"""Statements that are a transaction each: no session, no ping beforehand, no rollback afterwards.

Three quarters of what a small answer costs would be these. A connection that turns out to be gone
is made anew, and the statement sent once more: only such are sent as may come twice.
"""
from __future__ import annotations

import math
import time
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import closing, suppress
from typing import Any, TypeVar, cast

from sqlalchemy import Engine, Executable, PoolProxiedConnection
from sqlalchemy.exc import DBAPIError

from models.engine.compiled import Compiled, Rows

T = TypeVar("T")


class Autocommit:
    """Sends statements that only read, or store one row with an id of its own.

    Args:
        engine: whose connections commit by themselves.
        before: is called before each statement.
        cursor: what the driver's `cursor` takes to give rows by name, if it can.
        streaming: the same, to give rows as they come.
        streams: whose connections are read for as long as somebody takes to be sent what they give; if others.
    """

    def __init__(self, engine: Engine, before: Callable[[], None], cursor: tuple[Any, ...] = (),
                 streaming: tuple[Any, ...] = (), streams: Engine | None = None) -> None:
        self.engine = engine
        self.streams = streams or engine
        self.patience = math.inf    # seconds, after which a server that does not answer is not asked again
        self._before = before
        self._cursor = cursor
        self._streaming = streaming
        # Connections that no thread uses just now: as many as were in use at once, however many threads there are.
        self._free: list[PoolProxiedConnection] = []
        self._others: list[Any] = []
        self._error = cast(Any, engine.dialect.loaded_dbapi).Error

    def forget(self) -> None:
        """Leave all connections to the process that this one was forked from."""
        self._others.append(self._free)     # or they would be closed, and the other process's with them
        self._free = []

    def give_up(self) -> None:
        """Close all connections that no thread uses."""
        for _ in range(len(self._free)):
            with suppress(IndexError):      # a thread was quicker
                self._free.pop().invalidate()
        for engine in {self.engine, self.streams}:
            engine.dispose()

    def rows(self, statement: Executable) -> Rows:
        """The rows of a statement that holds its values."""
        return self._twice(self._rows, statement)

    def compiled(self, statement: Compiled, values: Mapping[str, Any]) -> Rows:
        """The rows of a compiled statement."""
        return statement.converted(self._twice(self._sent, statement.text, statement.ordered(values)))

    def partitions(self, statement: Compiled, values: Mapping[str, Any], size: int) -> Generator[Rows, None, None]:
        """The same, so many at a time, as they come: on a connection of its own, as others are used meanwhile."""
        connection, cursor = self._twice(self._streamed, statement.text, statement.ordered(values))
        try:
            with closing(cursor):   # which reads what is left, before another thread gets the connection
                while part := cursor.fetchmany(size):
                    yield statement.converted(_named(cursor, part))
        except self._error as error:
            raise self._said(error, connection, statement.text) from error
        finally:
            connection.close()

    def _rows(self, statement: Executable) -> Rows:
        with self.engine.connect() as connection:
            return [dict(row) for row in connection.execute(statement).mappings()]

    def _sent(self, text: str, values: tuple[Any, ...]) -> Rows:
        free = self._free
        try:
            connection: Any = free.pop()
        except IndexError:
            connection = None
        try:
            if connection is None:
                connection = self.engine.raw_connection()
            cursor = connection.cursor(*self._cursor)
            cursor.execute(text, values)
            rows = _named(cursor, cursor.fetchall()) if cursor.description else []
            cursor.close()
            free.append(connection)
            return rows
        except self._error as error:
            raise self._said(error, connection, text) from error
        except BaseException:       # such as Ctrl-C: nobody knows what the server would answer next
            if connection is not None:
                connection.invalidate()
            raise

    def _streamed(self, text: str, values: tuple[Any, ...]) -> tuple[Any, Any]:
        connection = None
        try:
            connection = self.streams.raw_connection()
            cursor = connection.cursor(*self._streaming)
            cursor.execute(text, values)
            return connection, cursor
        except self._error as error:
            raise self._said(error, connection, text) from error

    def _said(self, error: Any, connection: PoolProxiedConnection | None, text: str) -> DBAPIError:
        """A driver's error as the engine says it; its connection is given back, if it is one still."""
        gone = connection is None or self.engine.dialect.is_disconnect(error, None, None)
        if connection is not None:
            if gone:
                connection.invalidate(error)
            connection.close()
        return DBAPIError(text, None, error, hide_parameters=True, connection_invalidated=gone)

    def _twice(self, send: Callable[..., T], *arguments: Any) -> T:
        self._before()
        start = time.monotonic()
        try:
            return send(*arguments)
        except DBAPIError as error:
            if not error.connection_invalidated or time.monotonic() - start >= self.patience:
                raise
        self.give_up()      # the others are gone as well
        return send(*arguments)


def _named(cursor: Any, rows: Sequence[Any]) -> Rows:
    """Rows by the names of their columns, which some drivers give so themselves."""
    if rows and isinstance(rows[0], dict):
        return cast(Rows, rows)
    names = [column[0] for column in cursor.description]
    return [dict(zip(names, row, strict=True)) for row in rows]
