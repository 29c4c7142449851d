"""The limit of the REST API: a bare WSGI callable, the driver's own connections, picked SQL, and orjson.

It says what ours says, and leaves out whatever takes time: it checks nothing, counts and tags nothing, and knows
no errors. Which database it reads, and where, stands in `BENCH_DATABASE` and `BENCH_SOCKET`.
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

from bench.plans import ORDER, PLACE, STATE, Plans

PART = 500      # rows of an answer that is written while it is read
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
        return _written(statement) if limit is None else [orjson.dumps(_objects(statement))]
    start("201 Created", JSON)
    return [_reviewed(rest[0], body)]


def _states() -> bytes:
    return orjson.dumps(_objects(f"SELECT {STATE} FROM states p {ORDER}"))


def _place(id: str) -> bytes:
    with _connected() as connection:
        return orjson.dumps(_read(connection, f"SELECT {PLACE} FROM places p WHERE id = {_text(connection, id)}")[0])


def _reviewed(place: str, body: dict[str, str]) -> bytes:
    """Make a review."""
    now = datetime.datetime.now(datetime.UTC).replace(tzinfo=None).isoformat(timespec="microseconds")
    review = {"id": str(uuid.uuid4()), "created_at": now, "updated_at": now, "place_id": place,
              "user_id": body["user_id"], "text": body["text"]}
    with _connected() as connection:
        values = ", ".join(_text(connection, value) for value in review.values())
        connection.query(f"INSERT INTO reviews ({', '.join(review)}) VALUES ({values})")
    return orjson.dumps(review | {"__class__": "Review"})


def _written(statement: str) -> Iterator[bytes]:
    """The answer to a statement, a part at a time, while the database reads the next."""
    with _connected() as connection:
        connection.query(statement)
        result = connection.use_result()
        try:
            before = b"["
            while part := result.fetch_row(PART, 1):
                yield before + orjson.dumps(part)[1:-1]
                before = b","
            yield b"[]" if before == b"[" else b"]"
        finally:
            result.discard()


def _objects(statement: str) -> tuple[dict[str, Any], ...]:
    with _connected() as connection:
        return _read(connection, statement)


def _read(connection: MySQLdb.Connection, statement: str) -> tuple[dict[str, Any], ...]:
    """The rows as the driver itself makes dicts of them, sooner than Python could."""
    connection.query(statement)
    found: tuple[dict[str, Any], ...] = connection.store_result().fetch_row(0, 1)
    return found


def _text(connection: MySQLdb.Connection, value: str) -> str:
    literal: bytes = connection.string_literal(value.encode())
    return literal.decode()


@contextmanager
def _connected() -> Iterator[MySQLdb.Connection]:
    """A connection that nobody else uses: there come to be as many as threads."""
    try:
        connection = _free.pop()
    except IndexError:
        connection = MySQLdb.connect(unix_socket=os.environ["BENCH_SOCKET"], user="root", charset="utf8mb4",
                                     database=os.environ["BENCH_DATABASE"], autocommit=True)
    try:
        yield connection
    finally:
        _free.append(connection)


@cache
def _plans() -> Plans:
    def query(statement: str) -> list[tuple[Any, ...]]:
        with _connected() as connection:
            cursor = connection.cursor()
            cursor.execute(statement)
            return list(cursor.fetchall())
    return Plans(query)
