"""The database engine: MySQL 8 or MariaDB 10.11, through mysqlclient."""
from __future__ import annotations

import re
import threading
from collections.abc import Generator, Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

from sqlalchemy import Connection, Executable, Select, Table, event, insert, inspect, select
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session, make_transient_to_detached
from sqlalchemy.orm.attributes import set_committed_value

from config import Settings
from errors import Conflict, HBNBError, Invalid, Misconfigured, NotFound, Outdated, Unavailable
from models import migrations
from models.base_model import BaseModel
from models.engine import db_connection, db_tables, version
from models.engine.autocommit import Autocommit, Prepared, Rows
from models.engine.cascade import CHUNK
from models.engine.storage import Storage, taken

if TYPE_CHECKING:
    from models.migrations.runner import Migrations

DUPLICATE, UNKNOWN, DEADLOCK, LOCK_WAIT_TIMEOUT = 1062, 1452, 1213, 1205

# Who may not come in, and where there is nothing to come to: no second try will help.
_REFUSED = {1044, 1045, 1049, 1130, 1698}
_INVALID = {
    1048: "{0} is missing",
    1364: "{0} is missing",
    1406: "{0} is too long",
    1264: "{0} is out of range",
    1366: "{0} holds a character that this column cannot: its table is not utf8mb4",
    UNKNOWN: "{0} names nothing that is there",
    1292: "{0} has a value that its column cannot hold",
}


class DBStorage(Storage):
    """Keeps objects in a database.

    Args:
        settings: which database; with `env` of `test` its tables are made anew.
    Raises:
        Misconfigured: the driver is not installed, or the settings cannot work.
    """

    def __init__(self, settings: Settings) -> None:
        if settings.env == "test" and not re.search(r"(^|[_-])test([_-]|\d|$)", settings.mysql_db):
            raise Misconfigured(f"HBNB_ENV is test, which makes all tables anew, but {settings.mysql_db} does not say "
                                "that it is a test database: set HBNB_MYSQL_DB to one whose name has the word test")
        self._settings = settings
        self._ready = False
        self._keeps_keys = False    # whether the database itself refuses ids that name nothing
        self._mutex = threading.Lock()
        engine, autocommit = db_connection.engines(settings)
        from MySQLdb.cursors import DictCursor, SSDictCursor
        super().__init__(engine, Autocommit(autocommit, self._before_reading, (DictCursor,), (SSDictCursor,)))
        version.keep(engine)
        event.listen(self._sessions, "after_begin", self._make_ready)
        event.listen(self._sessions, "after_transaction_end", lambda session, _: session.info.pop("sent", None))

    def reload(self) -> None:
        super().reload()
        try:
            with self._translated():
                self._session.connection()
        except Unavailable as error:
            if getattr(error.__cause__, "orig", None) and _code(error.__cause__) in _REFUSED:
                raise Misconfigured(str(error)) from error
            raise
        finally:
            self.close()

    def migrations(self) -> Migrations:
        try:
            from models.migrations.runner import Migrations
        except ModuleNotFoundError as error:
            raise Misconfigured("Migrating needs alembic: pip install -r requirements-mysql.txt") from error
        return Migrations(self._autocommit.engine)

    def _make_ready(self, _session: Session, _transaction: Any, connection: Connection) -> None:
        """Check the server and its tables, before the first statement that reaches it."""
        if self._ready:
            return
        with self._mutex:
            if not self._ready:
                self._check_schema(connection)
                self._keeps_keys = db_tables.keep_keys(connection)
                self._ready = True

    def _check_schema(self, connection: Connection) -> None:
        db_tables.check(connection)
        stamp = migrations.stamped(connection)
        if self._settings.env != "test" and stamp and stamp.fits:
            return
        # On a connection of its own: what makes tables ends transactions.
        with self._autocommit.engine.connect() as own, db_tables.only_one(own):
            self.refusal = None
            try:
                db_tables.make(own, self._settings)
            except Outdated as error:
                self.refusal = str(error)
                raise

    @contextmanager
    def _still(self) -> Iterator[None]:
        self._sessions.rollback()
        with self._translated():
            self._session.connection(execution_options={"isolation_level": "REPEATABLE READ"})
        yield

    def insert(self, obj: BaseModel) -> None:
        table = obj.__table__
        if self.is_at_work or table.name in version.TABLES or not self._keeps_keys:
            super().insert(obj)
            return
        values = {column.key: getattr(obj, column.key) for column in table.c}
        try:
            with self._translated():
                self._autocommit.prepared(_insertion(table), values)
        except HBNBError as error:
            cause = error.__cause__
            if not isinstance(cause, DBAPIError):
                raise
            if _code(cause) == UNKNOWN:
                raise NotFound() from cause
            if _code(cause) in (DEADLOCK, LOCK_WAIT_TIMEOUT):
                super().insert(obj)     # which tries twice
                return
            # Somebody has this id: nobody but the same statement, whose connection was lost before it could answer.
            if _code(cause) != DUPLICATE or _key(_message(cause)) != "PRIMARY":
                raise
        for name in values.keys() - vars(obj).keys():
            set_committed_value(obj, name, values[name])
        make_transient_to_detached(obj)
        self.new(obj)       # as one that was read

    def parts(self, statement: Prepared, values: Mapping[str, Any]) -> Generator[Rows, None, None]:
        if self.is_at_work:
            yield from super().parts(statement, values)
            return
        with self._translated():
            yield from self._autocommit.parts(statement, values, CHUNK)

    def stream(self, statement: Select[Any], limit: int | None = None, offset: int = 0) -> Generator[Rows, None, None]:
        if self.is_at_work:
            yield from super().stream(statement, limit, offset)
            return
        with self._translated():
            yield from self._autocommit.stream(statement.limit(limit).offset(offset or None), CHUNK)

    def _versioned(self, statement: Prepared, values: Mapping[str, Any]) -> tuple[Rows, Any]:
        rows, found = self._autocommit.prepared(_with_version(statement), values), None
        for row in rows:
            found = row.pop("_version")
        return rows, found if rows else self._version()

    def _version(self) -> Any:
        return self._autocommit.prepared(_VERSION, {})[0]["_version"]

    def _before_reading(self) -> None:
        if not self._ready:
            self._session.connection()
            self._sessions.rollback()

    def write(self, statement: Executable, values: Any = None) -> int:
        self._session.info["sent"] = True
        return super().write(statement, values)

    def _commit(self, session: Session) -> None:
        work = _Work(session)
        try:
            session.commit()
        except DBAPIError as error:
            if _code(error) not in (DEADLOCK, LOCK_WAIT_TIMEOUT) or not work.is_all:
                raise
            session.rollback()
            work.again(session)
            session.commit()

    def _translate(self, error: DBAPIError) -> HBNBError:
        code, message = _code(error), _message(error)
        if code in _INVALID:
            column = re.search(r"FOREIGN KEY \(`(\w+)`\)|[Cc]olumn '(\w+)'|[Ff]ield '(\w+)'|\.`(\w+)` at row", message)
            name = next(filter(None, column.groups()), None) if column else None
            return Invalid(_INVALID[code].format(name or message), name)
        if code == DUPLICATE:
            return taken("id" if (key := _key(message)) == "PRIMARY" else key)
        if code == 1451:
            return Conflict("Something was added to it meanwhile: nothing was stored, try again")
        if code in (DEADLOCK, LOCK_WAIT_TIMEOUT):
            return Unavailable("Others are writing the same objects just now: nothing was stored, try again")
        return Unavailable(f"The database {self._settings.mysql_db} at {self._settings.mysql_host} "
                           f"cannot be used: {message}")


