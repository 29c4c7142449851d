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
from models.columns import KeyType

Check = Callable[[Any], str | None]

# MySQL's INTEGER; the file engine keeps to it too.
LEAST, MOST = -2**31, 2**31 - 1
# Line breaks and tabs are text. Other control characters and halves of a character are not.
_KEY = re.compile("[!-~]{1,60}")
_NO_TEXT = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff]")


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


def folded(value: str) -> str:
    """As addresses are compared, by whichever database: without regard to case, accents and spaces at the end."""
    if not value.isascii():
        letters = unicodedata.normalize("NFD", value)
        value = "".join(letter for letter in letters if not unicodedata.combining(letter))
    return value.casefold().rstrip()


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


def _time(_: Column[Any]) -> Check:
    return lambda value: None if isinstance(value, datetime.datetime) else "must be a time"


_CHECKERS: dict[type[Any], Callable[[Column[Any]], Check]] = {
    str: _text, int: _number, float: _number, datetime.datetime: _time}
