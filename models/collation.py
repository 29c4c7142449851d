"""The comparison of texts, alike on both engines: lower case, and e-mail addresses."""
from __future__ import annotations

import unicodedata
from collections.abc import Callable
from typing import Any

from sqlalchemy import Column

from models.columns import MailType


class _SmallLetters(dict[int, int]):
    """One letter for one, whatever stands beside it: those that MySQL and MariaDB know, which are of Unicode 3.0."""

    def __missing__(self, code: int) -> int:
        letter = chr(code)
        small = letter.lower()[0]
        known = code < 0x10000 and letter not in _LATER and all(
            unicodedata.ucd_3_2_0.category(each) != "Cn" for each in (letter, small))
        return self.setdefault(code, ord(small) if known else code)


# Capital letters of Unicode 3.1 and 3.2.
_LATER = {*"ȠϘϴҊӅӉӍԀԂԄԆԈԊԌԎ"}
_SMALL_LETTERS = _SmallLetters()


def lower(text: str) -> str:
    """A text in small letters, exactly as either engine's `LOWER` makes them."""
    return text.lower() if text.isascii() else text.translate(_SMALL_LETTERS)


def address_key(address: str) -> str | None:
    """What tells e-mail addresses apart: the address in small letters, without spaces at its end.

    This is the one rule for equal addresses; `columns.key_definition` says the same in SQL. Accents count.

    Returns: `None` for an empty address, which any number of users may have.
    """
    return lower(address).rstrip(" ") or None


def told_apart(column: Column[Any]) -> Callable[[str], str | None]:
    """What tells the values of a unique column apart: as `columns.unique_key` does in the store."""
    return address_key if isinstance(column.type, MailType) else lambda value: value or None
