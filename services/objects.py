"""Finding, listing, making, changing and removing objects."""
from __future__ import annotations

import builtins
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from typing import Any, TypeVar

from sqlalchemy import bindparam, delete, insert, select

import models
import schema
from errors import Invalid, NotFound
from models.amenity import Amenity, place_amenity
from models.base_model import BaseModel
from models.engine.autocommit import Prepared
from models.place import Place
from services.listing import Listing
from services.query import Filter, condition, path

Model = TypeVar("Model", bound=BaseModel)


def named(name: str) -> type[BaseModel]:
    """The class of that name.

    Raises:
        Invalid: there is none.
    """
    if name not in models.classes:
        raise Invalid(f"There is no class {name}; there are {', '.join(sorted(models.classes))}")
    return models.classes[name]


def find(cls: type[Model], id: str) -> Model:
    """The object with that id.

    Raises:
        NotFound: there is none.
    """
    obj = models.storage.get(cls, id)
    if not isinstance(obj, cls):
        raise NotFound()
    return obj


def show(cls: type[BaseModel], id: str, fields: Sequence[str] = (), include: Sequence[str] = (),
         private: bool = True) -> dict[str, Any]:
    """The object with that id, in its JSON form.

    Args:
        fields, include, private: as `Listing` takes them.
    Raises:
        Invalid: a field or a relation is not there.
        NotFound: there is no such object.
    """
    wanted = Listing(cls, fields=fields, include=include, private=private)
    model: Any = cls
    [obj] = wanted.complete([_looked_up(_one(model, private), id)])
    return obj


def check(cls: type[BaseModel], id: str) -> None:
    """Tell whether there is an object with that id.

    Raises:
        NotFound: there is none.
    """
    model: Any = cls
    _looked_up(_id(model), id)


def list(cls: type[BaseModel], filters: builtins.list[Filter] | None = None, sort: builtins.list[str] | None = None,
         limit: int | None = None, offset: int = 0) -> builtins.list[dict[str, Any]]:
    """Objects of a class, in their JSON form.

    Args:
        filters: conditions that all must hold.
        sort: names of attributes, a `-` before one to turn its order; `created_at` and `id` come last.
        limit, offset: how many, from which on.
    Raises:
        Invalid: a filter or an order names no attribute, or a value does not fit.
    """
    return Listing(cls, [condition(cls, each) for each in filters or []], sort or [], limit, offset).all()


def table(cls: type[BaseModel], names: Sequence[str], filters: Sequence[Filter] = (), sort: Sequence[str] = (),
          limit: int | None = None) -> builtins.list[dict[str, Any]]:
    """Some attributes of the objects of a class and of their relations.

    Args:
        names: such as `name`, `city.name` and `amenities`; a relation alone stands for its name.
        filters, sort, limit: as `list` takes them.
    Returns: for each object the values by these names; through a relation to many, a list.
    Raises:
        Invalid: a name, a filter or an order names no attribute, or a value does not fit.
    """
    paths = {name: path(cls, name) for name in names}
    relations = [".".join(each[:-1]) for each in paths.values() if len(each) > 1]
    where = [condition(cls, each) for each in filters]
    found = Listing(cls, where, sort, limit, include=relations, bounded=False).all()
    return [{name: _at(obj, each) for name, each in paths.items()} for obj in found]


def _at(found: Any, path: Sequence[str]) -> Any:
    """What stands at a path in an object's JSON form."""
    if isinstance(found, builtins.list):
        values = [_at(each, path) for each in found]
        return [value for each in values for value in (each if isinstance(each, builtins.list) else [each])]
    return _at(found.get(path[0]), path[1:]) if path and found is not None else found


def create(cls: type[BaseModel], data: Mapping[str, Any], owners: Mapping[str, str] | None = None) -> BaseModel:
    """Make and store an object.

    Args:
        data: its attributes, checked here.
        owners: the ids of what it is made in, such as a city's `state_id`; they come before those of `data`.
    Raises:
        Invalid: names the attribute that is missing or does not fit.
        NotFound: it names an object that is not there.
        Conflict: a value is taken.
    """
    given = {**data, **(owners or {})}
    try:
        obj = cls(**schema.clean(cls, given, made=True))
        models.storage.insert(obj)
    except (Invalid, NotFound):
        # Only who is refused is told what is wrong in the contract's order: which objects are there comes first.
        check_owners(cls, owners or {})
        schema.missing(cls, given, references=True)
        check_owners(cls, given)
        raise
    return obj


