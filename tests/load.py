"""Clients that read and write all the time, and remember what they were told."""
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

AGAIN = 60.0    # seconds, for which a request with a key is sent again


class Said(NamedTuple):
    """What came of a request, by the monotonic clock; status 0 = no answer."""

    asked: float
    told: float
    status: int
    headers: dict[str, str]
    body: bytes


@dataclass
class Load:
    """What some clients at once do to a server, as long as the block lasts.

    Args:
        address: of the server.
        market: in which places are reviewed.
        clients: how many at once.
    """

    address: str
    market: Market
    clients: int = 6
    said: list[Said] = field(default_factory=list)
    keyed: set[str] = field(default_factory=set)            # what was written, and sent again until it was answered
    unkeyed: set[str] = field(default_factory=set)          # what was sent once
    acknowledged: set[str] = field(default_factory=set)     # of both, what was answered with 201

    @contextmanager
    def running(self) -> Iterator[None]:
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
            # A review is one statement, and with a key a transaction; a state changes what searches remember.
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
        deadline = time.monotonic() + AGAIN
        while time.monotonic() < deadline:
            if self._ask("POST", path, body, **{"Idempotency-Key": key}).status == 201:
                self.acknowledged.add(key)
                return
            time.sleep(0.02)

    def _ask(self, method: str, path: str, body: object, **headers: str) -> Said:
        text = None if body is None else json.dumps(body)
        asked = time.monotonic()
        connection = http.client.HTTPConnection(self.address.removeprefix("http://"), timeout=60)
        try:
            connection.request(method, f"/api/v1{path}", text, {"Content-Type": "application/json", **headers})
            answer = connection.getresponse()
            said = Said(asked, time.monotonic(), answer.status, dict(answer.headers), answer.read())
        except (OSError, http.client.HTTPException) as error:
            said = Said(asked, time.monotonic(), 0, {}, repr(error).encode())
        finally:
            connection.close()
        self.said.append(said)
        return said
