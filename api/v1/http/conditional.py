"""Conditional requests (RFC 9110): a write happens only if all of its preconditions can be parsed and hold."""
from __future__ import annotations

import datetime
import re
from collections.abc import Collection, Mapping
from contextlib import suppress
from typing import Any

from flask import request

from api.v1.http.responses import etag
from errors import Invalid, Stale
from models.codec import parse_time

# The precondition headers that a write can have, and those that have a meaning only for reads.
MATCH, NONE_MATCH, UNMODIFIED = SUPPORTED = ("If-Match", "If-None-Match", "If-Unmodified-Since")
UNSUPPORTED = ("If-Modified-Since", "If-Range")

_TAG = r'(?:W/)?"[\x21\x23-\x7e\x80-\xff]*"'
_TAGS = re.compile(rf"{_TAG}(?:[ \t]*(?:,[ \t]*)+{_TAG})*")
_DATES = ("%a, %d %b %Y %H:%M:%S GMT", "%A, %d-%b-%y %H:%M:%S GMT", "%a %b %d %H:%M:%S %Y")

_TAGS_SCHEMA = {"type": "string", "minLength": 1, "pattern": r'^(?:\*|(?:W/)?"[!#-~]*"(?:, ?(?:W/)?"[!#-~]*")*)$'}
_DATE_SCHEMA = {"type": "string", "pattern": (
    "^(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun), (?:(?:0[1-9]|1\\d|2[0-8]) (?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)"
    "|(?:29|30) (?:Jan|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)|31 (?:Jan|Mar|May|Jul|Aug|Oct|Dec)) [12]\\d{3} "
    "(?:[01]\\d|2[0-3]):[0-5]\\d:[0-5]\\d GMT$")}
CONDITIONS = [{"name": name, "in": "header", "schema": schema, "description": description}
              for name, schema, description in (
    (MATCH, _TAGS_SCHEMA, "The ETag of the version that the client read, or several ETags. If the object has a "
                          "different ETag now, the response is 412 and nothing is changed"),
    (NONE_MATCH, _TAGS_SCHEMA, "If the object has one of these ETags, the response is 412 and nothing is changed"),
    (UNMODIFIED, _DATE_SCHEMA, "If the object was changed after this time, the response is 412 and nothing is changed. "
                               "Ignored if If-Match is sent as well"))]


def validate_headers(supported: bool) -> None:
    """Reject a write with a precondition that cannot be parsed or that the route does not evaluate.

    Args:
        supported: whether the route calls `check_preconditions`.
    Raises:
        Invalid: a header is malformed or not supported.
    """
    for name in (*SUPPORTED, *UNSUPPORTED):
        if name in request.headers and not (supported and name in SUPPORTED):
            raise Invalid(f"{request.method} does not support {name} on this route. Nothing was changed. Send the "
                          "request without this header", name)
    for name in (MATCH, NONE_MATCH):
        _tags(name)
    _date()


def check_preconditions(current: Mapping[str, Any]) -> None:
    """Evaluate the preconditions of the request against an object.

    Args:
        current: the object as the API returns it.
    Raises:
        Stale: a precondition does not hold.
    """
    match, others, date = _tags(MATCH), _tags(NONE_MATCH), _date()
    if match is None and others is None and date is None:
        return
    now = etag(current)
    if match is not None:
        fresh = "*" in match or now in match    # If-Match compares strongly: W/"x" never equals "x"
    else:
        fresh = date is None or parse_time(current["updated_at"]) <= date
    if not fresh:
        raise Stale("The object was changed after you read it. Your request changed nothing. Get the object again, and "
                    "then decide whether to repeat your request")
    if others is not None and ("*" in others or now in {each.removeprefix("W/") for each in others}):
        raise Stale(f"The object has an ETag that {NONE_MATCH} excludes. Nothing was changed. To change the object "
                    f"anyway, send the request without {NONE_MATCH}")


def _tags(name: str) -> Collection[str] | None:
    """The ETags of a header, or `*`; `None` if the header was not sent."""
    sent = request.headers.get(name)
    if sent is None:
        return None
    if sent.strip() == "*":
        return "*"
    if not _TAGS.fullmatch(tags := sent.strip(", \t")):
        raise Invalid(f"{name} must be * or a list of ETags in double quotes. Nothing was changed", name)
    return re.findall(_TAG, tags)


def _date() -> datetime.datetime | None:
    sent = request.headers.get(UNMODIFIED)
    if sent is None:
        return None
    for form in _DATES:
        with suppress(ValueError):
            return datetime.datetime.strptime(sent.strip(), form)
    raise Invalid(f"{UNMODIFIED} must be a date such as Sat, 31 Jan 2026 10:00:00 GMT. Nothing was changed", UNMODIFIED)
