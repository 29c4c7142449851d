"""Conversion between a database's rows and the objects of a backup, which have the form of the file engine's file."""
from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

from sqlalchemy import Connection, Select, Table, delete, func, insert, select
from sqlalchemy.exc import DBAPIError

import models
from errors import HBNBError, Invalid
from models import passwords
from models.base_model import BaseModel
from models.codec import is_missing, json_codecs, null_means_unknown, select_json, stored_blank
from models.columns import Base, links
from models.engine.file.journal import Objects

PART = 1000     # objects in a part


def everything(connection: Connection) -> Iterator[Objects]:
    """Yield all objects by key, in parts, owners first. Call it within a snapshot, for consistent objects."""
    for name, cls in models.stored.items():
        page, last, unknowns = _page(cls), "", {column.key for column in cls.__table__.c if null_means_unknown(column)}
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
    """Lock all rows until the transaction ends. With REPEATABLE READ, no rows can be added either.

    Returns: the number of rows by table.
    """
    return {table.name: connection.scalar(select(func.count()).select_from(table).with_for_update()) or 0
            for table in Base.metadata.sorted_tables}


def clear(connection: Connection) -> None:
    for table in reversed(Base.metadata.sorted_tables):
        connection.execute(delete(table))


def fill(connection: Connection, parts: Iterable[Objects], translate: Callable[[DBAPIError], HBNBError]) -> None:
    """Store objects, owners first.

    Args:
        parts: objects that `StoredCheck` has accepted.
        translate: translates a driver's error.
    Raises:
        HBNBError: an object cannot be stored; the message names it.
    """
    for part in parts:
        passwords.protect(part)     # backups of an older HBNB may hold passwords as text
        rows: dict[Table, list[dict[str, Any]]] = {table: [] for table in Base.metadata.sorted_tables}
        for key, obj in part.items():
            name, _, id = key.partition(".")
            table = models.stored[name].__table__
            rows[table].append(_row(table, obj) | {"id": id})
            for attribute, pairs in links(table).items():
                one, other = pairs.c.keys()
                rows[pairs].extend({one: id, other: each} for each in dict.fromkeys(obj.get(attribute) or ()))
        for table, values in rows.items():
            _insert(connection, table, values, translate)


def _page(cls: type[BaseModel]) -> Select[Any]:
    table = cls.__table__
    return select(*map(select_json, table.c)).order_by(table.c.id).limit(PART)


def _linked(connection: Connection, pairs: Table, ids: Sequence[str]) -> dict[str, list[str]]:
    one, other = pairs.c
    found: dict[str, list[str]] = {}
    for id, each in connection.execute(select(one, other).where(one.in_(ids)).order_by(one, other)):
        found.setdefault(id, []).append(each)
    return found


def _row(table: Table, obj: dict[str, Any]) -> dict[str, Any]:
    """Return the values of an object's columns."""
    row = {column.key: stored_blank(column) if is_missing(column, obj) else obj.get(column.key) for column in table.c}
    for name, each in json_codecs(table).items():
        row[name] = None if row[name] is None else each.accept(row[name])
    return row


def _insert(connection: Connection, table: Table, rows: list[dict[str, Any]],
            translate: Callable[[DBAPIError], HBNBError]) -> None:
    if not rows:
        return
    try:
        with connection.begin_nested():
            connection.execute(insert(table), rows)
    except DBAPIError as failure:
        if failure.connection_invalidated:
            raise
        for row in rows:    # one by one, to find the row that fails
            try:
                connection.execute(insert(table), row)
            except DBAPIError as error:
                found = translate(error)
                if isinstance(found, Invalid):
                    raise Invalid(f"{table.name}, {row.get('id') or ' with '.join(row.values())}: {found}") from error
                raise found from error
        raise
