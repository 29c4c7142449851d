"""Translation of the database driver's errors into HBNB's exceptions."""
from __future__ import annotations

import re
from typing import Any

from sqlalchemy.exc import DBAPIError

from config import Settings
from errors import Conflict, HBNBError, Invalid, Unavailable, taken

DUPLICATE, UNKNOWN, REFERRED, DEADLOCK, LOCK_WAIT_TIMEOUT = 1062, 1452, 1451, 1213, 1205
# Another transaction holds a lock: a second attempt may succeed.
BUSY = {DEADLOCK, LOCK_WAIT_TIMEOUT}
# Access denied, or no such database: a second attempt cannot succeed.
REFUSED = {1044, 1045, 1049, 1130, 1698}

_TOO_SLOW = {1969, 3024}    # of MariaDB, of MySQL
_FULL = {1021, 1026, 1030, 1114}
_INVALID = {
    1048: "{0} is missing",
    1364: "{0} is missing",
    1406: "{0} is too long",
    1264: "{0} is out of range",
    1366: "{0} has a character that its column cannot store, because the table is not utf8mb4. To convert "
          "the table, run `flask --app wsgi db upgrade`, or on a site that fab set up `fab ENV deploy`",
    UNKNOWN: "{0} refers to an object that does not exist",
    1292: "{0} has a value that its column cannot store",
}


def translate(error: DBAPIError, settings: Settings) -> HBNBError:
    """Return HBNB's exception for a driver's error."""
    number, message = code(error), text(error)
    if number in _INVALID:
        column = re.search(r"FOREIGN KEY \(`(\w+)`\)|[Cc]olumn '(\w+)'|[Ff]ield '(\w+)'|\.`(\w+)` at row", message)
        name = next(filter(None, column.groups()), None) if column else None
        return Invalid(_INVALID[number].format(name or message), name)
    if number == DUPLICATE:
        return taken(_key(message))
    if number == REFERRED:
        return Conflict("The object was not removed, because an object that belongs to it was added meanwhile. "
                        "Nothing was stored. Try again")
    if number in BUSY:
        return Unavailable("Another program is writing the same objects. Nothing was stored. Try again")
    if number in _TOO_SLOW:
        return Unavailable("The database cancelled a statement that took longer than "
                           f"{settings.database.statement} seconds. Nothing was stored. Try again, or raise "
                           "HBNB_MYSQL_TIMEOUT")
    if number in _FULL:
        return Unavailable(f"The disk of the database {settings.mysql_db} at {settings.mysql_host} is full. Nothing "
                           f"was stored. Free some space on it: {message}")
    return unusable(settings, message)


def unusable(settings: Settings, why: str) -> Unavailable:
    return Unavailable(f"The database {settings.mysql_db} at {settings.mysql_host} cannot be used: {why}")


def _key(message: str) -> str:
    """Return the name of the unique key that a duplicate violates, from the end of the driver's message."""
    found = re.search(r"for key '(?:\w+\.)?(?:uq_[a-z]+_)?(\w+)'$", message)
    if not found:
        return "value"
    return "id" if found[1] == "PRIMARY" else found[1]


def text(error: DBAPIError) -> str:
    return str(error.orig.args[-1] if error.orig and error.orig.args else error)


def code(error: Any) -> int:
    arguments = getattr(getattr(error, "orig", None), "args", ())
    return arguments[0] if arguments and isinstance(arguments[0], int) else 0
