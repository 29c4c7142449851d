"""The routes of users and of the places that a user offers."""
from __future__ import annotations

from flask import Response

from api.v1.http.auth import reader
from api.v1.http.responses import list_response
from api.v1.openapi.operations import array, describe, sparse
from api.v1.openapi.parameters import listing_query
from api.v1.views import app_views
from api.v1.views.resource import PAGING, add_resource, requested_listing
from models.place import Place
from models.user import User
from services.registry import service_for

add_resource(User, example={"email": "ada@example.com", "password": "a secret of your own", "first_name": "Ada"})


@app_views.get("/users/<user_id>/places")
@describe("List the places of a user.", "users", {200: array(sparse("Place")), 304: None}, permission=(Place, "read"),
          query=listing_query(Place), description=f"Returns the places that the user offers. {PAGING}")
def user_places(user_id: str) -> Response:
    service_for(User).check(reader(Place, ()), user_id)
    return list_response(requested_listing(Place, {"user_id": user_id}))
