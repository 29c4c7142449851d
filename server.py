"""The HTTP server (Granian): its options, and the start of its workers."""
from __future__ import annotations

import gc
import ipaddress
import logging
import multiprocessing
import resource
import socket
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import Any

from flask import Flask
from granian.constants import HTTPModes, Interfaces
from granian.http import HTTP1Settings

import models
from config import Settings
from errors import Misconfigured
from monitoring import logs, metrics
from serving import concurrency, connections
from serving.workers import Workers

HEAD = 10       # seconds in which a client must send the head of a request
HEAD_SIZE = 131_072     # maximum bytes of the head of a request
FILES = 4096    # maximum open files of a worker, including connections
ENDING = 25     # seconds in which a worker must finish its requests after the server was told to stop
BEYOND = ("Other machines can connect to this address, and slow clients can keep HBNB from answering others. Put a web "
          "server such as nginx in front of it: docs/faults.md")
AS_OURS = {"loggers": {"_granian": {"propagate": True}}}     # Granian's records go through the handlers of HBNB


def serve(target: str, host: str, port: int, workers: int = 1) -> None:
    """Serve a WSGI application until the process is told to stop.

    Args:
        target: `module:name` of the application.
        host, port: the address to listen on.
        workers: the number of worker processes.
    Raises:
        Misconfigured: the server cannot listen on this address.
    """
    if not 0 <= port < 65536:
        raise Misconfigured(f"cannot listen on port {port}: choose a port from 0 to 65535")
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            raise Misconfigured(f"cannot listen on {host}:{port}: {error.strerror}. Choose another address or port"
                                ) from None
    print(f"HBNB is at http://{host}:{port}", flush=True)
    if not _is_own(host):
        print(BEYOND, flush=True)
    _serve(target, workers, address=host, port=port)


def serve_socket(target: str, path: Path, workers: int = 1) -> None:
    """Serve on a Unix socket with access for owner and group, for a web server in front."""
    try:
        path.parent.stat()
    except OSError as error:
        raise Misconfigured(f"cannot listen on {path}: {error.strerror}. Create its folder, or choose another path"
                            ) from None
    print(f"HBNB is at {path}", flush=True)
    _serve(target, workers, uds=path, uds_permissions=0o660)


def _is_own(host: str) -> bool:
    """Whether only this machine can connect to the host."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _serve(target: str, workers: int, **where: Any) -> None:
    settings = Settings.from_environ()
    logs.init_app(settings)
    logging.getLogger("_granian").addFilter(lambda record: "Python threads" not in record.msg)  # most wait
    _allow_files()
    multiprocessing.set_start_method("fork", force=True)    # the handling of signals and workers relies on fork
    server = Workers(target, interface=Interfaces.WSGI, workers=workers, blocking_threads=concurrency.THREADS,
                     websockets=False, http=HTTPModes.http1, backpressure=connections.MOST,
                     http1_settings=HTTP1Settings(header_read_timeout=HEAD * 1000, max_buffer_size=HEAD_SIZE),
                     workers_kill_timeout=ENDING, log_access=False,
                     log_dictconfig=AS_OURS if settings.log_format == "json" else None, **where)
    gc.collect()
    gc.freeze()     # the collector would write to the memory that the workers share, which would copy it
    server.serve(target_loader=partial(load, server=server, port=where.get("port")))
    models.storage.compact()     # all workers have ended, and none of them knew that it was the last


def _allow_files() -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    most = FILES if hard == resource.RLIM_INFINITY else min(FILES, hard)
    if soft < most:
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))


def load(target: str, server: Workers, port: int | None) -> Flask:
    """Load the application in a worker, and start what belongs to the worker. The port is None on a Unix socket."""
    module, _, name = target.partition(":")
    app: Flask = getattr(import_module(module), name)
    watched = getattr(app, "extensions", {}).get("guard")
    if watched:
        concurrency.start(app)
    metrics.listen(app, port)
    if watched:
        connections.watch(port, watched)
    server.serves()
    return app
