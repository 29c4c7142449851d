"""Doing once what is asked for more than once, because its answer was lost on the way."""
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

KEPT = datetime.timedelta(hours=24)
SWEPT = 1000    # old answers that are removed at a time


class Reply(NamedTuple):
    """What is kept of an answer."""

    status: int
    headers: dict[str, str]
    body: str


def once(request: tuple[str, ...], content: bytes, work: Callable[[], Reply]) -> tuple[Reply, bool]:
    """Do some work, unless it was done for the same request before.

    What is done and its reply are stored together, so nothing that ends a program comes between. What fails leaves
    nothing, and may be tried again.

    Args:
        request: what makes it the same: who asks, for what, and with which key.
        content: what was sent with it.
        work: does it; what it saves is stored with the reply. It is called again where others were in its way.
    Returns: the reply, and whether it is that of before.
    Raises:
        Reused: the request came before with other content.
    """
    name = json.dumps(request).encode()
    id = base64.urlsafe_b64encode(hashlib.sha256(name).digest()).decode().rstrip("=")
    # With the key, which is kept nowhere: of the content alone, who has the store could find a short password.
    digest = hashlib.sha256(name + content).hexdigest()

    def done() -> tuple[Reply, bool]:
        if before := _kept(id, digest):
            return before, True
        reply = work()
        _keep(id, digest, reply)
        return reply, False
    try:
        return models.storage.transact(done)
    except Reused:
        raise
    except HBNBError:
        # Somebody may have done it at the same moment, and so have been in the way.
        if before := _kept(id, digest):
            return before, True
        raise


def _kept(id: str, digest: str) -> Reply | None:
    table = Answer.__table__.c
    row = models.storage.read(select(table.digest, table.status, table.headers, table.body).where(
        table.id == id, table.created_at > utc_now() - KEPT)).first()
    if row is None:
        return None
    if row["digest"] != digest:
        raise Reused("This Idempotency-Key came before with another body: take a new key for a new request")
    return Reply(row["status"], json.loads(row["headers"]), row["body"])


def _keep(id: str, digest: str, reply: Reply) -> None:
    table = Answer.__table__
    old = {*models.storage.read(select(table.c.id).where(
        table.c.created_at <= utc_now() - KEPT).order_by(table.c.created_at).limit(SWEPT)).scalars()}
    if old:     # in one order for all, so that two who do this do not wait for each other
        models.storage.write(delete(table).where(table.c.id.in_(sorted({id, *old}))))
    # JSON may hold one control character as it is, which our texts may not.
    body = reply.body.replace("\x7f", r"\u007f")
    models.storage.new(Answer(id=id, digest=digest, status=reply.status, headers=json.dumps(reply.headers), body=body))
