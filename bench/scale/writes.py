"""Searches while places change: writes on another thread, and the time of the first search after a change."""
from __future__ import annotations

import http.client
import json
import random
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from statistics import median
from urllib.parse import urlsplit

from bench.scale.generator import Market
from bench.servers import Request, Served
from bench.size import size

CHANGES, LONGEST = size(50, 3), 30      # measured changes; seconds after which no other one is made


class Client:
    """A client with one open connection.

    Args:
        served: the server.
    """

    def __init__(self, served: Served) -> None:
        self._connection = http.client.HTTPConnection(urlsplit(served.address).netloc, timeout=120)

    def send(self, request: Request) -> None:
        """Send a request, and read the response.

        Raises:
            RuntimeError: the response was an error.
        """
        body = None if request.body is None else json.dumps(request.body)
        self._connection.request(request.method, f"/api/v1{request.path}", body, {"Content-Type": "application/json"})
        response = self._connection.getresponse()
        text = response.read()
        if response.status >= 400:
            raise RuntimeError(f"{request}: {response.status} {text[:200]!r}")

    def close(self) -> None:
        self._connection.close()


class Writer:
    """A client that changes the prices of random places."""

    def __init__(self, served: Served, market: Market) -> None:
        self._served, self._places, self._choose = served, market.place_ids, random.Random(2)

    def change(self, client: Client) -> None:
        place = self._choose.choice(self._places)
        client.send(Request("PUT", f"/places/{place}", {"price_by_night": self._choose.randint(20, 400)}))

    @contextmanager
    def writing(self, rate: float) -> Iterator[None]:
        """Write so many times a second on another thread, as far as the server manages."""
        ended, errors = threading.Event(), []

        def write() -> None:
            client, due = Client(self._served), time.monotonic()
            while not ended.wait(max(0, due - time.monotonic())):
                try:
                    self.change(client)
                except Exception as error:
                    errors.append(error)
                    return
                due = max(due + 1 / rate, time.monotonic() - 1)
            client.close()

        thread = threading.Thread(target=write)
        if rate:
            thread.start()
        try:
            yield
        finally:
            ended.set()
            if rate:
                thread.join()
        if errors:
            raise errors[0]

    def taken_over(self, requests: Sequence[Request]) -> float:
        """Return by how many milliseconds the first search after a change takes longer than the next one."""
        writer, reader = Client(self._served), Client(self._served)
        first: list[float] = []
        next_one: list[float] = []
        end = time.perf_counter() + LONGEST
        for request in requests[:CHANGES]:
            if first and time.perf_counter() > end:
                break
            self.change(writer)
            for times in (first, next_one):
                start = time.perf_counter()
                reader.send(request)
                times.append(1000 * (time.perf_counter() - start))
        writer.close()
        reader.close()
        return median(first) - median(next_one)
