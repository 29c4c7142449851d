"""The limit: a bare WSGI callable with the driver's own cursors, hand-written SQL and orjson.

It returns the same places as HBNB, but no total, and omits everything else that takes time: validation, rate limits,
ETags, error handling. `BENCH_DATABASE` and `BENCH_SOCKET` name its database and the server's socket.
"""
from __future__ import annotations

import threading
from collections.abc import Iterable
from functools import cache
from typing import Any
from urllib.parse import parse_qs

import orjson
from MySQLdb.cursors import Cursor, DictCursor

from bench.bare_wsgi import JSON, Environ, Start, open_cursor
from bench.scale.statements import Statements

_lock = threading.Lock()


def app(environ: Environ, start: Start) -> Iterable[bytes]:
    path = environ["PATH_INFO"]
    start("200 OK", JSON)
    if path.endswith("/states"):    # asked when the server starts
        return [orjson.dumps(len(_rows(statements().page({"limit": 1}))))]
    if path.endswith("/clusters"):
        [box] = parse_qs(environ["QUERY_STRING"])["bbox"]
        return [orjson.dumps(_rows(statements().clusters(*map(float, box.split(",")))), default=float)]
    body = orjson.loads(environ["wsgi.input"].read())
    places = _rows(statements().page(body))
    if not body.get("facets"):
        return [orjson.dumps(places)]
    amenities, cities = (_rows(each, Cursor) for each in statements().facets(body))
    return [orjson.dumps({"places": places, "facets": {"amenities": dict(amenities), "cities": dict(cities)}})]


def _rows(statement: str, kind: type[Any] = DictCursor) -> Any:
    with open_cursor(kind) as cursor:
        cursor.execute(statement)
        return cursor.fetchall()


def statements() -> Statements:
    with _lock:
        return _statements()


@cache
def _statements() -> Statements:
    return Statements(lambda statement: _rows(statement, Cursor))
