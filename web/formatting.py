"""Template filters: numbers, prices, dates, and texts in their own direction."""
from __future__ import annotations

import datetime

from markupsafe import Markup

# What a browser's name for itself contains, and what people call it. The first that fits counts.
_BROWSERS = {"Edg": "Edge", "OPR/": "Opera", "Firefox/": "Firefox", "Chrome/": "Chrome", "Safari/": "Safari"}
_SYSTEMS = {"Android": "Android", "iPhone": "iPhone", "iPad": "iPad", "Windows": "Windows", "Mac OS": "macOS",
            "Linux": "Linux"}


def counted(number: int, one: str, many: str = "") -> str:
    """`1 Guest`, `2 Guests`.

    Args:
        many: the plural; by default `one` with an s.
    """
    return f"{number:,} {one if number == 1 else many or one + 's'}"


def price(amount: int | None) -> str:
    """`$1,234`, or `Price on request` if the amount is unknown."""
    return "Price on request" if amount is None else f"${amount:,}"


def nightly(amount: int | None) -> str:
    """`$1,234 a night`, or `Price on request`."""
    return price(amount) if amount is None else f"{price(amount)} a night"


def written(text: str) -> Markup:
    """A short text that a user wrote, isolated from the text around it, so that it keeps its own direction.

    A longer text has `dir="auto"` on its own element instead.
    """
    return Markup('<bdi dir="auto">{}</bdi>').format(text)


def day(time: str) -> str:
    """The date of a time in JSON form, such as `5 January 2024`."""
    date = datetime.datetime.fromisoformat(time)
    return f"{date.day} {date:%B} {date.year}"


def browser(agent: str) -> str:
    """`Firefox on Linux`, from the name that a browser sends."""
    program, system = (next((name for part, name in known.items() if part in agent), "")
                       for known in (_BROWSERS, _SYSTEMS))
    return " on ".join(filter(None, [program or agent.partition(" ")[0][:40] or "An unknown program", system]))
