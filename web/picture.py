"""Placeholder pictures of places: a house in a landscape, always the same for the same id."""
from __future__ import annotations

import hashlib
import random
from pathlib import Path
from typing import NamedTuple

from flask import render_template

WIDTH, HEIGHT = 600, 400
_TEMPLATE = "web/picture.svg"
# Changes if this code or the template changes.
VERSION = hashlib.sha256(b"".join(
    path.read_bytes() for path in (Path(__file__), Path(__file__).parent / "templates" / _TEMPLATE))).hexdigest()[:12]


class Palette(NamedTuple):
    """Colours of a picture, from the background to the foreground."""

    sky: str
    glow: str
    sun: str
    far: str
    near: str
    ground: str
    wall: str
    shade: str
    roof: str
    leaf: str


PALETTES = tuple(Palette(*colours.split()) for colours in (
    "#bfe3f2 #fdf3e1 #ffd27d #a9c9c9 #7fae9c #5c9078 #fff6ea #ead9c4 #ff545f #3f7260",
    "#fbd3c1 #fff0dc #ff8f70 #e0a9a0 #b97f86 #8a5a6b #fff3e6 #f0d5c0 #5b3a57 #6d4459",
    "#2c3a63 #6a6fa0 #ffeec2 #41507d #323f69 #242f52 #e9dfd3 #c3b3a9 #ff545f #1a2442",
    "#d8e6c8 #fbf7df #ffc857 #b5ca9a #8fae73 #6a8c52 #fdf6e6 #e6d8ba #b5523b #4a6b3a",
    "#cfe4ff #f5f9ff #ffffff #b7cbe6 #dfe9f5 #f4f8fd #b5714d #94583a #5f3a29 #476a86",
    "#f9dfa9 #fff6db #ff9d4d #e8bd7c #d49a5c #b8773f #f6e5cb #dcc29b #8c3f2c #7f7a3a",
    "#b8e0dc #f0fbf4 #fff1b8 #86c3c4 #4fa3ad #e8d6ae #ffffff #dde7e8 #2f6f8f #3f8a7a",
    "#e3d4ef #fdf0f3 #ffb3a7 #c2aed6 #9d88ba #7a6a9c #fff7f2 #e7d9e4 #ff545f #584a7c",
))


def draw(id: str) -> str:
    """Draw the picture for an id, as SVG."""
    # Of the methods of Random, only `random()` gives the same numbers in every version of Python.
    chance = random.Random(id).random

    def between(least: float, most: float) -> int:
        return round(least + (most - least) * chance())

    palette = PALETTES[int(chance() * len(PALETTES))]
    sun = between(80, 520), between(70, 150), between(28, 46)
    hills = [[between(low, high) for _ in range(5)] for low, high in ((150, 220), (205, 260))]
    wide, tall, kind = between(130, 190), between(80, 120), ("gable", "frame", "flat", "tower")[int(chance() * 4)]
    left = between(140, 460 - wide)
    trees = [(x, between(300, 330), between(34, 70), chance() < 0.5) for x in (
        between(20, 70), between(80, 120), left + wide + between(30, 60), between(500, 580))]
    clouds = [(between(20, 560), between(40, 120), between(24, 44)) for _ in range(between(0, 3))]
    return render_template(
        _TEMPLATE, width=WIDTH, height=HEIGHT, colour=palette, sun=sun, hills=hills, left=left, wide=wide, tall=tall,
        kind=kind, base=322, trees=trees, clouds=clouds, lit=chance() < 0.5)
