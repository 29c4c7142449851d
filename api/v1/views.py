"""The routes: six resources as a table, five routes each; special ones as functions beside it."""
from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from flask import Blueprint, Response, request

import schema
from api.v1 import conditional, idempotency
from api.v1.access import sees_private
from api.v1.answers import answer, faceted, listed, tagged
from api.v1.conditional import expect
from api.v1.idempotency import keyed
from api.v1.operations import OPERATIONS, SAFE, Operation, array, describe, reference
from api.v1.parameters import SEARCH_BODY, SEARCH_QUERY, SEARCHED, listing_query, object_query
from api.v1.requests import body, check_query, decimals, names, number
from errors import Invalid
from models.amenity import Amenity
from models.base_model import BaseModel
from models.city import City
from models.columns import unique
from models.place import Place
from models.review import Review
from models.state import State
from models.user import User
from services import objects
from services.listing import Listing
from services.search import SORTS, search

app_views = Blueprint("api_v1", __name__)


@app_views.before_request
def _check() -> None:
    """Refuse a request that asks for what is not understood, before it does anything."""
    operation = OPERATIONS[str(request.endpoint).partition(".")[2]]
    if request.environ.get("QUERY_STRING") and request.method != "OPTIONS":
        check_query(operation.query)
    if request.method not in SAFE and not operation.reads:
        conditional.check(operation.conditional)
        idempotency.check()


NOTHING = {"type": "object", "additionalProperties": False}
COUNTS = {"type": "object", "additionalProperties": {"type": "integer"}}
EXAMPLES: dict[type[BaseModel], dict[str, Any]] = {
    State: {"name": "New York"}, City: {"name": "Albany"}, Amenity: {"name": "Wifi"},
    User: {"email": "ada@example.com", "password": "a secret of your own", "first_name": "Ada"},
    Place: {"user_id": "<id of a user>", "name": "Loft by the river", "max_guest": 2, "price_by_night": 120},
    Review: {"user_id": "<id of a user>", "text": "Quiet, and just as described."},
}


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
        """The path of the list that new ones are posted to."""
        return f"/{self.parent.__tablename__}/<parent>/{self.name}" if self.parent else f"/{self.name}"


RESOURCES = (Resource(State), Resource(City, State), Resource(Amenity), Resource(User), Resource(Place, City),
             Resource(Review, Place))


def _add_routes(resource: Resource) -> None:
    cls = resource.cls

    def index(parent: str | None = None) -> Response:
        owners = _owners(cls, resource.parent, parent)
        objects.check_owners(cls, owners)
        return listed(_listing(cls, owners))

    @keyed
    def create(parent: str | None = None) -> Response:
        owners = _owners(cls, resource.parent, parent)
        try:
            data = body()
        except Invalid:
            objects.check_owners(cls, owners)   # comes first
            raise
        obj = objects.create(cls, data, owners).to_dict()
        response = tagged(obj, 201)
        response.headers["Location"] = f"/api/v1/{resource.name}/{obj['id']}"
        return response

    def show(id: str) -> Response:
        return tagged(objects.show(cls, id, names("fields"), names("include"), _shows_private(cls)))

    def update(id: str) -> Response:
        obj = objects.find(cls, id)
        return tagged(objects.update(obj, body(), lambda: expect(obj.to_dict())).to_dict())

    def remove(id: str) -> Response:
        obj = objects.find(cls, id)
        objects.remove(obj, lambda: expect(obj.to_dict()))
        return answer({})

    for rule, method, view in ((resource.collection, "GET", index), (resource.collection, "POST", create),
                               (f"/{resource.name}/<id>", "GET", show), (f"/{resource.name}/<id>", "PUT", update),
                               (f"/{resource.name}/<id>", "DELETE", remove)):
        endpoint = f"{resource.name}_{view.__name__}"
        app_views.add_url_rule(rule, endpoint, view, methods=[method])
        OPERATIONS[endpoint] = _described(resource, view.__name__)


def _described(resource: Resource, action: str) -> Operation:
    cls, name = resource.cls, resource.cls.__name__
    one, tag, example = reference(name), resource.name, EXAMPLES[resource.cls]
    if action == "index":
        return Operation(f"List {resource.name}.", tag, {200: array(one), 304: None}, query=listing_query(cls))
    if action == "create":
        taken = (409,) if unique(cls.__table__) else ()
        parent = f"{resource.parent.__name__.lower()}_id" if resource.parent else None
        return Operation(f"Make one of the {resource.name}.", tag, {201: one}, taken,
                         schema.input_definition(cls, made=True, parent=parent), example)
    if action == "show":
        return Operation(f"Give one of the {resource.name}.", tag, {200: one, 304: None}, query=object_query(cls))
    if action == "update":
        return Operation(f"Change one of the {resource.name}.", tag, {200: one}, (),
                         schema.input_definition(cls, made=False), example, conditional=True)
    return Operation(f"Remove one of the {resource.name}, and all that belongs to it.", tag, {200: NOTHING},
                     conditional=True)


