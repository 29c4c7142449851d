"""The log: one line for each request and each log record, as JSON or as text.

Lines contain no query, header or body. E-mail addresses and tokens are replaced by `…`.
"""
from __future__ import annotations

import json
import logging
import re
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import orjson

from config import Settings
from monitoring import request_id
from monitoring.log_handler import Writer
from monitoring.middleware import Answer

PATH_LENGTH, AGENT_LENGTH = 1000, 300       # characters; longer values would fill the disk
# Possessive quantifiers: the time is linear in the length of the text.
_PRIVATE = re.compile(r"(?<![\w.+'%-])[\w.+'%-]++@[\w-]++(?:\.[\w-]++)+|hbnbp?_[0-9a-f]{8}-[\w-]*+"
                      r"|[0-9a-f-]{36}_[\w-]{43}")
_Line = Callable[[dict[str, Any]], bytes]


def init_app(settings: Settings) -> Callable[[Answer], None]:
    """Log to standard error in the format of the settings.

    Returns: a function that logs a response.
    """
    line = _json if settings.log_format == "json" else _text
    _handler.use(line, settings.release)
    root = logging.getLogger()
    if _handler not in root.handlers:
        root.addHandler(_handler)

    def write(answer: Answer) -> None:
        environ = answer.environ
        fields = {
            "time": datetime.now(UTC), "level": "error" if answer.status >= 500 else "info",
            "request_id": environ[request_id.KEY], "method": environ["REQUEST_METHOD"][:20],
            "path": _from_client(environ["PATH_INFO"], PATH_LENGTH), "status": answer.status, "bytes": answer.size,
            "duration_ms": round(answer.seconds * 1000, 3), "client": environ.get("REMOTE_ADDR", ""),
            "agent": _from_client(environ.get("HTTP_USER_AGENT", ""), AGENT_LENGTH), "release": settings.release,
        }
        if not answer.whole:
            fields["whole"] = False
        _writer.put(line(fields))
    return write


def scrubbed(text: str) -> str:
    """A text without e-mail addresses and tokens."""
    return _PRIVATE.sub("…", text) if "@" in text or "_" in text else text


class _Handler(logging.Handler):
    """Handler for the records of the standard library's `logging`."""

    def use(self, line: _Line, release: str) -> None:
        self._line, self._release = line, release

    def emit(self, record: logging.LogRecord) -> None:
        try:
            fields = {"time": datetime.fromtimestamp(record.created, UTC), "level": record.levelname.lower(),
                      "request_id": request_id.current.get(), "logger": record.name,
                      "message": _encodable(scrubbed(record.getMessage())), "release": self._release}
            if record.exc_info:
                fields["trace"] = _encodable(scrubbed(_formatter.formatException(record.exc_info)))
            _writer.put(self._line(fields))
        except Exception:
            self.handleError(record)

    def lost(self, count: int) -> bytes:
        message = f"{count} log lines were lost because standard error was not read"
        return self._line({"time": datetime.now(UTC), "level": "error", "request_id": None, "logger": __name__,
                           "message": message, "release": self._release})


def _json(fields: dict[str, Any]) -> bytes:
    return orjson.dumps(fields, option=orjson.OPT_UTC_Z | orjson.OPT_APPEND_NEWLINE)


def _text(fields: dict[str, Any]) -> bytes:
    time, id = fields["time"].time().isoformat("seconds"), fields["request_id"]
    if "status" in fields:
        text = (f"{time} {fields['status']} {fields['method']} {_printable(fields['path'])} "
                f"{fields['duration_ms']:.1f} ms{'' if fields.get('whole', True) else ', cut off'}")
    else:
        text = f"{time} {fields['level'].upper()} {f'[{id}] ' if id else ''}{_printable(fields['message'])}"
    # Indented, so that client data in a traceback cannot look like a log line.
    trace = "".join(f"  {_printable(each)}\n" for each in fields.get("trace", "").splitlines())
    return f"{text}\n{trace}".encode()


def _printable(text: str) -> str:
    """The text with control characters and line breaks escaped."""
    return text if text.isprintable() else json.dumps(text)[1:-1]


def _from_client(text: str, length: int) -> str:
    """A text that a client sent, which WSGI decodes as Latin-1."""
    text = text if text.isascii() else text.encode("latin-1", "replace").decode(errors="replace")
    return scrubbed(text)[:length]      # cut last: part of an e-mail address would not be recognized


def _encodable(text: str) -> str:
    """The text with lone surrogates escaped, which UTF-8 cannot encode."""
    return text.encode(errors="backslashreplace").decode()


_formatter = logging.Formatter()
_handler = _Handler(logging.WARNING)
_writer = Writer(_handler.lost)
