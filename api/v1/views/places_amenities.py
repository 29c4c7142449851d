"""The amenities that a place offers."""
from __future__ import annotations

from flask import Response

from api.v1.http.auth import actor
from api.v1.http.idempotency import keyed
from api.v1.http.responses import answer, listed
from api.v1.openapi.operations import array, describe, part, reference
from api.v1.openapi.parameters import listing_query
from api.v1.views import app_views
from api.v1.views.resource import LISTED, NOTHING, listing
from models.amenity import Amenity
from models.place import Place
from services.actor import VISITOR
from services.registry import service_for


@app_views.get("/places/<place_id>/amenities")
@describe("List the amenities of a place.", "places", {200: array(part("Amenity")), 304: None},
          permission=(Amenity, "read"), query=listing_query(Amenity),
          description=f"The amenities that the place offers. {LISTED}")
def place_amenities(place_id: str) -> Response:
    service_for(Place).check(VISITOR, place_id)
    return listed(listing(Amenity, {}, [Amenity.places.any(Place.id == place_id)]))


@app_views.post("/places/<place_id>/amenities/<amenity_id>")
@describe("Link an amenity to a place.", "places", {201: reference("Amenity"), 200: reference("Amenity")},
          permission=(Place, "link"),
          description="The place offers the amenity from then on. The answer is 200 if it did already. Takes no body.")
@keyed
def link(place_id: str, amenity_id: str) -> Response:
    place, amenity = _found(place_id, amenity_id)
    return answer(amenity.to_dict(), 201 if service_for(Place).link(actor(), place, amenity) else 200)


@app_views.delete("/places/<place_id>/amenities/<amenity_id>")
@describe("Unlink an amenity from a place.", "places", {200: NOTHING}, permission=(Place, "link"),
          description="The place no longer offers the amenity, which itself stays. If it did not, the answer is 404.")
def unlink(place_id: str, amenity_id: str) -> Response:
    service_for(Place).unlink(actor(), *_found(place_id, amenity_id))
    return answer({})


def _found(place_id: str, amenity_id: str) -> tuple[Place, Amenity]:
    return service_for(Place).find(actor(), place_id), service_for(Amenity).find(actor(), amenity_id)
