"""Serving an application over HTTP."""
from __future__ import annotations

import os
import signal
import socket
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import Any

from flask import Flask
from granian import Granian
from granian.constants import Interfaces

import models
from config import Settings
from errors import Misconfigured
from monitoring import logs, metrics

THREADS = 4     # of each worker
ENDING = 25     # seconds that a worker may take for what it has begun, once it is told to end
AS_OURS = {"loggers": {"_granian": {"propagate": True}}}     # what Granian logs is written as everything else


def serve(target: str, host: str, port: int, workers: int = 1) -> None:
    """Serve a WSGI application until the process is told to end.

    Args:
        target: `module:name` of the application.
        host, port: where to listen.
        workers: processes.
    Raises:
        Misconfigured: nothing can listen there.
    """
    if not 0 <= port < 65536:
        raise Misconfigured(f"cannot listen on port {port}: it is no number from 0 to 65535")
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            raise Misconfigured(f"cannot listen on {host}:{port}: {error.strerror}") from None
    print(f"HBNB is at http://{host}:{port}", flush=True)
    _serve(target, workers, address=host, port=port)


def serve_socket(target: str, path: Path, workers: int = 1) -> None:
    """The same on a unix socket, for owner and group, where a web server stands in front."""
    try:
        path.parent.stat()
    except OSError as error:
        raise Misconfigured(f"cannot listen on {path}: {error.strerror}") from None
    print(f"HBNB is at {path}", flush=True)
    _serve(target, workers, uds=path, uds_permissions=0o660)


def _serve(target: str, workers: int, **where: Any) -> None:
    settings = Settings.from_environ()
    logs.init_app(settings)
    os.register_at_fork(before=lambda: _ending(signal.SIG_BLOCK), after_in_child=_end_when_told,
                        after_in_parent=lambda: _ending(signal.SIG_UNBLOCK))
    Granian(target, interface=Interfaces.WSGI, workers=workers, blocking_threads=THREADS, websockets=False,
            workers_kill_timeout=ENDING, log_access=False,
            log_dictconfig=AS_OURS if settings.log_format == "json" else None, **where).serve(
                target_loader=partial(load, port=where.get("port")))
    models.storage.settle()     # the workers are gone, and none of them was the last


def _end_when_told() -> None:
    """Have a worker that does not serve yet end at once: with its parent's handler, it would go on for ever."""
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    _ending(signal.SIG_UNBLOCK)


def _ending(how: int) -> None:
    """Have the signal to end wait, or come."""
    signal.pthread_sigmask(how, {signal.SIGTERM})


def load(target: str, port: int | None) -> Flask:
    """The application, in a worker that is about to serve it, at a port or none."""
    module, _, name = target.partition(":")
    app: Flask = getattr(import_module(module), name)
    metrics.listen(app, port)
    return app
