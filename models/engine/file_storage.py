"""The file engine: an SQLite database in memory, read from one JSON file and written back to it.

Queries, relationships, cascades and rollback are the same code for both engines. Only the file
engine writes each transaction's changes to a file before it commits them in memory, and reads the
changes of other processes before each statement.
"""
from __future__ import annotations

import logging
import os
import sqlite3
import threading
import time
import uuid
import weakref
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager, suppress
from typing import Any

from sqlalchemy import Select, create_engine, event
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session
from sqlalchemy.pool import QueuePool

from errors import Damaged, HBNBError, Invalid, Unavailable, taken
from legacy import json_file
from models import passwords
from models.collation import lower
from models.engine.autocommit import Autocommit
from models.engine.base import Storage, must_be_empty
from models.engine.compiled import Rows
from models.engine.file import lock, tables
from models.engine.file.change_log import ChangeLog
from models.engine.file.journal import Objects
from models.engine.file.json_file import JSONFile
from models.engine.statements import Values
from models.stored_check import StoredCheck

BUSY_TIMEOUT = 60.0     # seconds that a thread waits for another thread's commit in memory
PAUSE = 0.05            # seconds before the second attempt to read a file


def _lower(text: str | None) -> str | None:
    """MySQL's LOWER; SQLite's own knows ASCII only."""
    return None if text is None else lower(text)


