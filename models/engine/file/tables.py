"""The file engine's tables in memory, and the conversion between the file's objects and their rows.

The tables are lenient, as the file has always been: an object may exist before its owner, and
before its attributes are set. Unknown classes and attributes are kept in a table of their own and
written back. Triggers record the objects that a transaction changed.
"""
from __future__ import annotations

import logging
import sqlite3
from collections.abc import Iterable, Iterator
from functools import cache
from typing import Any

import orjson
from sqlalchemy import Column, Table

import models
from errors import Invalid
from models import codec
from models.base_model import BaseModel
from models.columns import Base, key_definition, links, unique, unique_key
from models.engine.file.journal import Objects

PART = 1000     # objects in a part
_WORDS = {"TEXT": "text", "INTEGER": "a whole number", "REAL": "a number"}


def fill_blanks(objects: Iterable[Any]) -> None:
    """Set unset attributes to the values that they read as, so that no required column is null."""
    for obj in objects:
        for column in obj.__table__.c:
            if codec.is_missing(column, vars(obj)) and (value := codec.blank(column)) is not None:
                setattr(obj, column.key, value)


def load(memory: sqlite3.Connection, parts: Iterable[Objects], whole: bool) -> None:
    """Load objects of the file into the tables.

    Args:
        memory: a connection that is in a transaction.
        parts: objects by key, `None` for a removed one.
        whole: replace all tables, instead of changing rows.
    Raises:
        Invalid: an object has a wrong form; the message names the object and the reason.
    """
    if whole:
        _create_tables(memory)
    memory.execute("INSERT INTO loading VALUES (1)")
    for part in parts:
        _load_part(memory, part)
    if whole:
        _create_indexes(memory)
    memory.execute("DELETE FROM loading")
    memory.execute("DELETE FROM changed")


def take_changes(memory: sqlite3.Connection) -> Objects:
    """Return the objects that were changed since the last call, by key, `None` for a removed one."""
    changes: Objects = {}
    for (name,) in memory.execute("SELECT DISTINCT class FROM changed").fetchall():
        changes |= {f"{name}.{id}": None for id, in memory.execute("SELECT id FROM changed WHERE class = ?", (name,))}
        mapping = _mapping(name)
        for objects in mapping.objects(memory, "WHERE id IN (SELECT id FROM changed WHERE class = ?)", (name,)):
            changes |= objects
    if changes:
        memory.execute("DELETE FROM changed")
    return changes


def everything(memory: sqlite3.Connection) -> Iterator[Objects]:
    """Yield all objects by key, in parts."""
    for name in models.stored:
        yield from _mapping(name).objects(memory)
    yield {key: orjson.Fragment(text) for key, text in memory.execute("SELECT key, text FROM unknown_data WHERE whole")}


def count(memory: sqlite3.Connection) -> dict[str, int]:
    """Return the number of objects by table; objects of unknown classes count as `others`."""
    tables = {cls.__tablename__: cls.__tablename__ for cls in models.stored.values()}
    tables["others"] = "unknown_data WHERE whole"
    return {name: memory.execute(f"SELECT count(*) FROM {table}").fetchone()[0] for name, table in tables.items()}


