"""Lists of objects: filters, sorting, paging, sparse fields and included relations."""
from __future__ import annotations

from collections import Counter
from collections.abc import Generator, Mapping, Sequence
from contextlib import closing
from copy import copy
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from sqlalchemy import ColumnElement, Select, bindparam, func, inspect, select

import models
from errors import Invalid
from models.base_model import BaseModel
from services import permissions, schema
from services.actor import VISITOR, Actor
from services.query import order

MAX_INCLUDE_DEPTH = 2       # levels of relations, such as a place's reviews and their users
MAX_WITH_INCLUDED = 1000    # objects of a list with included relations
BATCH = 1000    # objects; a longer list is streamed from the database
UNLIMITED = 2**31       # more than any store has
MAX_RESPONSE = 20_000   # objects in a response; an included object counts as often as it occurs

Objects = list[dict[str, Any]]     # in their JSON form


@dataclass
class Listing:
    """A list of objects of one class.

    Args:
        cls: the class.
        where: SQL conditions that the objects must meet.
        sort: names of attributes; a leading `-` reverses the order. `created_at` and `id` are the last keys.
        limit: the largest number of objects; `None` for all.
        offset: the number of objects to skip.
        fields: names of the attributes to return; empty for all.
        include: names of relations whose objects to include, such as `amenities` or `reviews.user`.
        first: an SQL expression to sort by before `sort`.
        having: required values by the names of attributes.
        actor: the actor; attributes that it may not read are omitted, even if `fields` names them.
        bounded: whether to limit the number of included objects.
    Raises:
        Invalid: a name in `sort`, `fields` or `include` does not exist. When the list is read: the response would
            have too many objects.
    """

    cls: type[BaseModel]
    where: Sequence[ColumnElement[bool]] = ()
    sort: Sequence[str] = ()
    limit: int | None = None
    offset: int = 0
    fields: Sequence[str] = ()
    include: Sequence[str] = ()
    first: ColumnElement[Any] | None = None
    having: Mapping[str, str] = field(default_factory=dict)
    actor: Actor = VISITOR
    bounded: bool = True
    _tree: dict[str, Any] = field(init=False)

    def __post_init__(self) -> None:
        for name in ("sort", "fields", "include"):
            names = getattr(self, name)
            if names and len(names) > (most := len(allowed_names(self.cls, name))):
                raise Invalid(f"{name} accepts at most {most} names, not {len(names)}", name)
        if self.sort:
            self._order()       # raises an error for an invalid order
        self._tree = _tree(self.cls, self.include) if self.include else {}
        attributes = allowed_names(self.cls, "fields") if self.fields else []
        for name in self.fields:
            if name not in attributes:
                raise Invalid(f"{self.cls.__name__} has no attribute {name}; it has {', '.join(attributes)}", "fields")

    @property
    def view(self) -> str:
        """The objects that the actor can find."""
        return self.actor.view

    @property
    def hidden(self) -> frozenset[str]:
        """The attributes that the actor may not read, or did not ask for."""
        return omitted(self.cls, self.actor, self.fields)

    def _order(self) -> list[ColumnElement[Any]]:
        private = permissions.hidden(self.actor, self.cls)
        return [*([] if self.first is None else [self.first]), *order(self.cls, self.sort, private)]

    def total(self) -> int:
        """The number of objects without `limit` and `offset`."""
        [count] = models.storage.read(
            select(func.count()).select_from(self.cls).where(*self.conditions()).params(self.actor.values)).scalars()
        return int(count)

    def conditions(self) -> Sequence[ColumnElement[bool]]:
        """The SQL conditions that the objects must meet, with the parameters of the actor."""
        return [*self.where, *(self.cls.__table__.c[name] == value for name, value in self.having.items()),
                *permissions.visible(self.cls, self.view)]

    def prepared(self) -> tuple[Select[Any], dict[str, Any]] | None:
        """A cached statement for lists of this form, and its values; `None` for a list with a special form."""
        if self._is_special():
            return None
        cls: Any = self.cls
        paged = {} if self.limit is None else {"limit": self.limit, "offset": self.offset}
        statement = _statement(cls, tuple(self.having), tuple(self.sort), self.hidden, bool(paged), self.view)
        return statement, {**self.having, **paged, **self.actor.values}

    def _is_special(self) -> bool:
        """Whether the list needs a statement of its own."""
        is_long = self.offset if self.limit is None else self.limit > BATCH
        return bool(self.where or self.first is not None or is_long)

    def rows(self) -> Generator[Objects, None, None]:
        """Yield the objects without relations, in batches."""
        found = models.storage.read(*(self.prepared() or [self._special()]))
        if self.limit is None or self.limit > BATCH:
            yield from found.partitions()
        else:
            yield found.all()

    def _special(self) -> Select[Any]:
        """Build a statement for this list only."""
        statement = select(*schema.form(self.cls, self.hidden)).where(*self.conditions()).order_by(*self._order())
        return statement.limit(self.limit).offset(self.offset or None).params(self.actor.values)

    def parts(self) -> Generator[Objects, None, None]:
        """Yield the objects in their JSON form, in batches, so that a long list needs little memory."""
        if self._tree:
            yield self.complete(self._read_bounded())
            return
        with closing(self.rows()) as parts:
            yield from map(self.complete, parts)

    def _read_bounded(self) -> Objects:
        """Read the objects, without relations, of a list with `include`.

        Raises:
            Invalid: there are too many objects to include relations.
        """
        bounded = self
        if self.bounded and (self.limit is None or self.limit > MAX_WITH_INCLUDED):
            bounded = copy(self)
            bounded.limit = MAX_WITH_INCLUDED + 1
        found = [obj for part in bounded.rows() for obj in part]
        if self.bounded and len(found) > MAX_WITH_INCLUDED:
            raise Invalid(f"include: a list with related objects may have at most {MAX_WITH_INCLUDED} objects, and "
                          f"this one has more. Set limit to {MAX_WITH_INCLUDED} or less", "limit")
        return found

    def complete(self, found: Objects) -> Objects:
        """Add the included relations to objects, and remove the attributes that `fields` does not name."""
        if self._tree:
            budget = _Budget((MAX_RESPONSE if self.bounded else UNLIMITED) - len(found))
            _attach(self.cls, found, [1] * len(found), self._tree, self.actor, budget)
        if self.fields:
            names = {*self.fields, *self._tree}
            return [{name: value for name, value in obj.items() if name in names} for obj in found]
        return found

    def all(self) -> list[dict[str, Any]]:
        """All objects in their JSON form."""
        return [obj for part in self.parts() for obj in part]


