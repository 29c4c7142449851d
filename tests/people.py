"""People with accounts, for tests."""
from __future__ import annotations

from typing import Any

from flask.testing import FlaskClient

import models
from models.account import Account
from models.outgoing_mail import OutgoingMail
from models.user import User
from services import accounts, sessions
from services.actor import Actor

PASSWORD = "a long password"
# Hashed once, because hashing is slow on purpose.
_HASH = "$argon2id$v=19$m=19456,t=2,p=1$"


def person(name: str = "Ada", role: str = "user", status: str = "active") -> User:
    """A stored user with an account. The address is `<name>@people.example`, and the password is `PASSWORD`."""
    user = User(email=f"{name.lower()}@people.example", password=_hash(), first_name=name, last_name="Example")
    user.save()
    Account(id=user.id, user_id=user.id, role=role, status=status).save()
    return user


def cookie(user: User) -> str:
    """The secret of a new session of a user."""
    return models.storage.transact(lambda: sessions.start(user.id, "a browser"))


def actor(user: User) -> Actor:
    """The actor of a user with a session."""
    found = sessions.resume(cookie(user))
    assert found
    return found.actor


def log_in(client: FlaskClient, user: User) -> FlaskClient:
    """Give the client of a test a session of a user, and the headers of a browser on HBNB's own pages."""
    client.set_cookie(client.application.config["SESSION_NAME"], cookie(user))
    client.environ_base["HTTP_SEC_FETCH_SITE"] = "same-origin"
    return client


def mails(template: str = "") -> list[dict[str, Any]]:
    """The mails of the outbox, or those of a template: their data, with `to` and `template`."""
    found = models.storage.all(OutgoingMail).values()
    return [{**mail.data, "to": mail.recipient, "template": mail.template} for mail in found
            if template in ("", mail.template)]


def _hash() -> str:
    global _HASH
    if _HASH.endswith("$"):
        _HASH = accounts.hashed(PASSWORD)
    return _HASH
