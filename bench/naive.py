"""A naive search and file engine: loops over `storage.all()`, as small programs often have them."""
from __future__ import annotations

import datetime
import json
from collections.abc import Iterable
from typing import Any

from models.columns import TIME_FORMAT

Objects = list[dict[str, Any]]


def search(storage: Any, classes: tuple[Any, Any, Any], state_id: str, amenity_ids: list[str]) -> Objects:
    """Return the places in a state that have all of the amenities.

    Args:
        classes: State, Place and Amenity of that storage.
    """
    state, place, amenity = classes
    city_ids = [city.id for city in storage.get(state, state_id).cities]
    wanted = [storage.get(amenity, id) for id in amenity_ids]
    return [each.to_dict() for each in storage.all(place).values()
            if each.city_id in city_ids and all(one in each.amenities for one in wanted)]


class Storage:
    """A naive file engine: a dict of all objects, read from the file once, rather than for each request."""

    def __init__(self, objects: Iterable[dict[str, Any]]) -> None:
        self._objects = {f"{obj['__class__']}.{obj['id']}": _CLASSES[obj["__class__"]](self, obj) for obj in objects}

    @classmethod
    def open(cls, path: str) -> Storage:
        with open(path, encoding="utf-8") as file:
            return cls(json.load(file).values())

    def all(self, cls: type[Object]) -> dict[str, Any]:
        return {key: obj for key, obj in self._objects.items() if type(obj) is cls}

    def get(self, cls: type[Object], id: str) -> Any:
        return self._objects.get(f"{cls.__name__}.{id}")


class Object:
    def __init__(self, storage: Storage, values: dict[str, Any]) -> None:
        self._storage = storage
        for name, value in values.items():
            if name != "__class__":
                setattr(self, name, datetime.datetime.fromisoformat(value) if name.endswith("_at") else value)

    def to_dict(self) -> dict[str, Any]:
        shown = {name: value for name, value in vars(self).items() if name not in ("_storage", "amenity_ids", "status")}
        times = {name: shown[name].strftime(TIME_FORMAT) for name in ("created_at", "updated_at")}
        return shown | times | {"__class__": type(self).__name__}


class State(Object):
    @property
    def cities(self) -> list[Any]:
        return [city for city in self._storage.all(City).values() if city.state_id == vars(self)["id"]]


class City(Object):
    pass


class User(Object):
    pass


class Amenity(Object):
    pass


class Place(Object):
    amenity_ids: list[str]

    @property
    def amenities(self) -> list[Any]:
        return [amenity for amenity in self._storage.all(Amenity).values() if amenity.id in self.amenity_ids]


class Review(Object):
    pass


_CLASSES = {kind.__name__: kind for kind in (State, City, User, Amenity, Place, Review)}
