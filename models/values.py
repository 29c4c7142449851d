"""Which values an attribute may have: read off its column, for whoever sets it."""
from __future__ import annotations

import datetime
import math
import re
from typing import Any

from sqlalchemy import Column

from errors import Invalid
from models.columns import KeyType

# MySQL's INTEGER; the file engine keeps to it too.
LEAST, MOST = -2**31, 2**31 - 1
# Line breaks and tabs are text. Other control characters and halves of a character are not.
_KEY = re.compile("[!-~]{0,60}")
_NO_TEXT = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff]")


def check(column: Column[Any], value: Any) -> None:
    """Refuse a value that does not fit a column; none fits any, as it stands for "not set".

    Raises:
        Invalid: names the attribute and says what it takes.
    """
    reason = None if value is None else _CHECKS[column.type.python_type](column, value)
    if reason:
        raise Invalid(f"{column.key} {reason}", column.key)


def _text(column: Column[Any], value: Any) -> str | None:
    if not isinstance(value, str):
        return "must be a text"
    if isinstance(column.type, KeyType) and not _KEY.fullmatch(value):
        return "must be an id, of at most 60 letters, digits and signs"
    length = getattr(column.type, "length", None)
    if length and len(value) > length:
        return f"must have at most {length} characters, not {len(value)}"
    return "must not hold control characters" if _NO_TEXT.search(value) else None


def _number(column: Column[Any], value: Any) -> str | None:
    least, most = column.info.get("least", LEAST), column.info.get("most", MOST)
    return None if least <= value <= most else f"must be from {least:g} to {most:.10g}"


def _integer(column: Column[Any], value: Any) -> str | None:
    if not isinstance(value, int) or isinstance(value, bool):
        return "must be a whole number"
    return _number(column, value)


def _float(column: Column[Any], value: Any) -> str | None:
    if not isinstance(value, (int, float)) or isinstance(value, bool) or not math.isfinite(value):
        return "must be a number"
    return _number(column, value)


def _time(_: Column[Any], value: Any) -> str | None:
    return None if isinstance(value, datetime.datetime) else "must be a time"


_CHECKS = {str: _text, int: _integer, float: _float, datetime.datetime: _time}
