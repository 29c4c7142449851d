"""What a terminal is shown. No text that HBNB prints can move its cursor, change its colours or reverse its letters."""
from __future__ import annotations

import re
import sys
import unicodedata
from typing import Any

# Control characters, but for tabs and line breaks; what reverses the direction of letters; other line breaks; and half
# characters, which stand for bytes that are no UTF-8 and would come out as these bytes.
_CONTROLS = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")


def safe(text: str) -> str:
    r"""A text with its control characters spelled out, such as `\x1b`."""
    return _CONTROLS.sub(lambda found: ascii(found[0])[1:-1], text)


def safe_json(text: str) -> str:
    r"""A JSON text with its control characters spelled as JSON spells them, such as `\u009b`."""
    return _CONTROLS.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


def line(text: str) -> str:
    """The same, on one line."""
    return safe(text).replace("\n", "\\n")


def guard() -> None:
    """From now on, standard output and standard error spell out control characters if they are terminals."""
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if stream is not None and stream.isatty():
            setattr(sys, name, _Screen(stream))


def bare(stream: Any) -> Any:
    """The stream itself, for a program that moves the cursor on purpose."""
    return stream.stream if isinstance(stream, _Screen) else stream


class _Screen:
    """A stream to a terminal."""

    def __init__(self, stream: Any) -> None:
        self.stream = stream

    def write(self, text: str) -> int:
        self.stream.write(safe(text))
        return len(text)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.stream, name)


def width(text: str) -> int:
    """How many columns of a terminal a text takes."""
    return len(text) if text.isascii() else sum(map(_width, text))


def cut(text: str, room: int) -> str:
    """A text that takes no more columns than there is room for."""
    if width(text) <= room:
        return text
    kept, taken = "", 0
    for letter in text:
        taken += _width(letter)
        if taken > room - 1:
            break
        kept += letter
    return f"{kept}…"


def _width(letter: str) -> int:
    if unicodedata.category(letter) in ("Mn", "Me", "Cf"):
        return 0
    return 2 if unicodedata.east_asian_width(letter) in "WF" else 1
