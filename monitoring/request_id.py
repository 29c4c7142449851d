"""An id for each request: in its answer, and in every line that is logged meanwhile."""
from __future__ import annotations

import re
import secrets
from contextvars import ContextVar

HEADER = "X-Request-Id"
KEY = "HTTP_X_REQUEST_ID"   # the same, in the environment of WSGI
current: ContextVar[str | None] = ContextVar("request_id", default=None)
_SOUND = re.compile(r"[\w.:/=+-]{1,128}", re.ASCII)


def request_id(given: str | None) -> str:
    """The id that came along, of a client or of a proxy, or a new one."""
    return given if given is not None and _SOUND.fullmatch(given) else secrets.token_hex(16)