_VERSION = Prepared(select(version.VERSION))


_WITH_VERSION: WeakKeyDictionary[Prepared, Prepared] = WeakKeyDictionary()


def _with_version(prepared: Prepared) -> Prepared:
    if prepared not in _WITH_VERSION:
        _WITH_VERSION[prepared] = Prepared(prepared.statement.add_columns(version.VERSION))
    return _WITH_VERSION[prepared]


@cache
def _insertion(table: Table) -> Prepared:
    return Prepared(insert(table))


class _Work:
    """What a session has to store, kept so that it can be done once more after a rollback."""

    def __init__(self, session: Session) -> None:
        self._new = list(session.new)
        self._deleted = list(session.deleted)
        self._changes = [
            (obj, {each.key: each.value for each in inspect(obj).attrs if each.history.has_changes()})
            for obj in session.dirty
        ]
        # Statements that `write` sent in this transaction cannot be sent again from here.
        self.is_all = "sent" not in session.info

    def again(self, session: Session) -> None:
        session.add_all(self._new)
        for obj, values in self._changes:
            for name, value in values.items():
                setattr(obj, name, value)
        for obj in self._deleted:
            session.delete(obj)


def _key(message: str) -> str:
    """The key that says no to a second row, which stands behind the value."""
    found = re.search(r"for key '(?:\w+\.)?(?:uq_[a-z]+_)?(\w+)'$", message)
    return found[1] if found else "PRIMARY"


def _message(error: DBAPIError) -> str:
    return str(error.orig.args[-1] if error.orig and error.orig.args else error)


def _code(error: Any) -> int:
    arguments = getattr(error.orig, "args", ())
    return arguments[0] if arguments and isinstance(arguments[0], int) else 0
