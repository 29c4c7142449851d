"""The database engine: MySQL 8 or MariaDB 10.11, through mysqlclient."""
from __future__ import annotations

import datetime
import logging
import re
import threading
from collections.abc import Generator, Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from typing import Any
from weakref import WeakKeyDictionary

from sqlalchemy import URL, Connection, Executable, Select, Table, create_engine, event, insert, inspect, select, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.orm import Session, make_transient_to_detached
from sqlalchemy.orm.attributes import set_committed_value
from sqlalchemy.schema import CreateTable

import models
from config import Settings
from errors import Conflict, HBNBError, Invalid, Misconfigured, NotFound, Unavailable
from models.base_model import BaseModel
from models.columns import Base
from models.engine import version
from models.engine.autocommit import Autocommit, Prepared, Rows
from models.engine.cascade import CHUNK
from models.engine.storage import Storage, taken

# Nothing is cut or rounded silently, and every server takes and gives the same times.
ON_CONNECT = ("SET SESSION time_zone = '+00:00', sql_mode = "
              "'STRICT_ALL_TABLES,NO_ZERO_IN_DATE,NO_ZERO_DATE,ERROR_FOR_DIVISION_BY_ZERO,NO_ENGINE_SUBSTITUTION'")
CONNECT_TIMEOUT = 5     # seconds
DEADLOCK, LOCK_WAIT_TIMEOUT = 1213, 1205

