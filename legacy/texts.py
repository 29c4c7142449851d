"""Correction of texts in older databases and files: their encoding and their line breaks.

Older stores mix two encodings. Each text is decoded as UTF-8 if its bytes are valid UTF-8, and otherwise as
Windows-1252, which MySQL calls latin1.
"""
from __future__ import annotations

import re

# At the end of a text, an incomplete tag matches, too: the column was too short for it.
_BREAK = re.compile(r"<br\s*/?(?:>|\Z)", re.IGNORECASE)
# UTF-8 sequences that are very rare in Windows-1252 texts: those of two bytes that begin with Â or Ã, and longer ones.
_UTF8 = re.compile(rb"[\xc2\xc3][\x80-\xbf]|[\xe1-\xef][\x80-\xbf]{2}|[\xf0-\xf4][\x80-\xbf]{3}")
_CONTROLS = re.compile("[\x80-\x9f]")
_BOTH = "mixes UTF-8 with other bytes"
_NEITHER = "holds bytes that are neither UTF-8 nor Windows-1252"


class MixedEncodings(ValueError):
    """A text mixes UTF-8 with other bytes."""


def decode(raw: bytes) -> str:
    """Decode a text.

    Raises:
        ValueError: the bytes have neither encoding, or mix both; the message is the end of a sentence.
    """
    try:
        return raw.decode()
    except UnicodeDecodeError:
        if _UTF8.search(raw):
            raise MixedEncodings(_BOTH) from None
    try:
        return raw.decode("cp1252")
    except UnicodeDecodeError:
        raise ValueError(_NEITHER) from None


def fix_encoding(text: str) -> str:
    """Correct a text that may have been decoded as Latin-1 by mistake.

    Raises:
        MixedEncodings: the bytes mix both encodings; the message is the end of a sentence.
    """
    if text.isascii():
        return text
    try:
        return decode(text.encode("latin-1"))
    except MixedEncodings:
        raise
    except ValueError:      # it has letters outside Latin-1, so it was decoded correctly; or it has neither encoding
        return _CONTROLS.sub(_meant, text)


def fix_encoding_if_clear(text: str) -> str:
    """Correct a text like `fix_encoding`, but return a text that mixes encodings unchanged."""
    try:
        return fix_encoding(text)
    except MixedEncodings:
        return text


def fix_line_breaks(text: str) -> str:
    """Replace `<BR />` by line breaks."""
    return _BREAK.sub("\n", text) if "<" in text else text


def _meant(control: re.Match[str]) -> str:
    return control[0].encode("latin-1").decode("cp1252", "ignore") or control[0]
