"""The database engine: MySQL 8 or MariaDB 10.11, through mysqlclient."""
from __future__ import annotations

import threading
from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import contextmanager
from functools import cache
from typing import TYPE_CHECKING, Any, TypeVar
from weakref import WeakKeyDictionary

from sqlalchemy import Connection, Executable, Insert, Select, Table, event, insert, inspect, select
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session, make_transient_to_detached
from sqlalchemy.orm.attributes import set_committed_value

import migrations
from config import Settings
from errors import HBNBError, Misconfigured, NotFound, Unavailable
from migrations import bootstrap
from models.base_model import BaseModel
from models.engine.autocommit import Autocommit
from models.engine.base import Pool, Storage, must_be_empty
from models.engine.compiled import Compiled, Rows, Tuples
from models.engine.db import connection as db_connection
from models.engine.db import errors, server, version
from models.engine.db import rows as db_rows
from models.engine.db.changed import CLASSES
from models.engine.db.errors import BUSY, DEADLOCK, DUPLICATE, REFUSED, UNKNOWN
from models.engine.file.journal import Objects
from models.engine.statements import Values
from models.engine.transactions import fitting
from models.family import CHUNK
from models.stored_check import StoredCheck

if TYPE_CHECKING:
    from migrations.runner import Migrations

T = TypeVar("T")

LOCK_TRIES = 10     # attempts to lock all tables; other transactions may lock them in another order, which can deadlock


