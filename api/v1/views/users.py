"""Users, and the places that they offer."""
from __future__ import annotations

from flask import Response

from api.v1.http.responses import listed
from api.v1.openapi.operations import array, describe, part
from api.v1.openapi.parameters import listing_query
from api.v1.views import app_views
from api.v1.views.resource import LISTED, add_resource, listing
from models.place import Place
from models.user import User
from services.actor import VISITOR
from services.registry import service_for

add_resource(User, example={"email": "ada@example.com", "password": "a secret of your own", "first_name": "Ada"})


@app_views.get("/users/<user_id>/places")
@describe("List the places of a user.", "users", {200: array(part("Place")), 304: None}, permission=(Place, "read"),
          query=listing_query(Place), description=f"The places that the user offers. {LISTED}")
def user_places(user_id: str) -> Response:
    service_for(User).check(VISITOR, user_id)
    return listed(listing(Place, {"user_id": user_id}))
