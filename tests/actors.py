"""Every kind of actor, as a request shows it, for tests of permissions and visibility."""
from __future__ import annotations

import datetime

from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import update

import models
from models.base_model import utc_now
from models.session import Session
from models.user import User
from services import personal_tokens, tokens
from services.actor import DEVELOPER, OPERATOR, VISITOR, Actor
from tests.people import actor as actor_of
from tests.people import cookie, person

NAMES = ("visitor", "invalid token", "guest", "host", "another host", "admin", "operator", "personal token",
         "read-only token", "suspended user", "expired session")
# The actors whose session or token does not count, or that have none.
UNKNOWN = ("visitor", "invalid token", "suspended user", "expired session")
# The actors that see the places of the host that are not listed.
SEEING = ("host", "admin", "operator", "personal token", "read-only token")
BROWSER = {"Sec-Fetch-Site": "same-origin"}


class Cast:
    """The actors, stored. `host` is the user whose places the tests use; its tokens are the personal ones."""

    def __init__(self) -> None:
        self.guest, self.host, self.other = (person(name) for name in ("Guest", "Host", "Other"))
        self.admin = person("Admin", role="admin")
        operator = tokens.create("operator")
        self._tokens = {"operator": operator, "invalid token": f"{operator}x", **{
            name: personal_tokens.create(actor_of(self.host), self.host, scope, scope)
            for name, scope in (("personal token", "write"), ("read-only token", "read"))}}
        self._cookies = {"guest": cookie(self.guest), "host": cookie(self.host), "another host": cookie(self.other),
                         "admin": cookie(self.admin), "suspended user": cookie(person("Bad", status="suspended")),
                         "expired session": self._expired()}

    def _expired(self) -> str:
        text = cookie(self.host)
        ended = utc_now() - datetime.timedelta(seconds=1)
        with models.storage.transaction():
            models.storage.write(update(Session.__table__).where(Session.id == text.partition("_")[0]).values(
                expires_at=ended))
        models.storage.close()
        return text

    def client(self, app: Flask, name: str) -> FlaskClient:
        """A client that sends the cookie or the token of an actor, as a browser on HBNB's own pages."""
        client = app.test_client()
        if text := self._cookies.get(name):
            client.set_cookie(app.config["SESSION_NAME"], text)
            client.environ_base["HTTP_SEC_FETCH_SITE"] = "same-origin"
        if text := self._tokens.get(name):
            client.environ_base["HTTP_AUTHORIZATION"] = f"Bearer {text}"
        return client

    def user(self, name: str) -> User | None:
        """The user whose rights an actor has."""
        return {"guest": self.guest, "host": self.host, "another host": self.other, "admin": self.admin,
                "personal token": self.host, "read-only token": self.host}.get(name)

    def actor(self, app: Flask, name: str) -> Actor:
        """The actor that the requests of a client should have."""
        if name in UNKNOWN:
            return VISITOR if app.config["GUARDED"] else DEVELOPER
        user = self.user(name)
        return OPERATOR if user is None else Actor(
            f"user {user.id}", user.id, is_admin=name == "admin", is_read_only=name == "read-only token")
