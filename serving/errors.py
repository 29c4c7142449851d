"""The one error handler of an application: each error has a status, and is answered in JSON or as a page."""
from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from flask import Flask, current_app, request
from werkzeug.exceptions import HTTPException

import errors

# The first class that fits counts. Any other error is a mistake of ours, 500.
STATUS: dict[type[errors.HBNBError], int] = {
    errors.Invalid: 400, errors.Unauthorized: 401, errors.NotFound: 404, errors.Stale: 412, errors.Conflict: 409,
    errors.Reused: 422, errors.Unavailable: 503,
}


class Failure(NamedTuple):
    """What a client is told of an error.

    Args:
        status: the number.
        sentence: for clients of the API; a page has words of its own.
        headers: of the answer.
        field: the attribute or parameter that the error is about.
    """

    status: int
    sentence: str
    headers: Mapping[str, str]
    field: str | None = None


Write = Callable[[Failure], Any]


def init_app(app: Flask, json: Write | None = None, page: Write | None = None) -> None:
    """Handle all errors of an application.

    Args:
        json: writes the answers of the API; of all paths if there are no pages.
        page: writes the answers elsewhere; of all paths if there is no API.
    """
    def handle(error: Exception) -> Any:
        write = page if json is None or (page and not request.path.startswith("/api")) else json
        assert write
        return write(_of_http(error) if isinstance(error, HTTPException) else _of_hbnb(error))
    for kind in (errors.HBNBError, HTTPException):
        app.register_error_handler(kind, handle)


def _of_hbnb(error: Exception) -> Failure:
    status = next((status for kind, status in STATUS.items() if isinstance(error, kind)), 500)
    if status >= 500:
        current_app.logger.error("%s %s: %s", request.method, request.path, error)
    if status == 503:       # the sentence may name hosts and files, which are for operators only
        return Failure(503, "The storage cannot be reached, try again later",
                       {"Retry-After": str(errors.Unavailable.retry_after)})
    headers = {}
    if isinstance(error, errors.Unauthorized):      # as RFC 6750 has it
        headers["WWW-Authenticate"] = 'Bearer realm="HBNB"' + ', error="invalid_token"' * error.shown
    return Failure(status, str(error), headers, getattr(error, "field", None))


def _of_http(error: HTTPException) -> Failure:
    sentence = "Not found" if error.code == 404 else str(error.name).capitalize()
    headers = {name: value for name, value in error.get_response().headers.items() if name in ("Allow", "Retry-After")}
    return Failure(error.code or 500, sentence, headers)
