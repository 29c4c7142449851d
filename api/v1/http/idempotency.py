"""Idempotency keys: a repeated `POST` gets the stored response and is not executed again."""
from __future__ import annotations

import re
from collections.abc import Callable
from functools import wraps
from typing import Any

from flask import Response, request

from api.v1.http.auth import actor
from errors import Invalid
from services.idempotency import Reply, run_once

HEADER, REPLAYED = "Idempotency-Key", "Idempotency-Replayed"
MAX_LENGTH = 255
# No comma, because WSGI joins repeated headers by one. Quotes only in pairs: a lost one would make another key.
PATTERN = rf'^(?:[!#-+\--~]{{1,{MAX_LENGTH}}}|"[!#-+\--~]{{1,{MAX_LENGTH - 2}}}")$'
STORED_HEADERS = ("Location", "ETag")     # all other headers are added to a replayed response as to any other


def validate_key() -> None:
    """Reject a write with a malformed key.

    Raises:
        Invalid: the key is malformed, or was sent more than once.
    """
    key = request.headers.get(HEADER)
    if key is not None and not re.fullmatch(PATTERN, key):
        raise Invalid(f"{HEADER} must be sent once, as 1 to {MAX_LENGTH} visible ASCII characters without commas, "
                      "optionally between double quotes", HEADER)


def idempotent(view: Callable[..., Response]) -> Callable[..., Response]:
    """Decorate a view that creates something, so that clients can send an `Idempotency-Key`."""
    @wraps(view)
    def replayable(**ids: str) -> Response:
        key = request.headers.get(HEADER)
        if key is None:
            return view(**ids)
        identity = (actor().identity, request.method, request.path.rstrip("/"), key)
        reply, replayed = run_once(identity, request.get_data(), lambda: _reply(view(**ids)))
        response = Response(reply.body, reply.status, reply.headers, mimetype="application/json")
        if replayed:
            response.headers[REPLAYED] = "true"
        return response
    replayable.accepts_idempotency_key = True   # type: ignore[attr-defined]
    return replayable


def _reply(response: Any) -> Reply:
    headers = {name: response.headers[name] for name in STORED_HEADERS if name in response.headers}
    return Reply(response.status_code, headers, response.get_data(as_text=True))
