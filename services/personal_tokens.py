"""Personal API tokens, which have the rights of their user."""
from __future__ import annotations

import builtins
from typing import Any

from sqlalchemy import bindparam, select

import models
from errors import Conflict, Invalid, NotFound
from models.account import Account
from models.codec import check
from models.personal_token import PersonalToken
from models.user import User
from services import audit, permissions, schema, secrets
from services.actor import Actor, of_user

PREFIX = "hbnbp_"

_TOKEN = select(
    PersonalToken.digest, PersonalToken.user_id, PersonalToken.scope, PersonalToken.used_at, Account.status,
    Account.role).outerjoin(
    Account, Account.id == PersonalToken.user_id).where(PersonalToken.id == bindparam("id"))


def create(actor: Actor, user: User, name: str, scope: str = "write") -> str:
    """Create a token of a user.

    Args:
        scope: `read` or `write`.
    Returns: the text of the token. Only its digest is stored, so the text cannot be shown again.
    Raises:
        Invalid: the name or the scope is not allowed.
        Conflict: the user has a token with that name.
    """
    token = PersonalToken(user_id=user.id, name=name, scope=scope)
    permissions.require(actor, PersonalToken, "create", token)
    if not name.strip():
        raise Invalid("Missing name", "name")
    for column in ("name", "scope"):
        check(PersonalToken.__table__.c[column], getattr(token, column))
    secret = secrets.create(token.id)
    token.digest = secret.digest

    def work() -> None:
        models.storage.lock(user)
        if models.storage.read(select(PersonalToken.id).where(
                PersonalToken.user_id == user.id, PersonalToken.name == name)).first():
            raise Conflict(f"There is a token named {name} already. Revoke it, or choose another name")
        models.storage.new(token)
        audit.record(actor, "create", token)
    models.storage.transact(work)
    return f"{PREFIX}{secret}"


def list(actor: Actor, user: User) -> builtins.list[dict[str, Any]]:
    """The tokens of a user by name, without their texts."""
    permissions.require(actor, PersonalToken, "read", PersonalToken(user_id=user.id))
    found = models.storage.read(select(PersonalToken.id).where(PersonalToken.user_id == user.id).order_by(
        PersonalToken.name, PersonalToken.id)).scalars()
    return [token.to_dict() for id in found if (token := models.storage.get(PersonalToken, id))]


def list_all(actor: Actor) -> builtins.list[dict[str, Any]]:
    """The tokens of all users, by the users' e-mail addresses and by name, without their texts.

    Returns: for each token its attributes, and `user`, the address.
    """
    permissions.require(actor, PersonalToken, "list")
    statement = select(*schema.form(PersonalToken), User.email.label("user")).join(
        User, User.id == PersonalToken.user_id).order_by(User.email, PersonalToken.name, PersonalToken.id)
    return models.storage.read(statement).all()


def revoke_named(actor: Actor, user: User, name: str) -> None:
    """Revoke a token of a user by its name.

    Raises:
        NotFound: the user has no such token.
    """
    found = models.storage.read(select(PersonalToken.id).where(
        PersonalToken.user_id == user.id, PersonalToken.name == name)).scalars()
    if not found:
        raise NotFound(f"{user.email} has no token named {name:.128}. `token list` prints the names of all tokens")
    revoke(actor, found[0])


def revoke(actor: Actor, id: str) -> None:
    """Revoke a token by its id.

    Raises:
        NotFound: the actor has no such token.
    """
    def work() -> None:
        token = models.storage.get(PersonalToken, id)
        if token is None or not permissions.allows(actor, PersonalToken, "remove", token):
            raise NotFound()
        audit.record(actor, "remove", token)
        models.storage.delete(token)
    models.storage.transact(work)


def verify(text: str) -> Actor | None:
    """The actor with that token, or `None` if the text is not a valid token."""
    row = secrets.stored(text.removeprefix(PREFIX), _TOKEN) if text.startswith(PREFIX) else None
    actor = of_user(row, is_read_only=row["scope"] == "read") if row else None
    if row and actor:
        secrets.note_use(PersonalToken.__table__.c.used_at, row["id"], row["used_at"])
    return actor
