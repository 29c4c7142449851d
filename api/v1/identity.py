"""An id for each request, in its answer and in every line that is logged meanwhile."""
from __future__ import annotations

import logging
import re
import uuid

from flask import Flask, Response, g, has_request_context, request

HEADER = "X-Request-Id"
_SOUND = re.compile(r"[\w.:/=+-]{1,128}", re.ASCII)


def init_app(app: Flask) -> None:
    app.before_request(_take)
    app.after_request(_give)
    app.logger.addFilter(_mark)


def _take() -> None:
    """Take the client's id, or make one."""
    given = request.headers.get(HEADER, "")
    g.request_id = given if _SOUND.fullmatch(given) else uuid.uuid4().hex


def _give(response: Response) -> Response:
    response.headers[HEADER] = g.get("request_id", "")
    return response


def _mark(record: logging.LogRecord) -> bool:
    if has_request_context() and "request_id" in g:
        record.msg = f"[{g.request_id}] {record.msg}"
    return True
