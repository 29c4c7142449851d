"""Serving an application over HTTP."""
from __future__ import annotations

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

HEAD = 10       # seconds that a client has to send the head of a request, the first one or the next
HEAD_SIZE = 131_072     # bytes that it may have
FILES = 4096    # that a worker may have open, connections included
ENDING = 25     # seconds that a worker may take for what it has begun, once it is told to end
BEYOND = ("Other machines can connect: put a web server such as nginx in front, which holds off slow clients "
          "(docs/faults.md)")
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
    if not _is_own(host):
        print(BEYOND, flush=True)
    _serve(target, workers, address=host, port=port)


def serve_socket(target: str, path: Path, workers: int = 1) -> None:
    """The same on a unix socket, for owner and group, where a web server stands in front."""
    try:
        path.parent.stat()
    except OSError as error:
        raise Misconfigured(f"cannot listen on {path}: {error.strerror}") from None
    print(f"HBNB is at {path}", flush=True)
    _serve(target, workers, uds=path, uds_permissions=0o660)


def _is_own(host: str) -> bool:
    """Whether only this machine can connect to it."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _serve(target: str, workers: int, **where: Any) -> None:
    settings = Settings.from_environ()
    logs.init_app(settings)
    logging.getLogger("_granian").addFilter(lambda record: "Python threads" not in record.msg)  # most of them only wait
    _allow_files()
    multiprocessing.set_start_method("fork", force=True)    # what is said here about signals and workers is about forks
    server = Workers(target, interface=Interfaces.WSGI, workers=workers, blocking_threads=concurrency.THREADS,
                     websockets=False, http=HTTPModes.http1, backpressure=connections.MOST,
                     http1_settings=HTTP1Settings(header_read_timeout=HEAD * 1000, max_buffer_size=HEAD_SIZE),
                     workers_kill_timeout=ENDING, log_access=False,
                     log_dictconfig=AS_OURS if settings.log_format == "json" else None, **where)
    server.serve(target_loader=partial(load, server=server, port=where.get("port")))
    models.storage.compact()     # the workers are gone, and none of them was the last


def _allow_files() -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    most = FILES if hard == resource.RLIM_INFINITY else min(FILES, hard)
    if soft < most:
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))


def load(target: str, server: Workers, port: int | None) -> Flask:
    """The application, in a worker that is about to serve it, at a port or none."""
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
