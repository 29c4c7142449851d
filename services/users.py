"""The accounts of others, for admins and operators: find, suspend and promote them, and set a password."""
from __future__ import annotations

import builtins
from collections.abc import Callable, Mapping
from typing import Any

from sqlalchemy import ColumnElement, Select, func, select

import models
from errors import Conflict, Forbidden, NotFound
from models import codec
from models.account import Account
from models.user import User
from services import accounts, audit, permissions, sessions, throttling
from services.actor import Actor
from services.crud import Service

_USER = User.__table__.c
_COLUMNS = (*map(codec.select_json, (_USER.id, _USER.email, _USER.first_name, _USER.last_name)),
            func.coalesce(Account.status, "active").label("status"), func.coalesce(Account.role, "user").label("role"),
            codec.select_json(_USER.created_at))


class Users(Service[User]):
    """The service of users. A new password ends all sessions of the user, and makes unused links useless."""

    def update(self, actor: Actor, obj: User, data: Mapping[str, Any],
               check: Callable[[], None] = lambda: None) -> User:
        def work() -> User:
            super(Users, self).update(actor, obj, data, check)
            _end_access(obj, data)
            return obj
        return models.storage.transact(work)

    def assign(self, actor: Actor, obj: User, values: Mapping[str, Any]) -> None:
        def work() -> None:
            super(Users, self).assign(actor, obj, values)
            _end_access(obj, values)
        models.storage.transact(work)


def list(actor: Actor, text: str = "", limit: int | None = None, offset: int = 0) -> builtins.list[dict[str, Any]]:
    """The users, the oldest first.

    Args:
        text: a part of the name or the e-mail address, in any case; empty for all users.
        limit: the largest number of users; `None` for all.
    Returns: for each user `id`, `email`, `first_name`, `last_name`, `status`, `role` and `created_at`.
    """
    statement = _matching(actor, text, select(*_COLUMNS)).order_by(_USER.created_at, _USER.id)
    return models.storage.read(statement.limit(limit).offset(offset or None)).all()


def count(actor: Actor, text: str = "") -> int:
    """The number of users that `list` finds without `limit` and `offset`."""
    return int(models.storage.read(_matching(actor, text, select(func.count()))).scalars()[0])


def by_email(actor: Actor, email: str) -> User:
    """The user with this e-mail address.

    Raises:
        NotFound: no user has this address.
    """
    permissions.require(actor, User, "find")
    user = accounts.by_email(email)
    if user is None:
        raise NotFound(f"There is no user with the e-mail address {email:.128}. `user list` prints all users")
    return user


def suspend(actor: Actor, user: User) -> bool:
    """Suspend a user: log-ins and personal tokens are refused from now on, and all sessions end.

    Returns: whether the user was not suspended before.
    Raises:
        Forbidden: it is the actor's own account.
        Conflict: the account is closed or not confirmed.
    """
    def change(account: Account) -> bool:
        sessions.end_all(user.id)
        return _set(account, "status", "suspended")
    if actor.user_id == user.id:
        raise Forbidden("You cannot suspend your own account: ask another admin")
    return _change(actor, "suspend", "suspend", user, change)


def unsuspend(actor: Actor, user: User) -> bool:
    """Let a suspended user log in and use personal tokens again. Returns: whether the user was suspended.

    Raises:
        Conflict: the account is closed or not confirmed.
    """
    return _change(actor, "unsuspend", "suspend", user, lambda account: _set(account, "status", "active"))


def promote(actor: Actor, user: User) -> bool:
    """Make a user an admin. Returns: whether the user was not an admin before.

    Raises:
        Conflict: the account is closed, suspended or not confirmed.
    """
    def change(account: Account) -> bool:
        if account.status == "suspended":
            raise Conflict(f"{user.email} is suspended. To promote the user, unsuspend them first")
        return _set(account, "role", "admin")
    return _change(actor, "promote", "promote", user, change)


def demote(actor: Actor, user: User) -> bool:
    """Take back the rights of an admin, at once. Returns: whether the user was an admin.

    Raises:
        Conflict: the account is closed or not confirmed.
    """
    return _change(actor, "demote", "promote", user, lambda account: _set(account, "role", "user"))


def set_password(actor: Actor, user: User, password: Any) -> None:
    """Set the password of a user, and end all sessions. The user gets a mail that says so.

    Raises:
        Invalid: the password is too short or too long.
        Conflict: the account is closed or not confirmed.
    """
    def change(account: Account) -> bool:
        accounts.set_hash(user, hashed)
        accounts.send(user.email, "password_changed", name=user.first_name)
        throttling.forget(accounts.login_key(user.email))
        return True
    permissions.require(actor, User, "set_password", user)
    accounts.check_password(password)
    hashed = accounts.hashed(password)
    _change(actor, "set_password", "set_password", user, change)


def _end_access(user: User, changes: Mapping[str, Any]) -> None:
    if "password" in changes:
        accounts.end_access(user)


def _matching(actor: Actor, text: str, statement: Select[Any]) -> Select[Any]:
    """A statement for the users that the text finds, with their accounts."""
    permissions.require(actor, User, "find")
    searched: ColumnElement[str] = _USER.first_name + " " + _USER.last_name + " " + _USER.email
    condition = [searched.icontains(text.strip(), autoescape=True)] if text.strip() else []
    return statement.select_from(User).outerjoin(Account, Account.user_id == User.id).where(*condition)


def _change(actor: Actor, action: str, permission: str, user: User, change: Callable[[Account], bool]) -> bool:
    """Change an account, and audit the change, in one transaction. Returns: whether there was a change."""
    permissions.require(actor, User, permission, user)

    def work() -> bool:
        models.storage.lock(user)
        account = accounts.account_of(user.id)
        if account.status == "closed":
            raise Conflict("The user has deleted this account. It cannot be changed any more")
        if account.status == "unconfirmed":
            raise Conflict(f"{user.email} is not confirmed yet: the user must first open the link in the mail")
        if not change(account):
            return False
        account.save()
        audit.record(actor, action, user)
        return True
    return models.storage.transact(work)


def _set(account: Account, name: str, value: str) -> bool:
    """Set an attribute. Returns: whether it had another value."""
    before = getattr(account, name)
    setattr(account, name, value)
    return bool(before != value)
