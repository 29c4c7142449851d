"""Overload protection: limits on concurrent requests, request bodies and long responses of a worker.

A worker has many threads, but most of them only wait: for a request body, for a free slot, or for a client that reads
slowly. Few requests are processed at once, and writes have slots of their own, so reads go on while all writes wait for
a lock. A request that gets no slot in time is answered with 503 and `Retry-After`. `/health/live` needs no slot.
"""
from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from io import BytesIO
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING

from flask import Flask, request
from werkzeug.exceptions import HTTPException, RequestTimeout, ServiceUnavailable

import models
from errors import Misconfigured
from serving.response import LongBody, Response

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

# Requests processed at once; health checks have slots of their own, so they answer under load.
MAX_READS, MAX_WRITES, MAX_CHECKS = 4, 3, 4
MAX_WAITING_READS, MAX_WAITING_WRITES, MAX_WAITING_CHECKS = 96, 24, 8   # requests that wait for a slot
SLOT_TIMEOUT = 5        # seconds that a request waits for a slot
MAX_BODIES = 128        # request bodies received at once
BODY_TIMEOUT = 20       # seconds in which a client must send a request body
BUSY_BODY_TIMEOUT = 3   # the same, if half of MAX_BODIES are in use
MAX_LONG_RESPONSES, MAX_WAITING_RESPONSES = 16, 32      # long responses sent at once; requests waiting to send one
MAX_LONG_BYTES = 64_000_000     # total size of the long responses in memory
THREADS = 340           # threads of a worker: more than the sum of the limits above
RETRY_AFTER = 5         # seconds
SAFE = ("GET", "HEAD", "OPTIONS")
REPEATED = "hbnb.repeated"  # environ key: the request is processed again, because it had to wait to send its response
REFUSAL = "hbnb.refusal"    # environ key: the error to answer the request with


def init_app(app: Flask) -> None:
    """Apply the limits to an application whose routes are registered."""
    app.before_request_funcs.setdefault(None, []).insert(0, _raise_refusal)
    guard = app.extensions["guard"] = Guard(app)
    app.wsgi_app = guard    # type: ignore[method-assign]


def before_start(app: Flask, check: Callable[[], None]) -> None:
    """Register a check that runs before the application serves, and raises Misconfigured to prevent that."""
    app.extensions.setdefault("before_start", []).append(check)


def start(app: Flask) -> None:
    """Run the start-up checks of an application, and make it ready to serve.

    `server.py` calls this before it listens. Under another WSGI server, the first request calls it, and requests are
    answered with 503 until it succeeds.

    Raises:
        Misconfigured: the application cannot serve yet; the message says what the operator must do.
    """
    models.check()
    for check in app.extensions.get("before_start", ()):
        check()
    models.storage.enforce_timeouts()
    app.extensions["guard"].is_started = True


class Slots:
    """A semaphore with a bounded number of waiting threads, each of which waits SLOT_TIMEOUT seconds at most.

    Args:
        count: the number of slots.
        waiting: the maximum number of threads that wait for a slot.
    """

    def __init__(self, count: int, waiting: int = 0) -> None:
        self._free: SimpleQueue[None] = SimpleQueue()
        for _ in range(count):
            self._free.put(None)
        self._half = count // 2
        self._waiting = threading.BoundedSemaphore(waiting) if waiting else None

    @property
    def is_scarce(self) -> bool:
        """Whether at least half of the slots are in use."""
        return self._free.qsize() <= self._half

    def acquire(self) -> bool:
        """Take a slot, waiting for one if necessary.

        Returns:
            Whether a slot was taken, which the caller must `release`.
        """
        return self.try_acquire() or self._wait()

    def try_acquire(self) -> bool:
        """Take a slot without waiting; see `acquire`."""
        try:
            self._free.get_nowait()
            return True
        except Empty:
            return False

    def release(self) -> None:
        self._free.put(None)

    def _wait(self) -> bool:
        if self._waiting is None or not self._waiting.acquire(blocking=False):
            return False
        try:
            self._free.get(timeout=SLOT_TIMEOUT)
            return True
        except Empty:
            return False
        finally:
            self._waiting.release()


@dataclass(eq=False)
class _Transfer:
    """A request body being received, or a long response being sent.

    Args:
        address: the client's address.
        started: when the transfer started, by the monotonic clock; for a response, when its request arrived.
        timed_out: whether a request body took too long.
    """

    address: str
    started: float
    timed_out: bool = False


