"""Reading the cells of listings and reviews; what cannot be read is a `ValueError` that says so."""
from __future__ import annotations

import csv
import datetime
import json
import math
import re
from collections.abc import Mapping

from models.codec import parse_time
from services.transfer import prices
from services.transfer.text import shown

_ID = re.compile(r"[\w-]{1,60}", re.ASCII)
_WHOLE_FLOAT = re.compile(r"(\d{1,15})\.0*", re.ASCII)


def key(what: str, text: str) -> str:
    """The id that the source gives to a `what`, such as a listing."""
    text = text.strip()
    if not text:
        raise ValueError(f"the id of the {what} is missing")
    if whole := _WHOLE_FLOAT.fullmatch(text):
        return whole[1]
    if not _ID.fullmatch(text) or (_is_number(text) and not text.isdecimal()):
        # Ids of many listings look the same once a spreadsheet has made 5.4E+17 of them.
        raise ValueError(f"the id of the {what} is {shown(text)}: that is no id, or one that a spreadsheet has rounded")
    return text


def time(text: str) -> datetime.datetime:
    try:
        return parse_time(text.strip())
    except (ValueError, OverflowError):
        raise ValueError(f"{shown(text)} is no date") from None


def whole(name: str, text: str) -> int:
    """A number, rounded half up; nothing is 0."""
    try:
        return math.floor(float(text.strip() or 0) + 0.5)
    except (ValueError, OverflowError):
        raise ValueError(f"{name} is {shown(text)}, which is no number") from None


def price(text: str) -> int | None:
    """A price such as `$1,234.00`, rounded half up, whatever its currency; `None` if there is none.

    `prices` says how it is read, and what is undecidable.
    """
    text = text.strip()
    if not text:
        return None
    try:
        amount = prices.amount(text)
    except ValueError as error:
        raise ValueError(f"price is {shown(text)}, which {error}") from None
    return whole("price", text if amount is None else amount)


def bathrooms(row: Mapping[str, str]) -> int:
    """From a number, or from words such as `1.5 shared baths` or `Half-bath`; half a bathroom is one."""
    text = row.get("bathrooms", "").strip()
    if not text:
        words = row.get("bathrooms_text", "").lower()
        number = re.search(r"\d+(\.\d+)?", words)
        text = number[0] if number else "0.5" if "half" in words else ""
    try:
        return math.ceil(float(text or 0))
    except (ValueError, OverflowError):
        raise ValueError(f"bathrooms is {shown(text)}, which is no number") from None


def degrees(name: str, text: str) -> float | None:
    try:
        return float(text) if text.strip() else None
    except ValueError:
        raise ValueError(f"{name} is {shown(text)}, which is no number") from None


def amenities(text: str) -> list[str]:
    """The names in `["Wifi", "Hot tub"]`, or in `{Wifi,"Hot tub"}` as files before 2020 have it."""
    text = text.strip() or "[]"
    old = text.startswith("{") and text.endswith("}")
    try:
        names = next(csv.reader([" ".join(text[1:-1].split())], escapechar="\\")) if old else json.loads(text)
        if isinstance(names, list) and "".join(names).encode() is not None:
            return [name for name in names if not name.startswith("translation missing")]
    except (csv.Error, ValueError, TypeError, RecursionError):
        pass
    raise ValueError(f"amenities is {shown(text)}, which is no JSON list of names")


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
