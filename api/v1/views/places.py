"""The routes of places and of the search for places."""
from __future__ import annotations

from typing import Any

from flask import Response, request

from api.v1.http.auth import reader
from api.v1.http.requests import body, query_names, query_number
from api.v1.http.responses import etag_response, faceted_response, list_response
from api.v1.openapi.operations import describe
from api.v1.openapi.parameters import (
    CLUSTERS,
    CLUSTERS_QUERY,
    SEARCH_BODY,
    SEARCH_QUERY,
    SEARCH_RESULT,
    SUGGESTIONS,
    SUGGESTIONS_QUERY,
    listing_query,
)
from api.v1.views import app_views
from api.v1.views.resource import PAGING, add_resource
from errors import Invalid
from models.city import City
from models.place import Place
from services.search import clusters, search
from services.search.facets import MOST_CLUSTERS, ZOOM, ZOOMS
from services.search.filters import FILTERS
from services.search.suggestions import MOST, suggest
from services.search.value_types import SORTS

add_resource(Place, parent=City, example={"user_id": "<id of a user>", "name": "Loft by the river", "max_guest": 2,
                                          "price_by_night": 120}, reserved=("clusters", "suggestions"))


@app_views.post("/places_search")
@describe("Search places.", "places", {200: SEARCH_RESULT}, permission=(Place, "read"), body=SEARCH_BODY,
          example={"text": "river", "guests": 2, "price_max": 150, "sort": "price"},
          query={name: described for name, described in listing_query(Place).items() if name != "sort"},
          description=f"Finds the places that are in one of the states or cities, have all of the amenities and match "
                      f"every other filter. `{{}}` finds all places. The search is read-only and never requires a "
                      f"token. {PAGING}")
def places_search() -> Response:
    return _search_response(body())


@app_views.get("/places")
@describe("List or search places.", "places", {200: SEARCH_RESULT, 304: None}, permission=(Place, "read"),
          query=SEARCH_QUERY, description="The same search as `POST /places_search`, as an address that can be "
                                          f"shared. {PAGING}")
def places() -> Response:
    filters = _filters()
    if filters.get("sort") not in SORTS:     # names of attributes, as in other lists
        filters.pop("sort", None)
    return _search_response(filters)


@app_views.get("/places/clusters")
@describe("Group places by cells of a map.", "places", {200: CLUSTERS, 304: None}, permission=(Place, "read"),
          query=CLUSTERS_QUERY, description="Searches as `GET /places` does, and returns for each cell of a map the "
                                            "number of its places and their mean position: the cells with the most "
                                            f"places first, at most {MOST_CLUSTERS}.")
def place_clusters() -> Response:
    zoom = query_number("zoom")
    if zoom is not None and zoom > ZOOMS:
        raise Invalid(f"zoom must be a whole number from 0 to {ZOOMS}", "zoom")
    return etag_response(clusters(_filters(), ZOOM if zoom is None else zoom))


@app_views.get("/places/suggestions")
@describe("Suggest states, cities and places.", "places", {200: SUGGESTIONS, 304: None}, permission=(Place, "read"),
          query=SUGGESTIONS_QUERY, description=f"Returns at most {MOST} states, cities and places in total. For each "
                                               "word of the text, the name has a word that begins with it. If no state "
                                               "or city matches, those with a similar spelling are suggested.")
def place_suggestions() -> Response:
    return etag_response(suggest(request.args.get("text", "")))


def _filters() -> dict[str, Any]:
    """The filters in the query of the request."""
    return {name: FILTERS[name].kind.read(name, text) for name, text in request.args.items() if name in FILTERS}


def _search_response(filters: dict[str, Any]) -> Response:
    sort = [] if filters.get("sort") else query_names("sort")
    listing = search(filters, sort, query_names("fields"), include := query_names("include"), reader(Place, include))
    for name in ("limit", "offset"):    # the query overrides the body, as the Link header puts the page into the query
        if (value := query_number(name)) is not None:
            setattr(listing, name, value)
    return faceted_response(listing) if filters.get("facets") else list_response(listing)