class Guard:
    """WSGI middleware that applies the limits.

    Args:
        app: the application. Its `extensions["reads"]` are the paths that are read-only with every method.
    """

    def __init__(self, app: Flask) -> None:
        self._app, self._inner = app, app.wsgi_app
        self._reads, self._writes = Slots(MAX_READS, MAX_WAITING_READS), Slots(MAX_WRITES, MAX_WAITING_WRITES)
        self._checks = Slots(MAX_CHECKS, MAX_WAITING_CHECKS)
        # Each long response may hold a database connection for lists, and so may each read in progress.
        pool = models.storage.pools().get("streams")
        long_responses = MAX_LONG_RESPONSES
        if pool and pool.limit:
            long_responses = min(long_responses, max(pool.limit - MAX_READS, 1))
        self._body_slots, self._response_slots = Slots(MAX_BODIES), Slots(long_responses, MAX_WAITING_RESPONSES)
        self._bodies: set[_Transfer] = set()
        self._responses: set[_Transfer] = set()
        self._bytes_lock, self._bytes = threading.Lock(), 0
        self.is_started, self._start_lock = False, threading.Lock()

    @property
    def is_busy(self) -> bool:
        """Whether half of the slots for slow clients are in use, so that shorter timeouts apply."""
        return (self._response_slots.is_scarce or self._body_slots.is_scarce
                or self._bytes > MAX_LONG_BYTES // 2)

    def overdue(self) -> list[tuple[str, float]]:
        """Mark the request bodies that took too long as timed out.

        A thread that reads a body cannot be interrupted: the caller must close the connection.

        Returns:
            The client's address and the age in seconds of each such body.
        """
        now, timeout = time.monotonic(), BUSY_BODY_TIMEOUT if self._body_slots.is_scarce else BODY_TIMEOUT
        late = [each for each in self._bodies.copy() if now - each.started > timeout]
        for each in late:
            each.timed_out = True
        return [(each.address, now - each.started) for each in late]

    def transfers(self) -> list[tuple[str, float]]:
        """Return the client's address and the age in seconds of each request body and long response in progress."""
        now = time.monotonic()
        return [(each.address, now - each.started) for each in (*self._bodies.copy(), *self._responses.copy())]

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        path = environ["PATH_INFO"]
        if path == "/health/live":
            return self._respond_at_once(environ, start_response)
        try:
            slots = self._checks if path == "/health/ready" else self._slots(environ)
            transfer = _Transfer(environ.get("REMOTE_ADDR", ""), time.monotonic())
            response = self._process(environ, slots)
            # A write is never refused afterwards, because its change is already stored.
            is_limited = response.is_long and slots is not self._writes
            if is_limited and not self._reserve(response):
                response = self._process_again(response, environ, slots)
        except HTTPException as refusal:
            return self._refuse(environ, start_response, refusal)
        if is_limited:
            self._responses.add(transfer)
            response.body = LongBody(response.body, lambda: self._finish(response.size or 0, transfer))
        start_response(*response.start)
        body: Iterable[bytes] = response.body
        return body

    def _process(self, environ: WSGIEnvironment, slots: Slots) -> Response:
        """Call the application, once there is a slot.

        Raises:
            HTTPException: there was no slot in time.
        """
        if not slots.acquire():
            raise _busy()
        try:
            return Response(self._inner, environ)
        finally:
            slots.release()

    def _slots(self, environ: WSGIEnvironment) -> Slots:
        """Receive the body of a request, and return the slots that the request needs."""
        if not self.is_started:
            self._start()
        if environ["REQUEST_METHOD"] in SAFE:
            return self._reads
        self._receive_body(environ)
        is_read = environ["PATH_INFO"].rstrip("/") in self._app.extensions.get("reads", ())
        return self._reads if is_read else self._writes

    def _start(self) -> None:
        with self._start_lock:
            if self.is_started:
                return
            try:
                start(self._app)
            except Misconfigured as error:
                self._app.logger.error("%s", error)
                raise _busy() from None

    def _receive_body(self, environ: WSGIEnvironment) -> None:
        """Read the whole request body into memory, so that the application never waits for the client.

        Raises:
            HTTPException: the body was late or incomplete, or too many bodies are being received.
        """
        length, most = environ.get("CONTENT_LENGTH") or "", int(self._app.config["MAX_CONTENT_LENGTH"] or 1 << 20)
        chunked = not length and "HTTP_TRANSFER_ENCODING" in environ and environ.get("wsgi.input_terminated")
        size = most + 1 if chunked else int(length) if length.isdecimal() else 0
        if not size or (size > most and not chunked):   # too large: the application answers with 413
            return
        if not self._body_slots.acquire():
            raise _busy()
        transfer = _Transfer(environ.get("REMOTE_ADDR", ""), time.monotonic())
        self._bodies.add(transfer)
        try:
            body = environ["wsgi.input"].read(size)
        finally:
            self._bodies.discard(transfer)
            self._body_slots.release()
        if transfer.timed_out or (length and len(body) < size):
            raise RequestTimeout()
        environ["wsgi.input"] = BytesIO(body)

    def _reserve(self, response: Response) -> bool:
        """Take a slot and the memory to send a long response, without waiting; return whether both were free."""
        if self._response_slots.try_acquire():
            if self._reserve_bytes(response.size or 0):
                return True
            self._response_slots.release()
        return False

    def _process_again(self, response: Response, environ: WSGIEnvironment, slots: Slots) -> Response:
        """Close a long response, wait for a slot to send it, and process the request again.

        In this way, a waiting request holds no database connection.

        Raises:
            HTTPException: there was no slot in time, or not enough memory.
        """
        response.close()
        if not self._response_slots.acquire():
            raise _busy()
        try:
            if isinstance(environ["wsgi.input"], BytesIO):
                environ["wsgi.input"].seek(0)
            environ[REPEATED] = True
            response = self._process(environ, slots)
            if not self._reserve_bytes(response.size or 0):
                response.close()
                raise _busy()
        except BaseException:
            self._response_slots.release()
            raise
        return response

    def _reserve_bytes(self, size: int) -> bool:
        with self._bytes_lock:
            fits = not self._bytes or self._bytes + size <= MAX_LONG_BYTES
            self._bytes += size if fits else 0
            return fits

    def _finish(self, size: int, transfer: _Transfer) -> None:
        self._responses.discard(transfer)
        with self._bytes_lock:
            self._bytes -= size
        self._response_slots.release()

    def _refuse(self, environ: WSGIEnvironment, start_response: StartResponse,
                refusal: HTTPException) -> Iterable[bytes]:
        """Have the application render an error as JSON or a page; it needs no storage for that."""
        environ[REFUSAL] = refusal
        return self._respond_at_once(environ, start_response)

    def _respond_at_once(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        response = Response(self._inner, environ)
        start_response(*response.start)
        body: Iterable[bytes] = response.body
        return body


def _busy() -> HTTPException:
    return ServiceUnavailable(retry_after=RETRY_AFTER)


def _raise_refusal() -> None:
    if refusal := request.environ.get(REFUSAL):
        raise refusal
