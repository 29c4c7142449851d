"""The API's description in OpenAPI 3.1, made from the models' columns and the route table."""
from __future__ import annotations

import re
from typing import Any

from flask import Flask
from werkzeug.routing import Rule

import models
from api.v1.http.conditional import CONDITIONS
from api.v1.http.idempotency import HEADER, LENGTH, PATTERN
from api.v1.http.rate_limits import UNLIMITED
from api.v1.openapi.operations import SAFE, Operation, Schema, operation_of, reference
from services import permissions, schema

ABOUT = ('Homes for rent, by state and city. Every answer is JSON; every error is `{"error": "…"}`, or a problem as '
         'RFC 9457 has it for clients that accept `application/problem+json`. A parameter that a route does not know '
         'is refused. Times are UTC, without an offset.')
TAGS = {"states": "States, which hold cities", "cities": "Cities of a state, which hold places",
        "places": "Homes for rent, their amenities, and the search",
        "amenities": "What places may offer, such as wifi", "reviews": "What guests wrote about a place",
        "users": "Hosts and guests; no answer holds a password", "index": "Whether the API answers, and what it holds"}
ERRORS = {
    400: "What was sent does not fit; the error names it", 401: "Writing takes a token", 404: "An id names nothing",
    409: "A value is taken", 412: "Somebody else changed it", 413: "The body is too large",
    422: "The key came before with another body", 429: "Too many requests of this address; try again later",
    500: "A mistake of the server", 503: "The storage cannot be reached just now"}
RETRY_AFTER = {"description": "In how many seconds to try again", "required": True,
               "schema": {"type": "integer", "minimum": 1}}
TEXT = {"type": "string"}
ETAG = {"description": "Changes with every change of the answer; a long list that is given whole has none",
        "schema": TEXT}
PAGE = {"X-Total-Count": {"description": "How many there are, on all pages", "schema": {"type": "integer"}},
        "Link": {"description": "The first, previous, next and last page (RFC 8288)", "schema": TEXT}}
LOCATION = {"description": "The path of what was created", "schema": TEXT}
IF_NONE_MATCH = {"name": "If-None-Match", "in": "header", "schema": TEXT,
                 "description": "The ETag of what was given; where it still is the same, the answer is 304"}
KEY = {"name": HEADER, "in": "header", "schema": {"type": "string", "minLength": 1, "maxLength": LENGTH,
                                                  "pattern": PATTERN},
       "description": "What this request is called; sent again under the same key, it is answered as before, and done "
                      "once. Kept for 24 hours"}
TOKEN = {"type": "http", "scheme": "bearer", "description": "As `console.py token create NAME` prints it"}


def document(app: Flask) -> dict[str, Any]:
    """The description of every route that an application has of the API."""
    paths: dict[str, dict[str, Any]] = {}
    tags = dict(TAGS)
    for rule in sorted(app.url_map.iter_rules(), key=lambda rule: (rule.rule, sorted(rule.methods or ()))):
        if described := operation_of(app, rule.endpoint):
            tags.setdefault(described.tag, described.tag.capitalize())
            path = paths.setdefault(re.sub(r"<(\w+)>", r"{\1}", rule.rule), {})
            for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}:
                writes = method not in SAFE and not described.reads
                path[method.lower()] = _operation(
                    rule, described, keyed=hasattr(app.view_functions[rule.endpoint], "takes_key"),
                    guarded=writes and app.config["GUARDED"])
    return {
        "openapi": "3.1.0",
        "info": {"title": "HBNB", "version": "1", "description": ABOUT},
        "servers": [{"url": "/", "description": "The site that serves this description"}],
        "tags": [{"name": name, "description": description} for name, description in tags.items()],
        "paths": paths,
        "components": {"schemas": _schemas(), "securitySchemes": {"bearer": TOKEN}},
        # A token may be shown everywhere; operations that take one say so themselves.
        "security": [{}, {"bearer": []}],
    }


def _operation(rule: Rule, operation: Operation, keyed: bool, guarded: bool) -> dict[str, Any]:
    parameters: list[dict[str, Any]] = [
        {"name": name, "in": "path", "required": True, "schema": {"type": "string", "minLength": 1},
         "description": f"The id of the {name.removesuffix('_id')}"} for name in sorted(rule.arguments)]
    parameters += [_query(name, found) for name, found in operation.query.items()]
    if operation.conditional:
        parameters += CONDITIONS
    if keyed:
        parameters.append(KEY)
    if 304 in operation.answers:
        parameters.append(IF_NONE_MATCH)
    headers = (({"ETag": ETAG} if 304 in operation.answers or operation.body else {})
               | (PAGE if "limit" in operation.query else {})
               | ({"Location": LOCATION} if operation.body and 201 in operation.answers else {}))
    answers = {str(status): _answer(found, headers) for status, found in operation.answers.items()}
    errors = {400, *operation.errors, *((413,) if operation.body or keyed else ()), *((422,) if keyed else ()),
              *((404,) if rule.arguments else ()), *((412,) if operation.conditional else ()),
              *((401,) if guarded else ()), *(() if rule.endpoint in UNLIMITED else (429,)), 500, 503}
    answers |= {str(status): _error(status) for status in sorted(errors)}
    described = {"operationId": rule.endpoint.partition(".")[2], "summary": operation.summary,
                 "description": operation.description, "tags": [operation.tag],
                 "parameters": parameters, "responses": answers}
    if guarded:
        described["security"] = [{"bearer": []}]
    if operation.body:
        described["requestBody"] = {"required": True, "content": _json(operation.body, operation.example)}
    return described


def _query(name: str, found: Schema) -> dict[str, Any]:
    shown = {key: value for key, value in found.items() if key != "description"}
    return {"name": name, "in": "query", "schema": shown, "description": found["description"]}


def _answer(found: Any, headers: dict[str, Any]) -> dict[str, Any]:
    if found is None:
        return {"description": "Not changed since", "headers": {"ETag": ETAG}}
    return {"description": "Done", "content": _json(found)} | ({"headers": headers} if headers else {})


def _error(status: int) -> dict[str, Any]:
    error = {"description": ERRORS[status], "content": _json(reference("Error"))}
    return error | ({"headers": {"Retry-After": RETRY_AFTER}} if status in (429, 503) else {})


def _json(found: Any, example: Any = None) -> dict[str, Any]:
    return {"application/json": {"schema": dict(found)} | ({"example": dict(example)} if example is not None else {})}


def _schemas() -> dict[str, Any]:
    found = {f"{name}{suffix}": schema.definition(cls, permissions.private(cls), whole)
             for name, cls in models.classes.items()
             for suffix, whole in (("", True), ("Fields", False))}
    error = {"type": "object", "properties": {"error": {"type": "string"}}, "required": ["error"],
             "additionalProperties": False}
    return found | {"Error": error}
