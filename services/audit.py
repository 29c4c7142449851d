"""The audit log: the changes that admins, operators' API tokens and the console made."""
from __future__ import annotations

import builtins
import uuid
from typing import Any

from sqlalchemy import func, insert, select

import models
from models import codec
from models.audit_entry import AuditEntry
from models.base_model import BaseModel, utc_now
from models.token import Token
from models.user import User
from services import permissions
from services.actor import Actor

_ENTRY = AuditEntry.__table__.c
_INSERTION = insert(AuditEntry.__table__)   # not an object of the ORM, which costs twice as much
# The first word of an actor's name, with the column by which to show the object whose id is the second word.
_SHOWN: dict[str, Any] = {"user": User.__table__.c.email, "token": Token.__table__.c.name}


def record(actor: Actor, action: str, obj: BaseModel) -> None:
    """Add an entry, in the transaction of the caller, if the actor is an admin or an operator.

    Args:
        action: such as `update`.
        obj: the object that was changed.
    """
    if actor.is_staff:
        now = utc_now()
        models.storage.write(_INSERTION, {
            "id": str(uuid.uuid4()), "created_at": now, "updated_at": now, "actor": actor.name, "action": action,
            "object": f"{type(obj).__name__}.{obj.id}"})


def list(actor: Actor, limit: int | None = None, offset: int = 0) -> builtins.list[dict[str, Any]]:
    """The entries, the newest first.

    Args:
        limit: the largest number of entries; `None` for all.
    Returns: for each entry `created_at`, `actor`, `action` and `object`. The actor is shown with the e-mail address of
        the user or the name of the token; if it was removed, with its id.
    """
    permissions.require(actor, AuditEntry, "read")
    columns = map(codec.select_json, (_ENTRY.created_at, _ENTRY.actor, _ENTRY.action, _ENTRY.object))
    statement = select(*columns).order_by(_ENTRY.created_at.desc(), _ENTRY.id.desc())
    found = models.storage.read(statement.limit(limit).offset(offset or None)).all()
    names = _names({entry["actor"] for entry in found})
    return [entry | {"actor": names.get(entry["actor"], entry["actor"])} for entry in found]


def count(actor: Actor) -> int:
    """The number of entries."""
    permissions.require(actor, AuditEntry, "read")
    return int(models.storage.read(select(func.count()).select_from(AuditEntry)).scalars()[0])


def _names(actors: set[str]) -> dict[str, str]:
    """The names by which to show actors."""
    names: dict[str, str] = {}
    for kind, column in _SHOWN.items():
        ids = [id for each, _, id in (actor.partition(" ") for actor in actors) if each == kind]
        rows = models.storage.read(select(column.table.c.id, column).where(column.table.c.id.in_(ids))).tuples()
        names |= {f"{kind} {id}": f"{kind} {name}" for id, name in rows if name}
    return names
