"""The methods of a storage that send statements: `read` and `write`."""
from __future__ import annotations

from collections.abc import Generator, Iterator, Mapping
from typing import Any, NamedTuple
from weakref import WeakKeyDictionary

from sqlalchemy import Engine, Executable, Select, select

from models.engine.autocommit import Autocommit
from models.engine.compiled import Compiled, Row, Rows, Tuples
from models.engine.transactions import Transactions
from models.family import CHUNK, chunks

Values = Mapping[str, Any]


class Changes(NamedTuple):
    """What was changed after a version of the storage.

    Args:
        version: the current version.
        objects: the class and id of each object that was created, changed or removed, in the order of the last changes.
    """

    version: Any
    objects: list[tuple[str, str]]


class Result:
    """The rows of a statement, each a dictionary by column name.

    Each method sends the statement, and raises `Unavailable` if the storage cannot be reached.
    """

    def __init__(self, storage: Statements, statement: Any, values: Values | None) -> None:
        self._storage = storage
        self._statement = statement
        self._values = values

    def __iter__(self) -> Iterator[Row]:
        return iter(self.all())

    def all(self) -> Rows:
        """Return all rows."""
        return self._storage._rows(self._statement, self._values)

    def first(self) -> Row | None:
        """Return the first row, or `None`. All rows are fetched, so limit a statement that may have many."""
        return next(iter(self.all()), None)

    def scalars(self) -> list[Any]:
        """Return the value of the first column of each row."""
        return [row[0] for row in self.tuples()]

    def tuples(self) -> list[tuple[Any, ...]]:
        """Return the values of each row, in the order of the columns."""
        return self._storage._tuples(self._statement, self._values)

    def batches(self, size: int) -> Iterator[Tuples]:
        """Yield all rows as by `tuples`, in parts of `size`.

        With a database they are not kept in memory, but received while the caller asks for them, except inside a
        transaction.
        """
        return self._storage._batches(self._statement, self._values, size)

    def partitions(self) -> Generator[Rows, None, None]:
        """Yield all rows in parts of a thousand, to save memory.

        The statement must select from one model's table, and at most one row for each `id`.
        """
        return self._storage._partitions(self._statement, self._values)

    def versioned(self) -> tuple[Rows, Any]:
        """Return all rows, and the storage's `version` at that moment. `read` must have been called with values."""
        return self._storage._versioned(self._statement, self._values or {})


class Statements(Transactions):
    """Sends statements, within the transaction of the thread's session if it has begun one."""

    def __init__(self, engine: Engine, autocommit: Autocommit) -> None:
        super().__init__(engine, autocommit)
        self._compiled: WeakKeyDictionary[Any, Compiled] = WeakKeyDictionary()

    def read(self, statement: Executable, values: Values | None = None) -> Result:
        """Read rows, which cost less than objects and are enough for responses.

        Args:
            statement: a SELECT. With `values`, its SQL is cached for as long as the statement exists, so create it
                once.
            values: the values of its `bindparam`s by name; `None` = the statement includes its values.
        Returns: a result, whose methods send the statement.
        """
        return Result(self, statement, values)

    def write(self, statement: Executable, values: Any = None) -> int:
        """Execute a statement that changes rows, inside a `transaction`.

        Args:
            statement: an INSERT, UPDATE or DELETE.
            values: the values of its parameters by name; or a list of such dictionaries, to insert many rows.
        Returns: the number of affected rows.
        Raises:
            Invalid, Conflict: the storage refuses it.
            Unavailable: the storage cannot be reached.
        """
        with self._translated():
            result: Any = self._session.execute(statement, values)
            return int(result.rowcount)

    def version(self) -> Any:
        """Return a value that changes whenever a state, a city, an amenity, a place or a place's amenities change.

        Returns: the value; `None` inside a transaction, whose changes other transactions do not see yet.
        Raises:
            Unavailable: the storage cannot be reached.
        """
        with self._translated():
            return None if self._in_transaction else self._version()

    def changes(self, since: Any) -> Changes | None:
        """Return the states, cities, amenities and places that were changed after a version of the storage.

        A place also changes when it gets or loses an amenity. An object may be listed although it is as before.

        Args:
            since: a former result of `version`.
        Returns: the current version and the objects; `None` if they are not known, so that all objects must be read
            again, and inside a transaction.
        Raises:
            Unavailable: the storage cannot be reached.
        """
        with self._translated():
            found = None if since is None or self._in_transaction else self._changes(since)
        return found and Changes(found[0], [*dict.fromkeys(reversed(found[1]))][::-1])

    # Engines override these

    def _version(self) -> Any:
        raise NotImplementedError

    def _changes(self, since: Any) -> tuple[Any, list[tuple[str, str]]] | None:
        raise NotImplementedError

    def _read_versioned(self, statement: Select[Any], values: Values) -> tuple[Rows, Any]:
        raise NotImplementedError

    def _partitions(self, statement: Select[Any], values: Values | None) -> Generator[Rows, None, None]:
        # No cursor stays open between parts: with the file engine it would keep other threads from committing, and
        # with a database its connection could not execute another statement meanwhile.
        statement = statement.params(**(values or {}))
        first = self._rows(statement.limit(min(statement._limit or CHUNK + 1, CHUNK + 1)), None)
        if len(first) <= CHUNK:
            yield first
            return
        [table] = statement.get_final_froms()
        ids = self.read(statement.with_only_columns(table.c.id)).scalars()
        for part in chunks(ids):
            found = self.read(select(table.c.id.label("_id"), *statement.selected_columns).where(table.c.id.in_(part)))
            rows = {row.pop("_id"): row for row in found}
            yield [rows[id] for id in part if id in rows]

    def _batches(self, statement: Executable, values: Values | None, size: int) -> Iterator[Tuples]:
        rows = self._tuples(statement, values)
        return (rows[start:start + size] for start in range(0, len(rows), size))

    # Private

    def _rows(self, statement: Executable, values: Values | None) -> Rows:
        with self._translated():
            if values is None:
                return self._session_rows(statement) if self._in_transaction else self._autocommit.rows(statement)
            compiled = self._compile(statement)
            if not self._in_transaction:
                return self._autocommit.compiled(compiled, values)
            result = self._session.connection().exec_driver_sql(compiled.text, compiled.ordered(values))
            return compiled.converted([dict(row) for row in result.mappings()])

    def _tuples(self, statement: Executable, values: Values | None) -> Tuples:
        with self._translated():
            if values is None:
                return [*map(tuple, self._session.execute(statement))] if self._in_transaction else (
                    self._autocommit.tuples(statement))
            compiled = self._compile(statement)
            if not self._in_transaction:
                return self._autocommit.compiled_tuples(compiled, values)
            result = self._session.connection().exec_driver_sql(compiled.text, compiled.ordered(values))
            return compiled.converted_tuples([*map(tuple, result)])

    def _session_rows(self, statement: Executable) -> Rows:
        return [dict(row) for row in self._session.execute(statement).mappings()]

    def _versioned(self, statement: Select[Any], values: Values) -> tuple[Rows, Any]:
        if self._in_transaction:
            return self._rows(statement, values), None
        with self._translated():
            return self._read_versioned(statement, values)

    def _compile(self, statement: Executable) -> Compiled:
        """Return the compiled form of a statement, which is cached for as long as the statement exists."""
        if (found := self._compiled.get(statement)) is None:
            found = self._compiled[statement] = Compiled(statement, self._autocommit.engine)
        return found
