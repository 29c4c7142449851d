"""A database's rows as the objects that a backup holds, which are those of the file engine's file; and back."""
from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from types import NoneType
from typing import Any

from sqlalchemy import Column, Connection, Select, Table, delete, func, insert, select
from sqlalchemy.exc import DBAPIError

import models
from errors import HBNBError, Invalid
from models import passwords
from models.base_model import NEVER, BaseModel, parse_time, stored, unknown
from models.columns import TIMES, Base, KeyType, TimeType, iso, links
from models.engine.journal import Objects
from models.values import LEAST, MOST

PART = 1000     # objects that are read at a time


def everything(connection: Connection) -> Iterator[Objects]:
    """All objects by key, a part at a time, owners first; within one snapshot they belong together."""
    for name, cls in models.stored.items():
        page, last, unknowns = _page(cls), "", {column.key for column in cls.__table__.c if unknown(column)}
        while found := connection.execute(page.where(cls.__table__.c.id > last)).mappings().all():
            last = found[-1]["id"]
            objects = {row["id"]: {each: value for each, value in row.items() if value is not None or each in unknowns}
                       for row in found}
            for attribute, pairs in links(cls.__table__).items():
                linked = _linked(connection, pairs, [*objects])
                for id, obj in objects.items():
                    obj[attribute] = linked.get(id, [])
            yield {f"{name}.{id}": obj | {"__class__": name} for id, obj in objects.items()}


def lock(connection: Connection) -> dict[str, int]:
    """Keep others from writing, until the transaction ends; needs repeatable read, so that no row may come either.

    Returns: how many rows each table has.
    """
    return {table.name: connection.scalar(select(func.count()).select_from(table).with_for_update()) or 0
            for table in Base.metadata.sorted_tables}


def clear(connection: Connection) -> None:
    for table in reversed(Base.metadata.sorted_tables):
        connection.execute(delete(table))


def fill(connection: Connection, parts: Iterable[Objects], said: Callable[[DBAPIError], HBNBError]) -> None:
    """Store objects, owners first.

    Args:
        said: says what a driver's error means.
    Raises:
        HBNBError: one cannot be stored; says which.
    """
    for part in parts:
        passwords.protect(part)     # an older HBNB may have made the backup while it kept them as text
        rows: dict[Table, list[dict[str, Any]]] = {}
        for key, obj in part.items():
            name, _, id = key.partition(".")
            if name not in models.stored:
                raise Invalid(f"{key}: a database can hold no {name}")
            table = models.stored[name].__table__
            rows.setdefault(table, []).append(_row(table, key, obj))
            for attribute, pairs in links(table).items():
                one, other = pairs.c.keys()
                rows.setdefault(pairs, []).extend({one: id, other: each} for each in obj.get(attribute) or ())
        for table, values in rows.items():
            _insert(connection, table, values, said)


def unfit(parts: Iterable[Objects]) -> Iterator[str]:
    """What `fill` would refuse of objects, a sentence each."""
    ids: dict[str, set[str]] = {key.column.table.name: set() for table in Base.metadata.sorted_tables
                                for key in table.foreign_keys}
    for part in parts:
        for key, obj in part.items():
            name, _, id = key.partition(".")
            if name not in models.stored:
                yield f"{key}: a database can hold no {name}"
                continue
            table = models.stored[name].__table__
            try:
                row = _row(table, key, obj)
            except Invalid as error:
                yield str(error)
                continue
            yield from (f"{table.name}, {id}: {column.key} {reason}" for column in table.c
                        if (reason := _reason(column, row[column.key], ids)))
            for attribute, pairs in links(table).items():
                other = next(iter(pairs.c[1].foreign_keys)).column.table.name
                yield from (f"{table.name}, {id}: {attribute} names {each}, which is not there"
                            for each in obj.get(attribute) or () if each not in ids[other])
            if table.name in ids:
                ids[table.name].add(id)


def _reason(column: Column[Any], value: Any, ids: dict[str, set[str]]) -> str | None:
    """Why a column cannot hold a value."""
    if value is None:
        return None if column.nullable else "is missing"
    for key in column.foreign_keys:
        return None if value in ids[key.column.table.name] else "names nothing that is there"
    kind, length = column.type.python_type, getattr(column.type, "length", None)
    if kind is str and length and len(value) > length:
        return "is too long"
    if isinstance(column.type, KeyType) and not value.isascii():
        return "is no id of ASCII characters"
    if kind is int and not (isinstance(value, int) and LEAST <= value <= MOST):
        return f"is no whole number from {LEAST} to {MOST}"
    return None


def _page(cls: type[BaseModel]) -> Select[Any]:
    table = cls.__table__
    columns = (iso(column).label(column.key) if isinstance(column.type, TimeType) else column for column in table.c)
    return select(*columns).order_by(table.c.id).limit(PART)


def _linked(connection: Connection, pairs: Table, ids: Sequence[str]) -> dict[str, list[str]]:
    one, other = pairs.c
    found: dict[str, list[str]] = {}
    for id, each in connection.execute(select(one, other).where(one.in_(ids)).order_by(one, other)):
        found.setdefault(id, []).append(each)
    return found


def _row(table: Table, key: str, obj: Any) -> dict[str, Any]:
    known = [*table.c.keys(), *links(table)]
    if not isinstance(obj, dict) or obj.keys() - {*known, "__class__"}:
        raise Invalid(f"{key}: a database cannot hold what it has beside {', '.join(known)}")
    row: dict[str, Any] = {"id": key.partition(".")[2]}
    for column in table.c:
        if column.key in row:
            continue
        value = obj.get(column.key) if column.key in TIMES else stored(column, obj)
        if column.key in TIMES:
            value = _time(key, column.key, value)
        elif not isinstance(value, (str, int, float, NoneType)):
            raise Invalid(f"{key}: {column.key} is no text or number")
        elif value is not None and column.type.python_type is str:
            value = str(value)
        row[column.key] = value
    return row


def _time(key: str, name: str, value: Any) -> Any:
    try:
        return parse_time(NEVER if value is None else value)
    except (TypeError, ValueError, OverflowError):
        raise Invalid(f"{key}: {name} is no time") from None


def _insert(connection: Connection, table: Table, rows: list[dict[str, Any]],
            said: Callable[[DBAPIError], HBNBError]) -> None:
    if not rows:
        return
    try:
        with connection.begin_nested():
            connection.execute(insert(table), rows)
    except DBAPIError as failure:
        if failure.connection_invalidated:
            raise
        for row in rows:    # once more, to say which
            try:
                connection.execute(insert(table), row)
            except DBAPIError as error:
                found = said(error)
                if isinstance(found, Invalid):
                    raise Invalid(f"{table.name}, {row.get('id') or ' with '.join(row.values())}: {found}") from error
                raise found from error
        raise
