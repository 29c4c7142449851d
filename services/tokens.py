"""API tokens. A client that sends a valid token has the rights of an operator."""
from __future__ import annotations

import builtins
from typing import Any

from sqlalchemy import bindparam, select

import models
from errors import Conflict, Invalid, NotFound
from models.codec import checker
from models.token import Token
from services import audit, secrets
from services.actor import OPERATOR
from services.listing import Listing

PREFIX = "hbnb_"

_DIGEST = select(Token.digest).where(Token.id == bindparam("id"))


def create(name: str) -> str:
    """Create a token.

    Returns: the text of the token. Only its digest is stored, so the text cannot be shown again.
    Raises:
        Invalid: the name is not allowed.
        Conflict: a token with that name exists.
    """
    _check(name)
    token = Token(name=name)
    secret = secrets.create(token.id)
    token.digest = secret.digest

    def work() -> None:
        audit.record(OPERATOR, "create", token)
        token.save()
    try:
        models.storage.transact(work)
    except Conflict as error:
        raise Conflict(f"A token named {name} already exists. Revoke it, or choose another name") from error
    return f"{PREFIX}{secret}"


def list() -> builtins.list[dict[str, Any]]:
    """The tokens sorted by name, each with its times, without its text."""
    return Listing(Token, sort=["name"]).all()


def revoke(name: str) -> int:
    """Revoke a token; the API refuses it from the next request on.

    Returns: the number of remaining tokens.
    Raises:
        Invalid: the name is not allowed.
        NotFound: no token has that name.
    """
    _check(name)
    with models.storage.transaction():
        found = models.storage.read(select(Token.id).where(Token.name == name)).first()
        token = models.storage.get(Token, found["id"]) if found else None
        if token is None:
            raise NotFound(f"There is no token named {name}. `token list` prints the names of all tokens")
        audit.record(OPERATOR, "remove", token)
        models.storage.delete(token)
    return count()


def count() -> int:
    return models.storage.count(Token)


def verify(text: str) -> str | None:
    """The id of the token with that text, or `None` if the text is not a valid token."""
    row = secrets.stored(text.removeprefix(PREFIX), _DIGEST) if text.startswith(PREFIX) else None
    return row["id"] if row else None


def _check(name: str) -> None:
    # A name that begins with - is probably a mistyped option.
    if not name or name.startswith("-") or checker(Token.__table__.c.name)(name):
        raise Invalid("A token's name must have 1 to 60 letters, digits or punctuation characters of ASCII, no space, "
                      "and no - at the start", "name")
