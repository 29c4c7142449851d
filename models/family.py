"""An object's family: all objects that belong to it, found by following the foreign keys."""
from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

from sqlalchemy import Column, Select, Table, inspect, select

from models.columns import Base

# The number of ids in one IN (…), which both engines execute well.
CHUNK = 1000


def family(obj: Any, read: Callable[[Select[Any]], Iterable[str]]) -> dict[Table, list[str]]:
    """Return the ids of an object and of all objects that belong to it, directly or indirectly.

    Args:
        read: executes a statement that selects ids, and returns them.
    Returns: the ids by table, owners first.
    """
    members = {inspect(type(obj)).local_table: [obj.id]}
    for table in Base.metadata.sorted_tables:
        if "id" in table.c and table not in members:
            ids = {id: None for key, owners in references(table, members) for chunk in chunks(owners)
                   for id in read(select(table.c.id).where(key.in_(chunk)))}
            members[table] = list(ids)
    return members


def references(table: Table, members: dict[Table, list[str]]) -> list[tuple[Column[Any], list[str]]]:
    """Return the foreign keys of a table that may refer to members of the family, each with the ids of those members.

    The order is always the same, so that transactions lock rows in the same order.
    """
    keys = sorted(table.foreign_keys, key=lambda key: key.parent.name)
    return [(key.parent, members[key.column.table]) for key in keys if members.get(key.column.table)]


def chunks(values: Sequence[str]) -> Iterator[Sequence[str]]:
    """Split ids into parts that fit into one statement."""
    return (values[start:start + CHUNK] for start in range(0, len(values), CHUNK))
