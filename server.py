"""Serving an application over HTTP."""
from __future__ import annotations

import socket

from granian import Granian
from granian.constants import Interfaces

import models
from errors import Misconfigured

THREADS = 4     # of each worker


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
    Granian(target, host, port, interface=Interfaces.WSGI, workers=workers, blocking_threads=THREADS,
            websockets=False, log_access=False).serve()
    models.storage.settle()     # the workers are gone, and none of them was the last
