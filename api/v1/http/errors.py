"""Errors, as the API says them: always JSON, and never more than the sentence."""
from __future__ import annotations

from http import HTTPStatus

from flask import Response, request

from api.v1.http.responses import answer
from serving.errors import Failure

PROBLEM = "application/problem+json"


def json_error(failure: Failure) -> Response:
    """The contract's error; or, for clients that accept it, a problem as RFC 9457 has it."""
    sentence, status = failure.message, failure.status
    if any(kind == PROBLEM and quality for kind, quality in request.accept_mimetypes):
        response = answer({"type": "about:blank", "title": HTTPStatus(status).phrase, "status": status,
                           "detail": sentence,
                           "errors": [{"field": failure.field, "detail": sentence}] if failure.field else []}, status)
        response.mimetype = PROBLEM
    else:
        response = answer({"error": sentence}, status)
    response.headers.extend(failure.headers)
    return response
