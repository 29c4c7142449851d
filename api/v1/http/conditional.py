"""Conditional requests (RFC 9110): a change is made only if every condition that came with it can be read and holds."""
from __future__ import annotations

import datetime
import re
from collections.abc import Collection, Mapping
from contextlib import suppress
from typing import Any

from flask import request

from api.v1.http.responses import tag
from errors import Invalid, Stale
from models.codec import parse_time

# The conditions that a change can take; a header that stands in neither list is no condition.
MATCH, NONE_MATCH, UNMODIFIED = TAKEN = ("If-Match", "If-None-Match", "If-Unmodified-Since")
NEVER = ("If-Modified-Since", "If-Range")

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
    (MATCH, _TAGS_SCHEMA, "The ETag that the client has seen, or several. If the object has another one by now, the "
                          "answer is 412, and nothing is changed"),
    (NONE_MATCH, _TAGS_SCHEMA, "If the object has one of these ETags, the answer is 412"),
    (UNMODIFIED, _DATE_SCHEMA, "If the object was changed after this, the answer is 412. Is not looked at beside "
                               "If-Match"))]


def check(taken: bool) -> None:
    """Refuse a change whose conditions could not be read, before anything is looked up.

    Args:
        taken: whether the route evaluates conditions, by `expect`.
    Raises:
        Invalid: names the header.
    """
    for name in (*TAKEN, *NEVER):
        if name in request.headers and not (taken and name in TAKEN):
            raise Invalid(f"{request.method} takes no {name} here: nothing was changed, send it without", name)
    for name in (MATCH, NONE_MATCH):
        _tags(name)
    _date()


def expect(shown: Mapping[str, Any]) -> None:
    """Refuse a change of an object that is not as its client expects it.

    Args:
        shown: the object in its JSON form.
    Raises:
        Stale: a condition does not hold.
    """
    match, others, date = _tags(MATCH), _tags(NONE_MATCH), _date()
    if match is None and others is None and date is None:
        return
    now = tag(shown)
    if match is not None:
        fresh = "*" in match or now in match    # a weak tag is another text, and so never matches
    else:
        fresh = date is None or parse_time(shown["updated_at"]) <= date
    if not fresh:
        raise Stale("It was changed by somebody else: get it again, and decide anew")
    if others is not None and ("*" in others or now in {each.removeprefix("W/") for each in others}):
        raise Stale(f"{NONE_MATCH} names what is there: nothing was changed")


def _tags(name: str) -> Collection[str] | None:
    """The tags of a header, or `*`; none if the header was not sent."""
    sent = request.headers.get(name)
    if sent is None:
        return None
    if sent.strip() == "*":
        return "*"
    if not _TAGS.fullmatch(listed := sent.strip(", \t")):
        raise Invalid(f'{name} must be * or tags as ETag gives them, in double quotes: nothing was changed', name)
    return re.findall(_TAG, listed)


def _date() -> datetime.datetime | None:
    sent = request.headers.get(UNMODIFIED)
    if sent is None:
        return None
    for each in _DATES:
        with suppress(ValueError):
            return datetime.datetime.strptime(sent.strip(), each)
    raise Invalid(f"{UNMODIFIED} must be a date such as Sat, 31 Jan 2026 10:00:00 GMT: nothing was changed", UNMODIFIED)
