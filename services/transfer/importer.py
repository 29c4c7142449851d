"""Bulk import of objects in few SQL statements, with a report."""
from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

import orjson
from sqlalchemy import Column, Table, delete, insert, select, update

import models
from errors import Conflict, Invalid
from models import passwords
from models.base_model import BaseModel, utc_now
from models.codec import all_fit, blank, checker, required
from models.collation import comparison_key
from models.columns import TIMES, unique, unique_key
from services import schema
from services.actor import OPERATOR
from services.registry import service_for
from services.transfer.report import Report as Report

BATCH = 1000    # rows in one statement

# The class and values of an object that another object depends on.
Need = tuple[type[BaseModel], dict[str, Any]]


@dataclass
class Item:
    """An object to import.

    Args:
        place: its place in the source, such as `line 12`.
        values: its attributes, including `id` and times.
        linked: the ids of the objects to link it to, by the table of the links; they replace its present links.
        needs: the objects that it depends on, owners first; they are created with it if they do not exist.
        labels: names for referenced objects in error messages, by attribute.
        absent: attributes that the source does not have; an existing object keeps its values.
        checked: whether `values` is a complete and valid row.
        is_former: whether it is a user without an address, because the user has deleted the account.
    """

    place: str
    values: dict[str, Any]
    linked: dict[Table, list[str]] = field(default_factory=dict)
    needs: list[Need] = field(default_factory=list)
    labels: dict[str, str] = field(default_factory=dict)
    absent: frozenset[str] = frozenset()
    checked: bool = False
    is_former: bool = False


