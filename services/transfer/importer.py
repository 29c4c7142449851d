"""Putting many objects into the store, in few statements, with a report of what came of each."""
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
from models.collation import told_apart
from models.columns import TIMES, unique, unique_key
from services.actor import OPERATOR
from services.registry import service_for
from services.transfer.report import Report as Report

BATCH = 1000    # rows of one statement

# Class and values of an object that another one needs.
Need = tuple[type[BaseModel], dict[str, Any]]


@dataclass
class Item:
    """An object to take in.

    Args:
        place: where it stands in the source.
        values: its attributes, `id` and times among them.
        linked: ids by table of pairs, where it is to be linked with just those.
        needs: what is to be there before it, and made with it where it is not; owners first.
        called: what the source calls the objects that it names, by attribute.
        silent: attributes of which the source says nothing; what is there keeps them.
        checked: whether the values are a whole row, of which each fits its column.
    """

    place: str
    values: dict[str, Any]
    linked: dict[Table, list[str]] = field(default_factory=dict)
    needs: list[Need] = field(default_factory=list)
    called: dict[str, str] = field(default_factory=dict)
    silent: frozenset[str] = frozenset()
    checked: bool = False


class Intake:
    """Takes objects in, within a transaction.

    Args:
        report: where to count.
        times: whether the source's times are the objects' own, to be kept and compared.
    """

    def __init__(self, report: Report, times: bool) -> None:
        self.report = report
        self._times = times
        self._made: set[str] = set()                # ids of what was needed
        self._there: dict[Table, set[str]] = {}     # ids that are known to be there
        self._lacking: set[Table] = set()           # whose ids were named and are not there
        self._seen: dict[type[BaseModel], dict[str, int]] = {}

    def is_made(self, id: str) -> bool:
        """Whether an item before needed the object of that id, so that no further one has to."""
        return id in self._made

    def has_none(self, cls: type[BaseModel]) -> bool:
        """Whether items named owners of a class, and not one of these was there."""
        return cls.__table__ in self._lacking and not self._there[cls.__table__]

    def put(self, cls: type[BaseModel], items: Iterable[Item], replace: bool = True) -> None:
        """Store the objects that are not there, and change those that differ.

        Args:
            items: objects of the class; their owners are there already, or are what they need.
            replace: change those that differ; else what is there stays as it is.
        """
        # A rule may compare an object with one that comes before it in the same source.
        for batch in batches(items, 1 if service_for(cls).has_rules else BATCH):
            coming = {values["id"] for item in batch for _, values in item.needs}
            sound = [*self._once(cls, self._sound(cls, batch, coming))]
            if not self._put_needs(sound):
                sound = [*self._sound(cls, sound, set())]
            self._put(cls, {item.values["id"]: item for item in sound}, replace)

    def _put(self, cls: type[BaseModel], items: dict[str, Item], replace: bool) -> None:
        table = cls.__table__
        there = {row["id"]: row for row in models.storage.read(select(table).where(table.c.id.in_(items)))}
        self._refuse_taken(cls, items, there)
        self._refuse_invalid(cls, items, there, replace)
        new = {id: item for id, item in items.items() if id not in there}
        if new:     # by id, as a database keeps them: in any other order it takes a fifth longer
            models.storage.write(insert(table), [_protected(new[id].values) for id in sorted(new)])
        changes = {id: self._changes(item, there[id]) for id, item in items.items() if id in there and replace}
        relinked = self._link(items if replace else new) - new.keys()
        changed = {id for id, values in changes.items() if values or id in relinked}
        for id in changed:
            values = changes[id] | ({} if self._times else {"updated_at": utc_now()})
            if values:
                models.storage.write(update(table).where(table.c.id == id).values(values))
        if service_for(cls).has_rules:
            for id in (*new, *changed):
                self._tell(cls, self._outcome(items[id], there.get(id)), there.get(id))
        self._there.setdefault(table, set()).update(items)
        self.report.new[cls.__name__] += len(new)
        self.report.changed[cls.__name__] += len(changed)
        self.report.same[cls.__name__] += len(items) - len(new) - len(changed)

    def _put_needs(self, items: list[Item]) -> bool:
        """Make what the items need, but for what was made for others before. Returns: whether all of it is there."""
        needs: dict[type[BaseModel], dict[str, Item]] = {}
        for item in items:
            for cls, values in item.needs:
                if values["id"] not in self._made:
                    needs.setdefault(cls, {}).setdefault(values["id"], Item(item.place, values))
        before = len(self.report.refused)
        for cls, found in needs.items():
            self._made |= found.keys()
            self.put(cls, found.values(), replace=False)
        return before == len(self.report.refused)

    # What can be wrong with a row

    def _sound(self, cls: type[BaseModel], batch: list[Item], coming: set[str]) -> Iterator[Item]:
        """The items that may be stored, as whole rows; the others are refused."""
        absent = {column.key: self._absent(column, batch, coming) for column in cls.__table__.c if column.foreign_keys}
        plan = [_Plan(column) for column in cls.__table__.c]
        _fill(plan, batch)
        for item in batch:
            try:
                if not item.checked:
                    item.values = {each.name: each.value(item.values) for each in plan}
                for pairs, linked in item.linked.items():
                    if not isinstance(linked, list) or not all(isinstance(id, str) for id in linked):
                        raise Invalid(f"{pairs.c[1].key}s must be a list of ids")
                for name, ids in absent.items():
                    if item.values[name] in ids:
                        raise Invalid(f"{item.called.get(name, f'{name} {item.values[name]}')} is not there")
                yield item
            except Invalid as error:
                self.report.refuse(item.place, str(error))

    def _absent(self, column: Any, batch: list[Item], coming: set[str]) -> set[str]:
        [key] = column.foreign_keys
        there = self._there.setdefault(key.column.table, set())
        named = {id for item in batch if isinstance(id := item.values.get(column.key), str) and id.isascii()}
        named -= there | coming
        if named:
            there |= {*models.storage.read(select(key.column).where(key.column.in_(named))).scalars()}
        if absent := named - there:
            self._lacking.add(key.column.table)
        return absent

    def _once(self, cls: type[BaseModel], items: Iterable[Item]) -> Iterator[Item]:
        """The items but for those whose ids came before: an equal one does no harm, another is refused."""
        seen = self._seen.setdefault(cls, {})
        for item in items:
            linked = (tuple(ids) for ids in item.linked.values())
            content = _hashed((*item.values.values(), *linked))
            first = seen.get(item.values["id"])
            if first is None:
                seen[item.values["id"]] = content
                yield item
            elif first == content:
                self.report.notes["rows that stood there twice; they were taken once"] += 1
            else:
                self.report.refuse(item.place, "a row before it has the same id, and other values")

    def _refuse_taken(self, cls: type[BaseModel], items: dict[str, Item], there: dict[str, Any]) -> None:
        """Drop items that bring a value which only one object may have, and which another has."""
        for column in unique(cls.__table__):
            name, key = column.key, told_apart(column)
            bringing = {id: key(item.values[name]) for id, item in items.items()
                        if id not in there or key(there[id][name]) != key(item.values[name])}
            taken = {key(value) for value in models.storage.read(
                select(column).where(unique_key(column).in_({*bringing.values()}))).scalars()}
            for id, value in bringing.items():
                if value in taken:
                    self.report.refuse(items[id].place, f"another object has the {name} {items[id].values[name]}")
                    del items[id]
                taken.add(value)

    def _refuse_invalid(self, cls: type[BaseModel], items: dict[str, Item], there: dict[str, Any],
                        replace: bool) -> None:
        """Drop items that break a rule of their class."""
        service = service_for(cls)
        for id, item in [*items.items()] if service.has_rules else ():
            values, before = self._outcome(item, there.get(id)), there.get(id)
            if before is not None and (not replace or values == before):
                continue
            try:
                service.check_rules(OPERATOR, values, before)
            except (Invalid, Conflict) as error:
                self.report.refuse(item.place, str(error))
                del items[id]

    @staticmethod
    def _tell(cls: type[BaseModel], values: dict[str, Any], before: Any) -> None:
        """Tell the service of the class what was stored."""
        if before is None:
            service_for(cls).created(OPERATOR, values)
        else:
            service_for(cls).updated(OPERATOR, values, before)

    # What differs

    def _outcome(self, item: Item, there: Any) -> dict[str, Any]:
        """All attributes of an object, as the item would leave them."""
        return _protected(item.values) if there is None else there | self._changes(item, there)

    def _changes(self, item: Item, there: Any) -> dict[str, Any]:
        values = item.values
        changes = {name: value for name, value in values.items() if name != "password" and name not in item.silent
                   and (self._times or name not in TIMES) and value != there[name]}
        password = values.get("password", passwords.NO_LOGIN)
        if password not in (passwords.NO_LOGIN, "") and password != there["password"] and (
                passwords.is_hash(password) or there["password"] == passwords.NO_LOGIN):
            changes["password"] = passwords.protected(password)
        return changes

    def _link(self, items: dict[str, Item]) -> set[str]:
        """Link each item with just what it names. Returns: the ids of those that this changed."""
        changed: set[str] = set()
        for pairs in {pairs: None for item in items.values() for pairs in item.linked}:
            one, other = pairs.c
            ids = [id for id, item in items.items() if pairs in item.linked]
            named = self._existing(other, {(id, each) for id in ids for each in items[id].linked[pairs]})
            there = {*models.storage.read(select(one, other).where(one.in_(ids))).tuples()}
            new, gone = sorted(named - there), sorted(there - named)
            if new:
                models.storage.write(insert(pairs), [{one.key: id, other.key: each} for id, each in new])
            for pair in gone:
                models.storage.write(delete(pairs).where(one == pair[0], other == pair[1]))
            changed |= {id for id, _ in new + gone}
        return changed

    def _existing(self, other: Column[Any], pairs: set[tuple[str, str]]) -> set[tuple[str, str]]:
        [key] = other.foreign_keys
        known = {id for ids in batches({each for _, each in pairs if each.isascii()}, BATCH)
                 for id in models.storage.read(select(key.column).where(key.column.in_(ids))).scalars()}
        found = {pair for pair in pairs if pair[1] in known}
        if len(found) < len(pairs):
            self.report.notes[f"links by {other.key} to nothing that is there; they were left out"] += (
                len(pairs) - len(found))
        return found


