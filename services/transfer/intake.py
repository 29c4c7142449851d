"""Putting many objects into the store, in few statements, with a report of what came of each."""
from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

from sqlalchemy import Column, Table, delete, insert, select, update

import models
import schema
from errors import Invalid
from models.base_model import BaseModel, blank, utc_now
from models.values import check

BATCH = 1000    # rows of one statement
TIMES = ("created_at", "updated_at")


@dataclass
class Report:
    """What came of an import: objects by class, rows that were refused and why, and what was noted."""

    new: Counter[str] = field(default_factory=Counter)
    changed: Counter[str] = field(default_factory=Counter)
    same: Counter[str] = field(default_factory=Counter)
    refused: list[tuple[str, str]] = field(default_factory=list)
    notes: Counter[str] = field(default_factory=Counter)

    def refuse(self, place: str, reason: str) -> None:
        """Say that the row at `place` (such as `line 12`) was not taken."""
        self.refused.append((place, reason))


class Refused(Invalid):
    """Rows were refused, so nothing was imported."""

    def __init__(self, report: Report) -> None:
        super().__init__(f"{len(report.refused)} rows were refused, so nothing was imported")
        self.report = report


@dataclass
class Item:
    """An object to take in.

    Args:
        place: where it stands in the source.
        values: its attributes, `id` and times among them.
        linked: ids by table of pairs, where it is to be linked with just those.
    """

    place: str
    values: dict[str, Any]
    linked: dict[Table, list[str]] = field(default_factory=dict)


class Intake:
    """Takes objects in, within a transaction.

    Args:
        report: where to count.
        times: whether the source's times are the objects' own, to be kept and compared.
    """

    def __init__(self, report: Report, times: bool) -> None:
        self.report = report
        self._times = times

    def put(self, cls: type[BaseModel], items: Iterable[Item], replace: bool = True) -> None:
        """Store the objects that are not there, and change those that differ.

        Args:
            items: objects of the class; their owners are there already.
            replace: change those that differ; else what is there stays as it is.
        """
        for batch in batches(items, BATCH):
            self._put(cls, batch, replace)

    def _put(self, cls: type[BaseModel], batch: list[Item], replace: bool) -> None:
        table = cls.__table__
        items = {item.values["id"]: item for item in self._sound(cls, batch)}
        there = {row.id: row._mapping for row in models.storage.rows(select(table).where(table.c.id.in_(items)))}
        new = [item for id, item in items.items() if id not in there]
        self._refuse_taken(cls, new, items)
        if new:
            models.storage.write(insert(table), [item.values for item in new if item.values["id"] in items])
        changed = [item for id, item in items.items()
                   if id in there and replace and self._differs(item.values, there[id])]
        for item in changed:
            self._change(table, item, there[item.values["id"]])
        relinked = self._link(items, {item.values["id"] for item in new} if not replace else set(items))
        made = {item.values["id"] for item in new} & items.keys()
        touched = ({item.values["id"] for item in changed} | relinked) - made
        self.report.new[cls.__name__] += len(made)
        self.report.changed[cls.__name__] += len(touched)
        self.report.same[cls.__name__] += len(items) - len(made) - len(touched)

    # What can be wrong with a row

    def _sound(self, cls: type[BaseModel], batch: list[Item]) -> Iterator[Item]:
        """The items that may be stored, as whole rows; the others are refused."""
        absent = {column.key: self._absent(column, batch) for column in cls.__table__.c if column.foreign_keys}
        for item in batch:
            try:
                item.values = _whole(cls, item.values)
                for pairs, linked in item.linked.items():
                    if not isinstance(linked, list) or not all(isinstance(id, str) for id in linked):
                        raise Invalid(f"{pairs.name}: no list of ids")
                for name, ids in absent.items():
                    if item.values[name] in ids:
                        raise Invalid(f"{name} {item.values[name]} names nothing that is there")
                yield item
            except Invalid as error:
                self.report.refuse(item.place, str(error))

    def _absent(self, column: Any, batch: list[Item]) -> set[str]:
        [key] = column.foreign_keys
        named = {id for item in batch if isinstance(id := item.values.get(column.key), str)}
        return named - {id for id, in models.storage.rows(select(key.column).where(key.column.in_(named)))}

    def _refuse_taken(self, cls: type[BaseModel], new: list[Item], items: dict[str, Item]) -> None:
        """Drop new items with a value that only one object may have, and that another has."""
        for column in cls.__table__.c:
            if column.unique and new:
                values = [item.values[column.key] for item in new]
                taken = {value.casefold() for value, in models.storage.rows(select(column).where(column.in_(values)))}
                for item in new:
                    value = item.values[column.key].casefold()
                    if value in taken:
                        self.report.refuse(item.place, f"another object has the {column.key} {item.values[column.key]}")
                        items.pop(item.values["id"], None)
                    taken.add(value)

    # What differs

    def _differs(self, values: dict[str, Any], there: Any) -> bool:
        return any(values[name] != there[name] for name in values
                   if (self._times or name not in TIMES) and name != "password")

    def _change(self, table: Table, item: Item, there: Any) -> None:
        values = {name: value for name, value in item.values.items() if name not in ("id", "password")}
        if not self._times:
            values |= {"created_at": there["created_at"], "updated_at": utc_now()}
        models.storage.write(update(table).where(table.c.id == item.values["id"]).values(values))

    def _link(self, items: dict[str, Item], ids: set[str]) -> set[str]:
        """Link each item with just what it names. Returns: the ids of those that this changed."""
        changed: set[str] = set()
        for pairs in {pairs for item in items.values() for pairs in item.linked}:
            one, other = pairs.c
            named = self._existing(other, {(id, each) for id, item in items.items() if id in ids
                                           for each in item.linked.get(pairs, ())})
            there = {(row[0], row[1]) for row in models.storage.rows(select(one, other).where(one.in_(ids)))}
            new, gone = sorted(named - there), sorted(there - named)
            if new:
                models.storage.write(insert(pairs), [{one.key: id, other.key: each} for id, each in new])
            for pair in gone:
                models.storage.write(delete(pairs).where(one == pair[0], other == pair[1]))
            changed |= {id for id, _ in new + gone}
        return changed

    def _existing(self, other: Column[Any], pairs: set[tuple[str, str]]) -> set[tuple[str, str]]:
        [key] = other.foreign_keys
        known = {id for id, in models.storage.rows(
            select(key.column).where(key.column.in_({each for _, each in pairs})))}
        found = {pair for pair in pairs if pair[1] in known}
        if len(found) < len(pairs):
            self.report.notes[f"links by {other.key} to nothing that is there; they were left out"] += (
                len(pairs) - len(found))
        return found


def batches(items: Iterable[Any], size: int) -> Iterator[list[Any]]:
    iterator = iter(items)
    while batch := list(islice(iterator, size)):
        yield batch


def _whole(cls: type[BaseModel], values: dict[str, Any]) -> dict[str, Any]:
    """All columns of a row, checked."""
    row = {}
    for column in cls.__table__.c:
        value = values.get(column.key)
        if value is None and not schema.required(column):
            value = blank(column)
        if (value is None and not column.nullable) or (value == "" and schema.required(column)):
            raise Invalid(f"Missing {column.key}")
        check(column, value)
        row[column.key] = value
    return row