class Importer:
    """Imports objects, within a transaction.

    Args:
        report: receives the counts, refused rows and notes.
        times: whether to store and compare the times of the source; if false, HBNB sets the times.
    """

    def __init__(self, report: Report, times: bool) -> None:
        self.report = report
        self._times = times
        self._created: set[str] = set()             # ids of objects that items needed
        self._existing: dict[Table, set[str]] = {}  # ids of objects that are known to exist
        self._missing: set[Table] = set()           # tables of references to objects that do not exist
        self._seen: dict[type[BaseModel], dict[str, int]] = {}

    def is_created(self, id: str) -> bool:
        """Whether an earlier item needed the object with that id, so that later items can rely on it."""
        return id in self._created

    def found_none(self, cls: type[BaseModel]) -> bool:
        """Whether items refer to objects of a class, and none of these exists."""
        return cls.__table__ in self._missing and not self._existing[cls.__table__]

    def store(self, cls: type[BaseModel], items: Iterable[Item], replace: bool = True) -> None:
        """Create the objects that do not exist, and change those that differ.

        Args:
            items: objects of the class; their owners exist, or are among their `needs`.
            replace: whether to change existing objects.
        """
        # With rules, objects are stored one by one: a rule may compare an object with an earlier one of the source.
        for batch in batches(items, 1 if service_for(cls).has_rules else BATCH):
            needed = {values["id"] for item in batch for _, values in item.needs}
            valid = [*self._distinct(cls, self._valid(cls, batch, needed))]
            if not self._store_needs(valid):
                valid = [*self._valid(cls, valid, set())]
            self._store(cls, {item.values["id"]: item for item in valid}, replace)

    def _store(self, cls: type[BaseModel], items: dict[str, Item], replace: bool) -> None:
        table = cls.__table__
        existing = {row["id"]: row for row in models.storage.read(select(table).where(table.c.id.in_(items)))}
        self._refuse_duplicates(cls, items, existing)
        self._refuse_invalid(cls, items, existing, replace)
        new = {id: item for id, item in items.items() if id not in existing}
        if new:     # sorted by the primary key: in any other order a database needs a fifth more time
            models.storage.write(insert(table), [_protected(new[id].values) for id in sorted(new)])
        changes = {id: self._changes(item, existing[id]) for id, item in items.items() if id in existing and replace}
        relinked = self._link(items if replace else new) - new.keys()
        changed = {id for id, values in changes.items() if values or id in relinked}
        for id in changed:
            values = changes[id] | ({} if self._times else {"updated_at": utc_now()})
            if values:
                models.storage.write(update(table).where(table.c.id == id).values(values))
        if service_for(cls).has_rules:
            for id in (*new, *changed):
                self._notify(cls, self._outcome(items[id], existing.get(id)), existing.get(id))
        self._existing.setdefault(table, set()).update(items)
        self.report.new[cls.__name__] += len(new)
        self.report.changed[cls.__name__] += len(changed)
        self.report.same[cls.__name__] += len(items) - len(new) - len(changed)

    def _store_needs(self, items: list[Item]) -> bool:
        """Create the objects that the items need, unless earlier items did. Returns: whether all of them exist."""
        needs: dict[type[BaseModel], dict[str, Item]] = {}
        for item in items:
            for cls, values in item.needs:
                if values["id"] not in self._created:
                    needs.setdefault(cls, {}).setdefault(values["id"], Item(item.place, values))
        before = len(self.report.refused)
        for cls, found in needs.items():
            self._created |= found.keys()
            self.store(cls, found.values(), replace=False)
        return before == len(self.report.refused)

    # Validation of rows

    def _valid(self, cls: type[BaseModel], batch: list[Item], needed: set[str]) -> Iterator[Item]:
        """Yield the valid items, completed to whole rows; refuse the others."""
        missing = {column.key: self._missing_ids(column, batch, needed)
                   for column in cls.__table__.c if column.foreign_keys}
        checks = [_ColumnCheck(column) for column in cls.__table__.c]
        for item in batch:      # an older export does not have the status of a place, which must not be reset then
            item.absent |= schema.on_request(cls) - item.values.keys()
        _fill(checks, batch)
        for item in batch:
            try:
                if not item.checked:
                    item.values = {each.name: each.value(item.values, item.is_former) for each in checks}
                for pairs, linked in item.linked.items():
                    if not isinstance(linked, list) or not all(isinstance(id, str) for id in linked):
                        raise Invalid(f"{pairs.c[1].key}s must be a list of ids")
                for name, ids in missing.items():
                    if item.values[name] in ids:
                        raise Invalid(f"{item.labels.get(name, f'{name} {item.values[name]}')} does not exist")
                yield item
            except Invalid as error:
                self.report.refuse(item.place, str(error))

    def _missing_ids(self, column: Any, batch: list[Item], needed: set[str]) -> set[str]:
        """The ids in a foreign key that neither exist nor are `needed`, which are created next."""
        [key] = column.foreign_keys
        existing = self._existing.setdefault(key.column.table, set())
        named = {id for item in batch if isinstance(id := item.values.get(column.key), str) and id.isascii()}
        named -= existing | needed
        if named:
            existing |= {*models.storage.read(select(key.column).where(key.column.in_(named))).scalars()}
        if missing := named - existing:
            self._missing.add(key.column.table)
        return missing

    def _distinct(self, cls: type[BaseModel], items: Iterable[Item]) -> Iterator[Item]:
        """Yield the items with new ids. A repeated id with the same values is skipped, with other values refused."""
        seen = self._seen.setdefault(cls, {})
        for item in items:
            linked = (tuple(ids) for ids in item.linked.values())
            content = _hashed((*item.values.values(), *linked))
            first = seen.get(item.values["id"])
            if first is None:
                seen[item.values["id"]] = content
                yield item
            elif first == content:
                self.report.notes["rows that occurred twice; they were imported once"] += 1
            else:
                self.report.refuse(item.place, "an earlier row has the same id and different values")

    def _refuse_duplicates(self, cls: type[BaseModel], items: dict[str, Item], existing: dict[str, Any]) -> None:
        """Refuse and remove items with a new value of a unique attribute that another object already has."""
        for column in unique(cls.__table__):
            name, key = column.key, comparison_key(column)
            added = {id: key(item.values[name]) for id, item in items.items()
                     if id not in existing or key(existing[id][name]) != key(item.values[name])}
            taken = {key(value) for value in models.storage.read(
                select(column).where(unique_key(column).in_({*added.values()}))).scalars()}
            for id, value in added.items():
                if value and value in taken:
                    self.report.refuse(items[id].place, f"another object has the {name} {items[id].values[name]}")
                    del items[id]
                taken.add(value)

    def _refuse_invalid(self, cls: type[BaseModel], items: dict[str, Item], existing: dict[str, Any],
                        replace: bool) -> None:
        """Refuse and remove items that break a rule of their class."""
        service = service_for(cls)
        for id, item in [*items.items()] if service.has_rules else ():
            values, before = self._outcome(item, existing.get(id)), existing.get(id)
            if before is not None and (not replace or values == before):
                continue
            try:
                service.check_rules(OPERATOR, values, before)
            except (Invalid, Conflict) as error:
                self.report.refuse(item.place, str(error))
                del items[id]

    @staticmethod
    def _notify(cls: type[BaseModel], values: dict[str, Any], before: Any) -> None:
        """Call the hook of the class's service for a stored object."""
        if before is None:
            service_for(cls).created(OPERATOR, values)
        else:
            service_for(cls).updated(OPERATOR, values, before)

    # Comparison with the stored objects

    def _outcome(self, item: Item, existing: Any) -> dict[str, Any]:
        """All attributes of an object, as the item would leave them."""
        return _protected(item.values) if existing is None else existing | self._changes(item, existing)

    def _changes(self, item: Item, existing: Any) -> dict[str, Any]:
        values = item.values
        changes = {name: value for name, value in values.items() if name != "password" and name not in item.absent
                   and (self._times or name not in TIMES) and value != existing[name]}
        password = values.get("password", passwords.NO_LOGIN)
        if password not in (passwords.NO_LOGIN, "") and password != existing["password"] and (
                passwords.is_hash(password) or existing["password"] == passwords.NO_LOGIN):
            changes["password"] = passwords.protected(password)
        return changes

    def _link(self, items: dict[str, Item]) -> set[str]:
        """Replace the links of the items. Returns: the ids of the items whose links changed."""
        changed: set[str] = set()
        for pairs in {pairs: None for item in items.values() for pairs in item.linked}:
            one, other = pairs.c
            ids = [id for id, item in items.items() if pairs in item.linked]
            named = self._valid_links(other, {(id, each) for id in ids for each in items[id].linked[pairs]})
            existing = {*models.storage.read(select(one, other).where(one.in_(ids))).tuples()}
            new, removed = sorted(named - existing), sorted(existing - named)
            if new:
                models.storage.write(insert(pairs), [{one.key: id, other.key: each} for id, each in new])
            for pair in removed:
                models.storage.write(delete(pairs).where(one == pair[0], other == pair[1]))
            changed |= {id for id, _ in new + removed}
        return changed

    def _valid_links(self, other: Column[Any], pairs: set[tuple[str, str]]) -> set[tuple[str, str]]:
        """The links to objects that exist; the others are counted in the notes of the report."""
        [key] = other.foreign_keys
        known = {id for ids in batches({each for _, each in pairs if each.isascii()}, BATCH)
                 for id in models.storage.read(select(key.column).where(key.column.in_(ids))).scalars()}
        found = {pair for pair in pairs if pair[1] in known}
        if len(found) < len(pairs):
            self.report.notes[f"links by {other.key} to objects that do not exist; they were left out"] += (
                len(pairs) - len(found))
        return found


