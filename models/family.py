"""The objects that belong to an object, found by the foreign keys."""
from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

from sqlalchemy import Column, Select, Table, inspect, select

from models.columns import Base

# So many ids go into one IN (…): both engines take it well, whatever the number of objects.
CHUNK = 1000


def family(obj: Any, read: Callable[[Select[Any]], Iterable[str]]) -> dict[Table, list[str]]:
    """The ids of an object and of all objects that belong to it.

    Args:
        read: gives the ids that a statement selects.
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
    """The columns of a table that name members of the family, each with the ids of those; in one order everywhere."""
    keys = sorted(table.foreign_keys, key=lambda key: key.parent.name)
    return [(key.parent, members[key.column.table]) for key in keys if members.get(key.column.table)]


def chunks(values: Sequence[str]) -> Iterator[Sequence[str]]:
    """Ids, as many at a time as go into one statement."""
    return (values[start:start + CHUNK] for start in range(0, len(values), CHUNK))
