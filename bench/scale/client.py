"""A client with a few open connections, which records how long each request takes; `wrk` counts them faster."""
from __future__ import annotations

import json
import re
import selectors
import socket
import time
from collections.abc import Iterator, Sequence
from itertools import cycle
from typing import NamedTuple
from urllib.parse import urlsplit

from bench.servers import CONNECTIONS, Request

LONGEST = 60    # seconds to wait for the last responses
_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)


class Latencies(NamedTuple):
    """Response times in milliseconds, successful responses a second, and the share of requests that failed."""

    p50: float
    p95: float
    rate: float
    failed: float


def latencies(address: str, requests: Sequence[Request], seconds: float, root: str = "/api/v1",
              connections: int = CONNECTIONS) -> Latencies:
    """Send requests in turn on several connections for some seconds, then wait for the last responses."""
    turns = cycle([encoded(each, root) for each in requests])
    taken: list[float] = []
    failed = 0
    start = time.perf_counter()
    with selectors.DefaultSelector() as selector:
        for _ in range(connections):
            _open(selector, address, turns)
        while selector.get_map() and time.perf_counter() < start + seconds + LONGEST:
            for key, _ in selector.select(1):
                connection: _Connection = key.data
                if not connection.receive():
                    continue
                now = time.perf_counter()
                taken.append(now - connection.sent)
                failed += not connection.is_good
                if now < start + seconds and connection.is_open:
                    connection.send(next(turns))
                    continue
                selector.unregister(connection.socket)
                connection.socket.close()
                if now < start + seconds:
                    _open(selector, address, turns)
        unanswered = [key.data for key in selector.get_map().values()]
        for connection in unanswered:
            taken.append(time.perf_counter() - connection.sent)
            connection.socket.close()
        failed += len(unanswered)
    taken.sort()
    return Latencies(1000 * _percentile(taken, 0.5), 1000 * _percentile(taken, 0.95),
                     (len(taken) - failed) / (time.perf_counter() - start), failed / len(taken))


def encoded(request: Request, root: str) -> bytes:
    """Return a request as it is sent."""
    body = b"" if request.body is None else json.dumps(request.body).encode()
    headers = {"Host": "127.0.0.1", **request.headers}
    if body:
        headers |= {"Content-Type": "application/json", "Content-Length": str(len(body))}
    lines = [f"{request.method} {root}{request.path} HTTP/1.1", *(f"{name}: {text}" for name, text in headers.items())]
    return "\r\n".join([*lines, "", ""]).encode() + body


class _Connection:
    """A connection with one request at a time."""

    def __init__(self, address: str, first: bytes) -> None:
        parts = urlsplit(address)
        self.socket = socket.create_connection((parts.hostname, parts.port), LONGEST)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.is_open, self.is_good = True, True
        self.send(first)

    def send(self, request: bytes) -> None:
        self._received = b""
        self.sent = time.perf_counter()
        self.socket.sendall(request)

    def receive(self) -> bool:
        """Read what arrived; return whether the response is complete."""
        part = self.socket.recv(1 << 18)
        self._received += part
        if not part:
            self.is_open = self.is_good = False
            return True
        head, end, body = self._received.partition(b"\r\n\r\n")
        if not end:
            return False
        self.is_good = head[9:10] == b"2"
        if length := _LENGTH.search(head):
            return len(body) >= int(length[1])
        return body.endswith(b"0\r\n\r\n")      # sent in chunks


def _open(selector: selectors.BaseSelector, address: str, turns: Iterator[bytes]) -> None:
    connection = _Connection(address, next(turns))
    selector.register(connection.socket, selectors.EVENT_READ, connection)


def _percentile(ordered: Sequence[float], share: float) -> float:
    return ordered[min(int(share * len(ordered)), len(ordered) - 1)]
