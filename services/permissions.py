"""Permissions: one table of the actions that each actor may perform.

A permission is a class and an action. Its predicate grants or refuses it by the actor and, if the action concerns
one object, by that object.
"""
from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

import models
from errors import Unauthorized
from models.base_model import BaseModel
from services.actor import Actor

TOKEN_NEEDED = "Writing requires a token: send it as Authorization: Bearer <token>"

Predicate = Callable[[Actor, "BaseModel | None"], bool]


def anyone(actor: Actor, obj: BaseModel | None) -> bool:
    return True


def operators(actor: Actor, obj: BaseModel | None) -> bool:
    return actor.is_operator


def operators_or_open(actor: Actor, obj: BaseModel | None) -> bool:
    return actor.is_operator or actor.is_open


def _rows(names: Any, *rights: tuple[Predicate, str]) -> dict[tuple[str, str], Predicate]:
    return {(name, action): predicate for name in names for predicate, actions in rights for action in actions.split()}


PERMISSIONS: dict[tuple[str, str], Predicate] = {
    **_rows(models.classes, (anyone, "read"), (operators_or_open, "create update remove")),
    **_rows(["Place"], (operators_or_open, "link")),
    **_rows(models.internal, (operators, "read create update remove")),
}
# The private attributes, each with the predicate of the actors that may read it.
PRIVATE: dict[tuple[str, str], Predicate] = {
    ("User", "email"): operators_or_open,
}


def allows(actor: Actor, cls: type[BaseModel], action: str, obj: BaseModel | None = None) -> bool:
    """Whether the actor may perform the action on the object, or, without an object, on the class."""
    return PERMISSIONS[cls.__name__, action](actor, obj)


def require(actor: Actor, cls: type[BaseModel], action: str, obj: BaseModel | None = None) -> None:
    """Raise an error unless the actor may perform the action.

    Raises:
        Unauthorized: the action requires a token.
    """
    if not allows(actor, cls, action, obj):
        raise Unauthorized(TOKEN_NEEDED, shown=False)


def private(cls: type[BaseModel]) -> frozenset[str]:
    """The private attributes of a class, which only some actors may read."""
    return _private(cls.__name__)


@cache
def _private(name: str) -> frozenset[str]:
    return frozenset(field for owner, field in PRIVATE if owner == name)


def hidden(actor: Actor, cls: type[BaseModel]) -> frozenset[str]:
    """The attributes of a class that the actor may not read."""
    return frozenset(name for name in private(cls) if not PRIVATE[cls.__name__, name](actor, None))
