"""WSGI middleware: adds a request id to each response, and reports the response after its last byte."""
from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator, Sequence
from time import perf_counter
from typing import TYPE_CHECKING, Any, NamedTuple

from monitoring import request_id

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

_logger = logging.getLogger(__name__)


class Answer(NamedTuple):
    """A response that was sent.

    Args:
        environ: WSGI environment of the request.
        status: code.
        size: bytes of the body.
        seconds: from the request to the last byte.
        whole: False if the client disconnected, or an error occurred, before the last byte.
    """

    environ: WSGIEnvironment
    status: int
    size: int
    seconds: float
    whole: bool


class MonitoringMiddleware:
    """WSGI middleware around an application.

    Args:
        observers: functions that are called after each response.
    """

    def __init__(self, app: WSGIApplication, observers: Sequence[Callable[[Answer], None]]) -> None:
        self._app = app
        self._observers = observers

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        started, code, length = perf_counter(), 500, None
        id = environ[request_id.KEY] = request_id.request_id(environ.get(request_id.KEY))
        request_id.current.set(id)

        def start(status: str, headers: list[tuple[str, str]], *error: Any) -> Any:
            nonlocal code, length
            code, length = int(status[:3]), None
            for name, value in headers:
                if name == "Content-Length":
                    length = int(value)
            return start_response(status, [*headers, (request_id.HEADER, id)], *error)

        def notify(size: int, whole: bool) -> None:
            request_id.current.set(id)
            answer = Answer(environ, code, size, perf_counter() - started, whole)
            for observer in self._observers:
                observer(answer)
            request_id.current.set(None)

        try:
            body: Any = self._app(environ, start)
        except BaseException as error:
            if isinstance(error, Exception):
                _logger.exception("The application failed before it began a response")
            code = 500
            notify(0, False)
            raise
        if isinstance(body, list):
            notify(sum(map(len, body)), True)
        elif type(body) is environ.get("wsgi.file_wrapper"):    # the server sends the file itself
            notify(length or 0, True)
        else:
            body = _StreamedBody(body, id, notify)
        return body     # type: ignore[no-any-return]


class _StreamedBody:
    """A response body that is produced while it is sent."""

    def __init__(self, body: Iterable[bytes], id: str, notify: Callable[[int, bool], None]) -> None:
        self._body = body
        self._next = iter(body).__next__
        self._id = id
        self._notify = notify
        self._size = 0
        self._whole = self._notified = False

    def __iter__(self) -> Iterator[bytes]:
        return self

    def __next__(self) -> bytes:
        request_id.current.set(self._id)      # the server may read the body on another thread
        try:
            part = self._next()
        except StopIteration:
            self._whole = True
            raise
        except Exception:
            _logger.exception("The response was cut off after %d bytes", self._size)
            raise
        self._size += len(part)
        return part

    def close(self) -> None:
        try:
            if close := getattr(self._body, "close", None):
                close()
        finally:
            if not self._notified:
                self._notified = True
                self._notify(self._size, self._whole)
