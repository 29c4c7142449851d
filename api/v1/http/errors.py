"""Errors, as the API says them: always JSON, and never more than the sentence."""
from __future__ import annotations

from http import HTTPStatus
from typing import Any

from flask import Flask, Response, current_app, request
from werkzeug.exceptions import HTTPException

import errors
from api.v1.http.responses import answer

PROBLEM = "application/problem+json"
STATUS: dict[type[errors.HBNBError], int] = {
    errors.Invalid: 400, errors.Unauthorized: 401, errors.NotFound: 404, errors.Stale: 412, errors.Conflict: 409,
    errors.Reused: 422, errors.Unavailable: 503,
}


def init_app(app: Flask) -> None:
    app.register_error_handler(errors.HBNBError, _known)
    app.register_error_handler(HTTPException, http)


def _known(error: errors.HBNBError) -> Response:
    status = next((status for kind, status in STATUS.items() if isinstance(error, kind)), 500)
    if status == 503:
        # The sentence may name hosts and files, which are nobody's business outside.
        current_app.logger.error("%s %s: %s", request.method, request.path, error)
        response = _refusal("The storage cannot be reached, try again later", 503)
        response.headers["Retry-After"] = str(errors.Unavailable.retry_after)
        return response
    response = _refusal(str(error), status, getattr(error, "field", None))
    if isinstance(error, errors.Unauthorized):      # as RFC 6750 has it
        response.headers["WWW-Authenticate"] = 'Bearer realm="HBNB"' + ', error="invalid_token"' * error.shown
    return response


def http(error: HTTPException) -> Any:
    """The answer of the API; the error itself where the API was not asked."""
    if not request.path.startswith("/api"):
        return error
    response = _refusal("Not found" if error.code == 404 else str(error.name).capitalize(), error.code or 500)
    response.headers.extend((name, value) for name, value in error.get_headers() if name in ("Allow", "Retry-After"))
    return response


def _refusal(sentence: str, status: int, field: str | None = None) -> Response:
    """The contract's error; or, for who asks for it, a problem as RFC 9457 has it."""
    if not any(kind == PROBLEM and quality for kind, quality in request.accept_mimetypes):
        return answer({"error": sentence}, status)
    problem = {"type": "about:blank", "title": HTTPStatus(status).phrase, "status": status, "detail": sentence,
               "errors": [{"field": field, "detail": sentence}] if field else []}
    response = answer(problem, status)
    response.mimetype = PROBLEM
    return response
