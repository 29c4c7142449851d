"""The default service: finds, lists, creates, changes and removes the objects of a class.

A class with rules has a subclass in its own module, which is listed in `services.registry`. It overrides `validate`
and, to react to changes, `created`, `updated` and `removed`.
"""
from __future__ import annotations

import builtins
from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from typing import Any, Generic, TypeVar

from sqlalchemy import ForeignKey, Select, bindparam, select

import models
from errors import Invalid, NotFound
from models.base_model import BaseModel
from models.family import family
from services import audit, permissions, schema
from services.actor import Actor
from services.listing import Listing
from services.query import Filter, condition, path

Model = TypeVar("Model", bound=BaseModel)


def _nothing() -> None:
    """The check of an unconditional change: does nothing."""


class Service(Generic[Model]):
    """The operations on the objects of a class, for every front end and the importer.

    The first argument of each method is the actor; it raises `Unauthorized` if the actor may not do that.

    Args:
        cls: the class.
    """

    def __init__(self, cls: type[Model]) -> None:
        self.cls = cls

    # Hooks that a class with rules overrides

    def defaults(self, actor: Actor) -> Mapping[str, Any]:
        """The attributes of an object that the actor creates without them."""
        return {}

    def validate(self, actor: Actor, values: Mapping[str, Any], before: Mapping[str, Any] | None) -> None:
        """Raise an error if an object breaks a rule. Its values fit their columns, and its owners exist.

        Read other objects with `models.storage.read`, because an import stores rows, not objects. The owners are locked
        until the transaction ends, so no other client changes them, or adds an object to them, between this check and
        the write.

        Args:
            values: all attributes, as they would be stored.
            before: all attributes, as they are stored now; `None` for a new object.
        Raises:
            Invalid, Conflict: names the rule, and what to do.
        """

    def created(self, actor: Actor, values: Mapping[str, Any]) -> None:
        """React to a new object, in the transaction that stores it."""

    def updated(self, actor: Actor, values: Mapping[str, Any], before: Mapping[str, Any]) -> None:
        """React to a changed object, in the transaction that changes it."""

    def removed(self, actor: Actor, values: Mapping[str, Any]) -> None:
        """React to a removed object, in the transaction that removes it."""

    @cached_property
    def has_rules(self) -> bool:
        """Whether a hook is overridden, so that it must be called for each change."""
        return any(getattr(type(self), name) is not getattr(Service, name)
                   for name in ("validate", "created", "updated", "removed"))

    # Reading

    def find(self, actor: Actor, id: str) -> Model:
        """The object with that id.

        Raises:
            NotFound: no object has that id.
        """
        obj = models.storage.get(self.cls, id)
        if not isinstance(obj, self.cls):
            raise NotFound()
        permissions.require(actor, self.cls, "read", obj)
        return obj

    def show(self, actor: Actor, id: str, fields: Sequence[str] = (), include: Sequence[str] = ()) -> dict[str, Any]:
        """The object with that id, in its JSON form.

        Args:
            fields, include: see `Listing`.
        Raises:
            Invalid: a field or a relation does not exist.
            NotFound: no object has that id.
        """
        permissions.require(actor, self.cls, "read")
        wanted = Listing(self.cls, fields=fields, include=include, actor=actor)
        statement = self._one(wanted.hidden, actor.view)
        [obj] = wanted.complete([self._looked_up(actor, statement, id)])
        return obj

    def check(self, actor: Actor, id: str) -> None:
        """Check that an object with that id exists.

        Raises:
            NotFound: no object has that id.
        """
        permissions.require(actor, self.cls, "read")
        self._looked_up(actor, self._id(actor.view), id)

    def list(self, actor: Actor, filters: Sequence[Filter] = (), sort: Sequence[str] = (), limit: int | None = None,
             offset: int = 0) -> builtins.list[dict[str, Any]]:
        """The objects that meet all filters, in their JSON form.

        Args:
            filters: conditions that the objects must meet.
            sort, limit, offset: see `Listing`.
        Raises:
            Invalid: an attribute does not exist, or a value is not valid for it.
        """
        permissions.require(actor, self.cls, "read")
        return Listing(self.cls, self._conditions(filters), sort, limit, offset, actor=actor).all()

    def table(self, actor: Actor, names: Sequence[str], filters: Sequence[Filter] = (), sort: Sequence[str] = (),
              limit: int | None = None) -> builtins.list[dict[str, Any]]:
        """A table of some attributes of the objects and of their relations.

        Args:
            names: the columns, such as `name`, `city.name` and `amenities`; `city` is short for `city.name`.
            filters, sort, limit: see `list`.
        Returns: for each object, the values by these names; a list for a relation to several objects.
        Raises:
            Invalid: an attribute does not exist, or a value is not valid for it.
        """
        permissions.require(actor, self.cls, "read")
        paths = {name: path(self.cls, name) for name in names}
        relations = [".".join(each[:-1]) for each in paths.values() if len(each) > 1]
        fields = [each[0] for each in paths.values() if len(each) == 1] or ["id"]
        found = Listing(self.cls, self._conditions(filters), sort, limit, fields=fields, include=relations, actor=actor,
                        bounded=False).all()
        return [{name: _at(obj, each) for name, each in paths.items()} for obj in found]

    def count(self, actor: Actor, filters: Sequence[Filter] = ()) -> int:
        """The number of objects that meet all filters.

        Raises:
            Invalid: an attribute does not exist, or a value is not valid for it.
        """
        permissions.require(actor, self.cls, "read")
        if not filters and not permissions.visible(self.cls, actor.view):
            return models.storage.count(self.cls)
        return Listing(self.cls, self._conditions(filters), actor=actor).total()

    # Writing

    def create(self, actor: Actor, data: Mapping[str, Any], owners: Mapping[str, str] | None = None) -> Model:
        """Create and store an object.

        Args:
            data: its attributes; this method validates them.
            owners: the foreign keys of its parents, such as a city's `state_id`; they override those in `data`.
        Raises:
            Invalid: an attribute is missing or invalid; names it.
            NotFound: a referenced object does not exist.
            Conflict: a unique value is already in use.
        """
        permissions.require(actor, self.cls, "create")
        attributes = {**self.defaults(actor), **data, **(owners or {})}
        self._check_visible_owners(actor, owners or {})
        try:
            obj = self.cls(**schema.clean(self.cls, attributes, is_new=True))
            permissions.require(actor, self.cls, "create", obj)
            self._store(actor, obj, lambda: models.storage.insert(obj))
        except (Invalid, NotFound):
            # The contract fixes the order of errors: references to unknown objects come first. To check that order only
            # after a failure saves statements in the usual case.
            self.check_owners(actor, owners or {})
            schema.require(self.cls, attributes, references=True)
            self.check_owners(actor, attributes)
            raise
        return obj

    def add(self, actor: Actor, values: Mapping[str, Any]) -> Model:
        """Create and store an object for the console. Required attributes may be unset if the storage allows it.

        Args:
            values: its attributes; they must fit their columns.
        Raises:
            Invalid, Conflict: the storage or a rule refuses it.
        """
        permissions.require(actor, self.cls, "create")
        obj = self.cls(**values)
        self._store(actor, obj, obj.save)
        return obj

    def _store(self, actor: Actor, obj: Model, store: Callable[[], None]) -> None:
        """Validate and store a new object. Without rules and an audit it needs no transaction, which is faster."""
        def work() -> None:
            if self.has_rules:
                self.check_rules(actor, stored(obj), None)
            store()
            if self.has_rules:
                self.created(actor, stored(obj))
            audit.record(actor, "create", obj)
        if self.has_rules or actor.is_staff:
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
                raise Invalid(f"{name} refers to an object that does not exist: {values[name]!r:.64}", name)
        self.validate(actor, values, before)

    def check_owners(self, actor: Actor, ids: Mapping[str, Any]) -> None:
        """Check that the objects exist to which foreign keys refer.

        Args:
            ids: ids by attribute; attributes that are not foreign keys are ignored.
        Raises:
            Invalid: an id is not a text.
            NotFound: an object does not exist.
        """
        from services.registry import service_for
        for column in self.cls.__table__.c:
            for key in column.foreign_keys:
                if column.key in ids:
                    if not isinstance(ids[column.key], str):
                        raise Invalid(f"{column.key} must be a text", column.key)
                    service_for(_owner(key)).check(actor, ids[column.key])

    def _check_visible_owners(self, actor: Actor, ids: Mapping[str, Any]) -> None:
        """Raise NotFound for an owner that the actor cannot find. A foreign key alone finds unknown owners only."""
        self.check_owners(actor, {
            column.key: ids[column.key] for column in self.cls.__table__.c for key in column.foreign_keys
            if column.key in ids and permissions.visible(_owner(key), actor.view)})

    def update(self, actor: Actor, obj: Model, data: Mapping[str, Any],
               check: Callable[[], None] = _nothing) -> Model:
        """Change attributes of an object: all of them, or none if there is an error.

        Args:
            data: the attributes to change; this method validates them.
            check: is called after the object is locked, for example to compare its version; if it raises an error,
                nothing is changed. It is called again if the transaction is retried, because the object may have
                changed in between.
        Raises:
            Invalid: an attribute is invalid; names it.
            NotFound: another process has removed the object.
        """
        self._change(actor, obj, lambda: schema.clean(self.cls, data, is_new=False), check)
        return obj

    def assign(self, actor: Actor, obj: Model, values: Mapping[str, Any]) -> None:
        """Set attributes for the console, including those that API clients cannot change: all of them, or none.

        Args:
            values: values by the names of attributes; they must fit their columns.
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
            audit.record(actor, "update", obj)
        models.storage.transact(work)

    def remove(self, actor: Actor, obj: Model, check: Callable[[], None] = _nothing) -> None:
        """Remove an object and its dependents. `check` is called as by `update`."""
        def work() -> None:
            models.storage.lock(obj)
            permissions.require(actor, self.cls, "remove", obj)
            check()
            before = stored(obj)
            obj.delete()
            self.removed(actor, before)
            audit.record(actor, "remove", obj)
        models.storage.transact(work)

    def dependents(self, actor: Actor, obj: Model) -> dict[str, int]:
        """Count the objects that `remove` would remove together with an object.

        Returns: the numbers by class, without zeros.
        """
        permissions.require(actor, self.cls, "read", obj)
        names = {cls.__table__: name for name, cls in models.classes.items()}
        found = family(obj, lambda statement: models.storage.read(statement).scalars())
        return {names[table]: len(ids) for table, ids in found.items() if ids and table is not self.cls.__table__}

    # Internals

    def _conditions(self, filters: Sequence[Filter]) -> builtins.list[Any]:
        return [condition(self.cls, each) for each in filters]

    def _looked_up(self, actor: Actor, statement: Select[Any], id: str) -> dict[str, Any]:
        # No object has an id that is not ASCII, and with such an id MySQL would not use the index.
        found = models.storage.read(statement, {"id": id, **actor.values}).first() if id.isascii() else None
        if found is None or found["id"] != id:
            raise NotFound()
        return found

    def _one(self, hidden: frozenset[str], view: str) -> Select[Any]:
        if (found := self._statements.get((hidden, view))) is None:
            found = self._statements[hidden, view] = self._by_id(view, *schema.form(self.cls, hidden))
        return found

    def _id(self, view: str) -> Select[Any]:
        if (found := self._statements.get(view)) is None:
            found = self._statements[view] = self._by_id(view, self.cls.__table__.c.id)
        return found

    def _by_id(self, view: str, *columns: Any) -> Select[Any]:
        return select(*columns).where(self.cls.__table__.c.id == bindparam("id"), *permissions.visible(self.cls, view))

    @cached_property
    def _statements(self) -> dict[Any, Select[Any]]:
        return {}


def _owner(key: ForeignKey) -> type[BaseModel]:
    """The class that a foreign key refers to."""
    return next(each for each in models.classes.values() if each.__table__ is key.column.table)


def stored(obj: BaseModel) -> dict[str, Any]:
    """The attributes of an object by name, as they are stored."""
    return {column.key: getattr(obj, column.key) for column in obj.__table__.c}


def _at(found: Any, path: Sequence[str]) -> Any:
    """The value at a path in an object's JSON form; a list if the path passes through a list."""
    if path and isinstance(found, list):
        values = [_at(each, path) for each in found]
        return [value for each in values for value in (each if isinstance(each, list) else [each])]
    return _at(found.get(path[0]), path[1:]) if path and found is not None else found
