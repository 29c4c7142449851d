"""Reading outside of any transaction: no session, no ping beforehand, no rollback afterwards.

Three quarters of what a small answer costs would be these. A connection that turns out to be gone
is made anew, and the statement sent once more, as reading twice harms nobody.
"""
from __future__ import annotations

from collections.abc import Callable, Generator, Mapping, Sequence
from typing import Any, TypeVar, cast
from weakref import WeakKeyDictionary

from sqlalchemy import ColumnElement, Engine, Executable, Select
from sqlalchemy.exc import DBAPIError

T = TypeVar("T")


class Prepared:
    """A statement that is compiled once for each storage, and sent many times.

    Args:
        statement: what to select; its values stand as `bindparam`s.
    """

    def __init__(self, statement: Select[Any]) -> None:
        self.statement = statement
        self._texts: WeakKeyDictionary[Engine, tuple[str, list[str], dict[str, Any]]] = WeakKeyDictionary()

    def on(self, engine: Engine, values: Mapping[str, Any],
           more: Sequence[ColumnElement[Any]]) -> tuple[str, tuple[Any, ...]]:
        """The SQL, with some more columns behind its own, and the values in the order of their places in it."""
        if engine not in self._texts:
            compiled = self.statement.add_columns(*more).compile(engine)
            self._texts[engine] = str(compiled), list(compiled.positiontup or ()), dict(compiled.params)
        text, names, constants = self._texts[engine]
        return text, tuple([values[name] if name in values else constants[name] for name in names])


class Reader:
    """Sends statements that only read.

    Args:
        engine: whose connections commit by themselves.
        before: is called before each statement.
        more: columns that each prepared statement gives behind its own.
    """

    def __init__(self, engine: Engine, before: Callable[[], None], *more: ColumnElement[Any]) -> None:
        self.engine = engine
        self._before = before
        self._more = more
        self._error = cast(Any, engine.dialect.loaded_dbapi).Error

    def rows(self, statement: Executable, values: Any = None) -> Sequence[Any]:
        return self._twice(lambda: self._rows(statement, values))

    def prepared(self, prepared: Prepared, values: Mapping[str, Any]) -> Sequence[Any]:
        return self._twice(lambda: self._driver_rows(*self.written(prepared, values)))

    def parts(self, statement: Executable, size: int) -> Generator[Sequence[Any], None, None]:
        """The rows, so many at a time, as they come."""
        self._before()
        with self.engine.connect() as connection:
            yield from connection.execution_options(yield_per=size).execute(statement).partitions()

    def written(self, prepared: Prepared, values: Mapping[str, Any]) -> tuple[str, tuple[Any, ...]]:
        """A prepared statement as the driver takes it, with its values."""
        return prepared.on(self.engine, values, self._more)

    def _rows(self, statement: Executable, values: Any) -> Sequence[Any]:
        with self.engine.connect() as connection:
            return connection.execute(statement, values).all()

    def _driver_rows(self, text: str, values: tuple[Any, ...]) -> Sequence[Any]:
        connection = cursor = None
        try:
            connection = self.engine.raw_connection()
            cursor = connection.cursor()
            cursor.execute(text, values)
            rows: Sequence[Any] = cursor.fetchall()
            return rows
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
