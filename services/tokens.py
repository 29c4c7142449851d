"""API tokens: a client with one has an operator's rights."""
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
from services.listing import Listing

_TEXT = re.compile(r"hbnb_([0-9a-f-]{36})_([\w-]{43})", re.ASCII)

_KEPT = select(Token.digest).where(Token.id == bindparam("id"))


def create(name: str) -> str:
    """Make a token.

    Returns: its text, which is nowhere else and cannot be had again.
    Raises:
        Invalid: that is no name.
        Conflict: there is one of that name.
    """
    _check(name)
    secret = secrets.token_urlsafe(32)
    token = Token(name=name, digest=_digest(secret))
    try:
        token.save()
    except Conflict as error:
        raise Conflict(f"There is a token {name} already: revoke it, or choose another name") from error
    return f"hbnb_{token.id}_{secret}"


def list() -> builtins.list[dict[str, Any]]:
    """The tokens by name, each with its times, and nothing of its text."""
    return Listing(Token, sort=["name"]).all()


def revoke(name: str) -> int:
    """Have a token count no longer, from the next request on.

    Returns: how many are left.
    Raises:
        Invalid: that is no name.
        NotFound: there is none of that name.
    """
    _check(name)
    with models.storage.transaction():
        found = models.storage.read(select(Token.id).where(Token.name == name)).first()
        if found is None:
            raise NotFound(f"There is no token {name}: token list names those there are")
        models.storage.delete(models.storage.get(Token, found["id"]))
    return count()


def count() -> int:
    return models.storage.count(Token)


def holder(text: str) -> str | None:
    """The id of the token with that text; none where there is none."""
    found = _TEXT.fullmatch(text)
    kept = models.storage.read(_KEPT, {"id": found[1]}).first() if found else None
    if found is None or kept is None or not hmac.compare_digest(kept["digest"], _digest(found[2])):
        return None
    return found[1]


def _digest(secret: str) -> str:
    """Enough for what nobody can guess; a password needs more."""
    return hashlib.sha256(secret.encode()).hexdigest()


def _check(name: str) -> None:
    # One that begins like an option was meant as one.
    if not name or name.startswith("-") or checker(Token.__table__.c.name)(name):
        raise Invalid("The name of a token has 1 to 60 letters, digits and signs, no spaces, and no - in front", "name")