def check_owners(cls: type[BaseModel], ids: Mapping[str, Any]) -> None:
    """Tell whether the objects are there that one is to belong to.

    Args:
        ids: by attribute; those of others are passed over.
    Raises:
        Invalid: one is no id.
        NotFound: one names nothing.
    """
    for column in cls.__table__.c:
        for key in column.foreign_keys:
            if column.key in ids:
                if not isinstance(ids[column.key], str):
                    raise Invalid(f"{column.key} must be a text", column.key)
                check(next(each for each in models.classes.values() if each.__table__ is key.column.table),
                      ids[column.key])


def update(obj: BaseModel, data: Mapping[str, Any], check: Callable[[], None] = lambda: None) -> BaseModel:
    """Change an object: all that is named, or nothing.

    Args:
        check: is called when nobody else can change it any more; an error it raises ends it all. It is called again
            if the database gives up the transaction, as others may then have changed the object.
    Raises:
        Invalid: names the attribute that does not fit.
        NotFound: somebody removed it.
    """
    def work() -> None:
        models.storage.lock(obj)
        check()
        for name, value in schema.clean(type(obj), data, made=False).items():
            setattr(obj, name, value)
        obj.save()
    models.storage.transact(work)
    return obj


def remove(obj: BaseModel, check: Callable[[], None] = lambda: None) -> None:
    """Remove an object and all that belongs to it; see `update`."""
    def work() -> None:
        models.storage.lock(obj)
        check()
        obj.delete()
    models.storage.transact(work)


def link(place: Place, amenity: Amenity) -> bool:
    """Have a place offer an amenity. Returns: whether it did not before."""
    def work() -> bool:
        models.storage.lock(place)
        if models.storage.rows(_link(select(place_amenity), place, amenity)):
            return False
        models.storage.write(insert(place_amenity), {"place_id": place.id, "amenity_id": amenity.id})
        return True
    return models.storage.transact(work)


def offer(place: Place, ids: Sequence[str]) -> None:
    """Have a place offer the amenities with these ids, and no others.

    Raises:
        Invalid: they are no list of ids, or one names no amenity.
    """
    if not isinstance(ids, builtins.list) or not all(isinstance(id, str) for id in ids):
        raise Invalid('amenity_ids must be a list of ids, such as ["ID", "ID"]', "amenity_ids")

    def work() -> None:
        models.storage.lock(place)
        for id in ids:
            amenity = models.storage.get(Amenity, id)
            if not isinstance(amenity, Amenity):
                raise Invalid(f"amenity_ids: there is no amenity {id}", "amenity_ids")
            link(place, amenity)
        models.storage.write(delete(place_amenity).where(
            place_amenity.c.place_id == place.id, place_amenity.c.amenity_id.not_in(ids)))
    models.storage.transact(work)


def unlink(place: Place, amenity: Amenity) -> None:
    """Have a place no longer offer an amenity.

    Raises:
        NotFound: it does not.
    """
    def work() -> None:
        if not models.storage.write(_link(delete(place_amenity), place, amenity)):
            raise NotFound()
    models.storage.transact(work)


def _link(statement: Any, place: Place, amenity: Amenity) -> Any:
    return statement.where(place_amenity.c.place_id == place.id, place_amenity.c.amenity_id == amenity.id)


def count(cls: type[BaseModel] | None = None, filters: Sequence[Filter] = ()) -> int:
    """How many objects of a class, or of all, there are; of a class, those that meet all conditions.

    Raises:
        Invalid: a filter names no attribute, or a value does not fit.
    """
    if cls is None or not filters:
        return models.storage.count(cls)
    return Listing(cls, [condition(cls, each) for each in filters]).total()


def stats() -> dict[str, int]:
    """How many objects there are, by table."""
    return {cls.__tablename__: count(cls) for cls in sorted(models.classes.values(), key=lambda cls: cls.__tablename__)}


def _looked_up(statement: Prepared, id: str) -> dict[str, Any]:
    # An id that is not ASCII names nothing, and would cost MySQL the index.
    found = models.storage.prepared(statement, {"id": id}) if id.isascii() else []
    if not found or found[0]["id"] != id:
        raise NotFound()
    return found[0]


@cache
def _one(cls: Any, private: bool) -> Prepared:
    return Prepared(select(*schema.form(cls, private)).where(cls.__table__.c.id == bindparam("id")))


@cache
def _id(cls: Any) -> Prepared:
    return Prepared(select(cls.__table__.c.id).where(cls.__table__.c.id == bindparam("id")))