def _listing(cls: type[BaseModel], having: dict[str, str], where: Sequence[Any] = ()) -> Listing:
    return Listing(cls, where, names("sort"), number("limit"), number("offset") or 0, names("fields"),
                   names("include"), having=having, private=_shows_private(cls))


def _shows_private(cls: type[BaseModel]) -> bool:
    """Whether what is asked for is shown with what is private, if it has any."""
    return not (schema.has_private(cls) or names("include")) or sees_private()


def _owners(cls: type[BaseModel], owner: type[BaseModel] | None, id: str | None) -> dict[str, str]:
    """The id in the path, by the attribute that holds it."""
    if owner is None:
        return {}
    [column] = [column for column in cls.__table__.c if column.references(owner.__table__.c.id)]
    return {column.key: id or ""}


for _resource in RESOURCES:
    _add_routes(_resource)


@app_views.get("/status")
@describe(summary="Tell that the API answers.", tag="index", answers={200: {"type": "object"}})
def status() -> Response:
    return answer({"status": "OK"})


@app_views.get("/stats")
@describe(summary="Count the objects of each kind.", tag="index", answers={200: COUNTS})
def stats() -> Response:
    return answer(objects.stats())


@app_views.get("/users/<id>/places")
@describe(summary="List the places of a user.", tag="users", answers={200: array(reference("Place")), 304: None},
          query=listing_query(Place))
def user_places(id: str) -> Response:
    objects.check(User, id)
    return listed(_listing(Place, {"user_id": id}))


@app_views.get("/places/<id>/amenities")
@describe(summary="List the amenities of a place.", tag="places", answers={200: array(reference("Amenity")), 304: None},
          query=listing_query(Amenity))
def place_amenities(id: str) -> Response:
    objects.check(Place, id)
    return listed(_listing(Amenity, {}, [Amenity.places.any(Place.id == id)]))


@app_views.post("/places/<id>/amenities/<amenity_id>")
@describe(summary="Have a place offer an amenity.", tag="places",
          answers={201: reference("Amenity"), 200: reference("Amenity")})
@keyed
def link(id: str, amenity_id: str) -> Response:
    place, amenity = objects.find(Place, id), objects.find(Amenity, amenity_id)
    return answer(amenity.to_dict(), 201 if objects.link(place, amenity) else 200)


@app_views.delete("/places/<id>/amenities/<amenity_id>")
@describe(summary="Have a place no longer offer an amenity.", tag="places", answers={200: NOTHING})
def unlink(id: str, amenity_id: str) -> Response:
    objects.unlink(objects.find(Place, id), objects.find(Amenity, amenity_id))
    return answer({})


@app_views.post("/places_search")
@describe(summary="Search places.", tag="places", reads=True, answers={200: SEARCHED}, body=SEARCH_BODY,
          example={"text": "river", "guests": 2, "price_max": 150, "sort": "price"},
          query=listing_query(Place))
def places_search() -> Response:
    return _places(body())


@app_views.get("/places")
@describe(summary="List all places, or search them.", tag="places", answers={200: SEARCHED, 304: None},
          query=SEARCH_QUERY)
def places() -> Response:
    return _places(_asked())


def _asked() -> dict[str, Any]:
    """What the query asks of a search: lists stand with commas, `near` is latitude, longitude, kilometres."""
    wanted: dict[str, Any] = {name: names(name) for name in ("states", "cities", "amenities") if name in request.args}
    for name in ("price_min", "price_max", "guests", "rooms", "bathrooms", "limit", "offset"):
        if (value := number(name)) is not None:
            wanted[name] = value
    if "text" in request.args:
        wanted["text"] = request.args["text"]
    if "bbox" in request.args:
        wanted["bbox"] = decimals("bbox")
    if "near" in request.args:
        given = decimals("near")
        if len(given) != 3:
            raise Invalid("near must be latitude,longitude,km", "near")
        wanted["near"] = dict(zip(("latitude", "longitude", "km"), given, strict=True))
    if request.args.get("sort") in SORTS:
        wanted["sort"] = request.args["sort"]
    if "facets" in request.args:
        wanted["facets"] = {"true": True, "false": False}.get(request.args["facets"], request.args["facets"])
    return wanted


def _places(wanted: dict[str, Any]) -> Response:
    sort = [] if wanted.get("sort") else names("sort")
    listing = search(wanted, sort, names("fields"), names("include"), _shows_private(Place))
    for name in ("limit", "offset"):    # those of the query, where they are, are those of a link to a page
        if (value := number(name)) is not None:
            setattr(listing, name, value)
    return faceted(listing) if wanted.get("facets") else listed(listing)
