"""Reading and writing JSON."""
from __future__ import annotations

from typing import Any

import orjson
from flask import Response, request

from errors import Invalid

NOT_JSON = "Not a JSON"


def answer(value: Any, status: int = 200) -> Response:
    return Response(orjson.dumps(value, option=orjson.OPT_APPEND_NEWLINE), status, mimetype="application/json")


def body() -> dict[str, Any]:
    """The JSON object that was sent.

    Only under a JSON content type: a form of another site can send any text, but not that type.

    Raises:
        Invalid: it is none.
    """
    try:
        value = orjson.loads(request.get_data()) if request.is_json else None
    except orjson.JSONDecodeError:
        value = None
    if not isinstance(value, dict):
        raise Invalid(NOT_JSON)
    return value
