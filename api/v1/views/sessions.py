"""The routes to sign up, to log in and out, and to reset a password."""
from __future__ import annotations

from typing import Any

from flask import Response, request

from api.v1.http.auth import actor
from api.v1.http.requests import body, required_texts
from api.v1.http.responses import json_response
from api.v1.openapi.operations import Schema, describe
from api.v1.views import app_views
from api.v1.views.resource import EMPTY_OBJECT
from errors import Unauthorized
from models.one_time_link import OneTimeLink
from models.session import Session
from models.user import User
from services import accounts, profile, schema, sessions
from web import session

TAG = "accounts"
ACCEPTED = {"type": "object", "required": ["message"], "properties": {"message": {"type": "string"}}}
MAIL_SENT = "If the address is right, a mail with a link is on its way"
PASSWORD: Schema = {"type": "string", "minLength": accounts.LEAST_PASSWORD, "maxLength": accounts.MOST_PASSWORD,
                    "pattern": r"^[^\x00-\x08\x0b\x0c\x0e-\x1f\x7f]*$"}
NAME = schema.input_definition(User, is_new=False)["properties"]["first_name"]
EMAIL: Schema = {"type": "string", "maxLength": 128, "pattern": (
    r"^[A-Za-z0-9_+-]{1,30}(\.[A-Za-z0-9_+-]{1,20}){0,2}@([a-z0-9]{1,20}\.){1,3}[a-z]{2,10}$")}
ME: Schema = {"type": "object", "required": [*schema.columns(User), "role"], "properties": {
    **schema.definition(User, frozenset())["properties"], "role": {"type": "string", "enum": ["user", "admin"]}}}


def fields(**properties: Schema) -> dict[str, Any]:
    """The JSON Schema of an object with these properties, all of them required."""
    return {"type": "object", "properties": properties, "required": [*properties], "additionalProperties": False}


@app_views.post("/sign-ups")
@describe("Sign up.", TAG, {202: ACCEPTED}, permission=(User, "sign_up"),
          body=fields(email=EMAIL, password=PASSWORD, first_name=NAME, last_name=NAME),
          example={"email": "ada@example.com", "password": "a secret of your own", "first_name": "Ada",
                   "last_name": "Lovelace"},
          description="Sends a mail with a link that confirms the address. Until then, the user cannot log in. The "
                      "response is the same if the address has an account already.")
def sign_up() -> Response:
    accounts.sign_up(required_texts("email", "password", "first_name", "last_name"), request.remote_addr or "")
    return json_response({"message": MAIL_SENT}, 202)


@app_views.put("/confirmations/<secret>")
@describe("Confirm an e-mail address.", TAG, {200: EMPTY_OBJECT}, errors=(409, 410), permission=(OneTimeLink, "use"),
          description="Confirms the address of a new account, or a new address. The secret is in the mail's link.")
def confirm(secret: str) -> Response:
    accounts.confirm(secret)
    return json_response({})


@app_views.post("/sessions")
@describe("Log in.", TAG, {201: ME}, errors=(401,), permission=(Session, "start"),
          body=fields(email={"type": "string"}, password={"type": "string"}),
          example={"email": "ada@example.com", "password": "a secret of your own"},
          description="Starts a session and sets its cookie. After some wrong passwords, each further attempt needs a "
                      "longer wait: the response is 429 with `Retry-After`.")
def log_in() -> Response:
    data = required_texts("email", "password")
    secret = accounts.log_in(data["email"], data["password"], request.remote_addr or "", request.user_agent.string)
    started = sessions.resume(secret)
    if started is None:     # another request has ended all sessions of the user meanwhile
        raise Unauthorized(accounts.WRONG, shown=False)
    if former := session.current():
        sessions.end(former.id)
    return session.log_in(json_response(profile.show(started.actor), 201), secret)


@app_views.delete("/sessions/current")
@describe("Log out.", TAG, {200: EMPTY_OBJECT}, permission=(Session, "remove"),
          description="Ends the session of the cookie.")
def log_out() -> Response:
    if current := session.current():
        sessions.end(current.id)
    return session.log_out(json_response({}))


@app_views.delete("/sessions")
@describe("Sign out everywhere.", TAG, {200: EMPTY_OBJECT}, permission=(Session, "remove"),
          description="Ends all sessions of the user.")
def log_out_everywhere() -> Response:
    sessions.end_all(profile.me(actor()).id)
    return session.log_out(json_response({}))


@app_views.post("/password-resets")
@describe("Request a link to reset a password.", TAG, {202: ACCEPTED}, permission=(OneTimeLink, "request"),
          body=fields(email=EMAIL), example={"email": "ada@example.com"},
          description="Sends a mail with a link that works once, for an hour. The response is the same if the address "
                      "has no account.")
def request_reset() -> Response:
    accounts.request_reset(required_texts("email")["email"], request.remote_addr or "")
    return json_response({"message": MAIL_SENT}, 202)


@app_views.put("/password-resets/<secret>")
@describe("Reset a password.", TAG, {200: EMPTY_OBJECT}, errors=(410,), permission=(OneTimeLink, "use"),
          body=fields(password=PASSWORD), example={"password": "a secret of your own"},
          description="Sets a new password, and ends all sessions of the user. The secret is in the mail's link.")
def reset(secret: str) -> Response:
    accounts.reset(secret, body().get("password"))
    return json_response({})
