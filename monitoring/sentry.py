"""Reports of errors to Sentry, where `SENTRY_DSN` is set: the error, where in the code, and the id of the request.

Nothing of the request goes along but its method and path, nor what the variables held: no header, body, query, address
or person.
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

PATIENCE = 2.0      # seconds that the last reports of a process may take
OUTAGE = 600        # seconds in which a worker reports what has no trace, such as a storage that is away, once


def init_app(settings: Settings) -> None:
    """Report what is logged as an error.

    Raises:
        Misconfigured: sentry-sdk is not installed, or the address makes no sense.
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
            # What it would find by itself is what must not leave, or costs every request something.
            default_integrations=False, auto_enabling_integrations=False, include_local_variables=False,
            max_breadcrumbs=0, auto_session_tracking=False, send_client_reports=False,
            enable_backpressure_handling=False)
    except ValueError:
        raise Misconfigured("SENTRY_DSN is no address that Sentry gives: copy it from the project's settings "
                            "there") from None
    root.addHandler(_Handler())
    # Unlike atexit, this comes in the child processes of multiprocessing too.
    Finalize(None, sentry_sdk.flush, (PATIENCE,), exitpriority=0)


class _Handler(logging.Handler):
    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self._told: dict[tuple[str, int, str], float] = {}      # when, by place in the code and kind of outage

    def emit(self, record: logging.LogRecord) -> None:
        import sentry_sdk
        if not record.exc_info:
            outage, now = (record.pathname, record.lineno, _kind(record)), time.monotonic()
            if now - self._told.get(outage, -OUTAGE) < OUTAGE:
                return
            self._told[outage] = now
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
    """What an outage's sentence says of all its like: our sentences have the particulars behind a colon."""
    return next((str(each).partition(": ")[0] for each in record.args or () if isinstance(each, HBNBError)), "")


def _scrub(value: Any, _: Any = None) -> Any:
    """An event without what may stand in the words of an error."""
    if isinstance(value, dict):
        return {name: _scrub(each) for name, each in value.items()}
    if isinstance(value, list):
        return [_scrub(each) for each in value]
    return scrubbed(value) if isinstance(value, str) else value
