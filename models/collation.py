"""Collation: lower case and equal e-mail addresses, by the same rules on both engines."""
from __future__ import annotations

import unicodedata
from collections.abc import Callable
from typing import Any

from sqlalchemy import Column

from models.columns import MailType


class _SmallLetters(dict[int, int]):
    """Maps each letter to one small letter, regardless of its neighbours.

    Only letters of Unicode 3.0 are mapped, because MySQL and MariaDB know no others.
    """

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
    """Return a text in small letters, exactly as `LOWER` does on either engine."""
    return text.lower() if text.isascii() else text.translate(_SMALL_LETTERS)


def address_key(address: str) -> str | None:
    """Return the key by which e-mail addresses are compared: small letters, without trailing spaces.

    Two addresses are equal if their keys are; accents make a difference. `columns.key_definition` is the same rule in
    SQL.

    Returns: the key; `None` for an empty address, which any number of users may have.
    """
    return lower(address).rstrip(" ") or None


def comparison_key(column: Column[Any]) -> Callable[[str], str | None]:
    """Return the function that makes the comparison key of a unique column's value: `columns.unique_key` in Python."""
    return address_key if isinstance(column.type, MailType) else lambda value: value or None
