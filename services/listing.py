"""Listing objects: which, in which order, how much of each, and what belongs to them."""
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

DEPTH = 2       # of what may be included: a place's reviews, and their users
MOST = 1000     # objects at a time, if others are included
PAGE = 1000     # objects that are read at once; a longer list is read in parts
EVERYTHING = 2**31   # more than any store has
ROOM = 20_000   # objects in an answer, with all that is included, each counted as often as the answer holds it

Objects = list[dict[str, Any]]     # in their JSON form


@dataclass
class Listing:
    """Objects to list.

    Args:
        cls: their class.
        where: conditions that all must hold.
        having: attributes that must have exactly these values.
        sort: names of attributes, a `-` before one to turn its order; `created_at` and `id` come last.
        limit, offset: how many, from which on; no limit = all.
        fields: names of the attributes to give; none = all.
        first: what to sort by before everything else.
        include: names of related objects to give along, such as `amenities` or `reviews.user`.
        actor: what the actor may not see is left out, also if it is among the fields.
        bounded: whether to refuse to include more than one answer should hold.
    Raises:
        Invalid: an order, a field or a relation does not exist; when it is read: too much is included.
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
            given = getattr(self, name)
            if given and len(given) > (most := len(known(self.cls, name))):
                raise Invalid(f"{name} takes at most {most} names, not {len(given)}", name)
        if self.sort:
            self._order()       # which refuses what it cannot be sorted by
        self._tree = _tree(self.cls, self.include) if self.include else {}
        attributes = known(self.cls, "fields") if self.fields else []
        for name in self.fields:
            if name not in attributes:
                raise Invalid(f"{self.cls.__name__} has no attribute {name}; it has {', '.join(attributes)}", "fields")

    @property
    def hidden(self) -> frozenset[str]:
        """The attributes that the actor is not shown."""
        return permissions.hidden(self.actor, self.cls)

    def _order(self) -> list[ColumnElement[Any]]:
        return [*([] if self.first is None else [self.first]), *order(self.cls, self.sort, self.hidden)]

    def total(self) -> int:
        """How many there are, without limit and offset."""
        [count] = models.storage.read(
            select(func.count()).select_from(self.cls).where(*self.conditions())).scalars()
        return int(count)

    def conditions(self) -> Sequence[ColumnElement[bool]]:
        """What all of them meet."""
        return [*self.where, *(self.cls.__table__.c[name] == value for name, value in self.having.items())]

    def prepared(self) -> tuple[Select[Any], dict[str, Any]] | None:
        """A statement that was made for such a list before, and its values; none where there is no such."""
        if self._is_special():
            return None
        cls: Any = self.cls
        paged = {} if self.limit is None else {"limit": self.limit, "offset": self.offset}
        statement = _statement(cls, tuple(self.having), tuple(self.sort), self.hidden, bool(paged))
        return statement, {**self.having, **paged}

    def _is_special(self) -> bool:
        """Whether no statement is ready for it."""
        long = self.offset if self.limit is None else self.limit > PAGE
        return bool(self.where or self.first is not None or long)

    def rows(self) -> Generator[Objects, None, None]:
        """The objects themselves, in parts."""
        found = models.storage.read(*(self.prepared() or [self._special()]))
        if self.limit is None or self.limit > PAGE:
            yield from found.partitions()
        else:
            yield found.all()

    def _special(self) -> Select[Any]:
        """A statement for this list alone."""
        statement = select(*schema.form(self.cls, self.hidden)).where(*self.conditions()).order_by(*self._order())
        return statement.limit(self.limit).offset(self.offset or None)

    def parts(self) -> Generator[Objects, None, None]:
        """The objects, in their JSON form, a part at a time, so that any number needs little memory."""
        if self._tree:
            yield self.complete(self._few())
            return
        with closing(self.rows()) as parts:
            yield from map(self.complete, parts)

    def _few(self) -> Objects:
        """The objects themselves.

        Raises:
            Invalid: they are too many to include others.
        """
        few = self
        if self.bounded and (self.limit is None or self.limit > MOST):
            few = copy(self)
            few.limit = MOST + 1
        found = [obj for part in few.rows() for obj in part]
        if self.bounded and len(found) > MOST:
            raise Invalid(f"include: a list with related objects holds at most {MOST}, and these are more. Set limit "
                          f"to {MOST} or less", "limit")
        return found

    def complete(self, found: Objects) -> Objects:
        """Objects with what is to be given along, and without what is not to be given."""
        if self._tree:
            room = _Room((ROOM if self.bounded else EVERYTHING) - len(found))
            _attach(self.cls, found, [1] * len(found), self._tree, self.actor, room)
        if self.fields:
            kept = {*self.fields, *self._tree}
            return [{name: value for name, value in obj.items() if name in kept} for obj in found]
        return found

    def all(self) -> list[dict[str, Any]]:
        """The objects, in their JSON form."""
        return [obj for part in self.parts() for obj in part]


@lru_cache(maxsize=500)
def _statement(cls: Any, having: tuple[str, ...], sort: tuple[str, ...], hidden: frozenset[str],
               paged: bool) -> Select[Any]:
    where = (cls.__table__.c[name] == bindparam(name) for name in having)
    statement = select(*schema.form(cls, hidden)).where(*where).order_by(*order(cls, sort))
    return statement.limit(bindparam("limit")).offset(bindparam("offset")) if paged else statement


def known(cls: type[BaseModel], parameter: str) -> Sequence[str]:
    """The names that `sort`, `fields` or `include` takes of a class."""
    if parameter == "include":
        return relations(cls)
    return [*schema.columns(cls), *(["__class__"] if parameter == "fields" else [])]


def relations(cls: type[BaseModel], depth: int = DEPTH) -> list[str]:
    """What may be included, such as `amenities` and `reviews.user`."""
    found = []
    for name, relation in inspect(cls).relationships.items():
        deeper = relations(relation.mapper.class_, depth - 1) if depth > 1 else []
        found += [name, *(f"{name}.{each}" for each in deeper)]
    return found


def _tree(cls: type[BaseModel], paths: Sequence[str]) -> dict[str, Any]:
    """The relations that are named, each with those of its own."""
    tree: dict[str, Any] = {}
    for path in paths:
        branch, owner, names = tree, cls, path.split(".")
        if len(names) > DEPTH:
            raise Invalid(f"include: {path} goes deeper than {DEPTH}", "include")
        for name in names:
            relations = inspect(owner).relationships
            if name not in relations:
                known = ", ".join(relations.keys())
                raise Invalid(f"include: {owner.__name__} has no {name}; it has {known}", "include")
            branch, owner = branch.setdefault(name, {}), relations[name].mapper.class_
    return tree


class _Room:
    """How many objects an answer may still hold."""

    def __init__(self, left: int) -> None:
        self.left = left

    def take(self, count: int) -> None:
        self.left -= count
        if self.left < 0:
            raise Invalid(f"include: the answer would hold more than {ROOM} objects. Include less, ask for fewer "
                          "objects by limit, or list what belongs to one of them by its own route", "include")


def _attach(cls: type[BaseModel], objects: Objects, times: Sequence[int], tree: dict[str, Any], actor: Actor,
            room: _Room) -> None:
    """Put related objects into objects: a statement for each relation, however many there are.

    Args:
        times: how often the answer holds each of the objects, as an object may be related to many.
    Raises:
        Invalid: there is no room for them. It is told before more is read than the answer could hold.
    """
    for name, branch in tree.items():
        relation = inspect(cls).relationships[name]
        other = relation.mapper.class_
        # The column of ours that names them, and what of theirs is compared with it.
        [(own, theirs)] = relation.synchronize_pairs if relation.secondary is not None else [
            pair if pair[0].table is cls.__table__ else pair[::-1] for pair in relation.local_remote_pairs]
        asked: Counter[str] = Counter()
        for obj, count in zip(objects, times, strict=True):
            asked[obj[own.key]] += count
        form = schema.form(other, permissions.hidden(actor, other))
        statement = select(theirs.label("_key"), *form).where(theirs.in_(asked))
        if relation.secondary is not None:
            statement = statement.join(other, relation.secondaryjoin)
        found = models.storage.read(statement.order_by(*order(other, ())).limit(room.left + 1)).all()
        keys = [obj.pop("_key") for obj in found]
        counts = [asked[key] for key in keys]
        room.take(sum(counts))
        groups: dict[str, Objects] = {}
        for key, obj in zip(keys, found, strict=True):
            groups.setdefault(key, []).append(obj)
        _attach(other, found, counts, branch, actor, room)
        for obj in objects:
            mine = groups.get(obj[own.key], [])
            obj[name] = mine if relation.uselist else next(iter(mine), None)
