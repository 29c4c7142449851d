"""Log-ins and sessions: reading during a storm of log-ins, a page with a session, and the time of a refused log-in."""
from __future__ import annotations

import http.client
import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from itertools import count
from pathlib import Path
from statistics import median
from typing import Any
from urllib.parse import urlsplit

from bench.measure import WARM_UP, alternate, child
from bench.row import Row
from bench.servers import Request, Served
from bench.size import size

CLIENTS = 8             # that log in all the time
READS = size(400, 3)    # for each median
TRIES = size(200, 2)    # refused log-ins of each kind
EMAIL, PASSWORD = "ada@hbnb.example", "a long password"
_HOME = Request("GET", "/hbnb")


def rows(folder: Path) -> list[Row]:
    """Measure on the file engine, because the database does not change what a hash costs."""
    store = str(folder / "accounts.json")
    id = child("bench.accounts:fill", store)
    place = Request("GET", f"/api/v1/places/{id}")
    with Served("wsgi:app", {"HBNB_FILE_PATH": store, "HBNB_PROXIES": "1"}, folder, root="") as hbnb:
        idle = _median(hbnb, place)
        with _storm(hbnb):
            busy = _median(hbnb, place)
        with_session, without = alternate(size(5, 1), lambda: _median(hbnb, _with_session(hbnb, store)),
                                          lambda: _median(hbnb, _HOME))
        known, unknown = _refusals(hbnb)
    return [
        Row(f"GET of a place beside {CLIENTS} clients that log in", busy, idle, "ms", "the same alone", at_most=2.5),
        Row("page with a session", median(with_session), median(without), "ms", "the same without", at_most=1.3),
        Row("refused log-in, unknown address", median(unknown), median(known), "ms", "known address, wrong password"),
    ]


def fill(store: str) -> str:
    """Create a store with a sample and a user; return the id of a place."""
    import models
    from models import passwords
    from models.engine.file_storage import FileStorage
    from models.place import Place
    from models.user import User
    from sample import Sample
    from sample.fill import fill as fill_sample

    models.storage = FileStorage(store)
    models.storage.reload()
    fill_sample(Sample(places=size(300, 5), reviews=1))
    User(email=EMAIL, password=(hashed := passwords.hashed(PASSWORD)), first_name="Ada", last_name="Example").save()
    with models.storage.transaction():
        for number in range(TRIES + WARM_UP):
            models.storage.new(User(email=f"known{number}@hbnb.example", password=hashed))
    id = next(iter(models.storage.all(Place).values())).id
    models.storage.compact()
    return str(id)


def log_in(store: str) -> str:
    """Start a session; return the secret of its cookie."""
    import models
    from models.engine.file_storage import FileStorage
    from services import accounts, sessions

    models.storage = FileStorage(store)
    models.storage.reload()
    user = accounts.by_email(EMAIL)
    assert user
    return models.storage.transact(lambda: sessions.start(user.id, "benchmark"))


def _with_session(hbnb: Served, store: str) -> Request:
    return _HOME._replace(headers={"Cookie": f"hbnb={child('bench.accounts:log_in', store)}"})


def _median(hbnb: Served, request: Request) -> float:
    """The median time of a response, in milliseconds, with one client."""
    with _connected(hbnb) as connection:
        return median(_timed(connection, request.method, request.path, None, dict(request.headers))
                      for _ in range(READS)) * 1000


@contextmanager
def _storm(hbnb: Served) -> Iterator[None]:
    """Have clients log in during the block."""
    ended = threading.Event()
    threads = [threading.Thread(target=_log_in_until, args=(hbnb, ended)) for _ in range(CLIENTS)]
    for thread in threads:
        thread.start()
    try:
        time.sleep(size(1.0, 0.0))
        yield
    finally:
        ended.set()
        for thread in threads:
            thread.join()


def _log_in_until(hbnb: Served, ended: threading.Event) -> None:
    with _connected(hbnb) as connection:
        while not ended.is_set():
            _timed(connection, "POST", "/api/v1/sessions", {"email": EMAIL, "password": PASSWORD}, {})


def _refusals(hbnb: Served) -> list[list[float]]:
    """The times of log-ins to accounts that exist and that do not, in milliseconds, in turns."""
    def refuse(name: str, numbers: Iterator[int]) -> float:
        # Each account is tried once, and from an address of its own, because further attempts would be throttled.
        number = next(numbers)
        body = {"email": f"{name}{number}@hbnb.example", "password": "wrong password"}
        headers = {"X-Forwarded-For": f"10.0.{number // 250}.{number % 250}"}
        with _connected(hbnb) as connection:
            return _timed(connection, "POST", "/api/v1/sessions", body, headers) * 1000
    return alternate(TRIES, partial(refuse, "known", count()), partial(refuse, "unknown", count()))


@contextmanager
def _connected(hbnb: Served) -> Iterator[http.client.HTTPConnection]:
    parts = urlsplit(hbnb.address)
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=60)
    try:
        yield connection
    finally:
        connection.close()


def _timed(connection: http.client.HTTPConnection, method: str, path: str, body: Any,
           headers: dict[str, str]) -> float:
    """The duration of a request in seconds."""
    start = time.perf_counter()
    content = None if body is None else json.dumps(body)
    connection.request(method, path, content, headers | ({} if body is None else {"Content-Type": "application/json"}))
    connection.getresponse().read()
    return time.perf_counter() - start
