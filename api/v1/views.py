"""The routes: six resources as a table, five routes each; special ones as functions beside it."""
from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from flask import Blueprint, Response, request

from api.v1.http import conditional, idempotency
from api.v1.http.auth import actor, reader
from api.v1.http.conditional import expect
from api.v1.http.idempotency import keyed
from api.v1.http.requests import body, check_query, names, number
from api.v1.http.responses import answer, faceted, listed, tagged
from api.v1.openapi.operations import OPERATIONS, SAFE, array, describe, part, reference
from api.v1.openapi.parameters import SEARCH_BODY, SEARCH_QUERY, SEARCHED, listing_query
from api.v1.resources import LISTED, NOTHING, RESOURCES, Resource
from errors import Invalid
from models.amenity import Amenity
from models.base_model import BaseModel
from models.place import Place
from models.user import User
from services.actor import VISITOR
from services.listing import Listing
from services.registry import service_for
from services.registry import stats as stats_by_table
from services.search import search
from services.search.filters import FILTERS
from services.search.value_types import SORTS

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
        service_for(cls).check_owners(VISITOR, owners)
        return listed(_listing(cls, owners))

    @keyed
    def create(**owners: str) -> Response:
        try:
            data = body()
        except Invalid:
            service_for(cls).check_owners(actor(), owners)   # comes first
            raise
        obj = service_for(cls).create(actor(), data, owners).to_dict()
        response = tagged(obj, 201)
        response.headers["Location"] = f"/api/v1/{resource.name}/{obj['id']}"
        return response

    def show(**ids: str) -> Response:
        [id] = ids.values()
        return tagged(service_for(cls).show(reader(cls, include := names("include")), id, names("fields"), include))

    def update(**ids: str) -> Response:
        obj = service_for(cls).find(actor(), *ids.values())
        return tagged(service_for(cls).update(actor(), obj, body(), lambda: expect(obj.to_dict())).to_dict())

    def remove(**ids: str) -> Response:
        obj = service_for(cls).find(actor(), *ids.values())
        service_for(cls).remove(actor(), obj, lambda: expect(obj.to_dict()))
        return answer({})

    for rule, method, view in ((resource.collection, "GET", index), (resource.collection, "POST", create),
                               (resource.one, "GET", show), (resource.one, "PUT", update),
                               (resource.one, "DELETE", remove)):
        endpoint = f"{resource.name}_{view.__name__}"
        app_views.add_url_rule(rule, endpoint, view, methods=[method])
        OPERATIONS[endpoint] = resource.described(view.__name__)


def _listing(cls: type[BaseModel], having: dict[str, str], where: Sequence[Any] = ()) -> Listing:
    return Listing(cls, where, names("sort"), number("limit"), number("offset") or 0, names("fields"),
                   include := names("include"), having=having, actor=reader(cls, include))


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
    return answer(stats_by_table())


@app_views.get("/users/<user_id>/places")
@describe(summary="List the places of a user.", tag="users", answers={200: array(part("Place")), 304: None},
          query=listing_query(Place), description=f"The places that the user offers. {LISTED}")
def user_places(user_id: str) -> Response:
    service_for(User).check(VISITOR, user_id)
    return listed(_listing(Place, {"user_id": user_id}))


@app_views.get("/places/<place_id>/amenities")
@describe(summary="List the amenities of a place.", tag="places", answers={200: array(part("Amenity")), 304: None},
          query=listing_query(Amenity), description=f"The amenities that the place offers. {LISTED}")
def place_amenities(place_id: str) -> Response:
    service_for(Place).check(VISITOR, place_id)
    return listed(_listing(Amenity, {}, [Amenity.places.any(Place.id == place_id)]))


@app_views.post("/places/<place_id>/amenities/<amenity_id>")
@describe(summary="Link an amenity to a place.", tag="places", permission=(Place, "link"),
          answers={201: reference("Amenity"), 200: reference("Amenity")},
          description="The place offers the amenity from then on. The answer is 200 if it did already. Takes no body.")
@keyed
def link(place_id: str, amenity_id: str) -> Response:
    place, amenity = _found(place_id, amenity_id)
    return answer(amenity.to_dict(), 201 if service_for(Place).link(actor(), place, amenity) else 200)


@app_views.delete("/places/<place_id>/amenities/<amenity_id>")
@describe(summary="Unlink an amenity from a place.", tag="places", permission=(Place, "link"), answers={200: NOTHING},
          description="The place no longer offers the amenity, which itself stays. If it did not, the answer is 404.")
def unlink(place_id: str, amenity_id: str) -> Response:
    service_for(Place).unlink(actor(), *_found(place_id, amenity_id))
    return answer({})


def _found(place_id: str, amenity_id: str) -> tuple[Place, Amenity]:
    return service_for(Place).find(actor(), place_id), service_for(Amenity).find(actor(), amenity_id)


@app_views.post("/places_search")
@describe(summary="Search places.", tag="places", permission=(Place, "read"), answers={200: SEARCHED}, body=SEARCH_BODY,
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
    """The values that the query asks a search for."""
    asked = {name: text for name, text in request.args.items() if name in FILTERS}
    if asked.get("sort") not in SORTS:      # then it names attributes, as for other lists
        asked.pop("sort", None)
    return {name: FILTERS[name].kind.read(name, text) for name, text in asked.items()}


def _places(wanted: dict[str, Any]) -> Response:
    sort = [] if wanted.get("sort") else names("sort")
    listing = search(wanted, sort, names("fields"), names("include"), reader(Place, names("include")))
    for name in ("limit", "offset"):    # those of the query, where they are, are those of a link to a page
        if (value := number(name)) is not None:
            setattr(listing, name, value)
    return faceted(listing) if wanted.get("facets") else listed(listing)
