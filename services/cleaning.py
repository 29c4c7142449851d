"""Cleaning: removes rows that no program needs any more."""
from __future__ import annotations

import datetime
from functools import partial

from sqlalchemy import ColumnElement, delete, exists, or_, select

import models
from models.account import Account
from models.base_model import BaseModel, utc_now
from models.login_failure import LoginFailure
from models.one_time_link import OneTimeLink
from models.outgoing_mail import OutgoingMail
from models.session import Session
from models.user import User
from services import sessions
from services.permissions import UNCONFIRMED

LINKS = datetime.timedelta(days=7)      # for which a link is kept after it was used or has expired
MAILS = datetime.timedelta(days=30)     # for which a mail is kept after it was sent or given up
FAILURES = datetime.timedelta(days=1)     # all of them are forgotten before
BATCH = 1000    # rows that a transaction removes at most


def remove_old() -> int:
    """Remove expired sessions, users that were never confirmed, and old links, mails and failures to log in.

    Returns: the number of removed rows.
    Raises:
        Unavailable: the storage cannot be used.
    """
    return sum(_remove(cls, condition) for cls, condition in _old(utc_now()).items())


def _old(now: datetime.datetime) -> dict[type[BaseModel], ColumnElement[bool]]:
    """The condition under which a row of a class is removed."""
    return {
        Session: or_(Session.expires_at <= now, Session.seen_at <= now - sessions.IDLE),
        OneTimeLink: or_(OneTimeLink.expires_at <= now - LINKS, OneTimeLink.used_at <= now - LINKS),
        OutgoingMail: or_(OutgoingMail.sent_at <= now - MAILS, OutgoingMail.failed_at <= now - MAILS),
        User: exists().where(Account.user_id == User.id, Account.status == UNCONFIRMED,
                             Account.updated_at <= now - LINKS),
        LoginFailure: LoginFailure.updated_at <= now - FAILURES,
    }


def _remove(cls: type[BaseModel], condition: ColumnElement[bool]) -> int:
    removed = 0
    while ids := models.storage.read(select(cls.id).where(condition).limit(BATCH)).scalars():
        # Sorted, so that two workers do not deadlock. The condition again: a session may have been used meanwhile.
        statement = delete(cls.__table__).where(cls.id.in_(sorted(ids)), condition)
        count = models.storage.transact(partial(models.storage.write, statement))
        if not count:
            break
        removed += count
    return removed
