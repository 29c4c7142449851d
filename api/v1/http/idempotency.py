"""Requests that come again with their `Idempotency-Key` are answered again, and done once."""
from __future__ import annotations

import re
from collections.abc import Callable
from functools import wraps
from typing import Any

from flask import Response, request

from api.v1.http.auth import caller
from errors import Invalid
from services.idempotency import Reply, run_once

HEADER, REPLAYED = "Idempotency-Key", "Idempotency-Replayed"
LENGTH = 255
# Two headers reach an application as one, with a comma between them; and a quote that was lost makes another key.
PATTERN = rf'^(?:[!#-+\--~]{{1,{LENGTH}}}|"[!#-+\--~]{{1,{LENGTH - 2}}}")$'
KEPT = ("Location", "ETag")     # of the headers, beside those that every answer has


def check() -> None:
    """Refuse a change whose key could not be read.

    Raises:
        Invalid: it is no key, or there are several.
    """
    key = request.headers.get(HEADER)
    if key is not None and not re.fullmatch(PATTERN, key):
        raise Invalid(f"{HEADER} must be sent once, as 1 to {LENGTH} visible ASCII characters without commas; "
                      "a double quote may only stand at both ends", HEADER)


def keyed(view: Callable[..., Response]) -> Callable[..., Response]:
    """Have a view that makes something take a key."""
    @wraps(view)
    def answered(**ids: str) -> Response:
        key = request.headers.get(HEADER)
        if key is None:
            return view(**ids)
        asked = (caller() or "", request.method, request.path.rstrip("/"), key)
        reply, replayed = run_once(asked, request.get_data(), lambda: _reply(view(**ids)))
        response = Response(reply.body, reply.status, reply.headers, mimetype="application/json")
        if replayed:
            response.headers[REPLAYED] = "true"
        return response
    answered.takes_key = True   # type: ignore[attr-defined]
    return answered


def _reply(response: Any) -> Reply:
    return Reply(response.status_code, {name: response.headers[name] for name in KEPT if name in response.headers},
                 response.get_data(as_text=True))
