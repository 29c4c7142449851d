"""Places, and the search for them."""
from __future__ import annotations

from typing import Any

from flask import Response, request

from api.v1.http.auth import reader
from api.v1.http.requests import body, names, number
from api.v1.http.responses import faceted, listed
from api.v1.openapi.operations import describe
from api.v1.openapi.parameters import SEARCH_BODY, SEARCH_QUERY, SEARCHED, listing_query
from api.v1.views import app_views
from api.v1.views.resource import LISTED, add_resource
from models.city import City
from models.place import Place
from services.search import search
from services.search.filters import FILTERS
from services.search.value_types import SORTS

add_resource(Place, parent=City, example={"user_id": "<id of a user>", "name": "Loft by the river", "max_guest": 2,
                                          "price_by_night": 120})


@app_views.post("/places_search")
@describe("Search places.", "places", {200: SEARCHED}, permission=(Place, "read"), body=SEARCH_BODY,
          example={"text": "river", "guests": 2, "price_max": 150, "sort": "price"},
          query={name: found for name, found in listing_query(Place).items() if name != "sort"},
          description=f"Finds the places in any of the states and cities that have all of the amenities and meet every "
                      f"other filter; `{{}}` finds every place. It changes nothing, and takes no token. {LISTED}")
def places_search() -> Response:
    return _found(body())


@app_views.get("/places")
@describe("List all places, or search them.", "places", {200: SEARCHED, 304: None}, permission=(Place, "read"),
          query=SEARCH_QUERY, description=f"The same search as /places_search, whose address can be shared. {LISTED}")
def places() -> Response:
    wanted = {name: text for name, text in request.args.items() if name in FILTERS}
    if wanted.get("sort") not in SORTS:     # then it names attributes, as for other lists
        wanted.pop("sort", None)
    return _found({name: FILTERS[name].kind.read(name, text) for name, text in wanted.items()})


def _found(wanted: dict[str, Any]) -> Response:
    sort = [] if wanted.get("sort") else names("sort")
    listing = search(wanted, sort, names("fields"), include := names("include"), reader(Place, include))
    for name in ("limit", "offset"):    # those of the query, where they are, are those of a link to a page
        if (value := number(name)) is not None:
            setattr(listing, name, value)
    return faceted(listing) if wanted.get("facets") else listed(listing)
