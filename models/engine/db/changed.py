"""The objects that the statements of a transaction change, found in SQLAlchemy's events.

Objects may be listed although they did not change after all, for example if a savepoint is rolled back; none is
missing.
"""
from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cache
from typing import Any

from sqlalchemy import BindParameter, Column, Connection, Delete, Insert, Table, TextClause, Update, select
from sqlalchemy.sql import operators
from sqlalchemy.sql.elements import BinaryExpression, BooleanClauseList

from models.columns import Base
from models.family import chunks

# The classes of the tables that are watched. A link is part of its place.
CLASSES = {"states": "State", "cities": "City", "amenities": "Amenity", "places": "Place", "place_amenity": "Place"}
MOST = 100_000      # objects; a transaction that changes more is not listed object by object


class Changed:
    """The objects that a transaction has changed so far: their classes and ids, or simply everything."""

    def __init__(self) -> None:
        self.objects: dict[tuple[str, str], None] = {}
        self.is_everything = False

    def add(self, table: Table, ids: Iterable[str]) -> None:
        if not self.is_everything:
            self.objects.update(dict.fromkeys((CLASSES[table.name], id) for id in ids))
            if len(self.objects) > MOST:
                self.add_everything()

    def add_everything(self) -> None:
        self.is_everything = True
        self.objects.clear()


def of(connection: Connection) -> Changed:
    """Return what the transaction of a connection has changed, to add to it."""
    changed: Changed = connection.info.setdefault("changed", Changed())
    return changed


def take(connection: Connection) -> Changed | None:
    """Return what the transaction has changed, and forget it; `None` = nothing."""
    connection.info.pop("selected", None)
    changed: Changed | None = connection.info.pop("changed", None)
    return changed


def before(connection: Connection, statement: Any, many: Sequence[Mapping[str, Any]], one: Mapping[str, Any],
           _options: Any) -> None:
    """Note what an UPDATE or DELETE will change, and what the database will remove together with it."""
    connection.info.pop("selected", None)
    if not isinstance(statement, Update | Delete):
        return
    table = Base.metadata.tables.get(str(statement.table))
    parts = _parts(table) if table is not None and isinstance(statement, Delete) else []
    if table is None or (table.name not in CLASSES and not parts) or (
            "changed" in connection.info and of(connection).is_everything):
        return
    key, values = _key(table), many or [one]
    if not statement._where_criteria or (isinstance(statement, Update) and (
            key.key in _set(statement) or key.key in values[0])):
        of(connection).add_everything()
        return
    ids = None if parts else _ids_in(statement, key, values)
    if ids is None:
        # The rows stay locked, so these ids are those of the statement, unless a row is added meanwhile; see `after`.
        chosen = select(key).where(*statement._where_criteria).limit(MOST + 1).with_for_update()
        ids = [id for each in values for id in connection.scalars(chosen, each)]
        connection.info["selected"] = len(ids)
    _note(connection, table, ids)
    if parts:
        _note_parts(connection, table, ids)


def after(connection: Connection, statement: Any, many: Sequence[Mapping[str, Any]], one: Mapping[str, Any],
          _options: Any, result: Any) -> None:
    """Note what an INSERT has changed, and everything if it is unknown what a statement has changed."""
    selected = connection.info.pop("selected", None)
    if isinstance(statement, TextClause):
        if not statement.text.lstrip().upper().startswith("SELECT"):
            of(connection).add_everything()
    elif isinstance(statement, Insert):
        table = Base.metadata.tables.get(str(statement.table))
        if table is not None and table.name in CLASSES:
            key = _key(table)
            own = _set(statement).get(key.key)
            ids = [each.get(key.key, own) for each in many or [one]]
            if all(isinstance(id, str) for id in ids):
                of(connection).add(table, ids)
            else:
                of(connection).add_everything()
    elif selected is not None and result.rowcount > selected:
        of(connection).add_everything()


def _key(table: Table) -> Column[Any]:
    """Return the column that has the ids of the changed objects."""
    return table.c.id if "id" in table.c else table.c.place_id


def _set(statement: Insert | Update) -> dict[str, Any]:
    """Return the values that a statement includes, by column."""
    values: dict[Any, Any] = dict(statement._values or {})
    return {getattr(column, "key", column): getattr(value, "value", value) for column, value in values.items()}


def _note(connection: Connection, table: Table, ids: Sequence[str]) -> None:
    if len(ids) > MOST:
        of(connection).add_everything()
    elif ids and table.name in CLASSES:
        of(connection).add(table, ids)


@cache
def _parts(table: Table) -> list[Column[Any]]:
    """Return the foreign keys of watched tables whose rows the database removes, or whose objects change, with a row.

    A place's links are left out: the place itself is noted.
    """
    return [key.parent for part in Base.metadata.sorted_tables if part.name in CLASSES for key in part.foreign_keys
            if key.column.table is table and key.parent is not _key(part)]


def _note_parts(connection: Connection, table: Table, ids: Sequence[str]) -> None:
    """Note the parts of objects that will be removed.

    Usually the parts are removed already. But others may have added some meanwhile, which the database removes. No more
    can follow: the objects are locked, and adding a part to one waits for this lock.
    """
    for key in _parts(table):
        part = key.table
        found = [id for chunk in chunks(ids) for id in connection.scalars(
            select(_key(part)).where(key.in_(chunk)).limit(MOST + 1).with_for_update())]
        _note(connection, part, found)
        if found and not of(connection).is_everything:
            _note_parts(connection, part, found)


def _ids_in(statement: Update | Delete, key: Column[Any], values: Sequence[Mapping[str, Any]]) -> list[str] | None:
    """Return the ids in a statement's condition `key = …` or `key IN (…)`; `None` if it has no such condition."""
    for clause in _conditions(statement._where_criteria):
        if isinstance(clause, BinaryExpression) and clause.left is key and isinstance(clause.right, BindParameter):
            given = [each.get(clause.right.key, clause.right.value) for each in values]
            if clause.operator is operators.eq:
                return given
            if clause.operator is operators.in_op:
                return [id for each in given for id in each]
    return None


def _conditions(clauses: Iterable[Any]) -> Iterator[Any]:
    """Yield the conditions that are joined by AND."""
    for clause in clauses:
        if isinstance(clause, BooleanClauseList) and clause.operator is operators.and_:
            yield from _conditions(clause)
        else:
            yield clause
