"""Whether a process runs, and whether it can do its work: asked by balancers, by deployments and by people."""
from __future__ import annotations

import threading
from contextlib import closing
from queue import Empty, SimpleQueue

import orjson
from flask import Blueprint, Flask, Response, current_app

import models
from config import Settings

PATIENCE = 2        # seconds that the storage may take to answer
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
    """Ask the storage, each time anew: nothing is remembered, so the answer is true as soon as the storage is back."""
    if (reason := _refusal()) is None:
        return _answer(200, {"status": "OK", "release": current_app.config["RELEASE"]})
    # It may name hosts and files, which are nobody's business outside.
    current_app.logger.warning("Not ready: %s", reason)
    response = _answer(503, {"status": "unavailable", "error": "The storage cannot be used just now"})
    response.headers["Retry-After"] = str(RETRY_AFTER)
    return response


def _refusal() -> str | None:
    """Why the storage cannot be used; on a thread of its own, as disks, locks and names of hosts know no time limit."""
    if not _ROOM.acquire(blocking=False):
        return "the storage did not answer any of the last questions"
    said: SimpleQueue[str | None] = SimpleQueue()

    def ask() -> None:
        try:
            with closing(models.storage) as storage:
                storage.probe(PATIENCE / 2)
            said.put(None)
        except BaseException as error:
            said.put(str(error) or type(error).__name__)
        finally:
            _ROOM.release()
    try:
        threading.Thread(target=ask, name="ready", daemon=True).start()
    except BaseException:
        _ROOM.release()
        raise
    try:
        return said.get(timeout=PATIENCE)
    except Empty:
        return f"the storage did not answer within {PATIENCE} seconds"


def _answer(code: int, values: dict[str, str]) -> Response:
    return Response(orjson.dumps(values, option=orjson.OPT_APPEND_NEWLINE), code, {"Cache-Control": "no-store"},
                    content_type="application/json")
