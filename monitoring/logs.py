"""The log: a line for each request and for each record, as JSON or as people read it.

A line holds no query, header or body, and what looks like an e-mail address or a token is blotted out.
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

PATH_LENGTH, AGENT_LENGTH = 1000, 300       # characters; whoever sends more wants to fill our disk
# Each run of letters is looked at once, however long it is.
_PRIVATE = re.compile(r"(?<![\w.+'%-])[\w.+'%-]++@[\w-]++(?:\.[\w-]++)+|hbnb_[0-9a-f]{8}-[\w-]*+")
_Line = Callable[[dict[str, Any]], bytes]


def init_app(settings: Settings) -> Callable[[Answer], None]:
    """Have everything that is logged written as the settings say.

    Returns: what writes the line of an answer.
    """
    line = _json if settings.log_format == "json" else _text
    _handler.use(line, settings.release)
    root = logging.getLogger()
    if _handler not in root.handlers:
        root.addHandler(_handler)

    def write(answer: Answer) -> None:
        environ = answer.environ
        written = {
            "time": datetime.now(UTC), "level": "error" if answer.status >= 500 else "info",
            "request_id": environ[request_id.KEY], "method": environ["REQUEST_METHOD"][:20],
            "path": _sent(environ["PATH_INFO"], PATH_LENGTH), "status": answer.status, "bytes": answer.size,
            "duration_ms": round(answer.seconds * 1000, 3), "client": environ.get("REMOTE_ADDR", ""),
            "agent": _sent(environ.get("HTTP_USER_AGENT", ""), AGENT_LENGTH), "release": settings.release,
        }
        if not answer.whole:
            written["whole"] = False
        _writer.put(line(written))
    return write


def scrubbed(text: str) -> str:
    """A text without e-mail addresses and tokens."""
    return _PRIVATE.sub("…", text) if "@" in text or "hbnb_" in text else text


class _Handler(logging.Handler):
    """Writes what programs and libraries log."""

    def use(self, line: _Line, release: str) -> None:
        self._line, self._release = line, release

    def emit(self, record: logging.LogRecord) -> None:
        try:
            written = {"time": datetime.fromtimestamp(record.created, UTC), "level": record.levelname.lower(),
                       "request_id": request_id.current.get(), "logger": record.name,
                       "message": _sound(scrubbed(record.getMessage())), "release": self._release}
            if record.exc_info:
                written["trace"] = _sound(scrubbed(_formatter.formatException(record.exc_info)))
            _writer.put(self._line(written))
        except Exception:
            self.handleError(record)

    def lost(self, count: int) -> bytes:
        return self._line({"time": datetime.now(UTC), "level": "error", "request_id": None, "logger": __name__,
                           "message": f"{count} lines were lost, as nobody read them", "release": self._release})


def _json(written: dict[str, Any]) -> bytes:
    return orjson.dumps(written, option=orjson.OPT_UTC_Z | orjson.OPT_APPEND_NEWLINE)


def _text(written: dict[str, Any]) -> bytes:
    time, id = written["time"].time().isoformat("seconds"), written["request_id"]
    if "status" in written:
        text = (f"{time} {written['status']} {written['method']} {_shown(written['path'])} "
                f"{written['duration_ms']:.1f} ms{'' if written.get('whole', True) else ', broken off'}")
    else:
        text = f"{time} {written['level'].upper()} {f'[{id}] ' if id else ''}{_shown(written['message'])}"
    # A line of a trace, which may hold what a client sent, is none of the log's own.
    trace = "".join(f"  {_shown(each)}\n" for each in written.get("trace", "").splitlines())
    return f"{text}\n{trace}".encode()


def _shown(text: str) -> str:
    """A text that moves no cursor and begins no line."""
    return text if text.isprintable() else json.dumps(text)[1:-1]


def _sent(text: str, length: int) -> str:
    """What a client sent, which WSGI gives as if each byte were a letter."""
    text = text if text.isascii() else text.encode("latin-1", "replace").decode(errors="replace")
    return scrubbed(text)[:length]      # what is cut looks private no longer


def _sound(text: str) -> str:
    """A text that can be written as UTF-8."""
    return text.encode(errors="backslashreplace").decode()


_formatter = logging.Formatter()
_handler = _Handler(logging.WARNING)
_writer = Writer(_handler.lost)
