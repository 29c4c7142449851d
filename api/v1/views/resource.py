"""The five routes of a resource: list, create, get, update and delete the objects of a class."""
from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any, NamedTuple

from flask import Response

from api.v1.http.auth import actor, reader
from api.v1.http.conditional import check_preconditions
from api.v1.http.idempotency import idempotent
from api.v1.http.requests import body, query_names, query_number
from api.v1.http.responses import etag_response, json_response, list_response
from api.v1.openapi.operations import array, describe, reference, sparse
from api.v1.openapi.parameters import listing_query, object_query
from api.v1.views import app_views
from errors import Invalid
from models.base_model import BaseModel
from models.columns import unique
from services import schema
from services.listing import Listing
from services.registry import service_for

EMPTY_OBJECT = {"type": "object", "additionalProperties": False}
PAGING = ("Without `limit`, the response is the complete list. With `limit`, it is one page: `X-Total-Count` is the "
          "total number of objects, and `Link` holds the addresses of the other pages.")


class Resource(NamedTuple):
    """A class that the API exposes, and the paths of its routes.

    Args:
        cls: the class. The resource has the name of its table.
        example: an example of a request body, for the documentation.
        parent: the class of the parent object, if objects are created under a parent.
        reserved: names in the place of an id that have routes of their own, such as `/places/clusters`.
    """

    cls: type[BaseModel]
    example: Mapping[str, Any]
    parent: type[BaseModel] | None = None
    reserved: Collection[str] = ()

    @property
    def name(self) -> str:
        return str(self.cls.__tablename__)

    @property
    def collection_path(self) -> str:
        """The path of the collection, such as `/states/<state_id>/cities`, with the foreign key as argument."""
        return f"/{self.parent.__tablename__}/<{id_name(self.parent)}>/{self.name}" if self.parent else f"/{self.name}"

    @property
    def item_path(self) -> str:
        """The path of one object, such as `/cities/<city_id>`."""
        return f"/{self.name}/<{id_name(self.cls)}>"

    @property
    def noun(self) -> str:
        """The class in a sentence, such as "an amenity"."""
        name = self.cls.__name__.lower()
        return f"an {name}" if name[0] in "aeio" else f"a {name}"

    def conflicts(self, is_new: bool) -> tuple[int, ...]:
        """409 if a new object, or a change of one, may conflict with another object: by a unique value or a rule."""
        given = schema.writable(self.cls, is_new)
        return (409,) if service_for(self.cls).has_rules or any(
            column.key in given for column in unique(self.cls.__table__)) else ()


def add_resource(cls: type[BaseModel], example: Mapping[str, Any], parent: type[BaseModel] | None = None,
                 reserved: Collection[str] = ()) -> None:
    """Add the five routes of a class to the API. The arguments are those of `Resource`."""
    for add in (_index, _create, _show, _update, _remove):
        add(Resource(cls, example, parent, reserved))


def _index(resource: Resource) -> None:
    cls, name = resource.cls, resource.name
    inside = f" of a {resource.parent.__name__.lower()}" if resource.parent else ""

    @app_views.get(resource.collection_path, endpoint=f"{name}_index")
    @describe(f"List the {name}{inside}.", name, {200: array(sparse(cls.__name__)), 304: None},
              permission=(cls, "read"), query=listing_query(cls),
              description=f"By default, the oldest come first. {PAGING}")
    def index(**owners: str) -> Response:
        service_for(cls).check_owners(reader(cls, ()), owners)
        return list_response(requested_listing(cls, owners))


def _create(resource: Resource) -> None:
    cls, name = resource.cls, resource.name
    parent_id = id_name(resource.parent) if resource.parent else None

    @app_views.post(resource.collection_path, endpoint=f"{name}_create")
    @describe(f"Create {resource.noun}.", name, {201: reference(cls.__name__)}, permission=(cls, "create"),
              errors=resource.conflicts(is_new=True), example=resource.example,
              body=schema.input_definition(cls, is_new=True, parent=parent_id),
              description="Attributes that the server sets are ignored: `id`, `created_at`, `updated_at`, `__class__` "
                          "and the id of the parent, which is in the path. Send an `Idempotency-Key` header to be able "
                          "to repeat the request without creating a second object.")
    @idempotent
    def create(**owners: str) -> Response:
        try:
            data = body()
        except Invalid:
            service_for(cls).check_owners(actor(), owners)   # an unknown parent is reported before an invalid body
            raise
        obj = service_for(cls).create(actor(), data, owners).to_dict()
        response = etag_response(obj, 201)
        response.headers["Location"] = f"/api/v1/{name}/{obj['id']}"
        return response


def _show(resource: Resource) -> None:
    cls, name = resource.cls, resource.name

    @app_views.get(resource.item_path, endpoint=f"{name}_show", reserved=resource.reserved)
    @describe(f"Get {resource.noun}.", name, {200: sparse(cls.__name__), 304: None}, permission=(cls, "read"),
              query=object_query(cls),
              description="`fields` selects the attributes to return. `include` adds related objects.")
    def show(**ids: str) -> Response:
        [id] = ids.values()
        include = query_names("include")
        return etag_response(service_for(cls).show(reader(cls, include), id, query_names("fields"), include))


def _update(resource: Resource) -> None:
    cls, name = resource.cls, resource.name

    @app_views.put(resource.item_path, endpoint=f"{name}_update", reserved=resource.reserved)
    @describe(f"Update {resource.noun}.", name, {200: reference(cls.__name__)}, permission=(cls, "update"),
              errors=resource.conflicts(is_new=False), body=schema.input_definition(cls, is_new=False),
              example=resource.example, conditional=True,
              description="Sets the attributes in the body; the other attributes keep their values. If one value is "
                          "invalid, nothing is changed. Attributes that cannot be changed are ignored: `id`, "
                          "`created_at`, `updated_at`, `__class__`, the ids of parents and a user's `email`. Send the "
                          "`ETag` of the version that you read as `If-Match`, so that you do not overwrite the change "
                          "of another client.")
    def update(**ids: str) -> Response:
        obj = service_for(cls).find(actor(), *ids.values())
        updated = service_for(cls).update(actor(), obj, body(), lambda: check_preconditions(obj.to_dict()))
        return etag_response(updated.to_dict())


def _remove(resource: Resource) -> None:
    cls, name = resource.cls, resource.name

    @app_views.delete(resource.item_path, endpoint=f"{name}_remove", reserved=resource.reserved)
    @describe(f"Delete {resource.noun}.", name, {200: EMPTY_OBJECT}, permission=(cls, "remove"), conditional=True,
              description="Deletes the objects that belong to it as well.")
    def remove(**ids: str) -> Response:
        obj = service_for(cls).find(actor(), *ids.values())
        service_for(cls).remove(actor(), obj, lambda: check_preconditions(obj.to_dict()))
        return json_response({})


def id_name(cls: type[BaseModel]) -> str:
    """The name of the id of a class in paths and in foreign keys, such as `state_id`."""
    return f"{cls.__name__.lower()}_id"


def requested_listing(cls: type[BaseModel], having: dict[str, str], where: Sequence[Any] = ()) -> Listing:
    """The listing that the query parameters describe: order, page, attributes and related objects.

    Args:
        cls: the class of the objects.
        having: attributes and the values that they must have.
        where: further conditions, in SQL.
    Raises:
        Invalid: a query parameter has an invalid value.
    """
    include = query_names("include")
    return Listing(cls, where, query_names("sort"), query_number("limit"), query_number("offset") or 0,
                   query_names("fields"), include, having=having, actor=reader(cls, include))
