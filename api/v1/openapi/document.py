"""The OpenAPI 3.1 document of the API, generated from the routes, their operations and the models' columns."""
from __future__ import annotations

import re
from typing import Any

from flask import Flask
from werkzeug.routing import Rule

import models
from api.v1.http.conditional import CONDITIONS
from api.v1.http.idempotency import HEADER, MAX_LENGTH, PATTERN
from api.v1.http.rate_limits import UNLIMITED
from api.v1.openapi.operations import SAFE, Operation, Schema, operation_of, reference
from services import permissions, schema
from services.actor import DEVELOPER, VISITOR, Actor

ABOUT = ('Homes for rent, by state and city. Every response is JSON. Errors are `{"error": "…"}`, or problem details '
         '(RFC 9457) for clients that accept `application/problem+json`. Unknown parameters are rejected with status '
         '400. Times are in UTC, without an offset.')
TAGS = {"states": "States, which contain cities", "cities": "Cities of a state, which contain places",
        "places": "Homes for rent, their amenities, and the search",
        "amenities": "Features that a place can offer, such as wifi", "reviews": "Reviews of a place by its guests",
        "users": "Hosts and guests; passwords are never returned",
        "accounts": "Signing up, logging in, and what users change about their own account",
        "index": "The status of the API, and the number of objects"}
ERRORS = {
    400: "A parameter, header or attribute is invalid; the error names it",
    401: "Writing requires a valid token or a session",
    403: "The actor has no permission for this, or the request comes from another site",
    404: "No object has this id",
    410: "The link has expired or was used already",
    409: "Another object already has a value that must be unique, such as a user's e-mail address. Nothing was stored",
    412: "`If-Match`, `If-None-Match` or `If-Unmodified-Since` does not hold, for example because another client has "
         "changed the object. Nothing was changed",
    413: "The request body is too large",
    422: "The idempotency key was used before with another body. Nothing was changed",
    429: "Too many requests from this address. Try again after the seconds in `Retry-After`",
    500: "An error in the server",
    503: "The storage is not available, or the server is overloaded. A change may or may not have been stored. If it "
         "was sent with an idempotency key, send it again; otherwise, first check whether it was stored"}
RETRY_AFTER = {"description": "The number of seconds to wait before the next attempt", "required": True,
               "schema": {"type": "integer", "minimum": 1}}
TEXT = {"type": "string"}
ETAG = {"description": "Identifies this version of the response. Long lists without `limit` are streamed and have none",
        "schema": TEXT}
PAGE = {"X-Total-Count": {"description": "The number of objects on all pages", "schema": {"type": "integer"}},
        "Link": {"description": "The addresses of the first, previous, next and last page (RFC 8288)", "schema": TEXT}}
IN_PATHS = {"secret": "The secret of the link in the mail"}
LOCATION = {"description": "The path of the created object", "schema": TEXT}
IF_NONE_MATCH = {"name": "If-None-Match", "in": "header", "schema": TEXT,
                 "description": "The ETag of the response that the client has; if it is unchanged, the response is 304"}
KEY = {"name": HEADER, "in": "header", "schema": {"type": "string", "minLength": 1, "maxLength": MAX_LENGTH,
                                                  "pattern": PATTERN},
       "description": "A unique key of this request, such as a UUID. A repeated request with the same key gets the "
                      "stored response and is not executed again. Keys expire after 24 hours"}
TOKEN = {"type": "http", "scheme": "bearer", "description": "A token printed by `console.py token create NAME`, or a "
         "personal token of a user"}
SESSION = {"type": "apiKey", "in": "cookie", "name": "__Host-hbnb", "description": "The session of a user that has "
           "logged in with `POST /sessions`"}


