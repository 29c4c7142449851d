"""The five routes of a resource: list, create, show, update and delete the objects of a class."""
from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from flask import Response

from api.v1.http.auth import actor, reader
from api.v1.http.conditional import expect
from api.v1.http.idempotency import keyed
from api.v1.http.requests import body, names, number
from api.v1.http.responses import answer, listed, tagged
from api.v1.openapi.operations import array, describe, part, reference
from api.v1.openapi.parameters import listing_query, object_query
from api.v1.views import app_views
from errors import Invalid
from models.base_model import BaseModel
from models.columns import unique
from services import schema
from services.actor import VISITOR
from services.listing import Listing
from services.registry import service_for

NOTHING = {"type": "object", "additionalProperties": False}
LISTED = ("Without `limit` the whole list is given. With it, a page is given: `X-Total-Count` says how many there are, "
          "and `Link` where the other pages are.")


class Resource(NamedTuple):
    """A class with its routes.

    Args:
        cls: the class; its table's name is the resource's.
        example: what a client may send.
        parent: the class of the object that a new one is made in.
    """

    cls: type[BaseModel]
    example: Mapping[str, Any]
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

    @property
    def a_one(self) -> str:
        name = self.cls.__name__.lower()
        return f"an {name}" if name[0] in "aeio" else f"a {name}"

    def conflicts(self, made: bool) -> tuple[int, ...]:
        """409 if a new object, or a change of one, may conflict with another object: by a unique value or a rule."""
        given = schema.writable(self.cls, made)
        return (409,) if service_for(self.cls).has_rules or any(
            column.key in given for column in unique(self.cls.__table__)) else ()


def add_resource(cls: type[BaseModel], example: Mapping[str, Any], parent: type[BaseModel] | None = None) -> None:
    """Give a class its routes; see `Resource`."""
    for add in (_index, _create, _show, _update, _remove):
        add(Resource(cls, example, parent))


def _index(its: Resource) -> None:
    inside = f" of a {its.parent.__name__.lower()}" if its.parent else ""

    @app_views.get(its.collection, endpoint=f"{its.name}_index")
    @describe(f"List the {its.name}{inside}.", its.name, {200: array(part(its.cls.__name__)), 304: None},
              permission=(its.cls, "read"), query=listing_query(its.cls),
              description=f"The oldest come first. {LISTED}")
    def index(**owners: str) -> Response:
        service_for(its.cls).check_owners(VISITOR, owners)
        return listed(listing(its.cls, owners))


def _create(its: Resource) -> None:
    @app_views.post(its.collection, endpoint=f"{its.name}_create")
    @describe(f"Create {its.a_one}.", its.name, {201: reference(its.cls.__name__)}, permission=(its.cls, "create"),
              errors=its.conflicts(made=True), example=its.example,
              body=schema.input_definition(its.cls, made=True, parent=id_of(its.parent) if its.parent else None),
              description="What the server sets (`id`, times, `__class__`, the parent in the path) is ignored. Send an "
                          "`Idempotency-Key`, so that a request that is sent again creates nothing twice.")
    @keyed
    def create(**owners: str) -> Response:
        try:
            data = body()
        except Invalid:
            service_for(its.cls).check_owners(actor(), owners)   # comes first
            raise
        obj = service_for(its.cls).create(actor(), data, owners).to_dict()
        response = tagged(obj, 201)
        response.headers["Location"] = f"/api/v1/{its.name}/{obj['id']}"
        return response


def _show(its: Resource) -> None:
    @app_views.get(its.one, endpoint=f"{its.name}_show")
    @describe(f"Get {its.a_one}.", its.name, {200: part(its.cls.__name__), 304: None}, permission=(its.cls, "read"),
              query=object_query(its.cls),
              description="`fields` leaves attributes out, `include` adds related objects.")
    def show(**ids: str) -> Response:
        [id] = ids.values()
        include = names("include")
        return tagged(service_for(its.cls).show(reader(its.cls, include), id, names("fields"), include))


def _update(its: Resource) -> None:
    @app_views.put(its.one, endpoint=f"{its.name}_update")
    @describe(f"Change {its.a_one}.", its.name, {200: reference(its.cls.__name__)}, permission=(its.cls, "update"),
              errors=its.conflicts(made=False), body=schema.input_definition(its.cls, made=False),
              example=its.example, conditional=True,
              description="Sets the attributes that the body names: all of them, or none if one does not fit. What "
                          "cannot be changed (`id`, times, `__class__`, parents, an email) is ignored. Send the `ETag` "
                          "of what you saw as `If-Match`, so that nobody's change is overwritten.")
    def update(**ids: str) -> Response:
        obj = service_for(its.cls).find(actor(), *ids.values())
        return tagged(service_for(its.cls).update(actor(), obj, body(), lambda: expect(obj.to_dict())).to_dict())


def _remove(its: Resource) -> None:
    @app_views.delete(its.one, endpoint=f"{its.name}_remove")
    @describe(f"Delete {its.a_one}.", its.name, {200: NOTHING}, permission=(its.cls, "remove"), conditional=True,
              description="All that belongs to it is deleted with it.")
    def remove(**ids: str) -> Response:
        obj = service_for(its.cls).find(actor(), *ids.values())
        service_for(its.cls).remove(actor(), obj, lambda: expect(obj.to_dict()))
        return answer({})


def id_of(cls: type[BaseModel]) -> str:
    """The name of an id of that class, in paths and in other objects."""
    return f"{cls.__name__.lower()}_id"


def listing(cls: type[BaseModel], having: dict[str, str], where: Sequence[Any] = ()) -> Listing:
    """The list of those objects that the query asks for; see `Listing`."""
    return Listing(cls, where, names("sort"), number("limit"), number("offset") or 0, names("fields"),
                   include := names("include"), having=having, actor=reader(cls, include))
