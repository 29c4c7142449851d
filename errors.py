"""What can go wrong, in HBNB's own words. Each front end translates these once."""
from __future__ import annotations

from collections.abc import Iterable


class HBNBError(Exception):
    """The base of all that a person is told; the message says what, to what, and what to do."""


class Invalid(HBNBError):
    """Input that cannot be taken.

    Args:
        message: the sentence to show.
        field: the attribute it is about, where there is one.
    """

    def __init__(self, message: str, field: str | None = None) -> None:
        super().__init__(message)
        self.field = field


class NotFound(HBNBError):
    """Nothing has that id."""

    def __init__(self, message: str = "Not found") -> None:
        super().__init__(message)


class Unauthorized(HBNBError):
    """Who asks shows no token, or none that counts.

    Args:
        message: the sentence to show.
        shown: whether a token was.
    """

    def __init__(self, message: str, shown: bool) -> None:
        super().__init__(message)
        self.shown = shown


class Reused(HBNBError):
    """A key that stands for one request came with another."""


class Conflict(HBNBError):
    """Somebody else was first, or something of that name is there already."""


class Stale(Conflict):
    """It is not what it was when the client saw it."""


class Unavailable(HBNBError):
    """The storage cannot be reached or used just now; nothing was changed, or the sentence says otherwise."""

    retry_after = 5     # seconds


class Damaged(Unavailable):
    """The store's file is not what it should be; it is left as it is."""


class Outdated(Unavailable):
    """The database's schema is not what this HBNB needs; says which command to run."""


class Misconfigured(SystemExit):
    """The environment is wrong: ends a program with one line on standard error and status 1."""

    def __init__(self, message: str) -> None:
        super().__init__(f"hbnb: {message}")


def meant(name: str, known: Iterable[str]) -> str:
    """` (did you mean this?)`, if a known name is very like one that is not; else nothing."""
    from difflib import get_close_matches  # rarely needed, and slow to import
    found = get_close_matches(name.casefold(), {each.casefold(): each for each in known}, 1, 0.75)
    names = [each for each in known if found and each.casefold() == found[0]]
    return f" (did you mean {names[0]}?)" if names else ""


def taken(attribute: str) -> Conflict:
    """The error for a value that only one object may have."""
    return Conflict(f"Another object has this {attribute} already: nothing was stored")