def document(app: Flask) -> dict[str, Any]:
    """The OpenAPI document of the API routes of an application."""
    paths: dict[str, dict[str, Any]] = {}
    tags = dict(TAGS)
    for rule in sorted(app.url_map.iter_rules(), key=lambda rule: (rule.rule, sorted(rule.methods or ()))):
        if operation := operation_of(app, rule.endpoint):
            tags.setdefault(operation.tag, operation.tag.capitalize())
            path = paths.setdefault(re.sub(r"<(\w+)>", r"{\1}", rule.rule), {})
            for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}:
                client = VISITOR if app.config["GUARDED"] else DEVELOPER
                path[method.lower()] = _operation(
                    rule, operation, idempotent=hasattr(app.view_functions[rule.endpoint], "accepts_idempotency_key"),
                    guarded=method not in SAFE and not _allows(client, operation))
    return {
        "openapi": "3.1.0",
        "info": {"title": "HBNB", "version": "1", "description": ABOUT},
        "servers": [{"url": "/", "description": "The site that serves this description"}],
        "tags": [{"name": name, "description": description} for name, description in tags.items()],
        "paths": paths,
        "components": {"schemas": _schemas(), "securitySchemes": {"bearer": TOKEN, "session": SESSION}},
        # Every operation accepts a token; those that require one declare it themselves.
        "security": [{}, {"bearer": []}, {"session": []}],
    }


def _allows(client: Actor, operation: Operation) -> bool:
    return operation.permission is None or permissions.allows(client, *operation.permission)


def _operation(rule: Rule, operation: Operation, idempotent: bool, guarded: bool) -> dict[str, Any]:
    parameters: list[dict[str, Any]] = [
        {"name": name, "in": "path", "required": True, "schema": {"type": "string", "minLength": 1},
         "description": IN_PATHS.get(name) or f"The id of the {name.removesuffix('_id')}"}
        for name in sorted(rule.arguments)]
    parameters += [_query(name, described) for name, described in operation.query.items()]
    if operation.conditional:
        parameters += CONDITIONS
    if idempotent:
        parameters.append(KEY)
    if 304 in operation.responses:
        parameters.append(IF_NONE_MATCH)
    action = operation.permission[1] if operation.permission else ""
    has_tag = operation.body and action in ("create", "update", "read")
    headers = (({"ETag": ETAG} if 304 in operation.responses or has_tag else {})
               | (PAGE if "limit" in operation.query else {})
               | ({"Location": LOCATION} if operation.body and action == "create" else {}))
    responses = {str(status): _response(body, headers) for status, body in operation.responses.items()}
    errors = {400, *operation.errors, *((404,) if rule.arguments else ()), *((412,) if operation.conditional else ()),
              *((413,) if operation.body or idempotent else ()), *((422,) if idempotent else ()),
              *((401, 403) if guarded else ()), *(() if rule.endpoint in UNLIMITED else (429,)), 500, 503}
    responses |= {str(status): _error(status) for status in sorted(errors)}
    described = {"operationId": rule.endpoint.partition(".")[2], "summary": operation.summary,
                 "description": operation.description, "tags": [operation.tag],
                 "parameters": parameters, "responses": responses}
    if guarded:
        described["security"] = [{"bearer": []}, {"session": []}]
    if operation.body:
        described["requestBody"] = {"required": True, "content": _json(operation.body, operation.example)}
    return described


def _query(name: str, described: Schema) -> dict[str, Any]:
    bare = {key: value for key, value in described.items() if key != "description"}
    return {"name": name, "in": "query", "schema": bare, "description": described["description"]}


def _response(body: Schema | None, headers: dict[str, Any]) -> dict[str, Any]:
    if body is None:
        return {"description": "Not modified: the client has the current version", "headers": {"ETag": ETAG}}
    return {"description": "Success", "content": _json(body)} | ({"headers": headers} if headers else {})


def _error(status: int) -> dict[str, Any]:
    error = {"description": ERRORS[status], "content": _json(reference("Error"))}
    return error | ({"headers": {"Retry-After": RETRY_AFTER}} if status in (429, 503) else {})


def _json(body: Schema, example: Any = None) -> dict[str, Any]:
    return {"application/json": {"schema": dict(body)} | ({"example": dict(example)} if example is not None else {})}


def _schemas() -> dict[str, Any]:
    schemas = {f"{name}{suffix}": schema.definition(cls, permissions.private(cls), whole)
               for name, cls in models.classes.items()
               for suffix, whole in (("", True), ("Fields", False))}
    error = {"type": "object", "properties": {"error": {"type": "string"}}, "required": ["error"],
             "additionalProperties": False}
    return schemas | {"Error": error}
