"""An id for each request, in its answer and in every line that is logged meanwhile."""
from __future__ import annotations

import logging
import re
import uuid

from flask import Flask, Response, g, has_request_context, request

HEADER = "X-Request-Id"
_SOUND = re.compile(r"[\w.:/=+-]{1,128}", re.ASCII)


def init_app(app: Flask) -> None:
    app.after_request(_give)
    app.logger.addFilter(_mark)


def request_id(given: str | None) -> str:
    """The client's id, or a new one."""
    return given if given is not None and _SOUND.fullmatch(given) else uuid.uuid4().hex


def _give(response: Response) -> Response:
    response.headers[HEADER] = _id()
    return response


def _mark(record: logging.LogRecord) -> bool:
    if has_request_context():
        record.msg = f"[{_id()}] {record.msg}"
    return True


def _id() -> str:
    if "request_id" not in g:
        g.request_id = request_id(request.headers.get(HEADER))
    found: str = g.request_id
    return found
