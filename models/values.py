"""Which values an attribute may have: read off its column, for whoever sets it."""
from __future__ import annotations

import datetime
import math
import re
import unicodedata
from collections.abc import Callable, Sequence
from functools import cache
from typing import Any

from sqlalchemy import Column

from errors import Invalid
from models.columns import KeyType, MailType

Check = Callable[[Any], str | None]

# MySQL's INTEGER; the file engine keeps to it too, for new values.
LEAST, MOST = -2**31, 2**31 - 1
# SQLite's INTEGER, which holds what older files have.
SMALLEST, LARGEST = -2**63, 2**63 - 1
# Line breaks and tabs are text. Other control characters and halves of a character are not.
_KEY = re.compile("[!-~]{1,60}")
_NO_TEXT = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff]")
_HALF = re.compile("[\ud800-\udfff]")


def check(column: Column[Any], value: Any) -> None:
    """Refuse a value that does not fit a column; none fits any, as it stands for "not set".

    Raises:
        Invalid: names the attribute and says what it takes.
    """
    reason = None if value is None else checker(column)(value)
    if reason:
        raise Invalid(f"{column.key} {reason}", column.key)


@cache
def checker(column: Column[Any]) -> Check:
    """The check of a column: gives what is wrong with a value, or nothing."""
    return _CHECKERS[column.type.python_type](column)


@cache
def holder(column: Column[Any], in_database: bool) -> Check:
    """The check of what an engine can hold in a column: older stores have values that the rules for new ones refuse.

    Args:
        in_database: check for a database, else for a file.
    """
    kind = column.type.python_type
    if kind is not str:
        return _stored_number(kind, *((LEAST, MOST) if in_database and kind is int else (SMALLEST, LARGEST)))
    rules = checker(column) if isinstance(column.type, KeyType) else None
    return _stored_text(rules, getattr(column.type, "length", None)) if in_database else _stored_text(None, None)


def all_fit(column: Column[Any], values: Sequence[Any]) -> bool:
    """Tell whether none of many values would be refused, which is much quicker than to check one after the other."""
    given = [value for value in values if value is not None]
    kinds = {*map(type, given)}
    if kinds == {str} and column.type.python_type is str and not isinstance(column.type, KeyType):
        length = getattr(column.type, "length", None) or math.inf
        return max(map(len, given)) <= length and not _NO_TEXT.search("".join(given))
    if kinds == {datetime.datetime}:
        return column.type.python_type is datetime.datetime
    return not any(map(checker(column), given))


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


def _text(column: Column[Any]) -> Check:
    length = getattr(column.type, "length", None) or math.inf
    is_key = isinstance(column.type, KeyType)

    def check(value: Any) -> str | None:
        if not isinstance(value, str):
            return "must be a text"
        if is_key and not (_KEY.fullmatch(value) or (value == "" and not column.primary_key)):
            return "must be an id, of at most 60 letters, digits and signs"
        if len(value) > length:
            return f"must have at most {length} characters, not {len(value)}"
        return "must not hold control characters" if _NO_TEXT.search(value) else None
    return check


def _number(column: Column[Any]) -> Check:
    least, most = column.info.get("least", LEAST), column.info.get("most", MOST)
    whole = column.type.python_type is int

    def check(value: Any) -> str | None:
        if not isinstance(value, int if whole else (int, float)) or isinstance(value, bool):
            return "must be a whole number" if whole else "must be a number"
        # Not a number is not within any limits.
        return None if least <= value <= most else f"must be from {least:g} to {most:.10g}"
    return check


def _stored_text(rules: Check | None, length: int | None) -> Check:
    def check(value: Any) -> str | None:
        if not isinstance(value, str):
            return "must be a text"
        if rules:
            return rules(value)
        if length and len(value) > length:
            return f"must have at most {length} characters, not {len(value)}"
        return None if value.isascii() or not _HALF.search(value) else "must not hold halves of characters"
    return check


def _stored_number(kind: type[Any], least: int, most: int) -> Check:
    whole = kind is int

    def check(value: Any) -> str | None:
        if isinstance(value, float) and not whole:
            return None if math.isfinite(value) else "must be a finite number"
        if not isinstance(value, int) or isinstance(value, bool):
            return "must be a whole number" if whole else "must be a number"
        return None if least <= value <= most else f"must be from {least} to {most}"
    return check


def _time(_: Column[Any]) -> Check:
    return lambda value: None if isinstance(value, datetime.datetime) else "must be a time"


_CHECKERS: dict[type[Any], Callable[[Column[Any]], Check]] = {
    str: _text, int: _number, float: _number, datetime.datetime: _time}
