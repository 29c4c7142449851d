"""Escaping for terminals: printed text cannot move the cursor, change colours or reverse the text direction."""
from __future__ import annotations

import re
import sys
import unicodedata
from typing import Any

# Control characters except tab and line feed; bidirectional controls; other line breaks; and lone surrogates, which
# represent bytes that are not valid UTF-8 and would be printed as these bytes.
_CONTROLS = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")


def safe(text: str) -> str:
    r"""A text with its control characters escaped, such as `\x1b`."""
    return _CONTROLS.sub(lambda found: ascii(found[0])[1:-1], text)


def safe_json(text: str) -> str:
    r"""A JSON text with its control characters escaped as in JSON, such as `\u009b`."""
    return _CONTROLS.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


def line(text: str) -> str:
    """Like `safe`, with line feeds escaped too."""
    return safe(text).replace("\n", "\\n")


def guard() -> None:
    """Escape control characters on standard output and standard error from now on, if they are terminals."""
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if stream is not None and stream.isatty():
            setattr(sys, name, _Guarded(stream))


def unguarded(stream: Any) -> Any:
    """The underlying stream, for a progress bar that moves the cursor."""
    return stream.stream if isinstance(stream, _Guarded) else stream


class _Guarded:
    """A stream to a terminal, which escapes control characters."""

    def __init__(self, stream: Any) -> None:
        self.stream = stream

    def write(self, text: str) -> int:
        self.stream.write(safe(text))
        return len(text)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.stream, name)


def width(text: str) -> int:
    """The number of terminal columns that a text needs."""
    return len(text) if text.isascii() else sum(map(_width, text))


def cut(text: str, columns: int) -> str:
    """A text, cut to this number of terminal columns."""
    if width(text) <= columns:
        return text
    kept, used = "", 0
    for letter in text:
        used += _width(letter)
        if used > columns - 1:
            break
        kept += letter
    return f"{kept}…"


def _width(letter: str) -> int:
    if unicodedata.category(letter) in ("Mn", "Me", "Cf"):
        return 0
    return 2 if unicodedata.east_asian_width(letter) in "WF" else 1
