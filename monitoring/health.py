"""Whether a process runs, and whether it can do its work: asked by balancers, by deployments and by people."""
from __future__ import annotations

import threading
import time
from contextlib import closing

import orjson
from flask import Blueprint, Flask, Response, current_app

import models
from config import Settings
from models.engine.base import Storage

PATIENCE = 2        # seconds that the storage may take to answer
FRESH = 1           # seconds for which an answer holds, however many ask
RETRY_AFTER = 5     # seconds
_ROOM = threading.BoundedSemaphore(8)   # questions that hang, before no more are asked

health = Blueprint("health", __name__, url_prefix="/health")


def init_app(app: Flask, settings: Settings) -> None:
    app.config["RELEASE"] = settings.release
    app.register_blueprint(health)


@health.get("/live")
def live() -> Response:
    return _answer(200, {"status": "OK", "release": current_app.config["RELEASE"]})


@health.get("/ready")
def ready() -> Response:
    """Ask the storage, at most once in FRESH seconds."""
    if (reason := _questions.refusal()) is None:
        return _answer(200, {"status": "OK", "release": current_app.config["RELEASE"]})
    # It may name hosts and files, which are nobody's business outside.
    current_app.logger.warning("Not ready: %s", reason)
    response = _answer(503, {"status": "unavailable", "error": "The storage cannot be used just now"})
    response.headers["Retry-After"] = str(RETRY_AFTER)
    return response


class _Question:
    """A question to the storage, on a thread of its own, as disks, locks and names of hosts know no time limit."""

    def __init__(self, storage: Storage) -> None:
        self._storage, self._begun = storage, time.monotonic()
        self._reason: str | None = None
        self._told: float | None = None
        self._answered = threading.Event()
        threading.Thread(target=self._ask, name="ready", daemon=True).start()

    def serves(self, storage: Storage) -> bool:
        """Whether its answer is that of another question to a storage, which need not be asked then."""
        now = time.monotonic()
        return storage is self._storage and (
            now - self._begun < PATIENCE if self._told is None else now - self._told < FRESH)

    def reason(self) -> str | None:
        """Why the storage cannot be used."""
        if self._answered.wait(max(0, self._begun + PATIENCE - time.monotonic())):
            return self._reason
        return f"the storage did not answer within {PATIENCE} seconds"

    def _ask(self) -> None:
        try:
            with closing(self._storage) as storage:
                storage.probe(PATIENCE / 2)
        except BaseException as error:
            self._reason = str(error) or type(error).__name__
        finally:
            self._told = time.monotonic()
            self._answered.set()
            _ROOM.release()


class _Questions:
    """One question at a time, for all that ask meanwhile and shortly after; more only if one hangs."""

    def __init__(self) -> None:
        self._mutex = threading.Lock()
        self._last: _Question | None = None

    def refusal(self) -> str | None:
        """Why the storage cannot be used."""
        storage = models.storage
        with self._mutex:
            if self._last is None or not self._last.serves(storage):
                if not _ROOM.acquire(blocking=False):
                    return "the storage did not answer any of the last questions"
                try:
                    self._last = _Question(storage)
                except BaseException:
                    _ROOM.release()
                    raise
            question = self._last
        return question.reason()


_questions = _Questions()


def _answer(code: int, values: dict[str, str]) -> Response:
    return Response(orjson.dumps(values, option=orjson.OPT_APPEND_NEWLINE), code, {"Cache-Control": "no-store"},
                    content_type="application/json")
