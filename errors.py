"""The exceptions of HBNB. Each front end (API, pages, console) translates them in one place."""
from __future__ import annotations

from collections.abc import Iterable


class HBNBError(Exception):
    """Base of all errors that are shown to people. The message says what happened, to what, and what to do."""


class Invalid(HBNBError):
    """The input is not valid.

    Args:
        message: the sentence to show.
        field: the attribute that is not valid, if the error is about one.
    """

    def __init__(self, message: str, field: str | None = None) -> None:
        super().__init__(message)
        self.field = field


class NotFound(HBNBError):
    """No object has this id."""

    def __init__(self, message: str = "Not found") -> None:
        super().__init__(message)


class Unauthorized(HBNBError):
    """The request has no token, or an invalid one.

    Args:
        message: the sentence to show.
        shown: whether the request had a token.
    """

    def __init__(self, message: str, shown: bool) -> None:
        super().__init__(message)
        self.shown = shown


class Forbidden(HBNBError):
    """The actor is known, and has no permission for this."""


class Expired(HBNBError):
    """The link or the offer has expired, or was used already."""


class TooMany(HBNBError):
    """There were too many attempts.

    Args:
        message: the sentence to show.
        retry_after: seconds until another attempt is accepted.
    """

    def __init__(self, message: str, retry_after: int = 60) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class Reused(HBNBError):
    """An idempotency key was sent again with a different request."""


class Conflict(HBNBError):
    """The change conflicts with another change, or with an object that exists already."""


class Stale(Conflict):
    """The object has changed since the client read it."""


class Unavailable(HBNBError):
    """The storage is not available at the moment. Nothing was changed, unless the message says otherwise."""

    retry_after = 5     # seconds


class Damaged(Unavailable):
    """The file of the store is damaged. It is left unchanged."""


class Outdated(Unavailable):
    """The database schema does not fit this release. The message names the command to run."""


class Misconfigured(SystemExit):
    """The settings are not valid. Ends the program with one line on standard error and status 1."""

    def __init__(self, message: str) -> None:
        super().__init__(f"hbnb: {message}")


def meant(name: str, known: Iterable[str]) -> str:
    """Suggest a known name that is similar to an unknown one, as ` (did you mean this?)`, or return an empty string."""
    from difflib import get_close_matches  # rarely needed, and slow to import
    found = get_close_matches(name.casefold(), {each.casefold(): each for each in known}, 1, 0.75)
    names = [each for each in known if found and each.casefold() == found[0]]
    return f" (did you mean {names[0]}?)" if names else ""


def taken(attribute: str) -> Conflict:
    """The error for a value that only one object may have."""
    return Conflict(f"Another object has this {attribute} already. Nothing was stored. Choose another {attribute}")
