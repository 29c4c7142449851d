"""Sessions of logged-in users, each identified by the secret in a cookie."""
from __future__ import annotations

import builtins
import datetime
from typing import NamedTuple

from sqlalchemy import bindparam, delete, or_, select

import models
from models.account import Account
from models.base_model import utc_now
from models.session import Session
from models.user import User
from services import secrets
from services.actor import Actor, of_user

IDLE = datetime.timedelta(days=30)      # a session that is not used for so long ends
LIFETIME = datetime.timedelta(days=180)     # the longest time that a session lasts
MAX_AGENT = 128

_table = Session.__table__
_SESSION = select(
    Session.digest, Session.user_id, Session.seen_at, Session.expires_at, User.first_name, Account.status,
    Account.role).join(User, User.id == Session.user_id).outerjoin(
    Account, Account.id == Session.user_id).where(Session.id == bindparam("id"))


class LoggedIn(NamedTuple):
    """A session in use.

    Args:
        id: its id.
        actor: its user as an actor.
        first_name: of the user.
    """

    id: str
    actor: Actor
    first_name: str


def start(user_id: str, agent: str) -> str:
    """Start a session, in the transaction of the caller.

    Args:
        agent: the name that the user's browser sent.
    Returns: the secret for the cookie.
    """
    now = utc_now()
    session = Session(user_id=user_id, seen_at=now, expires_at=now + LIFETIME, agent=_printable(agent))
    secret = secrets.create(session.id)
    session.digest = secret.digest
    models.storage.new(session)
    return str(secret)


def resume(text: str) -> LoggedIn | None:
    """The session of a cookie, or `None` if it has ended or its user cannot log in any more."""
    row = secrets.stored(text, _SESSION)
    now = utc_now()
    if row is None or now >= row["expires_at"] or now - row["seen_at"] >= IDLE or (actor := of_user(row)) is None:
        return None
    secrets.note_use(_table.c.seen_at, row["id"], row["seen_at"])
    return LoggedIn(row["id"], actor, row["first_name"])


def end(id: str) -> None:
    """End a session, if it still exists."""
    models.storage.transact(lambda: models.storage.write(delete(_table).where(Session.id == id)))


def end_expired(user_id: str) -> None:
    """Remove the sessions of a user that have expired, in the transaction of the caller."""
    now = utc_now()
    models.storage.write(delete(_table).where(
        Session.user_id == user_id, or_(Session.expires_at <= now, Session.seen_at <= now - IDLE)))


def end_all(user_id: str) -> None:
    """End all sessions of a user."""
    models.storage.transact(lambda: models.storage.write(delete(_table).where(Session.user_id == user_id)))


def list(actor: Actor) -> builtins.list[Session]:
    """The sessions of the actor that have not ended, the last used first."""
    found = models.storage.read(select(Session.id).where(
        Session.user_id == actor.user_id, Session.expires_at > utc_now(), Session.seen_at > utc_now() - IDLE).order_by(
        Session.seen_at.desc(), Session.id)).scalars()
    sessions = (models.storage.get(Session, id) for id in found)
    return [each for each in sessions if isinstance(each, Session)]


def _printable(agent: str) -> str:
    return "".join(each for each in agent if each.isprintable())[:MAX_AGENT]