class FileStorage(Storage):
    """Stores objects in a JSON file.

    Args:
        path: the file; if it does not exist, the store is empty.
    """

    is_lenient = True

    def __init__(self, path: str | os.PathLike[str] = "file.json") -> None:
        self._file = JSONFile(path)
        # A database of this name exists in memory as long as there is a connection to it.
        self._uri = f"file:/hbnb-{uuid.uuid4()}?vfs=memdb"
        self._memory = self._connect(isolation_level=None)
        # Each thread needs a connection; these cost nothing, as the database is in memory.
        engine = create_engine("sqlite://", creator=self._connect, poolclass=QueuePool, max_overflow=-1,
                               hide_parameters=True)
        super().__init__(engine, Autocommit(engine, self._catch_up))
        # Guards `_memory` and the state of `_file`; a thread that waits for other processes does not hold it.
        self._mutex = threading.RLock()
        self._is_current = False    # whether a thread holds the file's lock and has loaded all changes
        self._log = ChangeLog()
        self._conversion = json_file.Conversion()
        event.listen(self._sessions, "do_orm_execute", self._catch_up)
        weakref.finalize(self, _fold, self._file, self._memory)

    def probe(self, seconds: float) -> None:
        self._file.probe()
        self._catch_up()

    def owns(self, path: str) -> bool:
        return os.path.realpath(path) in self._file.paths

    def enforce_timeouts(self) -> None:
        self._file.timeout = lock.REQUEST_TIMEOUT

    def compact(self) -> None:
        with self._exclusive(), self._mutex:
            self._file.fold(lambda: tables.everything(self._memory))

    def reload(self) -> None:
        super().reload()
        with self._file.lock.reading(self._file.timeout), self._mutex:
            self._file.forget()
            self._read_changes()
        if self._conversion.converted:
            self._write_converted()

    def _write_converted(self) -> None:
        """Write the converted objects to an older HBNB's file, if possible, so that it no longer holds passwords."""
        count = self._conversion.converted
        message = (f"{self._file.path}: {count} {'object was' if count == 1 else 'objects were'} converted from the "
                   "old format")
        try:
            with self._exclusive(), self._mutex:
                if not self._conversion.converted:    # another process has written it meanwhile
                    return
                self._conversion.converted = 0
                self._file.rewrite(lambda: tables.everything(self._memory))
        except Unavailable as error:
            message = f"{message} in memory, but the file was not changed: {error}"
        logging.getLogger("hbnb").warning(message)

    def dump(self) -> Iterator[Objects]:
        with closing(self._connect(isolation_level=None)) as memory:
            with self._file.lock.reading(self._file.timeout):
                self._read_changes()
                memory.execute("BEGIN")     # a snapshot from its first statement on; other processes need not wait
                memory.execute("SELECT count(*) FROM changed").fetchone()
            yield from tables.everything(memory)

    def restore(self, parts: Iterable[Objects], replace: bool = False) -> None:
        with self._exclusive(), self._mutex:
            self._memory.execute("BEGIN IMMEDIATE")
            try:
                if not replace:
                    must_be_empty(tables.count(self._memory))
                tables.load(self._memory, self._checked(parts), whole=True)
                self._file.rewrite(lambda: tables.everything(self._memory))
                self._memory.execute("COMMIT")
                self._log.clear()
            except BaseException:
                self._memory.execute("ROLLBACK")
                self._file.forget()
                raise

    @contextmanager
    def _exclusive(self) -> Iterator[None]:
        with self._file.writing():
            self._read_changes()
            outer, self._is_current = self._is_current, True
            try:
                yield
            finally:
                self._is_current = outer

    @contextmanager
    def _consistent_reads(self) -> Iterator[None]:
        with self._file.lock.reading(self._file.timeout):
            self._read_changes()
            yield

    def _prepare(self, session: Session) -> None:
        tables.fill_blanks(session.new)
        super()._prepare(session)

    def _commit(self, session: Session) -> None:
        with self._exclusive(), self._mutex:
            session.flush()
            connection: Any = session.connection().connection.driver_connection
            changes = tables.take_changes(connection)
            try:
                if changes:
                    self._file.write(changes, lambda: tables.everything(connection))
                session.commit()
                self._log.add(changes)      # only now: earlier reads must not get the new version
            except BaseException:
                # The file may hold changes that memory rolls back now, so the next read loads the whole file.
                self._file.forget()
                raise

    def _read_versioned(self, statement: Select[Any], values: Values) -> tuple[Rows, Any]:
        while True:
            version = self._version()
            rows = self._autocommit.compiled(self._compile(statement), values)
            with self._mutex:       # held from before a commit changes the rows until it has changed the version
                if self._log.version == version:
                    return rows, version

    def _version(self) -> Any:
        self._catch_up()
        return self._log.version

    def _changes(self, since: Any) -> tuple[Any, list[tuple[str, str]]] | None:
        self._catch_up()
        return self._log.since(since)

    def _catch_up(self, *_: Any) -> None:
        if not self._is_current and self._file.changed():
            with self._file.lock.peeking():
                self._read_changes()

    def _read_changes(self) -> None:
        with self._mutex:
            while self._file.changed():
                seen = self._file.stamps()
                try:
                    self._load_changes()
                    return
                except Unavailable:
                    time.sleep(PAUSE)
                    if self._file.stamps() == seen:
                        raise
                    # Another program is replacing the files one by one: try again.

    def _load_changes(self) -> None:
        self._memory.execute("BEGIN IMMEDIATE")
        try:
            whole, parts = self._file.changes()
            self._conversion = json_file.Conversion() if whole else self._conversion
            keys: list[str] = []
            tables.load(self._memory, self._converted(parts if whole else _noted(parts, keys)), whole)
            self._memory.execute("COMMIT")
            if whole:
                self._log.clear()
            else:
                self._log.add(keys)
            self._file.mark_read()
            if whole:
                self._conversion.log(self._file.path)
        except BaseException as error:
            self._memory.execute("ROLLBACK")
            self._file.forget()
            if isinstance(error, Invalid):
                raise Damaged(f"{self._file.path} is damaged: {error}. Nothing was changed. "
                              "Repair it, or restore a backup") from error
            raise

    def _converted(self, parts: Iterable[Objects]) -> Iterator[Objects]:
        for part in parts:
            found = self._conversion.convert(part) if self._file.is_old else part
            self._conversion.converted += passwords.protect(found, unset=self._file.is_old)
            yield found

    @staticmethod
    def _checked(parts: Iterable[Objects]) -> Iterator[Objects]:
        """Check the objects of a backup, and hash their passwords: an older HBNB's backup may hold them as text."""
        for part in StoredCheck(in_database=False).checked(parts):
            passwords.protect(part)
            yield part

    def _connect(self, **options: Any) -> sqlite3.Connection:
        connection: sqlite3.Connection = sqlite3.connect(
            self._uri, uri=True, timeout=BUSY_TIMEOUT, check_same_thread=False, **options)
        connection.create_function("lower", 1, _lower, deterministic=True)
        return connection

    def _translate(self, error: DBAPIError) -> HBNBError:
        kind, _, reason = str(error.orig).partition(" constraint failed: ")
        if kind == "UNIQUE":
            return taken(reason.rpartition(".")[2])
        if kind == "CHECK":
            return Invalid(reason)
        return Unavailable(f"{self._file.path}: {error.orig}")


def _noted(parts: Iterable[Objects], keys: list[str]) -> Iterator[Objects]:
    """Yield parts of objects, and add the objects' keys to a list."""
    for part in parts:
        keys += part
        yield part


def _fold(file: JSONFile, memory: sqlite3.Connection) -> None:
    """Merge the journal into the file when a program that changed it ends, unless another program uses the file."""
    if not file.appended:
        return
    with suppress(Unavailable), file.writing(timeout=0):     # on failure, the journal keeps the changes
        if not file.changed():
            file.fold(lambda: tables.everything(memory))
