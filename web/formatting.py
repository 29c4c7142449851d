"""How pages say numbers and times, and what people wrote."""
from __future__ import annotations

import datetime

from markupsafe import Markup


def counted(number: int, one: str, many: str = "") -> str:
    """`1 Guest`, `2 Guests`.

    Args:
        many: the word for any other number; none = with an s.
    """
    return f"{number:,} {one if number == 1 else many or one + 's'}"


def price(amount: int | None) -> str:
    """`$1,234`, or `Price on request` if the amount is unknown."""
    return "Price on request" if amount is None else f"${amount:,}"


def nightly(amount: int | None) -> str:
    """`$1,234 a night`, or `Price on request`."""
    return price(amount) if amount is None else f"{price(amount)} a night"


def written(text: str) -> Markup:
    """A short text that a person wrote, to stand among others: its letters decide which way it is read.

    A longer one has `dir="auto"` on its own element.
    """
    return Markup('<bdi dir="auto">{}</bdi>').format(text)


def day(time: str) -> str:
    """The day of a time as the JSON form has it, such as `5 January 2024`."""
    date = datetime.datetime.fromisoformat(time)
    return f"{date.day} {date:%B} {date.year}"
