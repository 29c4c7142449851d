"""The fields of the search form: which cannot be searched for, and what a guest reads there."""
from __future__ import annotations

from typing import Any

from flask import request

from errors import Invalid
from services import query, words

NUMBERS = ("guests", "rooms", "price_min", "price_max")
MOST = 999_999_999
_NUMBER = f"Enter a whole number from 0 to {MOST:,}"
SENTENCES = {
    **dict.fromkeys(NUMBERS, f"{_NUMBER}."),
    "price_order": f"{_NUMBER} that is not below “Price from”.",     # said at price_max
    "text": f"Enter at most {words.MOST} words.",
    "sort": "Choose one of these orders.",
    "bbox": "Remove the mark, or choose another area on the map.",
}


def number(name: str, least: int = 0) -> int | None:
    """The whole number that the address asks for, if it does.

    Raises:
        Invalid: it is none.
    """
    text = request.args.get(name, "").strip()
    return query.number(name, text, least) if text else None


def numbers() -> tuple[dict[str, Any], list[str]]:
    """The numbers that the address asks for by their names, and the names of those that cannot be searched for."""
    found, wrong = {}, []
    for name in NUMBERS:
        try:
            if (value := number(name)) is not None:
                found[name] = value
        except Invalid:
            wrong.append(name)
    if found.get("price_min", 0) > found.get("price_max", MOST):
        wrong.append("price_order")
    return found, wrong
