"""Parsers for the cells of listings and reviews. They raise `ValueError` with the reason for an invalid cell."""
from __future__ import annotations

import csv
import datetime
import json
import math
import re
from collections.abc import Mapping

from models.codec import parse_time
from services.transfer import prices
from services.transfer.text import short_repr

_ID = re.compile(r"[\w-]{1,60}", re.ASCII)
_WHOLE_FLOAT = re.compile(r"(\d{1,15})\.0*", re.ASCII)


def key(what: str, text: str) -> str:
    """Parse the source's id of a listing, host, review or reviewer.

    Args:
        what: the noun for the error, such as `listing`.
    """
    text = text.strip()
    if not text:
        raise ValueError(f"the id of the {what} is missing")
    if whole := _WHOLE_FLOAT.fullmatch(text):
        return whole[1]
    if not _ID.fullmatch(text) or (_is_number(text) and not text.isdecimal()):
        # A spreadsheet rounds long ids to 5.4E+17, so that many listings would have the same id.
        raise ValueError(f"the id of the {what} is {short_repr(text)}, which is invalid, or rounded by a spreadsheet")
    return text


def time(text: str) -> datetime.datetime:
    try:
        return parse_time(text.strip())
    except (ValueError, OverflowError):
        raise ValueError(f"{short_repr(text)} is not a date") from None


def whole(name: str, text: str) -> int:
    """Parse a number, rounded half up. An empty cell is 0."""
    try:
        return math.floor(float(text.strip() or 0) + 0.5)
    except (ValueError, OverflowError):
        raise ValueError(f"{name} is {short_repr(text)}, which is not a number") from None


def price(text: str) -> int | None:
    """Parse a price such as `$1,234.00`, in any currency, rounded half up. An empty cell is `None`.

    The module `prices` has the rules, and refuses ambiguous prices.
    """
    text = text.strip()
    if not text:
        return None
    try:
        amount = prices.amount(text)
    except ValueError as error:
        raise ValueError(f"price is {short_repr(text)}, which {error}") from None
    return whole("price", text if amount is None else amount)


def bathrooms(row: Mapping[str, str]) -> int:
    """The number of bathrooms, from a number or from words such as `1.5 shared baths` or `Half-bath`, rounded up."""
    text = row.get("bathrooms", "").strip()
    if not text:
        words = row.get("bathrooms_text", "").lower()
        number = re.search(r"\d+(\.\d+)?", words)
        text = number[0] if number else "0.5" if "half" in words else ""
    try:
        return math.ceil(float(text or 0))
    except (ValueError, OverflowError):
        raise ValueError(f"bathrooms is {short_repr(text)}, which is not a number") from None


def degrees(name: str, text: str) -> float | None:
    try:
        return float(text) if text.strip() else None
    except ValueError:
        raise ValueError(f"{name} is {short_repr(text)}, which is not a number") from None


def amenities(text: str) -> list[str]:
    """Parse a list of names: `["Wifi", "Hot tub"]`, or `{Wifi,"Hot tub"}` as in files before 2020."""
    text = text.strip() or "[]"
    old = text.startswith("{") and text.endswith("}")
    try:
        names = next(csv.reader([" ".join(text[1:-1].split())], escapechar="\\")) if old else json.loads(text)
        if isinstance(names, list) and "".join(names).encode() is not None:
            return [name for name in names if not name.startswith("translation missing")]
    except (csv.Error, ValueError, TypeError, RecursionError):
        pass
    raise ValueError(f"amenities is {short_repr(text)}, which is not a JSON list of names")


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
