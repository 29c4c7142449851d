"""Health checks: `/health/live` and `/health/ready`, for balancers and deployments."""
from __future__ import annotations

import threading
import time
from contextlib import closing

import orjson
from flask import Blueprint, Flask, Response, current_app

import models
from config import Settings
from models.engine.base import Storage
from services.search import indexing

TIMEOUT = 2         # seconds in which the storage must answer
MAX_AGE = 1         # seconds for which a result is reused
RETRY_AFTER = 5     # seconds
_slots = threading.BoundedSemaphore(8)      # limits the checks that hang

health = Blueprint("health", __name__, url_prefix="/health")


def init_app(app: Flask, settings: Settings) -> None:
    app.config["RELEASE"] = settings.release
    app.register_blueprint(health)


@health.get("/live")
def live() -> Response:
    return _response(200, {"status": "OK", "release": current_app.config["RELEASE"]})


@health.get("/ready")
def ready() -> Response:
    """Status 200 if the storage works, otherwise 503."""
    if (error := _checks.error()) is None:
        return _response(200, {"status": "OK", "release": current_app.config["RELEASE"]})
    # The error may name hosts and files, so it is logged, and not sent to the client.
    current_app.logger.warning("Not ready: %s", error)
    response = _response(503, {"status": "unavailable", "error": "The storage cannot be used just now"})
    response.headers["Retry-After"] = str(RETRY_AFTER)
    return response


class _Check:
    """A check of the storage, on its own thread: disks, locks and name resolution have no timeout."""

    def __init__(self, storage: Storage) -> None:
        self._storage, self._started = storage, time.monotonic()
        self._error: str | None = None
        self._finished: float | None = None
        self._done = threading.Event()
        threading.Thread(target=self._run, name="ready", daemon=True).start()

    def is_current(self, storage: Storage) -> bool:
        """Whether its result also answers another request for this storage."""
        now = time.monotonic()
        return storage is self._storage and (
            now - self._started < TIMEOUT if self._finished is None else now - self._finished < MAX_AGE)

    def error(self) -> str | None:
        """Wait for the result: why the storage cannot be used, or None."""
        if self._done.wait(max(0, self._started + TIMEOUT - time.monotonic())):
            return self._error
        return f"the storage did not answer within {TIMEOUT} seconds"

    def _run(self) -> None:
        try:
            with closing(self._storage) as storage:
                storage.probe(TIMEOUT / 2)
            indexing.current()      # builds the search index if it is missing, and takes as long
        except BaseException as error:
            self._error = str(error) or type(error).__name__
        finally:
            self._finished = time.monotonic()
            self._done.set()
            _slots.release()


class _Checks:
    """Shares one check among concurrent requests; starts another one only if a check hangs or is too old."""

    def __init__(self) -> None:
        self._mutex = threading.Lock()
        self._last: _Check | None = None

    def error(self) -> str | None:
        """Why the storage cannot be used, or None."""
        storage = models.storage
        with self._mutex:
            if self._last is None or not self._last.is_current(storage):
                if not _slots.acquire(blocking=False):
                    return "the storage did not answer any of the last checks"
                try:
                    self._last = _Check(storage)
                except BaseException:
                    _slots.release()
                    raise
            check = self._last
        return check.error()


_checks = _Checks()


def _response(code: int, values: dict[str, str]) -> Response:
    return Response(orjson.dumps(values, option=orjson.OPT_APPEND_NEWLINE), code, {"Cache-Control": "no-store"},
                    content_type="application/json")
