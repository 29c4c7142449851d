"""What is around every answer: its id, and what is told of it once its last byte is gone."""
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
    """An answer that was given.

    Args:
        environ: of the request.
        status: the number.
        size: bytes of the body that were handed on.
        seconds: from the request to the last byte.
        whole: not, where the client went away or something went wrong before the last byte.
    """

    environ: WSGIEnvironment
    status: int
    size: int
    seconds: float
    whole: bool


class Watched:
    """A WSGI application around another.

    Args:
        app: the other.
        observers: who are told of each answer.
    """

    def __init__(self, app: WSGIApplication, observers: Sequence[Callable[[Answer], None]]) -> None:
        self._app = app
        self._observers = observers

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        begun, code, length = perf_counter(), 500, None
        id = environ[request_id.KEY] = request_id.request_id(environ.get(request_id.KEY))
        request_id.current.set(id)

        def start(status: str, headers: list[tuple[str, str]], *error: Any) -> Any:
            nonlocal code, length
            code, length = int(status[:3]), None
            for name, value in headers:
                if name == "Content-Length":
                    length = int(value)
            return start_response(status, [*headers, (request_id.HEADER, id)], *error)

        def tell(size: int, whole: bool) -> None:
            request_id.current.set(id)
            answer = Answer(environ, code, size, perf_counter() - begun, whole)
            for observer in self._observers:
                observer(answer)
            request_id.current.set(None)

        try:
            body: Any = self._app(environ, start)
        except BaseException as error:
            if isinstance(error, Exception):
                _logger.exception("There is no answer")
            code = 500
            tell(0, False)
            raise
        if isinstance(body, list):
            tell(sum(map(len, body)), True)
        elif type(body) is environ.get("wsgi.file_wrapper"):    # the server sends the file by itself
            tell(length or 0, True)
        else:
            body = _Parts(body, id, tell)
        return body     # type: ignore[no-any-return]


class _Parts:
    """A body that is made while it is sent."""

    def __init__(self, body: Iterable[bytes], id: str, tell: Callable[[int, bool], None]) -> None:
        self._body = body
        self._next = iter(body).__next__
        self._id = id
        self._tell = tell
        self._size = 0
        self._whole = self._told = False

    def __iter__(self) -> Iterator[bytes]:
        return self

    def __next__(self) -> bytes:
        request_id.current.set(self._id)      # a server may ask on another thread
        try:
            part = self._next()
        except StopIteration:
            self._whole = True
            raise
        except Exception:
            _logger.exception("An answer broke off after %d bytes", self._size)
            raise
        self._size += len(part)
        return part

    def close(self) -> None:
        try:
            if close := getattr(self._body, "close", None):
                close()
        finally:
            if not self._told:
                self._told = True
                self._tell(self._size, self._whole)
