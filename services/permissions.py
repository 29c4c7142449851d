"""Permissions: one table of the actions that each actor may perform.

A permission is a class and an action. Its predicate grants or refuses it by the actor and, if the action concerns
one object, by that object.
"""
from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

from sqlalchemy import ColumnElement, String, bindparam, exists, or_

import models
from errors import Forbidden, NotFound, Unauthorized
from models.account import Account
from models.base_model import BaseModel
from models.place import Place
from models.review import Review
from models.user import User
from services.actor import Actor

TOKEN_NEEDED = "Writing requires a token: send it as Authorization: Bearer <token>"
READ_ONLY = "This token has the scope read: it cannot change anything. Create a token with the scope write"
UNCONFIRMED = "unconfirmed"     # the status of accounts that only admins and operators see
LISTED = "listed"       # the status of the places that everyone can see

Predicate = Callable[[Actor, "BaseModel | None"], bool]


def anyone(actor: Actor, obj: BaseModel | None) -> bool:
    return True


def operators(actor: Actor, obj: BaseModel | None) -> bool:
    return actor.is_operator


def operators_or_open(actor: Actor, obj: BaseModel | None) -> bool:
    return actor.is_operator or actor.is_open


def admins(actor: Actor, obj: BaseModel | None) -> bool:
    return actor.is_staff


def admins_or_open(actor: Actor, obj: BaseModel | None) -> bool:
    return actor.is_staff or actor.is_open


def users(actor: Actor, obj: BaseModel | None) -> bool:
    """Users with an account, for their own objects."""
    return actor.user_id is not None and (obj is None or getattr(obj, "user_id", None) == actor.user_id)


def users_or_operators(actor: Actor, obj: BaseModel | None) -> bool:
    return actor.is_operator or users(actor, obj)


def hosts(actor: Actor, obj: BaseModel | None) -> bool:
    return admins_or_open(actor, obj) or users(actor, obj)


def viewers(actor: Actor, obj: BaseModel | None) -> bool:
    """The actors that can see a place, or a review of the place."""
    place = obj.place if isinstance(obj, Review) else obj
    return not isinstance(place, Place) or place.status == LISTED or actor.is_staff or users(actor, place)


def _rows(names: Any, *rights: tuple[Predicate, str]) -> dict[tuple[str, str], Predicate]:
    return {(name, action): predicate for name in names for predicate, actions in rights for action in actions.split()}


PERMISSIONS: dict[tuple[str, str], Predicate] = {
    **_rows(models.classes, (anyone, "read"), (admins_or_open, "create update remove")),
    **_rows(["User"], (operators_or_open, "create update remove"), (anyone, "sign_up"), (users, "manage"),
            (admins, "find suspend"), (operators, "promote set_password")),
    **_rows(["Place", "Review"], (viewers, "read")),
    **_rows(["Place"], (hosts, "create update remove link")),
    **_rows(models.internal, (operators, "read create update remove")),
    **_rows(["Session", "PersonalToken"], (users_or_operators, "read create update remove")),
    **_rows(["Session"], (anyone, "start")),
    **_rows(["OneTimeLink"], (anyone, "request use")),
    **_rows(["PersonalToken"], (operators, "list")),
    **_rows(["OutgoingMail"], (admins, "read update")),
}
# The private attributes, each with the predicate of the actors that may read it.
PRIVATE: dict[tuple[str, str], Predicate] = {
    ("User", "email"): admins_or_open,
}
_VIEWER: Any = bindparam("viewer_id", type_=String())


def _shown_places(is_user: bool) -> ColumnElement[bool]:
    return or_(Place.status == LISTED, Place.user_id == _VIEWER) if is_user else Place.status == LISTED


def _shown_reviews(is_user: bool) -> ColumnElement[bool]:
    hidden = [Place.id == Review.place_id, Place.status != LISTED, *[Place.user_id != _VIEWER] * is_user]
    return ~exists().where(*hidden)


def _shown_users(_: bool) -> ColumnElement[bool]:
    # Otherwise, signing up would show whether the address had an account already.
    return ~exists().where(Account.user_id == User.id, Account.status == UNCONFIRMED)


# The classes with objects that some actors cannot find, each with the SQL condition of those that they can find.
VISIBLE: dict[str, Callable[[bool], ColumnElement[bool]]] = {
    "User": _shown_users, "Place": _shown_places, "Review": _shown_reviews}


def allows(actor: Actor, cls: type[BaseModel], action: str, obj: BaseModel | None = None) -> bool:
    """Whether the actor may perform the action on the object, or, without an object, on the class."""
    return PERMISSIONS[cls.__name__, action](actor, obj) and not (actor.is_read_only and action != "read")


def require(actor: Actor, cls: type[BaseModel], action: str, obj: BaseModel | None = None) -> None:
    """Raise an error unless the actor may perform the action.

    Raises:
        NotFound: the actor may not know that the object exists.
        Unauthorized: the action requires a token or a session.
        Forbidden: the actor has no permission.
    """
    if not allows(actor, cls, action, obj):
        if action == "read" and obj is not None and allows(actor, cls, "read"):
            raise NotFound()
        if actor.user_id is None:
            raise Unauthorized(TOKEN_NEEDED, shown=False)
        raise forbidden(actor, cls, action)


def forbidden(actor: Actor, cls: type[BaseModel], action: str) -> Forbidden:
    """The error for a known actor that has no permission."""
    if actor.is_read_only and action != "read":
        return Forbidden(READ_ONLY)
    return Forbidden(f"You have no permission for this: {action} {cls.__name__}")


def visible(cls: type[BaseModel], view: str) -> tuple[ColumnElement[bool], ...]:
    """The SQL conditions of the objects that an actor can find.

    Args:
        view: the actor's `view`; its `values` are those of the conditions' parameters.
    """
    return _visible(cls.__name__, view)


@cache
def _visible(name: str, view: str) -> tuple[ColumnElement[bool], ...]:
    return () if view == "all" or name not in VISIBLE else (VISIBLE[name](view == "own"),)


def private(cls: type[BaseModel]) -> frozenset[str]:
    """The private attributes of a class, which only some actors may read."""
    return _private(cls.__name__)


@cache
def _private(name: str) -> frozenset[str]:
    return frozenset(field for owner, field in PRIVATE if owner == name)


def hidden(actor: Actor, cls: type[BaseModel]) -> frozenset[str]:
    """The attributes of a class that the actor may not read."""
    return frozenset(name for name in private(cls) if not PRIVATE[cls.__name__, name](actor, None))
