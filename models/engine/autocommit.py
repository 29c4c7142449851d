"""Statements that are a transaction each: no session, no ping beforehand, no rollback afterwards.

Three quarters of what a small answer costs would be these. A connection that turns out to be gone
is made anew, and the statement sent once more: only such are sent as may come twice.
"""
from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, TypeVar, cast
from weakref import WeakKeyDictionary

from sqlalchemy import ColumnElement, Engine, Executable
from sqlalchemy.exc import DBAPIError

T = TypeVar("T")
Rows = list[dict[str, Any]]     # by the names of their columns


class Prepared:
    """A statement that is compiled once for each engine, and sent many times.

    Args:
        statement: what to select; its values stand as `bindparam`s. Or what to insert.
    """

    def __init__(self, statement: Any) -> None:
        self.statement = statement
        self._texts: WeakKeyDictionary[Engine, tuple[str, list[tuple[str, Any]]]] = WeakKeyDictionary()

    def on(self, engine: Engine, values: Mapping[str, Any], *more: ColumnElement[Any]) -> tuple[str, tuple[Any, ...]]:
        """The SQL, with some more columns behind its own, and the values in the order of their places in it."""
        if engine not in self._texts:
            statement = self.statement.add_columns(*more) if more else self.statement
            compiled = statement.compile(engine)
            # Some compilers add values of their own.
            names = [(name, compiled.params[name]) for name in compiled.positiontup or ()]
            self._texts[engine] = str(compiled), names
        text, names = self._texts[engine]
        return text, tuple([values.get(name, own) for name, own in names])


class Autocommit:
    """Sends statements that only read, or store one row with an id of its own.

    Args:
        engine: whose connections commit by themselves.
        before: is called before each statement.
        cursor: what the driver's `cursor` takes to give rows by name, if it can.
        streaming: the same, to give rows as they come.
        more: columns that each prepared statement gives behind its own.
    """

    def __init__(self, engine: Engine, before: Callable[[], None], cursor: tuple[Any, ...] = (),
                 streaming: tuple[Any, ...] = (), *more: ColumnElement[Any]) -> None:
        self.engine = engine
        self._before = before
        self._cursor = cursor
        self._streaming = streaming
        self._more = more
        self._error = cast(Any, engine.dialect.loaded_dbapi).Error

    def rows(self, statement: Executable, values: Any = None) -> Sequence[Any]:
        return self._twice(lambda: self._rows(statement, values))

    def stream(self, statement: Executable, size: int) -> Generator[Rows, None, None]:
        """The rows by name, so many at a time, as they come."""
        self._before()
        with self.engine.connect() as connection:
            for part in connection.execution_options(yield_per=size).execute(statement).partitions():
                yield [dict(row._mapping) for row in part]

    def prepared(self, prepared: Prepared, values: Mapping[str, Any]) -> Rows:
        text, ordered = prepared.on(self.engine, values, *self._more)
        return self._twice(lambda: self._sent(text, ordered))

    def insert(self, prepared: Prepared, values: Mapping[str, Any]) -> None:
        text, ordered = prepared.on(self.engine, values)
        self._twice(lambda: self._sent(text, ordered))

    def parts(self, prepared: Prepared, values: Mapping[str, Any], size: int) -> Generator[Rows, None, None]:
        """The same, so many at a time, as they come."""
        self._before()
        text, ordered = prepared.on(self.engine, values)
        with self._opened(text, self._streaming) as cursor:
            cursor.execute(text, ordered)
            while part := cursor.fetchmany(size):
                yield _named(cursor, part)

    def _rows(self, statement: Executable, values: Any) -> Sequence[Any]:
        with self.engine.connect() as connection:
            return connection.execute(statement, values).all()

    def _sent(self, text: str, values: tuple[Any, ...]) -> Rows:
        with self._opened(text, self._cursor) as cursor:
            cursor.execute(text, values)
            return _named(cursor, cursor.fetchall()) if cursor.description else []

    @contextmanager
    def _opened(self, text: str, kind: tuple[Any, ...]) -> Iterator[Any]:
        """A cursor of the driver's own, whose errors are said as the engine says them."""
        connection = cursor = None
        try:
            connection = self.engine.raw_connection()
            cursor = connection.cursor(*kind)
            yield cursor
        except self._error as error:
            gone = connection is None or self.engine.dialect.is_disconnect(error, None, None)
            if gone and connection is not None:
                connection.invalidate(error)
            raise DBAPIError(text, None, error, hide_parameters=True, connection_invalidated=gone) from error
        finally:
            if cursor is not None:
                cursor.close()
            if connection is not None:
                connection.close()

    def _twice(self, read: Callable[[], T]) -> T:
        self._before()
        try:
            return read()
        except DBAPIError as error:
            if not error.connection_invalidated:
                raise
        self.engine.dispose()       # the others are gone as well
        return read()


def _named(cursor: Any, rows: Sequence[Any]) -> Rows:
    """Rows by the names of their columns, which some drivers give so themselves."""
    if rows and isinstance(rows[0], dict):
        return cast(Rows, rows)
    names = [column[0] for column in cursor.description]
    return [dict(zip(names, row, strict=True)) for row in rows]