@lru_cache(maxsize=500)
def _statement(cls: Any, having: tuple[str, ...], sort: tuple[str, ...], hidden: frozenset[str],
               paged: bool, view: str) -> Select[Any]:
    where = (cls.__table__.c[name] == bindparam(name) for name in having)
    statement = select(*schema.form(cls, hidden)).where(*where, *permissions.visible(cls, view))
    statement = statement.order_by(*order(cls, sort))
    return statement.limit(bindparam("limit")).offset(bindparam("offset")) if paged else statement


def omitted(cls: type[BaseModel], actor: Actor, fields: Sequence[str] = ()) -> frozenset[str]:
    """The attributes to omit: those that the actor may not read, and those that only a request with `fields` gets."""
    return permissions.hidden(actor, cls) | (schema.on_request(cls) - {*fields})


def allowed_names(cls: type[BaseModel], parameter: str) -> Sequence[str]:
    """The names that the parameter `sort`, `fields` or `include` accepts for a class."""
    if parameter == "include":
        return relations(cls)
    return [*schema.columns(cls), *(["__class__"] if parameter == "fields" else [])]


def relations(cls: type[BaseModel], depth: int = MAX_INCLUDE_DEPTH) -> list[str]:
    """The names that `include` accepts for a class, such as `amenities` and `reviews.user`."""
    found = []
    for name, relation in inspect(cls).relationships.items():
        deeper = relations(relation.mapper.class_, depth - 1) if depth > 1 else []
        found += [name, *(f"{name}.{each}" for each in deeper)]
    return found


def _tree(cls: type[BaseModel], paths: Sequence[str]) -> dict[str, Any]:
    """The relations in `paths` as a tree of nested dicts."""
    tree: dict[str, Any] = {}
    for path in paths:
        branch, owner, names = tree, cls, path.split(".")
        if len(names) > MAX_INCLUDE_DEPTH:
            raise Invalid(f"include: {path} has more than {MAX_INCLUDE_DEPTH} levels", "include")
        for name in names:
            relations = inspect(owner).relationships
            if name not in relations:
                known = ", ".join(relations.keys())
                raise Invalid(f"include: {owner.__name__} has no relation {name}; it has {known}", "include")
            branch, owner = branch.setdefault(name, {}), relations[name].mapper.class_
    return tree


class _Budget:
    """The number of objects that may still be added to a response."""

    def __init__(self, left: int) -> None:
        self.left = left

    def spend(self, count: int) -> None:
        self.left -= count
        if self.left < 0:
            raise Invalid(f"include: the response would have more than {MAX_RESPONSE} objects. Include fewer "
                          "relations, set a lower limit, or list the related objects of each object by their own "
                          "route", "include")


def _attach(cls: type[BaseModel], objects: Objects, times: Sequence[int], tree: dict[str, Any], actor: Actor,
            budget: _Budget) -> None:
    """Add related objects to objects, with one statement for each relation.

    Args:
        times: how often each of the objects occurs in the response, because an object may be related to several.
        tree: the relations to add, from `_tree`.
        budget: the number of objects that may still be added.
    Raises:
        Invalid: the response would be too large. At most one object too many is read before.
    """
    for name, branch in tree.items():
        relation = inspect(cls).relationships[name]
        other = relation.mapper.class_
        # The column of `cls` and the column of the other table, or of the table of pairs, that must be equal.
        [(own, foreign)] = relation.synchronize_pairs if relation.secondary is not None else [
            pair if pair[0].table is cls.__table__ else pair[::-1] for pair in relation.local_remote_pairs]
        occurrences: Counter[str] = Counter()
        for obj, count in zip(objects, times, strict=True):
            occurrences[obj[own.key]] += count
        form = schema.form(other, omitted(other, actor))
        statement = select(foreign.label("_key"), *form).where(
            foreign.in_(occurrences), *permissions.visible(other, actor.view)).params(actor.values)
        if relation.secondary is not None:
            statement = statement.join(other, relation.secondaryjoin)
        found = models.storage.read(statement.order_by(*order(other, ())).limit(budget.left + 1)).all()
        keys = [obj.pop("_key") for obj in found]
        counts = [occurrences[key] for key in keys]
        budget.spend(sum(counts))
        groups: dict[str, Objects] = {}
        for key, obj in zip(keys, found, strict=True):
            groups.setdefault(key, []).append(obj)
        _attach(other, found, counts, branch, actor, budget)
        for obj in objects:
            related = groups.get(obj[own.key], [])
            obj[name] = related if relation.uselist else next(iter(related), None)
