"""Errors, as the API says them: always JSON, and never more than the sentence."""
from __future__ import annotations

from typing import Any

from flask import Flask, Response, current_app, request
from werkzeug.exceptions import HTTPException, InternalServerError

import errors
from api.v1.answers import answer

STATUS: dict[type[errors.HBNBError], int] = {
    errors.Invalid: 400, errors.NotFound: 404, errors.Stale: 412, errors.Conflict: 409, errors.Unavailable: 503,
}


def init_app(app: Flask) -> None:
    app.register_error_handler(errors.HBNBError, _known)
    app.register_error_handler(HTTPException, _http)


def _known(error: errors.HBNBError) -> Response:
    status = next((status for kind, status in STATUS.items() if isinstance(error, kind)), 500)
    if status == 503:
        # The sentence may name hosts and files, which are nobody's business outside.
        current_app.logger.error("%s %s: %s", request.method, request.path, error)
        return answer({"error": "The storage cannot be reached, try again later"}, 503)
    return answer({"error": str(error)}, status)


def _http(error: HTTPException) -> Any:
    if not request.path.startswith("/api/"):
        return error
    original = getattr(error, "original_exception", None)
    if isinstance(error, InternalServerError) and original is None:
        current_app.logger.error("%s %s: %s", request.method, request.path, error)
    response = answer({"error": _sentence(error)}, error.code or 500)
    response.headers.extend((name, value) for name, value in error.get_headers() if name == "Allow")
    return response


def _sentence(error: HTTPException) -> str:
    return "Not found" if error.code == 404 else str(error.name).capitalize()
