"""Idempotency keys: if the client repeats a request because the response was lost, replay the stored response."""
from __future__ import annotations

import base64
import datetime
import hashlib
import json
from collections.abc import Callable
from typing import NamedTuple

from sqlalchemy import delete, select

import models
from errors import HBNBError, Reused
from models.answer import Answer
from models.base_model import utc_now

LIFETIME = datetime.timedelta(hours=24)     # of a stored reply
PURGE_BATCH = 1000      # expired replies that one request removes at most


class Reply(NamedTuple):
    """The stored part of a response."""

    status: int
    headers: dict[str, str]
    body: str


def run_once(request: tuple[str, ...], content: bytes, action: Callable[[], Reply]) -> tuple[Reply, bool]:
    """Run an action, unless it was run for the same request before.

    One transaction stores the action's changes and its reply, so a crash cannot separate them. A failed action stores
    nothing, and the client may repeat it.

    Args:
        request: what identifies the request: the client, the method and path, and the key.
        content: the body of the request.
        action: makes the changes and returns the reply. It is called again if the transaction is retried.
    Returns: the reply, and whether it is the stored reply of an earlier request.
    Raises:
        Reused: the key was used before with another body.
    """
    name = json.dumps(request).encode()
    id = base64.urlsafe_b64encode(hashlib.sha256(name).digest()).decode().rstrip("=")
    # The digest includes the key, which is not stored: from a digest of the content alone, an attacker with a
    # copy of the database could guess a short password in it.
    digest = hashlib.sha256(name + content).hexdigest()

    def run() -> tuple[Reply, bool]:
        if stored := _stored(id, digest):
            return stored, True
        reply = action()
        _store(id, digest, reply)
        return reply, False
    try:
        return models.storage.transact(run)
    except Reused:
        raise
    except HBNBError:
        # The same request may have run at the same moment in another process, and have caused the error.
        if stored := _stored(id, digest):
            return stored, True
        raise


def _stored(id: str, digest: str) -> Reply | None:
    table = Answer.__table__.c
    row = models.storage.read(select(table.digest, table.status, table.headers, table.body).where(
        table.id == id, table.created_at > utc_now() - LIFETIME)).first()
    if row is None:
        return None
    if row["digest"] != digest:
        raise Reused("This Idempotency-Key was already used with another body. Nothing was changed. Send a new key "
                     "with a new request")
    return Reply(row["status"], json.loads(row["headers"]), row["body"])


def _store(id: str, digest: str, reply: Reply) -> None:
    table = Answer.__table__
    old = {*models.storage.read(select(table.c.id).where(
        table.c.created_at <= utc_now() - LIFETIME).order_by(table.c.created_at).limit(PURGE_BATCH)).scalars()}
    if old:     # sorted, so that two processes that purge at the same time do not deadlock
        models.storage.write(delete(table).where(table.c.id.in_(sorted({id, *old}))))
    # JSON allows an unescaped DEL, which stored texts must not contain.
    body = reply.body.replace("\x7f", r"\u007f")
    models.storage.new(Answer(id=id, digest=digest, status=reply.status, headers=json.dumps(reply.headers), body=body))
