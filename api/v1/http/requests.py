"""Request parsing: the JSON body and the query parameters."""
from __future__ import annotations

from collections.abc import Collection
from typing import Any

import orjson
from flask import current_app, request
from werkzeug.datastructures import MultiDict
from werkzeug.exceptions import RequestEntityTooLarge

from errors import Invalid
from services import query

NOT_JSON = "Not a JSON"
CACHE_BUSTER = "_"
NO_QUERY: MultiDict[str, str] = MultiDict()


def body() -> dict[str, Any]:
    """The JSON object in the body of the request.

    The content type must be JSON as well: a form on another site can send any text, but not this content type.

    Raises:
        Invalid: the body is not a JSON object, or has another content type.
    """
    data = request.get_data()
    if request.content_length is None and len(data) >= current_app.config["MAX_CONTENT_LENGTH"]:
        raise RequestEntityTooLarge     # Werkzeug cuts a body without a Content-Length at the limit
    try:
        value = orjson.loads(data) if request.is_json else None
    except orjson.JSONDecodeError:
        value = None
    if not isinstance(value, dict):
        raise Invalid(NOT_JSON)
    return value


def required_texts(*names: str) -> dict[str, str]:
    """The JSON object in the body of the request, which has these attributes and no others, all of them texts.

    Raises:
        Invalid: an attribute is missing, unknown or not a text; names it.
    """
    data = body()
    for name in data:
        if name not in names:
            raise Invalid(f"Unknown attribute: {name}", name)
    for name in names:
        if name not in data:
            raise Invalid(f"Missing {name}", name)
        if not isinstance(data[name], str):
            raise Invalid(f"{name} must be a text", name)
    return data


def check_query(known: Collection[str]) -> None:
    """Reject a query with an unknown or repeated parameter.

    Args:
        known: the names that the route accepts. `_` is always ignored, as jQuery adds it to bypass caches.
    Raises:
        Invalid: a parameter is unknown or repeated.
    """
    for name, values in _query().lists():
        if name == CACHE_BUSTER:
            continue
        if name not in known:
            raise Invalid(f"Unknown parameter: {name} (this route accepts {', '.join(known) or 'no parameters'})", name)
        if len(values) > 1:
            raise Invalid(f"{name} was sent {len(values)} times: send it once", name)


def query_names(parameter: str) -> list[str]:
    """The names in a query parameter such as `fields=id,name`; an empty list if it was not sent."""
    args = _query()
    if parameter not in args:   # `get` would raise and catch an exception, which is slow
        return []
    return args[parameter].split(",") if args[parameter] else []


def query_number(parameter: str) -> int | None:
    """The integer in a query parameter, or `None` if it was not sent.

    Raises:
        Invalid: the value is not an integer from 0 to 999999999.
    """
    args = _query()
    return query.number(parameter, args[parameter]) if parameter in args else None


def _query() -> MultiDict[str, str]:
    return request.args if request.environ.get("QUERY_STRING") else NO_QUERY
