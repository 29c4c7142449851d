"""Statements in autocommit mode, without a session, a ping before or a rollback after them.

These three would be three quarters of the cost of a small response. If a connection turns out to be closed, the
statement is sent once more on a new one; so only statements that may run twice are sent here.
"""
from __future__ import annotations

import math
import time
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import closing, suppress
from typing import Any, TypeVar, cast

from sqlalchemy import Engine, Executable, PoolProxiedConnection
from sqlalchemy.exc import DBAPIError

from models.engine.compiled import Compiled, Rows, Tuples

T = TypeVar("T")


class Autocommit:
    """Sends statements that only read, or that insert one row with an id.

    Args:
        engine: its connections commit each statement.
        before: called before each statement.
        cursor: arguments of the driver's `cursor` for rows that are dictionaries, if it has such cursors.
        streaming: arguments of the driver's `cursor` for unbuffered rows that are dictionaries, likewise.
        streaming_tuples: arguments of the driver's `cursor` for unbuffered rows that are tuples.
        streams: the engine for `partitions` and `batches`, whose connections stay in use for as long as the client
            needs to receive the rows; by default `engine`.
    """

    def __init__(self, engine: Engine, before: Callable[[], None], cursor: tuple[Any, ...] = (),
                 streaming: tuple[Any, ...] = (), streaming_tuples: tuple[Any, ...] = (),
                 streams: Engine | None = None) -> None:
        self.engine = engine
        self.streams = streams or engine
        self.retry_limit = math.inf    # seconds; a statement that failed after this time is not sent again
        self._before = before
        self._cursor = cursor
        self._streaming = streaming
        self._streaming_tuples = streaming_tuples
        # Idle connections: at most as many as were in use at once, however many threads there are.
        self._free: list[PoolProxiedConnection] = []
        self._inherited: list[Any] = []
        self._error = cast(Any, engine.dialect.loaded_dbapi).Error

    def forget_connections(self) -> None:
        """Stop using the connections of the parent process, after a fork."""
        self._inherited.append(self._free)     # a reference, because closing them would close the parent's connections
        self._free = []

    def close_idle(self) -> None:
        """Close all idle connections."""
        for _ in range(len(self._free)):
            with suppress(IndexError):      # another thread has taken it
                self._free.pop().invalidate()
        for engine in {self.engine, self.streams}:
            engine.dispose()

    def rows(self, statement: Executable) -> Rows:
        """Execute a statement that includes its values, and return its rows."""
        return self._send_with_retry(self._rows, statement)

    def compiled(self, statement: Compiled, values: Mapping[str, Any]) -> Rows:
        """Execute a compiled statement, and return its rows."""
        return statement.converted(self._send_with_retry(self._sent, statement.text, statement.ordered(values)))

    def tuples(self, statement: Executable) -> Tuples:
        """As `rows`, but return tuples."""
        return self._send_with_retry(self._tuples, statement)

    def compiled_tuples(self, statement: Compiled, values: Mapping[str, Any]) -> Tuples:
        """As `compiled`, but return tuples."""
        return statement.converted_tuples(
            self._send_with_retry(self._sent, statement.text, statement.ordered(values), False))

    def partitions(self, statement: Compiled, values: Mapping[str, Any], size: int) -> Generator[Rows, None, None]:
        """Execute a compiled statement, and yield its rows in parts of `size`, unbuffered.

        It has a connection of its own until the end, as the caller may send other statements meanwhile.
        """
        return self._parts(statement, values, size, self._streaming,
                           lambda cursor, part: statement.converted(_named(cursor, part)))

    def batches(self, statement: Compiled, values: Mapping[str, Any], size: int) -> Generator[Tuples, None, None]:
        """As `partitions`, but yield tuples."""
        return self._parts(statement, values, size, self._streaming_tuples,
                           lambda _, part: statement.converted_tuples([*part]))

    def _parts(self, statement: Compiled, values: Mapping[str, Any], size: int, kind: tuple[Any, ...],
               converted: Callable[[Any, Sequence[Any]], T]) -> Generator[T, None, None]:
        connection, cursor = self._send_with_retry(self._streamed, statement.text, statement.ordered(values), kind)
        try:
            with closing(cursor):   # reads the remaining rows before another thread gets the connection
                while part := cursor.fetchmany(size):
                    yield converted(cursor, part)
        except self._error as error:
            raise self._wrapped(error, connection, statement.text) from error
        finally:
            connection.close()

    def _rows(self, statement: Executable) -> Rows:
        with self.engine.connect() as connection:
            return [dict(row) for row in connection.execute(statement).mappings()]

    def _tuples(self, statement: Executable) -> Tuples:
        with self.engine.connect() as connection:
            return [*map(tuple, connection.execute(statement))]

    def _sent(self, text: str, values: tuple[Any, ...], named: bool = True) -> list[Any]:
        free = self._free
        try:
            connection: Any = free.pop()
        except IndexError:
            connection = None
        try:
            if connection is None:
                connection = self.engine.raw_connection()
            cursor = connection.cursor(*self._cursor if named else ())
            cursor.execute(text, values)
            rows = cursor.fetchall() if cursor.description else []
            rows = _named(cursor, rows) if named and rows else [*rows]
            cursor.close()
            free.append(connection)
            return rows
        except self._error as error:
            raise self._wrapped(error, connection, text) from error
        except BaseException:       # such as Ctrl-C: the server's next response may belong to this statement
            if connection is not None:
                connection.invalidate()
            raise

    def _streamed(self, text: str, values: tuple[Any, ...], kind: tuple[Any, ...]) -> tuple[Any, Any]:
        connection = None
        try:
            connection = self.streams.raw_connection()
            cursor = connection.cursor(*kind)
            cursor.execute(text, values)
            return connection, cursor
        except self._error as error:
            raise self._wrapped(error, connection, text) from error

    def _wrapped(self, error: Any, connection: PoolProxiedConnection | None, text: str) -> DBAPIError:
        """Wrap a driver's error in SQLAlchemy's, and return the connection to its pool if it is still open."""
        gone = connection is None or self.engine.dialect.is_disconnect(error, None, None)
        if connection is not None:
            if gone:
                connection.invalidate(error)
            connection.close()
        return DBAPIError(text, None, error, hide_parameters=True, connection_invalidated=gone)

    def _send_with_retry(self, send: Callable[..., T], *arguments: Any) -> T:
        self._before()
        start = time.monotonic()
        try:
            return send(*arguments)
        except DBAPIError as error:
            if not error.connection_invalidated or time.monotonic() - start >= self.retry_limit:
                raise
        self.close_idle()   # the other idle connections are closed as well
        return send(*arguments)


def _named(cursor: Any, rows: Sequence[Any]) -> Rows:
    """Return rows as dictionaries by column name; some drivers return such rows already."""
    if rows and isinstance(rows[0], dict):
        return cast(Rows, rows)
    names = [column[0] for column in cursor.description]
    return [dict(zip(names, row, strict=True)) for row in rows]
