"""Error responses of the API: always JSON, and never with internal details."""
from __future__ import annotations

from http import HTTPStatus

from flask import Response, request

from api.v1.http.responses import json_response
from serving.errors import Failure

PROBLEM = "application/problem+json"


def json_error(failure: Failure) -> Response:
    """The response for an error: `{"error": "…"}`, or problem details (RFC 9457) for clients that accept them."""
    sentence, status = failure.message, failure.status
    if any(mimetype == PROBLEM and quality for mimetype, quality in request.accept_mimetypes):
        errors = [{"field": failure.field, "detail": sentence}] if failure.field else []
        response = json_response({"type": "about:blank", "title": HTTPStatus(status).phrase, "status": status,
                                  "detail": sentence, "errors": errors}, status)
        response.mimetype = PROBLEM
    else:
        response = json_response({"error": sentence}, status)
    response.headers.extend(failure.headers)
    return response
