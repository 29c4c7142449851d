"""Reading a request."""
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
    """The JSON object that was sent.

    Only under a JSON content type: a form of another site can send any text, but not that type.

    Raises:
        Invalid: it is none.
    """
    sent = request.get_data()
    if request.content_length is None and len(sent) >= current_app.config["MAX_CONTENT_LENGTH"]:
        raise RequestEntityTooLarge     # what came without a length was cut there
    try:
        value = orjson.loads(sent) if request.is_json else None
    except orjson.JSONDecodeError:
        value = None
    if not isinstance(value, dict):
        raise Invalid(NOT_JSON)
    return value


def check_query(known: Collection[str]) -> None:
    """Refuse a query with a parameter that is not known, or that is given twice.

    Args:
        known: their names; `_` is passed over, as jQuery adds it to get past caches.
    Raises:
        Invalid: names the parameter.
    """
    for name, values in _query().lists():
        if name == CACHE_BUSTER:
            continue
        if name not in known:
            takes = f"takes {', '.join(known)}" if known else "takes none"
            raise Invalid(f"Unknown parameter: {name} (this route {takes})", name)
        if len(values) > 1:
            raise Invalid(f"{name} is given {len(values)} times: give it once", name)


def names(parameter: str) -> list[str]:
    """The names of a query parameter such as `fields=id,name`."""
    args = _query()
    if parameter not in args:   # asking first, as `get` costs an exception
        return []
    return args[parameter].split(",") if args[parameter] else []


def number(parameter: str) -> int | None:
    """The whole number of a query parameter.

    Raises:
        Invalid: it is none.
    """
    args = _query()
    return query.number(parameter, args[parameter]) if parameter in args else None


def _query() -> MultiDict[str, str]:
    return request.args if request.environ.get("QUERY_STRING") else NO_QUERY
