"""The routes that list, link and unlink the amenities of a place."""
from __future__ import annotations

from flask import Response

from api.v1.http.auth import actor, reader
from api.v1.http.idempotency import idempotent
from api.v1.http.responses import json_response, list_response
from api.v1.openapi.operations import array, describe, reference, sparse
from api.v1.openapi.parameters import listing_query
from api.v1.views import app_views
from api.v1.views.resource import EMPTY_OBJECT, PAGING, requested_listing
from models.amenity import Amenity
from models.place import Place
from services.registry import service_for


@app_views.get("/places/<place_id>/amenities")
@describe("List the amenities of a place.", "places", {200: array(sparse("Amenity")), 304: None},
          permission=(Amenity, "read"), query=listing_query(Amenity),
          description=f"Returns the amenities that the place offers. {PAGING}")
def place_amenities(place_id: str) -> Response:
    service_for(Place).check(reader(Place, ()), place_id)
    return list_response(requested_listing(Amenity, {}, [Amenity.places.any(Place.id == place_id)]))


@app_views.post("/places/<place_id>/amenities/<amenity_id>")
@describe("Link an amenity to a place.", "places", {201: reference("Amenity"), 200: reference("Amenity")},
          permission=(Place, "link"),
          description="Adds the amenity to the place. The response is 200 if it was linked already. Send no body.")
@idempotent
def link(place_id: str, amenity_id: str) -> Response:
    place, amenity = _find_both(place_id, amenity_id)
    return json_response(amenity.to_dict(), 201 if service_for(Place).link(actor(), place, amenity) else 200)


@app_views.delete("/places/<place_id>/amenities/<amenity_id>")
@describe("Unlink an amenity from a place.", "places", {200: EMPTY_OBJECT}, permission=(Place, "link"),
          description="Removes the amenity from the place and keeps the amenity itself. The response is 404 if it was "
                      "not linked.")
def unlink(place_id: str, amenity_id: str) -> Response:
    service_for(Place).unlink(actor(), *_find_both(place_id, amenity_id))
    return json_response({})


def _find_both(place_id: str, amenity_id: str) -> tuple[Place, Amenity]:
    return service_for(Place).find(actor(), place_id), service_for(Amenity).find(actor(), amenity_id)