class _RowMapping:
    """The mapping between a class's objects in the file and their rows."""

    def __init__(self, cls: type[BaseModel]) -> None:
        self.name, self.table = cls.__name__, cls.__table__
        self.columns = [column.key for column in self.table.c]
        found = [(index, column, codec.of(column)) for index, column in enumerate(self.table.c)]
        self.packed = [(index, column.key, each.pack, each.noun) for index, column, each in found if each.pack]
        self.unknown = {column.key: (index, column) for index, column, _ in found if codec.null_means_unknown(column)}
        self.links = links(self.table)
        self.json = [*self.links, *(column.key for _, column, each in found if each is codec.JSON)]
        self.known = {*self.columns, *self.links, "__class__"}
        values = (_literal(column) for column in self.table.c)
        self.insert = (
            f"INSERT INTO {self.table.name} ({', '.join(self.columns)}) VALUES ({', '.join(values)}) "
            f"ON CONFLICT (id) DO UPDATE SET {', '.join(f'{each} = excluded.{each}' for each in self.columns)}")
        linked = "".join(
            f", (SELECT json_group_array({other}) FROM {pairs.name} WHERE {one} = {self.table.name}.id)"
            for pairs, one, other in self.pairs())
        self.select = f"SELECT {', '.join(self.columns)}{linked} FROM {self.table.name}"

    def pairs(self) -> Iterator[tuple[Table, str, str]]:
        for pairs in self.links.values():
            one, other = pairs.c
            yield pairs, one.key, other.key

    def row(self, key: str, obj: dict[str, Any]) -> tuple[Any, ...]:
        """Return the values of an object's row.

        Raises:
            Invalid: its key has no id, or a value is not of its column's type.
        """
        obj["id"] = id = key.partition(".")[2]
        values = [*map(obj.get, self.columns)]
        for index, column in self.unknown.values():
            if codec.is_missing(column, obj):
                values[index] = codec.stored_blank(column)
        for index, name, pack, noun in self.packed:
            if (value := values[index]) is not None:
                try:
                    values[index] = pack(value)
                except codec.UNREADABLE:
                    raise Invalid(f"{key}: {name} is {value!r}, which is not a {noun}") from None
        if not id:
            raise Invalid(f"the key {key!r} has no id: it must have the form {self.name}.<id>")
        return tuple(values)

    def objects(self, memory: sqlite3.Connection, where: str = "", values: tuple[Any, ...] = ()) -> Iterator[Objects]:
        unknown = {key: orjson.loads(text) for key, text in memory.execute(
            "SELECT key, text FROM unknown_data WHERE NOT whole AND key IN "
            f"(SELECT ? || id FROM {self.table.name} {where})", (f"{self.name}.", *values))}
        rows = memory.execute(f"{self.select} {where} ORDER BY rowid", values)
        names = [*self.columns, *self.links]
        while part := rows.fetchmany(PART):
            objects: Objects = {}
            for row in part:
                obj = {name: value for name, value in zip(names, row, strict=True)
                       if value is not None or name in self.unknown}
                for name in self.json:
                    if name in obj:
                        obj[name] = orjson.Fragment(obj[name])
                obj["__class__"] = self.name
                key = f"{self.name}.{obj['id']}"
                objects[key] = obj | unknown[key] if key in unknown else obj
            yield objects


@cache
def _mapping(name: str) -> _RowMapping:
    return _RowMapping(models.stored[name])


def _literal(column: Column[Any]) -> str:
    unset, pack = codec.stored_blank(column), codec.of(column).pack
    if unset is None or codec.null_means_unknown(column):
        return "?"
    return f"ifnull(?, {(pack(unset) if pack else unset)!r})"


def _load_part(memory: sqlite3.Connection, part: Objects) -> None:
    taken: dict[str, Objects] = {}
    for key, obj in part.items():
        name = key.partition(".")[0]
        if name not in models.stored:
            _store_unknown(memory, key, obj)
        elif obj is None:
            _remove(memory, name, key)
        elif not isinstance(obj, dict) or obj.get("__class__", name) != name or (
                obj.get("id", id := key[len(name) + 1:]) != id):
            raise Invalid(f"{key}: it is not an object whose id and class match its key")
        else:
            taken.setdefault(name, {})[key] = obj
            if not obj.keys() <= (known := _mapping(name).known):
                _store_unknown(memory, key, {each: obj[each] for each in obj.keys() - known}, whole=False)
    for name, objects in taken.items():
        mapping = _mapping(name)
        _insert(memory, mapping, [mapping.row(key, obj) for key, obj in objects.items()])
        for attribute, (pairs, one, other) in zip(mapping.links, mapping.pairs(), strict=True):
            _link(memory, f"{pairs.name} WHERE {one} = ?", f"{pairs.name} ({one}, {other})", attribute, objects)


def _insert(memory: sqlite3.Connection, mapping: _RowMapping, rows: list[tuple[Any, ...]]) -> None:
    try:
        memory.executemany(mapping.insert, rows)
    except (sqlite3.Error, OverflowError, UnicodeEncodeError):
        for row in rows:    # one by one, to find the row that fails
            try:
                memory.execute(mapping.insert, row)
            except (sqlite3.Error, OverflowError, UnicodeEncodeError) as error:
                reason = str(error).removeprefix("CHECK constraint failed: ")
                raise Invalid(f"{mapping.name}.{row[0]}: {reason}") from error
        raise


def _link(memory: sqlite3.Connection, old: str, new: str, attribute: str, objects: Objects) -> None:
    """Replace the rows of an association table by the ids that objects have in an attribute.

    Args:
        old: the table and condition of the DELETE.
        new: the table and columns of the INSERT.
    """
    found: list[tuple[str, str]] = []
    for key, obj in objects.items():
        ids = obj.get(attribute) or []
        if not (isinstance(ids, list) and all(isinstance(each, str) for each in ids)):
            raise Invalid(f"{key}: {attribute} is not a list of ids")
        found += [(obj["id"], each) for each in ids]
    # An object may be loaded twice, from the file and from the journal: the later version replaces the earlier.
    memory.executemany(f"DELETE FROM {old}", [(obj["id"],) for obj in objects.values()])
    memory.executemany(f"INSERT OR IGNORE INTO {new} VALUES (?, ?)", found)


