"""The service of places, and of their links to amenities."""
from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import delete, insert, select

import models
from errors import Invalid, NotFound
from models.amenity import Amenity, place_amenity
from models.city import City
from models.place import Place
from services import audit, permissions, schema
from services.actor import Actor
from services.crud import Service

LINKS = "amenity_ids"


class Places(Service[Place]):
    """The service of places. A user creates places of their own."""

    def defaults(self, actor: Actor) -> Mapping[str, Any]:
        return {} if actor.user_id is None else {"user_id": actor.user_id}

    def assign(self, actor: Actor, obj: Place, values: Mapping[str, Any]) -> None:
        """Set attributes. `amenity_ids` replaces the amenities of the place."""
        values = dict(values)
        ids = values.pop(LINKS, None)

        def work() -> None:
            if ids is not None:
                self.offer(actor, obj, ids)
            super(Places, self).assign(actor, obj, values)
        models.storage.transact(work)

    def write(self, actor: Actor, place: Place | None, data: Mapping[str, Any]) -> Place:
        """Create a place, or change one, with its city and its amenities: all of it, or nothing.

        Args:
            place: the place to change; `None` creates one.
            data: all attributes that a host can set, and `amenity_ids`.
        Raises:
            Invalid: a value is missing or invalid; names it.
        """
        values = dict(data)
        ids, city = values.pop(LINKS), values["city_id"]

        def work() -> Place:
            if models.storage.get(City, city) is None:
                raise Invalid("There is no such city. Choose another one", "city_id")
            if place is None:
                found = self.create(actor, values)
                found.amenity_ids = ids
                return found
            self.offer(actor, place, ids)
            self._change(actor, place, lambda: {**schema.clean(Place, values, is_new=False), "city_id": city})
            return place
        return models.storage.transact(work)

    def link(self, actor: Actor, place: Place, amenity: Amenity) -> bool:
        """Link an amenity to a place. Returns: whether the link is new."""
        def work() -> bool:
            models.storage.lock(place)
            permissions.require(actor, Place, "link", place)
            if models.storage.read(_link(select(place_amenity), place, amenity)).first():
                return False
            models.storage.write(insert(place_amenity), {"place_id": place.id, "amenity_id": amenity.id})
            audit.record(actor, "link", place)
            return True
        return models.storage.transact(work)

    def unlink(self, actor: Actor, place: Place, amenity: Amenity) -> None:
        """Unlink an amenity from a place.

        Raises:
            NotFound: the amenity is not linked to the place.
        """
        def work() -> None:
            permissions.require(actor, Place, "link", place)
            if not models.storage.write(_link(delete(place_amenity), place, amenity)):
                raise NotFound()
            audit.record(actor, "unlink", place)
        models.storage.transact(work)

    def offer(self, actor: Actor, place: Place, ids: Sequence[str]) -> None:
        """Replace the amenities of a place by those with these ids.

        Raises:
            Invalid: `ids` is not a list of ids, or an amenity does not exist.
        """
        if not isinstance(ids, list) or not all(isinstance(id, str) for id in ids):
            raise Invalid('amenity_ids must be a list of ids, such as ["ID", "ID"]', "amenity_ids")

        def work() -> None:
            models.storage.lock(place)
            permissions.require(actor, Place, "link", place)
            for id in dict.fromkeys(ids):
                amenity = models.storage.get(Amenity, id)
                if not isinstance(amenity, Amenity):
                    raise Invalid(f"amenity_ids: there is no amenity {id}", "amenity_ids")
                self.link(actor, place, amenity)
            if models.storage.write(delete(place_amenity).where(
                    place_amenity.c.place_id == place.id, place_amenity.c.amenity_id.not_in(ids))):
                audit.record(actor, "unlink", place)
        models.storage.transact(work)


def _link(statement: Any, place: Place, amenity: Amenity) -> Any:
    return statement.where(place_amenity.c.place_id == place.id, place_amenity.c.amenity_id == amenity.id)
