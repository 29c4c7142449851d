"""Request ids: each request has one, which is in its response and in every log line of the request."""
from __future__ import annotations

import re
import secrets
from contextvars import ContextVar

HEADER = "X-Request-Id"
KEY = "HTTP_X_REQUEST_ID"   # the header in a WSGI environment
current: ContextVar[str | None] = ContextVar("request_id", default=None)
_VALID = re.compile(r"[\w.:/=+-]{1,128}", re.ASCII)


def request_id(header: str | None) -> str:
    """The id from the request's header if it is valid, otherwise a new one."""
    return header if header is not None and _VALID.fullmatch(header) else secrets.token_hex(16)
