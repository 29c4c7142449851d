"""Error reports to Sentry, if `SENTRY_DSN` is set: the exception, its traceback, and the request id.

A report contains the request's method and path, but no query, header, body, client address or user, and no values of
variables.
"""
from __future__ import annotations

import logging
import time
from multiprocessing.util import Finalize
from typing import Any

from config import Settings
from errors import HBNBError, Misconfigured
from monitoring import request_id
from monitoring.logs import scrubbed

FLUSH_TIMEOUT = 2.0     # seconds for the last reports at the end of a process
REPEAT_AFTER = 600      # seconds until a worker reports the same error without a traceback, such as an outage, again


def init_app(settings: Settings) -> None:
    """Report log records of level ERROR.

    Raises:
        Misconfigured: sentry-sdk is not installed, or SENTRY_DSN is invalid.
    """
    root = logging.getLogger()
    for handler in root.handlers[:]:
        if isinstance(handler, _Handler):
            root.removeHandler(handler)
    if not settings.sentry_dsn:
        return
    try:
        import sentry_sdk
    except ImportError as error:
        raise Misconfigured("SENTRY_DSN is set, which needs sentry-sdk: "
                            "pip install -r requirements/monitoring.txt") from error
    try:
        sentry_sdk.init(
            settings.sentry_dsn, release=settings.release, environment=settings.env, before_send=_scrub,
            # Sentry's integrations would send private data, or slow down every request.
            default_integrations=False, auto_enabling_integrations=False, include_local_variables=False,
            max_breadcrumbs=0, auto_session_tracking=False, send_client_reports=False,
            enable_backpressure_handling=False)
    except ValueError:
        raise Misconfigured("SENTRY_DSN is not a valid DSN: copy it from the project's settings in Sentry") from None
    root.addHandler(_Handler())
    # Unlike atexit, this also runs in child processes of multiprocessing.
    Finalize(None, sentry_sdk.flush, (FLUSH_TIMEOUT,), exitpriority=0)


class _Handler(logging.Handler):
    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self._reported: dict[tuple[str, int, str], float] = {}  # time of the last report, by code line and kind

    def emit(self, record: logging.LogRecord) -> None:
        import sentry_sdk
        if not record.exc_info:
            outage, now = (record.pathname, record.lineno, _kind(record)), time.monotonic()
            if now - self._reported.get(outage, -REPEAT_AFTER) < REPEAT_AFTER:
                return
            self._reported[outage] = now
        try:
            with sentry_sdk.new_scope() as scope:
                scope.set_tag("request_id", request_id.current.get())
                if record.exc_info:
                    sentry_sdk.capture_exception(record.exc_info)
                else:
                    sentry_sdk.capture_message(record.getMessage(), "error")
        except Exception:
            self.handleError(record)


def _kind(record: logging.LogRecord) -> str:
    """The kind of an outage: the part of HBNB's error message before the colon, which has no details."""
    return next((str(each).partition(": ")[0] for each in record.args or () if isinstance(each, HBNBError)), "")


def _scrub(value: Any, _: Any = None) -> Any:
    """A Sentry event without e-mail addresses and tokens."""
    if isinstance(value, dict):
        return {name: _scrub(each) for name, each in value.items()}
    if isinstance(value, list):
        return [_scrub(each) for each in value]
    return scrubbed(value) if isinstance(value, str) else value