def batches(items: Iterable[Any], size: int) -> Iterator[list[Any]]:
    iterator = iter(items)
    while batch := list(islice(iterator, size)):
        yield batch


def _hashed(values: tuple[Any, ...]) -> int:
    try:
        return hash(values)
    except TypeError:       # a value is JSON, which cannot be hashed
        return hash(orjson.dumps(values, option=orjson.OPT_SORT_KEYS))


class _ColumnCheck:
    """The validation of a column's values, prepared once for many rows."""

    def __init__(self, column: Column[Any]) -> None:
        self.name, self._column = column.key, column
        self.unset = None if required(column) else blank(column)
        self._nullable = column.nullable
        # A text may be empty, as in old stores, but not a primary key, unique attribute or foreign key.
        self._filled = column.primary_key or column in {*unique(column.table)} or column.foreign_keys
        self._check = checker(column)

    def values(self, found: list[Any]) -> list[Any] | None:
        """The column's values for many rows, or `None` if one of them is invalid."""
        if self.unset is not None and not self._nullable:
            found = [self.unset if value is None else value for value in found]
        lacking = (not self._nullable and None in found) or (self._filled and "" in found)
        return None if lacking or not all_fit(self._column, found) else found

    def value(self, values: dict[str, Any], is_former: bool) -> Any:
        """The column's value for one row.

        Args:
            is_former: whether a unique attribute may be empty.
        Raises:
            Invalid: the value is missing or invalid.
        """
        value = values.get(self.name, self.unset)
        if value is None and not self._nullable:
            value = self.unset
        if value is None:
            if not self._nullable:
                raise Invalid(f"Missing {self.name}")
            return None
        if value == "" and self._filled and not is_former:
            raise Invalid(f"Missing {self.name}")
        reason = self._check(value)
        if reason:
            raise Invalid(f"{self.name} {reason}")
        return value


def _fill(checks: list[_ColumnCheck], batch: list[Item]) -> None:
    """Complete and mark all items of a batch if all are valid; else leave them, to be checked one by one."""
    columns = [each.values([item.values.get(each.name, each.unset) for item in batch]) for each in checks]
    if batch and all(column is not None for column in columns):
        names = [each.name for each in checks]
        for item, row in zip(batch, zip(*columns, strict=True), strict=True):
            item.values, item.checked = dict(zip(names, row, strict=True)), True


def _protected(values: dict[str, Any]) -> dict[str, Any]:
    return values | {"password": passwords.protected(values["password"])} if "password" in values else values
