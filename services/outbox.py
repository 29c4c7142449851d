"""The outbox: mails are stored in the transaction that causes them, and sent later by the worker."""
from __future__ import annotations

import datetime
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, bindparam, delete, exists, func, select, update

import models
from errors import NotFound
from models import codec
from models.base_model import utc_now
from models.outgoing_mail import OutgoingMail
from services import audit, permissions
from services.actor import Actor

GIVE_UP = datetime.timedelta(days=1)    # a mail that could not be sent for so long has failed
LEASE = datetime.timedelta(minutes=5)   # longer than it takes to send a mail, and much longer than clocks differ
FIRST_WAIT = datetime.timedelta(seconds=15)     # after the first failure; it doubles with each further one
LONGEST_WAIT = datetime.timedelta(hours=1)
MAX_ERROR = 1000    # characters

_table = OutgoingMail.__table__
_DUE = select(_table.c.id, _table.c.due_at, _table.c.attempts, _table.c.recipient, _table.c.template, _table.c.data,
              _table.c.created_at, _table.c.expires_at, _table.c.error).where(
    _table.c.due_at <= bindparam("now")).order_by(_table.c.due_at).limit(10)
_FAILED = select(*map(codec.select_json, (
    _table.c.id, _table.c.recipient, _table.c.template, _table.c.created_at, _table.c.failed_at,
    _table.c.error))).where(_table.c.failed_at.is_not(None)).order_by(_table.c.failed_at.desc(), _table.c.id)
_COUNTS = select(func.count(_table.c.due_at), func.count(_table.c.failed_at))


class Mail(NamedTuple):
    """A mail that this program has leased: until `due_at`, no other worker sends it."""

    id: str
    due_at: datetime.datetime
    attempts: int
    recipient: str
    template: str
    data: dict[str, Any]
    created_at: datetime.datetime
    expires_at: datetime.datetime
    error: str | None


class Counts(NamedTuple):
    """The number of mails that wait to be sent, and of those that were given up in the last month."""

    waiting: int
    failed: int


def forget(recipient: str) -> None:
    """Remove the mails to an address, in the transaction of the caller."""
    models.storage.write(delete(_table).where(_table.c.recipient == recipient))


def queue(dedupe_key: str, recipient: str, template: str, **data: Any) -> None:
    """Store a mail, in the transaction of the caller. If there is a mail with this key already, nothing is stored.

    Args:
        dedupe_key: what the mail is about; unique.
        recipient: the e-mail address.
        template: the name of its template.
        data: the values for the template, in a form that JSON has.
    """
    if models.storage.read(select(exists().where(OutgoingMail.dedupe_key == dedupe_key))).scalars()[0]:
        return
    now = utc_now()
    models.storage.new(OutgoingMail(dedupe_key=dedupe_key, recipient=recipient, template=template, data=data,
                                    due_at=now, expires_at=now + GIVE_UP))


def lease() -> Mail | None:
    """Lease the mail that has been due for the longest time; `None` if no mail is due.

    The lease ends by itself, so a mail whose worker was killed is sent by another one.
    """
    while due := models.storage.read(_DUE, {"now": utc_now()}).all():
        for row in due:
            until = utc_now() + LEASE
            # Of several workers that read the same row, one changes it.
            if _change(row["id"], _table.c.due_at == row["due_at"], due_at=until, attempts=row["attempts"] + 1):
                return Mail(**{**row, "due_at": until, "attempts": row["attempts"] + 1})
    return None


def sent(mail: Mail) -> None:
    """Record that a mail was sent, and remove its data, which may hold a secret."""
    now = utc_now()
    _change(mail.id, _table.c.sent_at.is_(None), sent_at=now, due_at=None, failed_at=None, error=None, data={})


def postpone(mail: Mail, error: str) -> datetime.datetime | None:
    """Record that a mail could not be sent, and when the next attempt is due.

    Returns: the time of the next attempt, or `None` if the mail was given up.
    """
    due: datetime.datetime = utc_now() + min(FIRST_WAIT * 2 ** min(mail.attempts - 1, 20), LONGEST_WAIT)
    if due >= mail.expires_at:
        fail(mail, error)
        return None
    _change(mail.id, _table.c.due_at == mail.due_at, due_at=due, error=error[:MAX_ERROR])
    return due


def fail(mail: Mail, error: str) -> None:
    """Record that a mail was given up."""
    _change(mail.id, _table.c.due_at == mail.due_at, due_at=None, failed_at=utc_now(), error=error[:MAX_ERROR])


def count() -> Counts:
    """Count the mails of the outbox."""
    return Counts(*models.storage.read(_COUNTS).tuples()[0])


def failed(actor: Actor, limit: int | None = None, offset: int = 0) -> list[dict[str, Any]]:
    """The mails that were given up, the last one first, without their data, which may hold a secret.

    Args:
        limit: the largest number of mails; `None` for all.
    Returns: for each mail `id`, `recipient`, `template`, `created_at`, `failed_at` and `error`.
    """
    permissions.require(actor, OutgoingMail, "read")
    return models.storage.read(_FAILED.limit(limit).offset(offset or None)).all()


def send_again(actor: Actor, id: str) -> bool:
    """Try again, for another day, to send a mail that was given up.

    Returns: whether it was given up; if not, nothing is changed.
    Raises:
        NotFound: no mail has this id.
    """
    permissions.require(actor, OutgoingMail, "update")

    def work() -> bool:
        mail = models.storage.get(OutgoingMail, id)
        if not isinstance(mail, OutgoingMail):
            raise NotFound()
        now = utc_now()
        if not _change(id, _table.c.failed_at.is_not(None), failed_at=None, error=None, attempts=0, due_at=now,
                       expires_at=now + GIVE_UP):
            return False
        audit.record(actor, "send_again", mail)
        return True
    return models.storage.transact(work)


def _change(id: str, condition: ColumnElement[bool], **values: Any) -> bool:
    """Change a mail if it meets a condition. Returns: whether it was changed."""
    statement = update(_table).where(_table.c.id == id, condition).values(updated_at=utc_now(), **values)
    return bool(models.storage.transact(lambda: models.storage.write(statement)))