# Who may not come in, and where there is nothing to come to: no second try will help.
_REFUSED = {1044, 1045, 1049, 1130, 1698}
_INVALID = {
    1048: "{0} is missing",
    1364: "{0} is missing",
    1406: "{0} is too long",
    1264: "{0} is out of range",
    1366: "{0} holds a character that this column cannot: its table is not utf8mb4",
    1452: "{0} names nothing that is there",
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
        try:
            options: dict[str, Any] = {
                "max_overflow": 20, "hide_parameters": True, "connect_args": _address(settings.mysql_host) | {
                    "charset": "utf8mb4", "init_command": ON_CONNECT, "connect_timeout": CONNECT_TIMEOUT,
                    "conv": _converters()}}
            engine = create_engine(_url(settings), isolation_level="READ COMMITTED", pool_pre_ping=True, **options)
            reading = create_engine(_url(settings), isolation_level="AUTOCOMMIT", skip_autocommit_rollback=True,
                                    **options)
        except ModuleNotFoundError as error:
            raise Misconfigured("HBNB_TYPE_STORAGE is db, which needs mysqlclient: "
                                "pip install -r requirements-mysql.txt") from error
        from MySQLdb.cursors import DictCursor, SSDictCursor
        super().__init__(engine, Autocommit(
            reading, self._before_reading, (DictCursor,), (SSDictCursor,)))
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

    def _make_ready(self, _session: Session, _transaction: Any, connection: Connection) -> None:
        """Check the server and make the tables, before the first statement that reaches it."""
        if self._ready:
            return
        with self._mutex, _only_one(connection):
            if not self._ready:
                self._check(connection)
                if self._settings.env == "test":
                    Base.metadata.drop_all(connection)
                Base.metadata.create_all(connection)
                _create_indexes(connection)
                self._keeps_keys = _has_all_keys(connection)
                version.prepare(connection)
                self._ready = True

    def _check(self, connection: Connection) -> None:
        mode, charset = connection.execute(text("SELECT @@sql_mode, @@character_set_connection")).one()
        if "STRICT_ALL_TABLES" not in mode:
            raise Misconfigured("The server does not keep to strict mode, so it would cut texts silently: "
                                f"allow sql_mode STRICT_ALL_TABLES (it is {mode or 'empty'})")
        if charset != "utf8mb4":
            raise Misconfigured(f"The connection speaks {charset}, so names would be damaged: allow utf8mb4")
        found = connection.scalars(text(
            "SELECT DISTINCT table_name FROM information_schema.columns WHERE table_schema = DATABASE() "
            "AND column_name IN ('name', 'text', 'email') AND character_set_name <> 'utf8mb4'")).all()
        old = [cls.__tablename__ for cls in models.classes.values() if cls.__tablename__ in found]
        if old:
            logging.getLogger("hbnb").warning(
                "%s of %s cannot hold every character, as they are not utf8mb4: names such as Hawai\u02bbi will be "
                "refused. To be rid of that, export this database and import that into a new one",
                ", ".join(old), self._settings.mysql_db)

    @contextmanager
    def _still(self) -> Iterator[None]:
        self._sessions.rollback()
        with self._translated():
            self._session.connection(execution_options={"isolation_level": "REPEATABLE READ"})
        yield

    def insert(self, obj: BaseModel) -> None:
        table = obj.__table__
        if self._is_at_work or table.name in version.TABLES or not self._keeps_keys:
            super().insert(obj)
            return
        values = {column.key: getattr(obj, column.key) for column in table.c}
        try:
            self._autocommit.prepared(_insertion(table), values)
        except DBAPIError as error:
            # Somebody has this id: nobody but the same statement, whose connection was lost before it could answer.
            stored = _code(error) == 1062 and "PRIMARY" in str(error.orig)
            if _code(error) == 1452:
                raise NotFound() from error
            if not stored and _code(error) not in (DEADLOCK, LOCK_WAIT_TIMEOUT):
                raise self._translate(error) from error
            if not stored:
                super().insert(obj)     # which tries twice
                return
        for name in values.keys() - vars(obj).keys():
            set_committed_value(obj, name, values[name])
        make_transient_to_detached(obj)
        self.new(obj)       # as one that was read

    def parts(self, statement: Prepared, values: Mapping[str, Any]) -> Generator[Rows, None, None]:
        if self._is_at_work:
            yield from super().parts(statement, values)
            return
        with self._translated():
            yield from self._autocommit.parts(statement, values, CHUNK)

    def stream(self, statement: Select[Any], limit: int | None = None, offset: int = 0) -> Generator[Rows, None, None]:
        if self._is_at_work:
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
        code, message = _code(error), str(error.orig.args[-1] if error.orig and error.orig.args else error)
        if code in _INVALID:
            column = re.search(r"FOREIGN KEY \(`(\w+)`\)|[Cc]olumn '(\w+)'|[Ff]ield '(\w+)'|\.`(\w+)` at row", message)
            name = next(filter(None, column.groups()), None) if column else None
            return Invalid(_INVALID[code].format(name or message), name)
        if code == 1062:
            key = re.search(r"for key '(?:\w+\.)?(?:uq_[a-z]+_)?(\w+)'", message)
            return taken("id" if key is None or key[1] == "PRIMARY" else key[1])
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


@compiles(CreateTable, "mysql", "mariadb")
def _create_table(element: CreateTable, compiler: Any, **options: Any) -> str:
    """Whatever the database's defaults are: all characters, compared exactly, and transactions."""
    return f"{compiler.visit_create_table(element, **options)} ENGINE=InnoDB CHARSET=utf8mb4 COLLATE=utf8mb4_bin"


def _create_indexes(connection: Connection) -> None:
    """Add the indexes that a database of an older HBNB lacks."""
    there = {tuple(row) for row in connection.execute(text(
        "SELECT table_name, index_name FROM information_schema.statistics WHERE table_schema = DATABASE()"))}
    for table in Base.metadata.sorted_tables:
        for index in table.indexes:
            if (table.name, index.name) not in there:
                index.create(connection)


def _has_all_keys(connection: Connection) -> bool:
    there = {tuple(row) for row in connection.execute(text(
        "SELECT table_name, column_name FROM information_schema.key_column_usage "
        "WHERE table_schema = DATABASE() AND referenced_table_name IS NOT NULL"))}
    return all((table.name, key.parent.name) in there for table in Base.metadata.sorted_tables
               for key in table.foreign_keys)


@contextmanager
def _only_one(connection: Connection) -> Iterator[None]:
    """Of all processes that start at the same time, one makes the tables."""
    name = "CONCAT('hbnb.', LEFT(DATABASE(), 50))"
    if connection.scalar(text(f"SELECT GET_LOCK({name}, 60)")) != 1:
        raise Unavailable("Another process is making the tables, and does not end: try again")
    try:
        yield
    finally:
        connection.execute(text(f"SELECT RELEASE_LOCK({name})"))


def _converters() -> dict[Any, Any]:
    """The driver's, but for one that writes a time in a quarter of the time."""
    from MySQLdb.converters import conversions
    return {**conversions, datetime.datetime: lambda time, _: f"'{time.isoformat(' ')}'"}


def _url(settings: Settings) -> URL:
    return URL.create("mysql+mysqldb", settings.mysql_user, settings.mysql_pwd, database=settings.mysql_db)


def _address(host: str) -> dict[str, Any]:
    """Read `host`, `host:port`, `[v6 address]:port` or the path of a socket."""
    if host.startswith("/"):
        return {"unix_socket": host}
    name, port = host, ""
    if host.startswith("["):
        name, _, port = host[1:].partition("]")
        port = port.lstrip(":")
    elif host.count(":") == 1:
        name, port = host.split(":")
    if port and not (port.isascii() and port.isdigit() and 0 < int(port) < 65536):
        raise Misconfigured(f"HBNB_MYSQL_HOST is {host!r}: what follows the colon should be a port number")
    return {"host": name, "port": int(port or 3306)}


def _code(error: Any) -> int:
    arguments = getattr(error.orig, "args", ())
    return arguments[0] if arguments and isinstance(arguments[0], int) else 0
