"""Error handler: maps errors to HTTP statuses, and renders them as JSON or as an HTML page."""
from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from flask import Flask, current_app, request
from werkzeug.exceptions import HTTPException

import errors
from serving.concurrency import SAFE

# The status of the first class that matches; an HBNBError that matches none is a bug, and answered with 500.
STATUS: dict[type[errors.HBNBError], int] = {
    errors.Invalid: 400, errors.Unauthorized: 401, errors.Forbidden: 403, errors.NotFound: 404, errors.Stale: 412,
    errors.Conflict: 409, errors.Expired: 410, errors.Reused: 422, errors.TooMany: 429, errors.Unavailable: 503,
}


_AWAY = "The storage is not available. Try again later"
_UNCERTAIN = ("The storage is not available. The change may or may not have been stored. Check whether it was stored "
              "before you try again")
_NAMES = {404: "Not found", 503: "The server is too busy. Nothing was changed. Try again later"}


class Failure(NamedTuple):
    """An error as it is shown to a client.

    Args:
        status: the HTTP status.
        message: the message for clients of the API; pages have messages of their own.
        headers: additional response headers.
        field: the attribute or parameter that caused the error, if any.
    """

    status: int
    message: str
    headers: Mapping[str, str]
    field: str | None = None


Render = Callable[[Failure], Any]


def init_app(app: Flask, json: Render | None = None, page: Render | None = None) -> None:
    """Register the handler for all errors of an application.

    Args:
        json: renders errors below `/api`, and everywhere if the application has no pages.
        page: renders errors of the other paths, and everywhere if the application has no API.
    """
    def handle(error: Exception) -> Any:
        render = page if json is None or (page and not request.path.startswith("/api")) else json
        assert render
        return render(_http_failure(error) if isinstance(error, HTTPException) else _hbnb_failure(error))
    for kind in (errors.HBNBError, HTTPException):
        app.register_error_handler(kind, handle)


def _hbnb_failure(error: Exception) -> Failure:
    status = next((status for kind, status in STATUS.items() if isinstance(error, kind)), 500)
    if status >= 500:
        current_app.logger.error("%s %s: %s", request.method, request.path, error)
    if status == 503:       # the message may name hosts and files, which only operators may see
        message = _AWAY if _only_reads() else _UNCERTAIN
        return Failure(503, message, {"Retry-After": str(errors.Unavailable.retry_after)})
    headers = {}
    if isinstance(error, errors.Unauthorized):      # RFC 6750
        headers["WWW-Authenticate"] = 'Bearer realm="HBNB"' + ', error="invalid_token"' * error.shown
    if isinstance(error, errors.TooMany):
        headers["Retry-After"] = str(error.retry_after)
    return Failure(status, str(error), headers, getattr(error, "field", None))


def _only_reads() -> bool:
    return request.method in SAFE or request.path.rstrip("/") in current_app.extensions.get("reads", ())


def _http_failure(error: HTTPException) -> Failure:
    message = _NAMES.get(error.code or 500) or str(error.name).capitalize()
    headers = {name: value for name, value in error.get_response().headers.items() if name in ("Allow", "Retry-After")}
    return Failure(error.code or 500, message, headers)
