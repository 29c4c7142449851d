"""Load generator: clients that read and write continuously, and record every response."""
from __future__ import annotations

import http.client
import json
import threading
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import cycle
from typing import NamedTuple

from tests.market import Market

RETRY_TIME = 60.0   # seconds in which a request with an idempotency key is repeated


class Exchange(NamedTuple):
    """A request and its response. Times are of the monotonic clock; status 0 means that there was no response."""

    sent: float
    answered: float
    status: int
    headers: dict[str, str]
    body: bytes


@dataclass
class Load:
    """Concurrent clients of a server.

    Args:
        address: the server's address.
        market: the market whose place the clients review.
        clients: the number of clients.
        exchanges: all requests and responses.
        keyed: texts written with an idempotency key, and repeated until the server acknowledged them.
        unkeyed: texts written without a key, once each.
        acknowledged: the texts of both kinds that were answered with 201.
    """

    address: str
    market: Market
    clients: int = 6
    exchanges: list[Exchange] = field(default_factory=list)
    keyed: set[str] = field(default_factory=set)
    unkeyed: set[str] = field(default_factory=set)
    acknowledged: set[str] = field(default_factory=set)

    @contextmanager
    def running(self) -> Iterator[None]:
        """Run the clients until the block ends."""
        end = threading.Event()
        threads = [threading.Thread(target=self._work, args=(end, number)) for number in range(self.clients)]
        for each in threads:
            each.start()
        try:
            yield
        finally:
            end.set()
            for each in threads:
                each.join()

    def _work(self, end: threading.Event, number: int) -> None:
        place, reads = self.market.place.id, cycle((
            ("POST", "/places_search", {}), ("GET", f"/places/{self.market.place.id}", None), ("GET", "/stats", None),
            ("GET", "/states", None), ("GET", "/places?limit=5&include=reviews.user", None)))
        turn = number
        while not end.is_set():
            turn += 1
            text = uuid.uuid4().hex
            # A review is a single statement, or a transaction if it has a key; a state invalidates the search's cache.
            path, body = ((f"/places/{place}/reviews", {"user_id": self.market.guest.id, "text": text})
                          if turn % 3 else ("/states", {"name": text}))
            if turn % 2:
                self._until_answered(path, body, text)
            else:
                self.unkeyed.add(text)
                if self._ask("POST", path, body).status == 201:
                    self.acknowledged.add(text)
            self._ask(*next(reads))

    def _until_answered(self, path: str, body: dict[str, str], key: str) -> None:
        self.keyed.add(key)
        deadline = time.monotonic() + RETRY_TIME
        while time.monotonic() < deadline:
            if self._ask("POST", path, body, **{"Idempotency-Key": key}).status == 201:
                self.acknowledged.add(key)
                return
            time.sleep(0.02)

    def _ask(self, method: str, path: str, body: object, **headers: str) -> Exchange:
        text = None if body is None else json.dumps(body)
        sent = time.monotonic()
        connection = http.client.HTTPConnection(self.address.removeprefix("http://"), timeout=60)
        try:
            connection.request(method, f"/api/v1{path}", text, {"Content-Type": "application/json", **headers})
            answer = connection.getresponse()
            exchange = Exchange(sent, time.monotonic(), answer.status, dict(answer.headers), answer.read())
        except (OSError, http.client.HTTPException) as error:
            exchange = Exchange(sent, time.monotonic(), 0, {}, repr(error).encode())
        finally:
            connection.close()
        self.exchanges.append(exchange)
        return exchange
