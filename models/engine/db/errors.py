"""What a database's errors mean, in HBNB's own words."""
from __future__ import annotations

import re
from typing import Any

from sqlalchemy.exc import DBAPIError

from config import Settings
from errors import Conflict, HBNBError, Invalid, Unavailable, taken

DUPLICATE, UNKNOWN, REFERRED, DEADLOCK, LOCK_WAIT_TIMEOUT = 1062, 1452, 1451, 1213, 1205
# Who waits for somebody else's lock, and may have it the next time.
BUSY = {DEADLOCK, LOCK_WAIT_TIMEOUT}
# Who may not come in, and where there is nothing to come to: no second try will help.
REFUSED = {1044, 1045, 1049, 1130, 1698}

_TOO_SLOW = {1969, 3024}    # as MariaDB and as MySQL have it
_FULL = {1021, 1026, 1030, 1114}
_INVALID = {
    1048: "{0} is missing",
    1364: "{0} is missing",
    1406: "{0} is too long",
    1264: "{0} is out of range",
    1366: "{0} holds a character that this column cannot: its table is not utf8mb4",
    UNKNOWN: "{0} names nothing that is there",
    1292: "{0} has a value that its column cannot hold",
}


def translate(error: DBAPIError, settings: Settings) -> HBNBError:
    """Say what a driver's error means."""
    number, message = code(error), text(error)
    if number in _INVALID:
        column = re.search(r"FOREIGN KEY \(`(\w+)`\)|[Cc]olumn '(\w+)'|[Ff]ield '(\w+)'|\.`(\w+)` at row", message)
        name = next(filter(None, column.groups()), None) if column else None
        return Invalid(_INVALID[number].format(name or message), name)
    if number == DUPLICATE:
        return taken(_key(message))
    if number == REFERRED:
        return Conflict("Something was added to it meanwhile: nothing was stored, try again")
    if number in BUSY:
        return Unavailable("Others are writing the same objects just now: nothing was stored, try again")
    if number in _TOO_SLOW:
        return Unavailable("The database took too long for a statement, which was given up: nothing was stored "
                           f"(HBNB_MYSQL_TIMEOUT is {settings.database.statement} seconds)")
    if number in _FULL:
        return Unavailable(f"The database {settings.mysql_db} at {settings.mysql_host} has no room left, so nothing "
                           f"was stored: make room on its disk ({message})")
    return unusable(settings, message)


def unusable(settings: Settings, why: str) -> Unavailable:
    return Unavailable(f"The database {settings.mysql_db} at {settings.mysql_host} cannot be used: {why}")


def _key(message: str) -> str:
    """What the key is of that says no to a second row; it stands behind the value."""
    found = re.search(r"for key '(?:\w+\.)?(?:uq_[a-z]+_)?(\w+)'$", message)
    if not found:
        return "value"
    return "id" if found[1] == "PRIMARY" else found[1]


def text(error: DBAPIError) -> str:
    return str(error.orig.args[-1] if error.orig and error.orig.args else error)


def code(error: Any) -> int:
    arguments = getattr(getattr(error, "orig", None), "args", ())
    return arguments[0] if arguments and isinstance(arguments[0], int) else 0
