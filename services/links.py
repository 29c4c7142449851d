"""Links that work once: each holds a secret, which is sent to an e-mail address."""
from __future__ import annotations

import datetime
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from sqlalchemy import update

import models
from errors import Expired
from models.base_model import utc_now
from models.one_time_link import OneTimeLink
from services import secrets

LIFETIMES = {"confirm": datetime.timedelta(hours=24), "email": datetime.timedelta(hours=24),
             "reset": datetime.timedelta(hours=1)}
NOTHING: Mapping[str, Any] = MappingProxyType({})
EXPIRED = "This link has expired or was used already. Request a new one"


def create(user_id: str, purpose: str, email: str = "", data: Mapping[str, Any] = NOTHING) -> str:
    """Create a link, in the transaction of the caller.

    Args:
        purpose: `confirm` an address, `reset` a password, or change the address to `email`.
        data: what to store with the link, in a form that JSON has.
    Returns: its secret.
    """
    link = OneTimeLink(user_id=user_id, purpose=purpose, email=email, data=dict(data),
                       expires_at=utc_now() + LIFETIMES[purpose])
    secret = secrets.create(link.id)
    link.digest = secret.digest
    models.storage.new(link)
    return str(secret)


def revoke(user_id: str, purpose: str) -> None:
    """Make the unused links of a user for a purpose useless, in the transaction of the caller."""
    table = OneTimeLink.__table__
    models.storage.write(update(table).where(
        table.c.user_id == user_id, table.c.purpose == purpose, table.c.used_at.is_(None)).values(used_at=utc_now()))


def find(text: str, *purposes: str) -> OneTimeLink:
    """The link with this secret, which has not been used yet.

    Raises:
        Expired: there is no such link, it has expired or was used.
    """
    secret = secrets.parse(text)
    link = models.storage.get(OneTimeLink, secret.id) if secret else None
    if (secret is None or not isinstance(link, OneTimeLink) or not secret.matches(link.digest)
            or link.purpose not in purposes or link.used_at or utc_now() >= link.expires_at):
        raise Expired(EXPIRED)
    return link


def use(text: str, *purposes: str) -> OneTimeLink:
    """Use a link, in the transaction of the caller. Of two requests at once, one succeeds.

    Raises:
        Expired: there is no such link, it has expired or was used.
    """
    link = find(text, *purposes)
    models.storage.lock(link)
    if link.used_at:
        raise Expired(EXPIRED)
    link.used_at = utc_now()
    link.save()
    return link