def _store_unknown(memory: sqlite3.Connection, key: str, value: Any, whole: bool = True) -> None:
    try:
        memory.execute("INSERT OR REPLACE INTO unknown_data VALUES (?, ?, ?)", (key, orjson.dumps(value), whole))
    except (TypeError, UnicodeEncodeError) as error:
        raise Invalid(f"{key}: {error}") from error


def _remove(memory: sqlite3.Connection, name: str, key: str) -> None:
    mapping, id = _mapping(name), key[len(name) + 1:]
    memory.execute(f"DELETE FROM {mapping.table.name} WHERE id = ?", (id,))
    for pairs, one, _ in mapping.pairs():
        memory.execute(f"DELETE FROM {pairs.name} WHERE {one} = ?", (id,))


def _create_tables(memory: sqlite3.Connection) -> None:
    for (name,) in memory.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall():
        memory.execute(f"DROP TABLE {name}")
    for table in Base.metadata.sorted_tables:
        key = ", ".join(column.key for column in table.primary_key)
        columns, form = ", ".join(_definitions(table)), "" if "id" in table.c else "WITHOUT ROWID"
        memory.execute(f"CREATE TABLE {table.name} ({columns}, PRIMARY KEY ({key})) {form}")
    # Without a primary key: in a trigger, OR IGNORE has no effect if the outer statement has another conflict clause.
    memory.execute("CREATE TABLE changed (class, id)")
    memory.execute("CREATE TABLE unknown_data (key PRIMARY KEY, text, whole)")
    memory.execute("CREATE TABLE loading (one)")    # a row in it disables the uniqueness checks


def _definitions(table: Table) -> Iterator[str]:
    for column in table.c:
        kind = codec.of(column).affinity
        types = f"'{kind.lower()}'" + (", 'null'" if column.nullable else "")
        yield (f"{column.key} {kind} CONSTRAINT \"{column.key} is not {_WORDS[kind]}\" "
               f"CHECK (typeof({column.key}) IN ({types}))")
    for column in unique(table):
        if unique_key(column) is not column:
            yield key_definition(column)


def _create_indexes(memory: sqlite3.Connection) -> None:
    for table in Base.metadata.sorted_tables:
        for index in table.indexes:
            columns = ", ".join(column.key for column in index.columns)
            memory.execute(f"CREATE INDEX {index.name} ON {table.name} ({columns})")
        for column in unique(table):
            _create_unique_triggers(memory, table.name, column.key, unique_key(column).key)
    for name, cls in models.stored.items():
        own = cls.__tablename__
        for event, row in (("INSERT", "NEW"), ("UPDATE", "NEW"), ("DELETE", "OLD")):
            _create_trigger(memory, own, event, f"INSERT INTO changed VALUES ('{name}', {row}.id)")
        memory.execute(f"CREATE TRIGGER {own}_unknown AFTER DELETE ON {own} BEGIN "
                       f"DELETE FROM unknown_data WHERE key = '{name}.' || OLD.id; END")
        for pairs, one, _ in _mapping(name).pairs():
            for event, row in (("INSERT", "NEW"), ("DELETE", "OLD")):
                _create_trigger(memory, pairs.name, event,
                                f"INSERT INTO changed VALUES ('{name}', {row}.{one})")


def _create_trigger(memory: sqlite3.Connection, table: str, event: str, action: str) -> None:
    memory.execute(f"CREATE TRIGGER {table}_{event} AFTER {event} ON {table} BEGIN {action}; END")


def _create_unique_triggers(memory: sqlite3.Connection, table: str, column: str, key: str) -> None:
    """Refuse a new or changed value that another row has.

    This is done by triggers instead of a unique index, because an older file may hold duplicates, which stay.
    """
    memory.execute(f"CREATE INDEX ix_{table}_{key} ON {table} ({key})")
    for event, changed in (("INSERT", "TRUE"), (f"UPDATE OF {column}", f"NEW.{key} IS NOT OLD.{key}")):
        memory.execute(
            f"CREATE TRIGGER {table}_{column}_{event[:6]} AFTER {event} ON {table} WHEN NEW.{key} <> '' AND {changed} "
            f"AND NOT EXISTS (SELECT 1 FROM loading) "
            f"AND EXISTS (SELECT 1 FROM {table} WHERE {key} = NEW.{key} AND id <> NEW.id) "
            f"BEGIN SELECT RAISE(ABORT, 'UNIQUE constraint failed: {table}.{column}'); END")
    twice = [value for value, in memory.execute(
        f"SELECT min({column}) FROM {table} WHERE {key} <> '' GROUP BY {key} HAVING count(*) > 1")]
    if twice:
        logging.getLogger("hbnb").warning("Several %s have the same %s: %s", table, column, ", ".join(twice))
