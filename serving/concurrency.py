"""What keeps slow clients, and a slow storage, from holding every thread of a worker.

A worker has many threads, as most of them only wait: for a body, for their turn, for a client that reads. Few work at
once, and those that write are counted apart, so that reading goes on while all that write wait for a lock. What finds
no room is refused with 503 and `Retry-After`. `/health/live` waits for nothing.
"""
from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from io import BytesIO
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING, Any

from flask import Flask, request
from werkzeug.exceptions import HTTPException, RequestTimeout, ServiceUnavailable
from werkzeug.wsgi import ClosingIterator

import models
from errors import Misconfigured

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

READING, WRITING, CHECKING = 4, 3, 4        # requests that are worked on at once; the last ask for health
READS_WAIT, WRITES_WAIT, CHECKS_WAIT = 96, 24, 8    # requests that may wait for their turn
TURN = 5            # seconds that a request may wait for its turn
BODIES = 128        # bodies that are received at once
BODY = 20           # seconds that a client has to send a body
SENDING, SENDING_WAIT = 16, 32      # long answers that are sent at once, and requests that may wait to be one
SENDING_BYTES = 64_000_000  # of long answers that are held until their clients have read them
HURRY = 3           # seconds for what a client has to do if half of the room is taken
THREADS = 340       # of a worker: more than all of these together
RETRY_AFTER = 5     # seconds
SHORT = 65_536      # bytes of an answer, or of a part of one, that are handed to the server at once
SAFE = ("GET", "HEAD", "OPTIONS")
AGAIN = "hbnb.again"        # where it says that the application was asked before, and the answer had to wait
REFUSED = "hbnb.refused"    # where a request's environment has the error that answers it


def init_app(app: Flask) -> None:
    """Guard an application that has its routes already."""
    app.before_request_funcs.setdefault(None, []).insert(0, _refuse)
    guard = app.extensions["guard"] = Guard(app)
    app.wsgi_app = guard    # type: ignore[method-assign]


def before_start(app: Flask, check: Callable[[], None]) -> None:
    """Have an application checked before it serves; the check raises Misconfigured to refuse."""
    app.extensions.setdefault("before_start", []).append(check)


def start(app: Flask) -> None:
    """Make an application ready to serve.

    Our server calls this before it listens. Under another WSGI server the first request does, and is answered 503
    for as long as this refuses.

    Raises:
        Misconfigured: an operator must do something first; says what.
    """
    models.check()
    for check in app.extensions.get("before_start", ()):
        check()
    models.storage.enforce_timeouts()
    app.extensions["guard"].is_started = True


class Room:
    """Room for some that work, and for some that wait for their turn.

    Args:
        working: how many may work at once.
        waiting: how many may wait.
    """

    def __init__(self, working: int, waiting: int = 0) -> None:
        self._turns: SimpleQueue[None] = SimpleQueue()
        for _ in range(working):
            self._turns.put(None)
        self._half = working // 2
        self._waiting = threading.BoundedSemaphore(waiting) if waiting else None

    @property
    def is_scarce(self) -> bool:
        return self._turns.qsize() <= self._half

    def enter(self) -> bool:
        """Take a turn, which `leave` gives back; not if there is none, or none comes in time."""
        return self.enter_at_once() or self._wait()

    def enter_at_once(self) -> bool:
        try:
            self._turns.get_nowait()
            return True
        except Empty:
            return False

    def leave(self) -> None:
        self._turns.put(None)

    def _wait(self) -> bool:
        if self._waiting is None or not self._waiting.acquire(blocking=False):
            return False
        try:
            self._turns.get(timeout=TURN)
            return True
        except Empty:
            return False
        finally:
            self._waiting.release()


@dataclass(eq=False)
class _Transfer:
    """A body that is received, or a long answer that is sent.

    Args:
        address: of the client.
        since: when it began, by the monotonic clock; of an answer, when its request had come.
        is_over: whether a body took too long.
    """

    address: str
    since: float
    is_over: bool = False


