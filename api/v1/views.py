"""The routes: six resources as a table, five routes each; special ones as functions beside it."""
from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from flask import Blueprint, Response, request

import schema
from api.v1 import conditional, idempotency
from api.v1.access import sees_private
from api.v1.answers import answer, faceted, listed, tagged
from api.v1.conditional import expect
from api.v1.idempotency import keyed
from api.v1.operations import OPERATIONS, SAFE, array, describe, part, reference
from api.v1.parameters import SEARCH_BODY, SEARCH_QUERY, SEARCHED, listing_query
from api.v1.requests import body, check_query, decimals, names, number
from api.v1.resources import LISTED, NOTHING, RESOURCES, Resource
from errors import Invalid
from models.amenity import Amenity
from models.base_model import BaseModel
from models.place import Place
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


STATUS = {"type": "object", "required": ["status"], "properties": {"status": {"const": "OK"}}}
COUNTS = {"type": "object", "additionalProperties": {"type": "integer"}}


def _add_routes(resource: Resource) -> None:
    cls = resource.cls

    def index(**owners: str) -> Response:
        objects.check_owners(cls, owners)
        return listed(_listing(cls, owners))

    @keyed
    def create(**owners: str) -> Response:
        try:
            data = body()
        except Invalid:
            objects.check_owners(cls, owners)   # comes first
            raise
        obj = objects.create(cls, data, owners).to_dict()
        response = tagged(obj, 201)
        response.headers["Location"] = f"/api/v1/{resource.name}/{obj['id']}"
        return response

    def show(**ids: str) -> Response:
        [id] = ids.values()
        return tagged(objects.show(cls, id, names("fields"), names("include"), _shows_private(cls)))

    def update(**ids: str) -> Response:
        obj = objects.find(cls, *ids.values())
        return tagged(objects.update(obj, body(), lambda: expect(obj.to_dict())).to_dict())

    def remove(**ids: str) -> Response:
        obj = objects.find(cls, *ids.values())
        objects.remove(obj, lambda: expect(obj.to_dict()))
        return answer({})

    for rule, method, view in ((resource.collection, "GET", index), (resource.collection, "POST", create),
                               (resource.one, "GET", show), (resource.one, "PUT", update),
                               (resource.one, "DELETE", remove)):
        endpoint = f"{resource.name}_{view.__name__}"
        app_views.add_url_rule(rule, endpoint, view, methods=[method])
        OPERATIONS[endpoint] = resource.described(view.__name__)


def _listing(cls: type[BaseModel], having: dict[str, str], where: Sequence[Any] = ()) -> Listing:
    return Listing(cls, where, names("sort"), number("limit"), number("offset") or 0, names("fields"),
                   names("include"), having=having, private=_shows_private(cls))


def _shows_private(cls: type[BaseModel]) -> bool:
    """Whether what is asked for is shown with what is private, if it has any."""
    return not (schema.has_private(cls) or names("include")) or sees_private()


for _resource in RESOURCES:
    _add_routes(_resource)


@app_views.get("/status")
@describe(summary="Tell that the API answers.", tag="index", answers={200: STATUS},
          description="It says OK whatever the storage does, and does not count for the rate limit.")
def status() -> Response:
    return answer({"status": "OK"})


@app_views.get("/stats")
@describe(summary="Count the objects of each kind.", tag="index", answers={200: COUNTS},
          description="The number of objects, by the name of their resource.")
def stats() -> Response:
    return answer(objects.stats())


@app_views.get("/users/<user_id>/places")
@describe(summary="List the places of a user.", tag="users", answers={200: array(part("Place")), 304: None},
          query=listing_query(Place), description=f"The places that the user offers. {LISTED}")
def user_places(user_id: str) -> Response:
    objects.check(User, user_id)
    return listed(_listing(Place, {"user_id": user_id}))


@app_views.get("/places/<place_id>/amenities")
@describe(summary="List the amenities of a place.", tag="places", answers={200: array(part("Amenity")), 304: None},
          query=listing_query(Amenity), description=f"The amenities that the place offers. {LISTED}")
def place_amenities(place_id: str) -> Response:
    objects.check(Place, place_id)
    return listed(_listing(Amenity, {}, [Amenity.places.any(Place.id == place_id)]))


@app_views.post("/places/<place_id>/amenities/<amenity_id>")
@describe(summary="Link an amenity to a place.", tag="places",
          answers={201: reference("Amenity"), 200: reference("Amenity")},
          description="The place offers the amenity from then on. The answer is 200 if it did already. Takes no body.")
@keyed
def link(place_id: str, amenity_id: str) -> Response:
    place, amenity = objects.find(Place, place_id), objects.find(Amenity, amenity_id)
    return answer(amenity.to_dict(), 201 if objects.link(place, amenity) else 200)


@app_views.delete("/places/<place_id>/amenities/<amenity_id>")
@describe(summary="Unlink an amenity from a place.", tag="places", answers={200: NOTHING},
          description="The place no longer offers the amenity, which itself stays. If it did not, the answer is 404.")
def unlink(place_id: str, amenity_id: str) -> Response:
    objects.unlink(objects.find(Place, place_id), objects.find(Amenity, amenity_id))
    return answer({})


@app_views.post("/places_search")
@describe(summary="Search places.", tag="places", reads=True, answers={200: SEARCHED}, body=SEARCH_BODY,
          example={"text": "river", "guests": 2, "price_max": 150, "sort": "price"},
          query={name: found for name, found in listing_query(Place).items() if name != "sort"},
          description=f"Finds the places in any of the states and cities that have all of the amenities and meet every "
                      f"other filter; `{{}}` finds every place. It changes nothing, and takes no token. {LISTED}")
def places_search() -> Response:
    return _places(body())


@app_views.get("/places")
@describe(summary="List all places, or search them.", tag="places", answers={200: SEARCHED, 304: None},
          query=SEARCH_QUERY, description=f"The same search as /places_search, whose address can be shared. {LISTED}")
def places() -> Response:
    return _places(_asked())


def _asked() -> dict[str, Any]:
    """What the query asks of a search: lists stand with commas, `near` is latitude, longitude, kilometres."""
    wanted: dict[str, Any] = {
        name: [id for id in names(name) if id] for name in ("states", "cities", "amenities") if name in request.args}
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