def batches(items: Iterable[Any], size: int) -> Iterator[list[Any]]:
    iterator = iter(items)
    while batch := list(islice(iterator, size)):
        yield batch


def _hashed(values: tuple[Any, ...]) -> int:
    try:
        return hash(values)
    except TypeError:       # JSON is among them
        return hash(orjson.dumps(values, option=orjson.OPT_SORT_KEYS))


class _Plan:
    """What a column wants of a value, looked up once for many rows."""

    def __init__(self, column: Column[Any]) -> None:
        self.name, self._column = column.key, column
        self.unset = None if required(column) else blank(column)
        self._nullable = column.nullable
        # A text may be empty, as it was in the store; what tells objects apart may not.
        self._filled = column.primary_key or column in {*unique(column.table)} or column.foreign_keys
        self._check = checker(column)

    def values(self, found: list[Any]) -> list[Any] | None:
        """The column's values in many rows; `None` where one does not fit."""
        if self.unset is not None and not self._nullable:
            found = [self.unset if value is None else value for value in found]
        lacking = (not self._nullable and None in found) or (self._filled and "" in found)
        return None if lacking or not all_fit(self._column, found) else found

    def value(self, values: dict[str, Any]) -> Any:
        """The column's value in a row, checked."""
        value = values.get(self.name, self.unset)
        if value is None and not self._nullable:
            value = self.unset
        if value is None:
            if not self._nullable:
                raise Invalid(f"Missing {self.name}")
            return None
        if value == "" and self._filled:
            raise Invalid(f"Missing {self.name}")
        reason = self._check(value)
        if reason:
            raise Invalid(f"{self.name} {reason}")
        return value


def _fill(plan: list[_Plan], batch: list[Item]) -> None:
    """Make the values of many items whole rows at once, if all fit; else it is for each to say what does not."""
    columns = [each.values([item.values.get(each.name, each.unset) for item in batch]) for each in plan]
    if batch and all(column is not None for column in columns):
        names = [each.name for each in plan]
        for item, row in zip(batch, zip(*columns, strict=True), strict=True):
            item.values, item.checked = dict(zip(names, row, strict=True)), True


def _protected(values: dict[str, Any]) -> dict[str, Any]:
    return values | {"password": passwords.protected(values["password"])} if "password" in values else values
