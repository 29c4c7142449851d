"""Secrets of tokens, sessions and links: random texts, of which only a digest is stored."""
from __future__ import annotations

import datetime
import hashlib
import hmac
import re
import secrets
from contextlib import suppress
from typing import Any, NamedTuple

from sqlalchemy import Column, Executable, update

import models
from errors import Conflict, Unavailable
from models.base_model import utc_now

PRECISION = datetime.timedelta(hours=1)     # of the times of last use, so that few requests write
_TEXT = re.compile(r"([0-9a-f-]{36})_([\w-]{43})", re.ASCII)


class Secret(NamedTuple):
    """A secret that a client presents, together with the id of the object that has its digest."""

    id: str
    text: str

    @property
    def digest(self) -> str:
        """Its SHA-256. A random secret cannot be guessed, so a slow hash, as for passwords, is not needed."""
        return hashlib.sha256(self.text.encode()).hexdigest()

    def matches(self, digest: str) -> bool:
        return hmac.compare_digest(digest, self.digest)

    def __str__(self) -> str:
        return f"{self.id}_{self.text}"


def create(id: str) -> Secret:
    """Create a secret for the object with this id."""
    return Secret(id, secrets.token_urlsafe(32))


def parse(text: str) -> Secret | None:
    """The secret that a client sent, or `None` if the text does not have the form of one."""
    found = _TEXT.fullmatch(text)
    return Secret(found[1], found[2]) if found else None


def stored(text: str, statement: Executable) -> dict[str, Any] | None:
    """What is stored about a secret that a client sent, or `None` if the secret is not valid.

    Args:
        statement: selects the `digest` and more of the object whose id is the parameter `id`.
    Returns: the row of the statement, and `id`.
    """
    secret = parse(text)
    row = models.storage.read(statement, {"id": secret.id}).first() if secret else None
    return {**row, "id": secret.id} if secret and row and secret.matches(row["digest"]) else None


def note_use(column: Column[datetime.datetime], id: str, before: datetime.datetime | None) -> None:
    """Store the time at which an object is used, unless it was used shortly before.

    Args:
        column: the column of the time.
        before: the stored time.
    """
    now = utc_now()
    if before is None or now - before >= PRECISION:
        with suppress(Unavailable, Conflict):       # a request that reads must not fail because this cannot be written
            models.storage.transact(lambda: models.storage.write(
                update(column.table).where(column.table.c.id == id).values({column.key: now})))
