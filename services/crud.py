"""The default service: finding, listing, creating, changing and removing the objects of a class.

A class with rules of its own has a subclass in a module of its own, which `services.registry` names. It overrides
`validate` and, for what follows from a change, `created`, `updated` and `removed`.
"""
from __future__ import annotations

import builtins
from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from typing import Any, Generic, TypeVar

from sqlalchemy import Select, bindparam, select

import models
from errors import Invalid, NotFound
from models.base_model import BaseModel
from models.family import family
from services import permissions, schema
from services.actor import Actor
from services.listing import Listing
from services.query import Filter, condition, path

Model = TypeVar("Model", bound=BaseModel)


def _nothing() -> None:
    """The check of a change that is not conditional."""


class Service(Generic[Model]):
    """What HBNB does with the objects of a class; every front end and the importer go through it.

    Each method takes the actor first, and raises `Unauthorized` if the actor may not do that.

    Args:
        cls: the class.
    """

    def __init__(self, cls: type[Model]) -> None:
        self.cls = cls

    # What a class with rules overrides

    def validate(self, actor: Actor, values: Mapping[str, Any], before: Mapping[str, Any] | None) -> None:
        """Refuse an object that breaks a rule. The values fit their columns, and the owners exist.

        Read other objects by `models.storage.read`: an import stores rows, not objects. The owners are locked until
        the transaction ends, so no other client changes them, or adds an object to them, between this check and the
        write.

        Args:
            values: all attributes, as they would be stored.
            before: all attributes, as they are stored; `None` for a new object.
        Raises:
            Invalid, Conflict: says which rule, and what to do.
        """

    def created(self, actor: Actor, values: Mapping[str, Any]) -> None:
        """React to a new object, in the transaction that stores it."""

    def updated(self, actor: Actor, values: Mapping[str, Any], before: Mapping[str, Any]) -> None:
        """React to a changed object, in the transaction that changes it."""

    def removed(self, actor: Actor, values: Mapping[str, Any]) -> None:
        """React to a removed object, in the transaction that removes it."""

    @cached_property
    def has_rules(self) -> bool:
        """Whether anything is overridden, so that an engine may take no short cut."""
        return any(getattr(type(self), name) is not getattr(Service, name)
                   for name in ("validate", "created", "updated", "removed"))

    # Reading

    def find(self, actor: Actor, id: str) -> Model:
        """The object with that id.

        Raises:
            NotFound: there is none.
        """
        obj = models.storage.get(self.cls, id)
        if not isinstance(obj, self.cls):
            raise NotFound()
        permissions.require(actor, self.cls, "read", obj)
        return obj

    def show(self, actor: Actor, id: str, fields: Sequence[str] = (), include: Sequence[str] = ()) -> dict[str, Any]:
        """The object with that id, in its JSON form.

        Args:
            fields, include: as `Listing` takes them.
        Raises:
            Invalid: a field or a relation does not exist.
            NotFound: there is no such object.
        """
        permissions.require(actor, self.cls, "read")
        wanted = Listing(self.cls, fields=fields, include=include, actor=actor)
        [obj] = wanted.complete([self._looked_up(self._one(permissions.hidden(actor, self.cls)), id)])
        return obj

    def check(self, actor: Actor, id: str) -> None:
        """See that there is an object with that id.

        Raises:
            NotFound: there is none.
        """
        permissions.require(actor, self.cls, "read")
        self._looked_up(self._id, id)

    def list(self, actor: Actor, filters: Sequence[Filter] = (), sort: Sequence[str] = (), limit: int | None = None,
             offset: int = 0) -> builtins.list[dict[str, Any]]:
        """Objects, in their JSON form.

        Args:
            filters: conditions that all must hold.
            sort: names of attributes, a `-` before one to turn its order; `created_at` and `id` come last.
            limit, offset: how many, from which on.
        Raises:
            Invalid: a filter or an order names no attribute, or a value does not fit.
        """
        permissions.require(actor, self.cls, "read")
        return Listing(self.cls, self._conditions(filters), sort, limit, offset, actor=actor).all()

    def table(self, actor: Actor, names: Sequence[str], filters: Sequence[Filter] = (), sort: Sequence[str] = (),
              limit: int | None = None) -> builtins.list[dict[str, Any]]:
        """Some attributes of the objects and of their relations.

        Args:
            names: such as `name`, `city.name` and `amenities`; a relation alone stands for its name.
            filters, sort, limit: as `list` takes them.
        Returns: for each object the values by these names; through a relation to many, a list.
        Raises:
            Invalid: a name, a filter or an order names no attribute, or a value does not fit.
        """
        permissions.require(actor, self.cls, "read")
        paths = {name: path(self.cls, name) for name in names}
        relations = [".".join(each[:-1]) for each in paths.values() if len(each) > 1]
        found = Listing(self.cls, self._conditions(filters), sort, limit, include=relations, actor=actor,
                        bounded=False).all()
        return [{name: _at(obj, each) for name, each in paths.items()} for obj in found]

    def count(self, actor: Actor, filters: Sequence[Filter] = ()) -> int:
        """How many objects there are that meet all conditions.

        Raises:
            Invalid: a filter names no attribute, or a value does not fit.
        """
        permissions.require(actor, self.cls, "read")
        if not filters:
            return models.storage.count(self.cls)
        return Listing(self.cls, self._conditions(filters), actor=actor).total()

    # Writing

    def create(self, actor: Actor, data: Mapping[str, Any], owners: Mapping[str, str] | None = None) -> Model:
        """Create and store an object.

        Args:
            data: its attributes, checked here.
            owners: the ids of what it is made in, such as a city's `state_id`; they replace those of `data`.
        Raises:
            Invalid: names the attribute that is missing or does not fit.
            NotFound: it names an object that does not exist.
            Conflict: a value is taken.
        """
        permissions.require(actor, self.cls, "create")
        given = {**data, **(owners or {})}
        try:
            obj = self.cls(**schema.clean(self.cls, given, made=True))
            self._store(actor, obj, lambda: models.storage.insert(obj))
        except (Invalid, NotFound):
            # Only a client that is refused is told what is wrong in the contract's order: which objects exist comes
            # first.
            self.check_owners(actor, owners or {})
            schema.missing(self.cls, given, references=True)
            self.check_owners(actor, given)
            raise
        return obj

    def add(self, actor: Actor, values: Mapping[str, Any]) -> Model:
        """Create and store an object as the console does: what is not set stays unset, if the storage allows it.

        Args:
            values: its attributes; each fits its column.
        Raises:
            Invalid, Conflict: the storage or a rule refuses it.
        """
        permissions.require(actor, self.cls, "create")
        obj = self.cls(**values)
        self._store(actor, obj, obj.save)
        return obj

    def _store(self, actor: Actor, obj: Model, store: Callable[[], None]) -> None:
        """Store a new object as its rules say; without rules the engine may take its short cut."""
        def work() -> None:
            self.check_rules(actor, stored(obj), None)
            store()
            self.created(actor, stored(obj))
        if self.has_rules:
            models.storage.transact(work)
        else:
            store()

    def check_rules(self, actor: Actor, values: Mapping[str, Any], before: Mapping[str, Any] | None) -> None:
        """Lock the owners of an object, and `validate` it; inside a transaction.

        Raises:
            Invalid: an owner does not exist, on either engine.
            Invalid, Conflict: the object breaks a rule.
        """
        keys = [key for column in self.cls.__table__.c for key in column.foreign_keys]
        for name, owner in ((key.parent.key, key.column) for key in keys):
            locked = select(owner).where(owner == values[name]).with_for_update()
            if values[name] is not None and not models.storage.read(locked).first():
                raise Invalid(f"{name} names nothing that is there", name)
        self.validate(actor, values, before)

    def check_owners(self, actor: Actor, ids: Mapping[str, Any]) -> None:
        """See that the objects exist that one is to belong to.

        Args:
            ids: by attribute; those of others are ignored.
        Raises:
            Invalid: one is no id.
            NotFound: one names nothing.
        """
        from services.registry import service_for
        for column in self.cls.__table__.c:
            for key in column.foreign_keys:
                if column.key in ids:
                    if not isinstance(ids[column.key], str):
                        raise Invalid(f"{column.key} must be a text", column.key)
                    owner = next(each for each in models.classes.values() if each.__table__ is key.column.table)
                    service_for(owner).check(actor, ids[column.key])

    def update(self, actor: Actor, obj: Model, data: Mapping[str, Any],
               check: Callable[[], None] = _nothing) -> Model:
        """Change an object: all that is named, or nothing.

        Args:
            check: is called when no other program can change the object any more; an error that it raises ends it
                all. It is called again if the database gives up the transaction, as others may then have changed the
                object.
        Raises:
            Invalid: names the attribute that does not fit.
            NotFound: the object was removed meanwhile.
        """
        self._change(actor, obj, lambda: schema.clean(self.cls, data, made=False), check)
        return obj

    def assign(self, actor: Actor, obj: Model, values: Mapping[str, Any]) -> None:
        """Set attributes as the console does, those too that a client cannot change: all of them, or none.

        Args:
            values: by name; each fits its column.
        Raises:
            Invalid, Conflict: the storage or a rule refuses it.
        """
        self._change(actor, obj, lambda: values)

    def _change(self, actor: Actor, obj: Model, values: Callable[[], Mapping[str, Any]],
                check: Callable[[], None] = _nothing) -> None:
        def work() -> None:
            models.storage.lock(obj)
            permissions.require(actor, self.cls, "update", obj)
            check()
            before = stored(obj)
            for name, value in values().items():
                setattr(obj, name, value)
            if self.has_rules:
                self.check_rules(actor, stored(obj), before)
            obj.save()
            self.updated(actor, stored(obj), before)
        models.storage.transact(work)

    def remove(self, actor: Actor, obj: Model, check: Callable[[], None] = _nothing) -> None:
        """Remove an object and all that belongs to it; see `update`."""
        def work() -> None:
            models.storage.lock(obj)
            permissions.require(actor, self.cls, "remove", obj)
            check()
            before = stored(obj)
            obj.delete()
            self.removed(actor, before)
        models.storage.transact(work)

    def dependents(self, actor: Actor, obj: Model) -> dict[str, int]:
        """Count the objects that `remove` would remove together with an object.

        Returns: their numbers by class, without those that are 0.
        """
        permissions.require(actor, self.cls, "read", obj)
        names = {cls.__table__: name for name, cls in models.classes.items()}
        found = family(obj, lambda statement: models.storage.read(statement).scalars())
        return {names[table]: len(ids) for table, ids in found.items() if ids and table is not self.cls.__table__}

    # The inside

    def _conditions(self, filters: Sequence[Filter]) -> builtins.list[Any]:
        return [condition(self.cls, each) for each in filters]

    def _looked_up(self, statement: Select[Any], id: str) -> dict[str, Any]:
        # An id that is not ASCII names nothing, and would cost MySQL the index.
        found = models.storage.read(statement, {"id": id}).first() if id.isascii() else None
        if found is None or found["id"] != id:
            raise NotFound()
        return found

    def _one(self, hidden: frozenset[str]) -> Select[Any]:
        if hidden not in self._statements:
            self._statements[hidden] = select(*schema.form(self.cls, hidden)).where(
                self.cls.__table__.c.id == bindparam("id"))
        return self._statements[hidden]

    @cached_property
    def _statements(self) -> dict[frozenset[str], Select[Any]]:
        return {}

    @cached_property
    def _id(self) -> Select[Any]:
        return select(self.cls.__table__.c.id).where(self.cls.__table__.c.id == bindparam("id"))


def stored(obj: BaseModel) -> dict[str, Any]:
    """All attributes of an object, as they are stored."""
    return {column.key: getattr(obj, column.key) for column in obj.__table__.c}


def _at(found: Any, path: Sequence[str]) -> Any:
    """What stands at a path in an object's JSON form."""
    if path and isinstance(found, list):
        values = [_at(each, path) for each in found]
        return [value for each in values for value in (each if isinstance(each, list) else [each])]
    return _at(found.get(path[0]), path[1:]) if path and found is not None else found