class DBStorage(Storage):
    """Stores objects in a database.

    Args:
        settings: name the database; by default the settings of the environment. If `env` is `test`, all tables are
            dropped and created again.
    Raises:
        Misconfigured: the driver is not installed, or the settings are incomplete or invalid.
    """

    def __init__(self, settings: Settings | None = None) -> None:
        settings = settings or Settings.from_environ()
        if settings.env == "test" and not settings.is_for_tests:
            raise Misconfigured(f"HBNB_ENV is test, which drops all tables at start, but {settings.mysql_db} is not "
                                "named as a test database: set HBNB_MYSQL_DB to one whose name has the word test")
        self._settings = settings
        self._ready = False
        self._has_foreign_keys = False    # whether the database has all foreign keys: older ones may lack some
        self._mutex = threading.Lock()
        self._engines = db_connection.engines(settings)
        from MySQLdb.cursors import DictCursor, SSCursor, SSDictCursor
        super().__init__(self._engines.transactions, Autocommit(
            self._engines.statements, self._before_reading, (DictCursor,), (SSDictCursor,), (SSCursor,),
            self._engines.streams))
        version.track(self._engines.transactions)
        event.listen(self._sessions, "after_begin", self._make_ready)
        event.listen(self._sessions, "after_transaction_end", lambda session, _: session.info.pop("sent", None))

    def reload(self) -> None:
        super().reload()
        try:
            with self._translated():
                self._session.connection()
        except Unavailable as error:
            if getattr(error.__cause__, "orig", None) and errors.code(error.__cause__) in REFUSED:
                raise Misconfigured(str(error)) from error
            raise
        finally:
            self.close()

    def probe(self, seconds: float) -> None:
        db_connection.probe(self._settings, seconds)
        with self._translated():
            self._before_reading()

    def pools(self) -> dict[str, Pool]:
        pools: dict[str, Any] = {name: engine.pool for name, engine in self._engines._asdict().items()}
        most = self._settings.database.pool + self._settings.database.overflow
        return {name: Pool(pool.checkedout(), None if name == "statements" else most) for name, pool in pools.items()}

    def enforce_timeouts(self) -> None:
        limits = self._settings.database
        if self._autocommit.retry_limit != limits.statement:
            self._autocommit.retry_limit = limits.statement
            self._engines.limit(limits)
            self._autocommit.close_idle()

    def migrations(self) -> Migrations:
        try:
            from migrations.runner import Migrations  # imported here: Alembic may be missing, and is slow to import
        except ModuleNotFoundError as error:
            raise Misconfigured("Migrating needs alembic: pip install -r requirements/mysql.txt") from error
        return Migrations(self._autocommit.engine)

    def _make_ready(self, _session: Session, _transaction: Any, connection: Connection) -> None:
        """Check the server and its schema before the first transaction."""
        if self._ready:
            return
        with self._mutex:
            if not self._ready:
                self._check_schema(connection)
                self._has_foreign_keys = server.has_foreign_keys(connection)
                self._ready = True

    def _check_schema(self, connection: Connection) -> None:
        server.check(connection)
        if self._settings.guarded:      # creates no tables, so it need not wait for a process that does
            bootstrap.check_schema(connection, self._settings)
            return
        stamp = migrations.read_stamp(connection)
        if self._settings.env != "test" and stamp and stamp.fits:
            return
        # On another connection, because CREATE TABLE commits the transaction.
        with self._autocommit.engine.connect() as own, server.exclusive(own):
            bootstrap.prepare_schema(own, self._settings)

    def transact(self, function: Callable[[], T]) -> T:
        is_part = "transaction" in self._session.info

        def whole() -> T:
            # What the function decided by reading may be wrong after a rollback, so it is repeated from its start only.
            self._session.info["sent"] = True
            return function()
        try:
            return super().transact(whole)
        except Unavailable as error:
            if is_part or errors.code(error.__cause__) not in BUSY:
                raise
        return super().transact(whole)

    def lock(self, obj: BaseModel) -> None:
        self._session.info["sent"] = True
        super().lock(obj)

    @contextmanager
    def _consistent_reads(self) -> Iterator[None]:
        self._sessions.rollback()
        with self._translated():
            self._session.connection(execution_options={"isolation_level": "REPEATABLE READ"})
        yield

    def dump(self) -> Iterator[Objects]:
        with self.snapshot(), self._translated():
            yield from db_rows.everything(self._session.connection())

    def restore(self, parts: Iterable[Objects], replace: bool = False) -> None:
        self._sessions.rollback()
        with self.transaction(), self._translated():
            connection, counts = self._locked()
            if not replace:
                must_be_empty(counts)
            self._session.info["sent"] = True
            db_rows.clear(connection)
            db_rows.fill(connection, StoredCheck(in_database=True).checked(parts), self._translate)

    def _locked(self, tries: int = LOCK_TRIES) -> tuple[Connection, dict[str, int]]:
        """Lock all tables against writing; return the connection that holds the locks, and each table's row count."""
        try:
            connection = self._session.connection(execution_options={"isolation_level": "REPEATABLE READ"})
            return connection, db_rows.lock(connection)
        except DBAPIError as error:
            if errors.code(error) != DEADLOCK or tries == 1:
                raise
        self._sessions.rollback()
        return self._locked(tries - 1)

    def insert(self, obj: BaseModel) -> None:
        table = obj.__table__
        if self._in_transaction or table.name in CLASSES or not self._has_foreign_keys:
            super().insert(obj)
            return
        fitting(obj, is_new=True)
        values = {column.key: getattr(obj, column.key) for column in table.c}
        try:
            with self._translated():
                self._autocommit.compiled(self._compile(_insertion(table)), values)
        except HBNBError as error:
            cause = error.__cause__
            if not isinstance(cause, DBAPIError):
                raise
            if errors.code(cause) == UNKNOWN:
                raise NotFound() from cause
            if errors.code(cause) in BUSY:
                super().insert(obj)     # retries, in a transaction
                return
            # A row has this id already: the statement was sent twice, as its connection was lost before the response.
            if errors.code(cause) != DUPLICATE or not self.read(
                    select(table.c.id).where(table.c.id == obj.id)).all():
                raise
        for name in values.keys() - vars(obj).keys():
            set_committed_value(obj, name, values[name])
        make_transient_to_detached(obj)
        self.new(obj)       # as if it had been read

    def _partitions(self, statement: Select[Any], values: Values | None) -> Generator[Rows, None, None]:
        if self._in_transaction:
            yield from super()._partitions(statement, values)
            return
        with self._translated():
            compiled = Compiled(statement, self._engine) if values is None else self._compile(statement)
            yield from self._autocommit.partitions(compiled, values or {}, CHUNK)

    def _batches(self, statement: Executable, values: Values | None, size: int) -> Iterator[Tuples]:
        if self._in_transaction:
            yield from super()._batches(statement, values, size)
            return
        with self._translated():
            compiled = Compiled(statement, self._engine) if values is None else self._compile(statement)
            yield from self._autocommit.batches(compiled, values or {}, size)

    def _read_versioned(self, statement: Select[Any], values: Values) -> tuple[Rows, Any]:
        rows, found = self._autocommit.compiled(self._compile(_with_version(statement)), values), None
        for row in rows:
            found = row.pop("_version")
        return rows, found if rows else self._version()

    def _version(self) -> Any:
        return self._autocommit.compiled(self._compile(_VERSION), {})[0]["_version"]

    def _changes(self, since: Any) -> tuple[Any, list[tuple[str, str]]] | None:
        rows = self._autocommit.compiled_tuples(self._compile(version.CHANGES), {"since": since})
        return version.collected(rows, since)

    def _before_reading(self) -> None:
        if not self._ready:
            self._session.connection()
            self._sessions.rollback()

    def write(self, statement: Executable, values: Any = None) -> int:
        self._session.info["sent"] = True
        return super().write(statement, values)

    def _commit(self, session: Session) -> None:
        pending = _PendingChanges(session)
        try:
            self._commit_once(session)
        except DBAPIError as error:
            if errors.code(error) not in BUSY or not pending.is_complete:
                raise
            session.rollback()
            pending.reapply(session)
            self._commit_once(session)

    def _commit_once(self, session: Session) -> None:
        session.flush()
        try:
            session.commit()
        except DBAPIError as error:
            if error.statement is not None or not error.connection_invalidated:
                raise
            # A second COMMIT could store the changes twice.
            raise Unavailable("The connection to the database was lost before it confirmed the change, which may or "
                              "may not have been stored. Check whether it was stored before you try again") from error

    def _translate(self, error: DBAPIError) -> HBNBError:
        return errors.translate(error, self._settings)


_VERSION = select(version.VERSION)
_WITH_VERSION: WeakKeyDictionary[Any, Select[Any]] = WeakKeyDictionary()


def _with_version(statement: Select[Any]) -> Select[Any]:
    if (found := _WITH_VERSION.get(statement)) is None:
        found = _WITH_VERSION[statement] = statement.add_columns(version.VERSION)
    return found


@cache
def _insertion(table: Table) -> Insert:
    return insert(table)


class _PendingChanges:
    """The pending changes of a session, which can be applied again after a rollback."""

    def __init__(self, session: Session) -> None:
        self._new = list(session.new)
        self._deleted = list(session.deleted)
        self._changes = [
            (obj, {each.key: each.value for each in inspect(obj).attrs if each.history.has_changes()})
            for obj in session.dirty
        ]
        # Statements that `write` sent in this transaction cannot be repeated from here, and decisions made under a
        # `lock` may be wrong after the lock was released.
        self.is_complete = "sent" not in session.info

    def reapply(self, session: Session) -> None:
        session.add_all(self._new)
        for obj, values in self._changes:
            for name, value in values.items():
                setattr(obj, name, value)
        for obj in self._deleted:
            session.delete(obj)
