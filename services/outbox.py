"""The outbox: mails are stored in the transaction that causes them, and sent later by the worker."""
from __future__ import annotations

import datetime
from typing import Any

from sqlalchemy import exists, select

import models
from models.base_model import utc_now
from models.outgoing_mail import OutgoingMail

GIVE_UP = datetime.timedelta(days=1)    # a mail that could not be sent for so long has failed


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
