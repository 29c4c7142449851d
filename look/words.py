"""How pages say numbers and times."""
from __future__ import annotations

import datetime


def counted(number: int, one: str, many: str = "") -> str:
    """`1 Guest`, `2 Guests`.

    Args:
        many: the word for any other number; none = with an s.
    """
    return f"{number:,} {one if number == 1 else many or one + 's'}"


def day(time: str) -> str:
    """The day of a time as the JSON form has it, such as `5 January 2024`."""
    date = datetime.datetime.fromisoformat(time)
    return f"{date.day} {date:%B} {date.year}"
