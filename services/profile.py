"""The account of the actor: show, change, export and delete it."""
from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import delete, select
from sqlalchemy import update as update_rows

import models
from errors import Forbidden, Invalid, Unauthorized
from models import passwords
from models.base_model import BaseModel
from models.one_time_link import OneTimeLink
from models.personal_token import PersonalToken
from models.place import Place
from models.review import Review
from models.session import Session
from models.user import User
from services import accounts, audit, outbox, permissions, schema, sessions, throttling
from services.actor import Actor

WRONG_PASSWORD = "The password is wrong"
FORMER = {"first_name": "Former", "last_name": "guest", "email": "", "password": passwords.NO_LOGIN}
_SECRET = {"digest", "password"}


def me(actor: Actor) -> User:
    """The user that is logged in.

    Raises:
        Unauthorized: the actor is not a user.
    """
    user = models.storage.get(User, actor.user_id) if actor.user_id else None
    if not isinstance(user, User):
        raise Unauthorized("Log in, or send a personal token as Authorization: Bearer <token>", shown=False)
    return user


def show(actor: Actor) -> dict[str, Any]:
    """The actor's own user in its JSON form, with the role and all private attributes."""
    user = me(actor)
    return {**user.to_dict(), "role": accounts.account_of(user.id).role}


def update(actor: Actor, data: Mapping[str, Any], agent: str = "") -> str | None:
    """Change the actor's own names, password or e-mail address: all of them, or none.

    A new password ends all sessions. A new address gets a link, and becomes the user's when the link is used.

    Args:
        data: the new values; `current_password` as well to change `password` or `email`.
        agent: the name that the user's browser sent.
    Returns: with a new password, the secret for the cookie of a new session.
    Raises:
        Forbidden: the current password is wrong.
        Invalid: an attribute is unknown or invalid; names it.
        TooMany: there were too many wrong passwords.
    """
    user, given = _changing(actor), dict(data)
    current, password, email = (given.pop(name, None) for name in ("current_password", "password", "email"))
    values = schema.clean(User, given, is_new=False)
    if "email" in data:
        accounts.check_email(email)
    if "password" in data:
        accounts.check_password(password)
    if not isinstance(data.get("current_password", ""), str):
        raise Invalid("current_password must be a text", "current_password")
    verified = None if email is None and password is None else _check(user, current)
    hashed = None if password is None else accounts.hashed(password)

    def work() -> str | None:
        accounts.lock_verified(user, verified, Forbidden(WRONG_PASSWORD))
        for name, value in values.items():
            setattr(user, name, value)
        user.save()
        audit.record(actor, "update", user)
        if hashed is not None:
            accounts.set_hash(user, hashed)
        if email is not None:
            _send_link(user, email)
        if hashed is None:
            return None
        accounts.send(user.email, "password_changed", name=user.first_name)
        return sessions.start(user.id, agent)
    return models.storage.transact(work)


def close(actor: Actor, current: Any) -> None:
    """Delete the actor's account: name, address and password. Reviews stay, of a former guest; places are unlisted.

    Args:
        current: the current password.
    Raises:
        Forbidden: the password is wrong.
    """
    user = _changing(actor)
    verified = _check(user, current)

    def work() -> None:
        accounts.lock_verified(user, verified, Forbidden(WRONG_PASSWORD))
        models.storage.write(update_rows(Place.__table__).where(Place.user_id == user.id).values(status="unlisted"))
        recipient, name = user.email, user.first_name
        for attribute, value in FORMER.items():
            setattr(user, attribute, value)
        user.save()
        account = accounts.account_of(user.id)
        account.status, account.role = "closed", "user"
        account.save()
        for cls in (Session, OneTimeLink, PersonalToken):
            models.storage.write(delete(cls.__table__).where(cls.user_id == user.id))
        outbox.forget(recipient)
        audit.record(actor, "close", user)
        accounts.send(recipient, "account_closed", name=name)
    models.storage.transact(work)


def export(actor: Actor) -> dict[str, Any]:
    """Everything that is stored about the actor, in a form that JSON has, without secrets."""
    user = me(actor)
    found: dict[str, Any] = {"user": show(actor)}
    for cls in (Place, Review, Session, PersonalToken):
        ids = models.storage.read(select(cls.id).where(cls.user_id == user.id).order_by(cls.created_at, cls.id))
        objects = [models.storage.get(cls, id) for id in ids.scalars()]
        found[cls.__tablename__] = [_without_secrets(each) for each in objects if each]
    return found


def _without_secrets(obj: BaseModel) -> dict[str, Any]:
    return {name: value for name, value in obj.to_dict(save_fs=1).items() if name not in _SECRET}


def _changing(actor: Actor) -> User:
    """The user, if the actor may change the account: a token with the scope `read` may not."""
    user = me(actor)
    permissions.require(actor, User, "manage", None)
    return user


def _send_link(user: User, email: str) -> None:
    if accounts.by_email(email) is None:
        accounts.send_link(user, "email", email)
    else:
        accounts.send(email, "already_signed_up", name=user.first_name)


def _check(user: User, password: Any) -> str:
    """Raise Forbidden unless it is the user's password. Returns: its stored form."""
    if not isinstance(password, str):
        raise Invalid("Enter your current password", "current_password")
    # Not the key of log-ins: attempts from outside must not keep the user from changing the password.
    key, stored = f"check {user.id}", user.password
    throttling.attempt(key)
    with accounts.hashing():
        fits = len(password) <= accounts.MOST_PASSWORD and passwords.matches(stored, password)
    if not fits:
        raise Forbidden(WRONG_PASSWORD)
    throttling.succeeded(key)
    return stored
