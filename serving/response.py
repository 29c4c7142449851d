"""Responses of the application as the overload protection sees them: their size, and the sending of long ones."""
from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from werkzeug.wsgi import ClosingIterator

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication, WSGIEnvironment

CHUNK_SIZE = 65_536     # bytes passed to the server at once; a larger response is a long one


class Response:
    """A response of the application: status and headers (`start`), body, and size in bytes; None if not known yet."""

    def __init__(self, app: WSGIApplication, environ: WSGIEnvironment) -> None:
        self.start: tuple[Any, ...] = ()
        self.size: int | None = None
        self.body: Any = app(environ, self._start_response)
        if type(self.body) is ClosingIterator and self._is_in_memory():
            # Servers send a list faster than an iterator.
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
        return self.size is None or self.size > CHUNK_SIZE

    def close(self) -> None:
        if close := getattr(self.body, "close", None):
            close()

    def _start_response(self, *start: Any) -> Any:
        self.start = start
        return lambda _: None

    def _is_in_memory(self) -> bool:
        return self.start[0][:3] in ("204", "304") or any(name == "Content-Length" for name, _ in self.start[1])


class LongBody:
    """The body of a long response, in chunks; calls `on_close` once, when it is sent or abandoned."""

    def __init__(self, body: Any, on_close: Callable[[], None]) -> None:
        self._body = body
        self._chunks = _chunks(body) if isinstance(body, list) else iter(body)
        self._on_close: Callable[[], None] | None = on_close

    def __iter__(self) -> Iterator[bytes]:
        return self

    def __next__(self) -> bytes:
        return next(self._chunks)

    def close(self) -> None:
        on_close, self._on_close = self._on_close, None
        try:
            if close := getattr(self._body, "close", None):
                close()
        finally:
            if on_close:
                on_close()


def _chunks(parts: list[bytes]) -> Iterator[bytes]:
    for part in parts:
        for start in range(0, len(part), CHUNK_SIZE):
            yield part[start:start + CHUNK_SIZE]
