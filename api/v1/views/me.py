"""The routes of the user that is logged in."""
from __future__ import annotations

from flask import Response, request

from api.v1.http.auth import require_user
from api.v1.http.requests import body
from api.v1.http.responses import etag_response, json_response
from api.v1.openapi.operations import Schema, describe
from api.v1.views import app_views
from api.v1.views.resource import EMPTY_OBJECT
from api.v1.views.sessions import EMAIL, ME, NAME, PASSWORD, TAG, fields
from models.user import User
from services import profile
from web import session

CHANGES: Schema = {"type": "object", "additionalProperties": False, "properties": {
    "first_name": NAME, "last_name": NAME, "email": EMAIL, "password": PASSWORD,
    "current_password": {"type": "string"}}}


@app_views.get("/me")
@describe("Get your own user.", TAG, {200: ME, 304: None}, errors=(401,), permission=(User, "read"),
          description="Returns the user of the session or of the personal token.")
def me() -> Response:
    return etag_response(profile.show(require_user()))


@app_views.patch("/me")
@describe("Change your own user.", TAG, {200: ME}, errors=(401, 403), permission=(User, "manage"), body=CHANGES,
          example={"first_name": "Ada"},
          description="Changes names, the password or the e-mail address. The last two need `current_password`. A new "
                      "password ends all sessions and starts a new one. A new address gets a mail with a link: until "
                      "the link is used, the former address stays.")
def update() -> Response:
    actor = require_user()
    secret = profile.update(actor, body(), request.user_agent.string)
    response = etag_response(profile.show(actor))
    return session.log_in(response, secret) if secret and session.current() else response


@app_views.delete("/me")
@describe("Delete your own account.", TAG, {200: EMPTY_OBJECT}, errors=(401, 403, 409), permission=(User, "manage"),
          body=fields(current_password={"type": "string"}), example={"current_password": "a secret of your own"},
          description="Removes your name, address and password, and unlists your places. Your reviews stay, as those "
                      "of a former guest.")
def remove() -> Response:
    profile.close(require_user(), body().get("current_password"))
    return session.log_out(json_response({}))


@app_views.get("/me/export")
@describe("Export your own data.", TAG, {200: {"type": "object"}}, errors=(401,), permission=(User, "read"),
          description="Returns everything that HBNB stores about you, without secrets.")
def export() -> Response:
    return json_response(profile.export(require_user()))
