"""Metrics for Prometheus, at an address of their own; see `HBNB_METRICS`.

Each worker is a process with numbers of its own, and answers for itself: at the port that is set, or, where another
worker or release has that one, at the next that is free. Nothing is shared, so nothing is left behind by one that dies.
"""
from __future__ import annotations

import socket
import socketserver
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler
from typing import TYPE_CHECKING, Any

from flask import Flask, Response, request

import models
from config import Settings
from errors import Misconfigured
from monitoring.middleware import Answer

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication
    from prometheus_client import CollectorRegistry
    from prometheus_client.core import GaugeMetricFamily

PORTS = 100         # that are tried, from the one that is set
ROUTE = "hbnb.route"    # where an answer's environment says which route gave it
# Seconds. Half of all answers take less than the second, and no page should take more than the last but three.
BUCKETS = (.0005, .001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 10)
METHODS = {"GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS"}


def init_app(app: Flask, settings: Settings) -> Callable[[Answer], None] | None:
    """Have an application's answers counted, where somebody may ask for the numbers.

    Returns: what counts an answer.
    Raises:
        Misconfigured: prometheus_client is not installed.
    """
    if not settings.metrics:
        return None
    try:
        from prometheus_client import (
            CollectorRegistry,
            Counter,
            Histogram,
            Info,
            ProcessCollector,
            disable_created_metrics,
        )
    except ImportError as error:
        raise Misconfigured("HBNB_METRICS is set, which needs prometheus_client: "
                            "pip install -r requirements/monitoring.txt") from error
    # Twice as many lines, for nothing that Prometheus needs.
    disable_created_metrics()   # type: ignore[no-untyped-call]
    registry = CollectorRegistry()
    ProcessCollector(registry=registry)
    registry.register(_Connections())
    Info("hbnb_release", "What runs.", registry=registry).info({"release": settings.release, "env": settings.env})
    requests = Counter("hbnb_requests", "Answers, by route and kind of status.", ["method", "route", "status"],
                       registry=registry)
    seconds = Histogram("hbnb_request_seconds", "From a request to the last byte of its answer.", ["method", "route"],
                        buckets=BUCKETS, registry=registry)
    errors = Counter("hbnb_errors", "Answers that tell of a failure of ours.", ["route", "status"], registry=registry)
    broken = Counter("hbnb_broken_answers", "Answers that nobody got to their end.", registry=registry)
    known: dict[tuple[str, str, int], tuple[Any, Any]] = {}

    def count(answer: Answer) -> None:
        environ = answer.environ
        key = environ["REQUEST_METHOD"], environ.get(ROUTE, "none"), answer.status // 100
        if (found := known.get(key)) is None:
            # What clients make up must not become a label.
            method = key[0] if key[0] in METHODS else "other"
            found = requests.labels(method, key[1], f"{key[2]}xx"), seconds.labels(method, key[1])
            if method == key[0]:
                known[key] = found
        found[0].inc()
        found[1].observe(answer.seconds)
        if answer.status >= 500:
            errors.labels(key[1], answer.status).inc()
        if not answer.whole:
            broken.inc()

    app.after_request(_name_route)
    app.extensions["metrics"] = registry, settings.metrics_address
    return count


def listen(app: WSGIApplication, but: int | None = None) -> None:
    """Answer at the first free port, in a worker that is about to serve the application.

    Args:
        app: one that `init_app` prepared, or any other, which has no metrics.
        but: the port that the application itself will have.
    Raises:
        Misconfigured: none of them is free, or the address is not of this host.
    """
    if (found := getattr(app, "extensions", {}).get("metrics")) is None:
        return
    registry, (host, first) = found
    reason: str | None = "no port is left"
    for port in range(first, min(first + PORTS, 65536)):
        if port == but:
            continue
        try:
            server = _Server((host, port), _handler(registry))
        except OSError as error:
            reason = error.strerror
            continue
        threading.Thread(target=server.serve_forever, name="metrics", daemon=True).start()
        return
    raise Misconfigured(f"cannot answer for metrics at {host}:{first} or a port behind it: {reason}")


class _Connections:
    """How many connections of the pools are in use, whenever somebody asks."""

    def collect(self) -> Iterator[GaugeMetricFamily]:
        from prometheus_client.core import GaugeMetricFamily
        family = GaugeMetricFamily("hbnb_storage_connections", "Connections in use.", labels=["pool"])
        for name, pool in models.storage.pools().items():
            family.add_metric([name], pool.used)
        yield family


class _Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = True      # of a process that ended just now
    daemon_threads = True

    def __init__(self, address: tuple[str, int], handler: type[BaseHTTPRequestHandler]) -> None:
        self.address_family = socket.AF_INET6 if ":" in address[0] else socket.AF_INET
        super().__init__(address, handler)


def _handler(collected: CollectorRegistry) -> type[BaseHTTPRequestHandler]:
    from prometheus_client import MetricsHandler

    class Handler(MetricsHandler):
        registry = collected
        timeout = 10    # seconds

        def do_GET(self) -> None:
            if self.path.partition("?")[0] == "/metrics":
                super().do_GET()
            else:
                self.send_error(404)
    return Handler


def _name_route(response: Response) -> Response:
    if request.url_rule is not None:
        request.environ[ROUTE] = request.url_rule.rule
    return response
