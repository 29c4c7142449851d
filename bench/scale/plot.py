"""Plots of rates by numbers of places, as SVG, both on logarithmic scales."""
from __future__ import annotations

from collections.abc import Sequence
from html import escape
from math import ceil, floor, log10
from typing import NamedTuple

WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM = 640, 360, 70, 170, 40, 60
# Colours that differ in lightness too, on a background of their own, because pages may be dark.
COLOURS = {"hbnb": "#b3003b", "limit": "#1f6f8b", "naive": "#8a8a8a"}
_FRAME = """<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" role="img" font-family="sans-serif" \
font-size="12" fill="#222">
<title>{title}</title>
<rect width="100%" height="100%" fill="#fff"/>
<text x="{left}" y="22" font-size="15">{title}: requests a second, by the number of places</text>
{content}
<text x="{left}" y="{under}" font-size="10" fill="#555">{note}</text>
</svg>
"""


class Line(NamedTuple):
    """A line of a plot.

    Args:
        label: what it shows.
        kind: a name in `COLOURS`.
        values: one for each number of places, or 0 for no point.
    """

    label: str
    kind: str
    values: Sequence[float]


def plot(title: str, places: Sequence[int], lines: Sequence[Line], note: str) -> str:
    """Return a plot as SVG."""
    values = [value for line in lines for value in line.values if value] or [1]
    low, high = floor(log10(min(values))), max(ceil(log10(max(values))), floor(log10(min(values))) + 1)
    start, end = log10(places[0]), max(log10(places[-1]), log10(places[0]) + 1e-9)
    across, down = WIDTH - LEFT - RIGHT, HEIGHT - TOP - BOTTOM

    def x(count: float) -> str:
        return f"{LEFT + across * (log10(count) - start) / (end - start):.1f}"

    def y(value: float) -> str:
        return f"{TOP + down * (high - log10(value)) / (high - low):.1f}"

    content = []
    for power in range(low, high + 1):
        content.append(f'<path d="M{LEFT} {y(10 ** power)}H{LEFT + across}" stroke="#ddd"/>'
                       f'<text x="{LEFT - 8}" y="{y(10 ** power)}" dy="4" text-anchor="end">{10 ** power:,g}</text>')
    content += [f'<text x="{x(count)}" y="{TOP + down + 20}" text-anchor="middle">{count:,}</text>' for count in places]
    ends: list[float] = []
    for line in sorted(lines, key=lambda line: -line.values[-1]):
        points = [(x(count), y(value)) for count, value in zip(places, line.values, strict=True) if value]
        if not points:
            continue
        label = max([float(points[-1][1]), *(each + 16 for each in ends)])     # below the label before
        ends.append(label)
        colour = COLOURS[line.kind]
        content.append(f'<polyline points="{" ".join(map(",".join, points))}" fill="none" stroke="{colour}" '
                       'stroke-width="2.5"/>')
        content += [f'<circle cx="{one}" cy="{other}" r="4" fill="{colour}"/>' for one, other in points]
        content.append(f'<text x="{LEFT + across + 10}" y="{label:.1f}" dy="4" fill="{colour}">{escape(line.label)}'
                       "</text>")
    return _FRAME.format(width=WIDTH, height=HEIGHT, left=LEFT, under=HEIGHT - 12, title=escape(title),
                         content="\n".join(content), note=escape(note))
