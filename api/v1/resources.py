"""The six resources, and what their routes take and answer."""
from __future__ import annotations

from dataclasses import replace
from typing import Any, NamedTuple

from api.v1.openapi.operations import Operation, array, part, reference
from api.v1.openapi.parameters import listing_query, object_query
from models.amenity import Amenity
from models.base_model import BaseModel
from models.city import City
from models.columns import unique
from models.place import Place
from models.review import Review
from models.state import State
from models.user import User
from services import schema

NOTHING = {"type": "object", "additionalProperties": False}
EXAMPLES: dict[type[BaseModel], dict[str, Any]] = {
    State: {"name": "New York"}, City: {"name": "Albany"}, Amenity: {"name": "Wifi"},
    User: {"email": "ada@example.com", "password": "a secret of your own", "first_name": "Ada"},
    Place: {"user_id": "<id of a user>", "name": "Loft by the river", "max_guest": 2, "price_by_night": 120},
    Review: {"user_id": "<id of a user>", "text": "Quiet, and just as described."},
}
LISTED = ("Without `limit` the whole list is given. With it, a page is given: `X-Total-Count` says how many there are, "
          "and `Link` where the other pages are.")


class Resource(NamedTuple):
    """A class with its routes.

    Args:
        cls: the class; its table's name is the resource's.
        parent: the class of the object that one is made in.
    """

    cls: type[BaseModel]
    parent: type[BaseModel] | None = None

    @property
    def name(self) -> str:
        return str(self.cls.__tablename__)

    @property
    def collection(self) -> str:
        """The path of the list that new ones are posted to; its id is called as the attribute that holds it."""
        return f"/{self.parent.__tablename__}/<{id_of(self.parent)}>/{self.name}" if self.parent else f"/{self.name}"

    @property
    def one(self) -> str:
        """The path of an object."""
        return f"/{self.name}/<{id_of(self.cls)}>"

    def described(self, action: str) -> Operation:
        """What one of its routes takes and answers."""
        operation: Operation = getattr(self, f"_{action}")()
        return replace(operation, permission=(self.cls, action if action in ("create", "update", "remove") else "read"))

    def _index(self) -> Operation:
        inside = f" of a {self.parent.__name__.lower()}" if self.parent else ""
        return Operation(f"List the {self.name}{inside}.", self.name, {200: array(part(self.cls.__name__)), 304: None},
                         query=listing_query(self.cls), description=f"The oldest come first. {LISTED}")

    def _create(self) -> Operation:
        taken = (409,) if unique(self.cls.__table__) else ()
        parent = id_of(self.parent) if self.parent else None
        return Operation(
            f"Create {self._a_one}.", self.name, {201: reference(self.cls.__name__)}, taken,
            schema.input_definition(self.cls, made=True, parent=parent), EXAMPLES[self.cls],
            description="What the server sets (`id`, times, `__class__`, the parent in the path) is ignored. Send an "
                        "`Idempotency-Key`, so that a request that is sent again creates nothing twice.")

    def _show(self) -> Operation:
        return Operation(f"Get {self._a_one}.", self.name, {200: part(self.cls.__name__), 304: None},
                         query=object_query(self.cls),
                         description="`fields` leaves attributes out, `include` adds related objects.")

    def _update(self) -> Operation:
        return Operation(
            f"Change {self._a_one}.", self.name, {200: reference(self.cls.__name__)}, (),
            schema.input_definition(self.cls, made=False), EXAMPLES[self.cls], conditional=True,
            description="Sets the attributes that the body names: all of them, or none if one does not fit. What "
                        "cannot be changed (`id`, times, `__class__`, parents, an email) is ignored. Send the `ETag` "
                        "of what you saw as `If-Match`, so that nobody's change is overwritten.")

    def _remove(self) -> Operation:
        return Operation(f"Delete {self._a_one}.", self.name, {200: NOTHING}, conditional=True,
                         description="All that belongs to it is deleted with it.")

    @property
    def _a_one(self) -> str:
        name = self.cls.__name__.lower()
        return f"an {name}" if name[0] in "aeio" else f"a {name}"


def id_of(cls: type[BaseModel]) -> str:
    """What the id of an object of a class is called, in paths and in other objects."""
    return f"{cls.__name__.lower()}_id"


RESOURCES = (Resource(State), Resource(City, State), Resource(Amenity), Resource(User), Resource(Place, City),
             Resource(Review, Place))