class Guard:
    """A WSGI application around that of Flask.

    Args:
        app: has in `extensions["reads"]` the paths that only read, whatever the method.
    """

    def __init__(self, app: Flask) -> None:
        self._app, self._inner = app, app.wsgi_app
        self._reads, self._writes = Room(READING, READS_WAIT), Room(WRITING, WRITES_WAIT)
        self._checks = Room(CHECKING, CHECKS_WAIT)
        # Each answer that is sent may hold a connection for lists, and so may each request that reads.
        streams = models.storage.pools().get("streams")
        sending = min(SENDING, max(streams.limit - READING, 1)) if streams and streams.limit else SENDING
        self._bodies, self._sending = Room(BODIES), Room(sending, SENDING_WAIT)
        self._readings: set[_Transfer] = set()
        self._answers: set[_Transfer] = set()
        self._mutex, self._bytes = threading.Lock(), 0
        self.is_started, self._starting = False, threading.Lock()

    @property
    def is_pressed(self) -> bool:
        """Whether so much waits for clients that these must hurry."""
        return self._sending.is_scarce or self._bodies.is_scarce or self._bytes > SENDING_BYTES // 2

    def overdue(self) -> list[tuple[str, float]]:
        """The bodies that took too long: the addresses of their clients, and the seconds so far.

        Only the end of the connection ends such a reading; the server knows none of its threads to give up.
        """
        now, most = time.monotonic(), HURRY if self._bodies.is_scarce else BODY
        found = [each for each in self._readings.copy() if now - each.since > most]
        for each in found:
            each.is_over = True
        return [(each.address, now - each.since) for each in found]

    def under_way(self) -> list[tuple[str, float]]:
        """The bodies that are received and the long answers that are sent: their clients' addresses, and their ages."""
        now = time.monotonic()
        return [(each.address, now - each.since) for each in (*self._readings.copy(), *self._answers.copy())]

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        path = environ["PATH_INFO"]
        if path == "/health/live":
            return self._now(environ, start_response)
        try:
            room = self._checks if path == "/health/ready" else self._room(environ)
            sent = _Transfer(environ.get("REMOTE_ADDR", ""), time.monotonic())
            answer = self._answer(environ, room)
            # What has changed something is not refused afterwards.
            is_long = answer.is_long and room is not self._writes
            if is_long and not self._hold(answer):
                answer = self._later(answer, environ, room)
        except HTTPException as refusal:
            return self._refused(environ, start_response, refusal)
        if is_long:
            self._answers.add(sent)
            answer.body = _Sent(answer.body, lambda: self._let_go(answer.size or 0, sent))
        start_response(*answer.start)
        body: Iterable[bytes] = answer.body
        return body

    def _answer(self, environ: WSGIEnvironment, room: Room) -> _Answer:
        """What the application answers, in its turn.

        Raises:
            HTTPException: there is no room for the request.
        """
        if not room.enter():
            raise _busy()
        try:
            return _Answer(self._inner, environ)
        finally:
            room.leave()

    def _room(self, environ: WSGIEnvironment) -> Room:
        """The room that a request needs, whose body is received here."""
        if not self.is_started:
            self._start()
        if environ["REQUEST_METHOD"] in SAFE:
            return self._reads
        self._receive(environ)
        is_read = environ["PATH_INFO"].rstrip("/") in self._app.extensions.get("reads", ())
        return self._reads if is_read else self._writes

    def _start(self) -> None:
        with self._starting:
            if self.is_started:
                return
            try:
                start(self._app)
            except Misconfigured as error:
                self._app.logger.error("%s", error)
                raise _busy() from None

    def _receive(self, environ: WSGIEnvironment) -> None:
        """Read the body, so that the application never waits for the rest of it.

        Raises:
            HTTPException: it does not come in time, or not whole; or too many are received.
        """
        length, most = environ.get("CONTENT_LENGTH") or "", int(self._app.config["MAX_CONTENT_LENGTH"] or 1 << 20)
        chunked = not length and "HTTP_TRANSFER_ENCODING" in environ and environ.get("wsgi.input_terminated")
        size = most + 1 if chunked else int(length) if length.isdecimal() else 0
        if not size or (size > most and not chunked):   # which the application refuses
            return
        if not self._bodies.enter():
            raise _busy()
        reading = _Transfer(environ.get("REMOTE_ADDR", ""), time.monotonic())
        self._readings.add(reading)
        try:
            body = environ["wsgi.input"].read(size)
        finally:
            self._readings.discard(reading)
            self._bodies.leave()
        if reading.is_over or (length and len(body) < size):
            raise RequestTimeout()
        environ["wsgi.input"] = BytesIO(body)

    def _hold(self, answer: _Answer) -> bool:
        """Take room to send a long answer in, if there is some at once."""
        if self._sending.enter_at_once():
            if self._fits(answer.size or 0):
                return True
            self._sending.leave()
        return False

    def _later(self, answer: _Answer, environ: WSGIEnvironment, room: Room) -> _Answer:
        """Wait for room to send a long answer in, and make the answer anew: a request that waits holds no connection.

        Raises:
            HTTPException: there is no room in time.
        """
        answer.close()
        if not self._sending.enter():
            raise _busy()
        try:
            if isinstance(environ["wsgi.input"], BytesIO):
                environ["wsgi.input"].seek(0)
            environ[AGAIN] = True
            answer = self._answer(environ, room)
            if not self._fits(answer.size or 0):
                answer.close()
                raise _busy()
        except BaseException:
            self._sending.leave()
            raise
        return answer

    def _fits(self, size: int) -> bool:
        with self._mutex:
            fits = not self._bytes or self._bytes + size <= SENDING_BYTES
            self._bytes += size if fits else 0
            return fits

    def _let_go(self, size: int, sent: _Transfer) -> None:
        self._answers.discard(sent)
        with self._mutex:
            self._bytes -= size
        self._sending.leave()

    def _refused(self, environ: WSGIEnvironment, start_response: StartResponse,
                 refusal: HTTPException) -> Iterable[bytes]:
        """Have the application say it in its own words, for which it needs no storage."""
        environ[REFUSED] = refusal
        return self._now(environ, start_response)

    def _now(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        answer = _Answer(self._inner, environ)
        start_response(*answer.start)
        body: Iterable[bytes] = answer.body
        return body


class _Answer:
    """What the application answers: its status and headers, its body, and how long that is, if it is there already."""

    def __init__(self, app: WSGIApplication, environ: WSGIEnvironment) -> None:
        self.start: tuple[Any, ...] = ()
        self.size: int | None = None
        self.body: Any = app(environ, self._begin)
        if type(self.body) is ClosingIterator and self._is_there():
            # Servers send a list faster than what they must ask for each part.
            try:
                parts = list(self.body)
            finally:
                self.body.close()
            self.body = parts
        if isinstance(self.body, list):
            self.size = sum(map(len, self.body))
        elif type(self.body) is environ.get("wsgi.file_wrapper"):   # the server sends the file by itself
            self.size = 0

    @property
    def is_long(self) -> bool:
        return self.size is None or self.size > SHORT

    def close(self) -> None:
        if close := getattr(self.body, "close", None):
            close()

    def _begin(self, *start: Any) -> Any:
        self.start = start
        return lambda _: None

    def _is_there(self) -> bool:
        return self.start[0][:3] in ("204", "304") or any(name == "Content-Length" for name, _ in self.start[1])


class _Sent:
    """A long body, part by part, until it is sent or given up."""

    def __init__(self, body: Any, done: Callable[[], None]) -> None:
        self._body = body
        self._parts = _pieces(body) if isinstance(body, list) else iter(body)
        self._done: Callable[[], None] | None = done

    def __iter__(self) -> Iterator[bytes]:
        return self

    def __next__(self) -> bytes:
        return next(self._parts)

    def close(self) -> None:
        done, self._done = self._done, None
        try:
            if close := getattr(self._body, "close", None):
                close()
        finally:
            if done:
                done()


def _pieces(parts: list[bytes]) -> Iterator[bytes]:
    for part in parts:
        for start in range(0, len(part), SHORT):
            yield part[start:start + SHORT]


def _busy() -> HTTPException:
    return ServiceUnavailable(retry_after=RETRY_AFTER)


def _refuse() -> None:
    if refusal := request.environ.get(REFUSED):
        raise refusal
