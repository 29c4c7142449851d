"""Texts as older HBNBs kept them, made ours: those of an old database and of an old file alike.

Their bytes are of two kinds, and each text is read by what it is itself: as UTF-8, where its bytes are
that, and otherwise as Windows-1252, which is what MySQL means by latin1.
"""
from __future__ import annotations

import re

# At the end, also what is left of one where a column was too short.
_BREAK = re.compile(r"<br\s*/?(?:>|\Z)", re.IGNORECASE)
# What hardly any text in Windows-1252 holds: of two bytes, those that would begin with Â or Ã, and all longer ones.
_UTF8 = re.compile(rb"[\xc2\xc3][\x80-\xbf]|[\xe1-\xef][\x80-\xbf]{2}|[\xf0-\xf4][\x80-\xbf]{3}")
_CONTROLS = re.compile("[\x80-\x9f]")
_BOTH = "holds both UTF-8 and bytes that are none"
_NEITHER = "holds bytes that are neither UTF-8 nor Windows-1252"


class Mixed(ValueError):
    """Bytes of both kinds."""


def read(raw: bytes) -> str:
    """A text by its bytes.

    Raises:
        ValueError: they are of no one kind; says so, as the end of a sentence.
    """
    try:
        return raw.decode()
    except UnicodeDecodeError:
        if _UTF8.search(raw):
            raise Mixed(_BOTH) from None
    try:
        return raw.decode("cp1252")
    except UnicodeDecodeError:
        raise ValueError(_NEITHER) from None


def letters(text: str) -> str:
    """A text whose bytes may have been taken for Latin-1, one character each, with the letters that were meant.

    Raises:
        Mixed: its bytes are of both kinds; says so, as the end of a sentence.
    """
    if text.isascii():
        return text
    try:
        return read(text.encode("latin-1"))
    except Mixed:
        raise
    except ValueError:      # it has letters that are not in Latin-1, so it was read right, or is of neither kind
        return _CONTROLS.sub(_meant, text)


def likely_letters(text: str) -> str:
    """The same, where nobody can be asked: what is of both kinds stays as it is."""
    try:
        return letters(text)
    except Mixed:
        return text


def lines(text: str) -> str:
    """A text with line breaks where it has `<BR />`."""
    return _BREAK.sub("\n", text) if "<" in text else text


def _meant(control: re.Match[str]) -> str:
    return control[0].encode("latin-1").decode("cp1252", "ignore") or control[0]
