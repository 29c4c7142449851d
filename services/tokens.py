"""API tokens. A client that sends a valid token has the rights of an operator."""
from __future__ import annotations

import builtins
import hashlib
import hmac
import re
import secrets
from typing import Any

from sqlalchemy import bindparam, select

import models
from errors import Conflict, Invalid, NotFound
from models.codec import checker
from models.token import Token
from services import audit
from services.actor import OPERATOR
from services.listing import Listing

_TEXT = re.compile(r"hbnb_([0-9a-f-]{36})_([\w-]{43})", re.ASCII)

_DIGEST = select(Token.digest).where(Token.id == bindparam("id"))


def create(name: str) -> str:
    """Create a token.

    Returns: the text of the token. Only its digest is stored, so the text cannot be shown again.
    Raises:
        Invalid: the name is not allowed.
        Conflict: a token with that name exists.
    """
    _check(name)
    secret = secrets.token_urlsafe(32)
    token = Token(name=name, digest=_digest(secret))

    def work() -> None:
        audit.record(OPERATOR, "create", token)
        token.save()
    try:
        models.storage.transact(work)
    except Conflict as error:
        raise Conflict(f"A token named {name} already exists. Revoke it, or choose another name") from error
    return f"hbnb_{token.id}_{secret}"


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
    parts = _TEXT.fullmatch(text)
    row = models.storage.read(_DIGEST, {"id": parts[1]}).first() if parts else None
    if parts is None or row is None or not hmac.compare_digest(row["digest"], _digest(parts[2])):
        return None
    return parts[1]


def _digest(secret: str) -> str:
    """The SHA-256 of a secret. A random secret cannot be guessed, so a slow hash, as for passwords, is not needed."""
    return hashlib.sha256(secret.encode()).hexdigest()


def _check(name: str) -> None:
    # A name that begins with - is probably a mistyped option.
    if not name or name.startswith("-") or checker(Token.__table__.c.name)(name):
        raise Invalid("A token's name must have 1 to 60 letters, digits or punctuation characters of ASCII, no space, "
                      "and no - at the start", "name")
