"""Reference of the REST benchmarks: a bare WSGI callable with the driver's own cursors, hand-written SQL and orjson.

Its responses are identical to HBNB's, but it omits everything that takes time: validation, rate limits, ETags and error
handling. `BENCH_DATABASE` and `BENCH_SOCKET` name its database and the server's socket.
"""
from __future__ import annotations

import datetime
import os
import uuid
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any

import MySQLdb
import orjson
from MySQLdb.cursors import Cursor, DictCursor, SSDictCursor

from bench.plans import ORDER, PLACE, STATE, Plans

PART = 500      # rows of a chunk of a streamed response
JSON = [("Content-Type", "application/json")]

Environ = dict[str, Any]
Start = Callable[[str, list[tuple[str, str]]], object]

_free: deque[MySQLdb.Connection] = deque()


def app(environ: Environ, start: Start) -> Iterable[bytes]:
    _, _, _, kind, *rest = environ["PATH_INFO"].split("/")
    if environ["REQUEST_METHOD"] == "GET":
        start("200 OK", JSON)
        return [_states() if kind == "states" else _place(rest[0])]
    body = orjson.loads(environ["wsgi.input"].read())
    if kind == "places_search":
        start("200 OK", JSON)
        limit = body.get("limit")
        statement = _plans().search(body.get("states", ()), body.get("amenities", ()), limit)
        return _stream(statement) if limit is None else [orjson.dumps(_objects(statement))]
    start("201 Created", JSON)
    return [_create_review(rest[0], body)]


def _states() -> bytes:
    return orjson.dumps(_objects(f"SELECT {STATE} FROM states p {ORDER}"))


def _place(id: str) -> bytes:
    return orjson.dumps(_objects(f"SELECT {PLACE.replace('%', '%%')} FROM places p WHERE id = %s", id)[0])


def _create_review(place: str, body: dict[str, str]) -> bytes:
    now = datetime.datetime.now(datetime.UTC).replace(tzinfo=None).isoformat(timespec="microseconds")
    review = {"id": str(uuid.uuid4()), "created_at": now, "updated_at": now, "place_id": place,
              "user_id": body["user_id"], "text": body["text"]}
    with open_cursor() as cursor:
        cursor.execute(f"INSERT INTO reviews ({', '.join(review)}) VALUES (%s, %s, %s, %s, %s, %s)", [*review.values()])
    return orjson.dumps(review | {"__class__": "Review"})


def _stream(statement: str) -> Iterator[bytes]:
    """Yield the result of a statement as JSON in chunks, while the database reads the next rows."""
    with open_cursor(SSDictCursor) as cursor:
        cursor.execute(statement)
        before = b"["
        while part := cursor.fetchmany(PART):
            yield before + orjson.dumps(part)[1:-1]
            before = b","
        yield b"[]" if before == b"[" else b"]"


def _objects(statement: str, *values: str) -> tuple[dict[str, Any], ...]:
    with open_cursor() as cursor:
        cursor.execute(statement, values or None)
        found: tuple[dict[str, Any], ...] = cursor.fetchall()
        return found


@contextmanager
def open_cursor(kind: type[Any] = DictCursor) -> Iterator[Any]:
    """A cursor on a connection that no other thread uses; the number of connections grows to that of the threads."""
    try:
        connection = _free.pop()
    except IndexError:
        connection = MySQLdb.connect(unix_socket=os.environ["BENCH_SOCKET"], user="root", charset="utf8mb4",
                                     database=os.environ["BENCH_DATABASE"], autocommit=True)
    cursor = connection.cursor(kind)
    try:
        yield cursor
    finally:
        cursor.close()
        _free.append(connection)


@cache
def _plans() -> Plans:
    def query(statement: str) -> list[tuple[Any, ...]]:
        with open_cursor(Cursor) as cursor:
            cursor.execute(statement)
            return list(cursor.fetchall())
    return Plans(query)
