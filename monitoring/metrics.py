"""Metrics for Prometheus, on their own address; see `HBNB_METRICS`.

Each worker process has its own metrics and serves them itself: on the configured port, or on the next free port if
another worker or release uses that one. Workers share nothing, so one that dies leaves nothing behind.
"""
from __future__ import annotations

import socket
import socketserver
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from http.server import BaseHTTPRequestHandler
from typing import TYPE_CHECKING, Any

from flask import Flask, Response, request

import models
from config import Settings
from errors import HBNBError, Misconfigured
from monitoring.middleware import Answer
from services import outbox
from services.search import indexing

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication
    from prometheus_client import CollectorRegistry
    from prometheus_client.core import GaugeMetricFamily, Metric

PORTS = 100             # number of ports to try, from the configured one
ROUTE = "hbnb.route"    # key in the WSGI environment: the route of the request
# Seconds. Half of all responses take less than the second value; no page should take more than 0.5.
BUCKETS = (.0005, .001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 10)
METHODS = {"GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS"}


def init_app(app: Flask, settings: Settings) -> Callable[[Answer], None] | None:
    """Count an application's responses, if metrics are configured.

    Returns: a function that counts a response, or None.
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
    # Prometheus does not need these metrics, which would double the output.
    disable_created_metrics()   # type: ignore[no-untyped-call]
    registry = CollectorRegistry()
    ProcessCollector(registry=registry)
    registry.register(_Connections())
    registry.register(_SearchIndex())
    registry.register(_Mails())
    Info("hbnb_release", "Current release.", registry=registry).info({"release": settings.release, "env": settings.env})
    requests = Counter("hbnb_requests", "Responses, by method, route and status class.", ["method", "route", "status"],
                       registry=registry)
    seconds = Histogram("hbnb_request_seconds", "From the request to the last byte of the response.",
                        ["method", "route"], buckets=BUCKETS, registry=registry)
    errors = Counter("hbnb_errors", "Responses with status 500 or above.", ["route", "status"], registry=registry)
    broken = Counter("hbnb_broken_answers", "Responses that were not sent completely.", registry=registry)
    known: dict[tuple[str, str, int], tuple[Any, Any]] = {}

    def count(answer: Answer) -> None:
        environ = answer.environ
        key = environ["REQUEST_METHOD"], environ.get(ROUTE, "none"), answer.status // 100
        if (found := known.get(key)) is None:
            # Methods that clients invent must not become labels.
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
    """Serve the metrics on the first free port. Called by a worker before it serves the application.

    Args:
        app: an application; one without metrics is ignored.
        but: the port of the application itself, which is skipped.
    Raises:
        Misconfigured: no port is free, or the address does not belong to this host.
    """
    if (found := getattr(app, "extensions", {}).get("metrics")) is None:
        return
    registry, (host, first) = found
    reason: str | None = "there are no more ports"
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
    raise Misconfigured(f"cannot serve metrics on {host}:{first} or one of the next ports: {reason}")


class _Connections:
    """The number of database connections in use; counted for each scrape."""

    def collect(self) -> Iterator[GaugeMetricFamily]:
        from prometheus_client.core import GaugeMetricFamily
        family = GaugeMetricFamily("hbnb_storage_connections", "Connections in use.", labels=["pool"])
        for name, pool in models.storage.pools().items():
            family.add_metric([name], pool.used)
        yield family


class _SearchIndex:
    """The state of the search index; read for each scrape."""

    def collect(self) -> Iterator[Metric]:
        from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
        with suppress(HBNBError):       # while the storage cannot be used, the other metrics are needed most
            index = indexing.current()
            with index.lock:
                places, size, changes, version = len(index.all), index.size, index.changes, index.version
            yield GaugeMetricFamily("hbnb_search_places", "Places in the search index.", places)
            yield GaugeMetricFamily("hbnb_search_bytes", "Approximate size of the search index in memory.", size)
            yield CounterMetricFamily("hbnb_search_changes", "Changes of places applied since it was built.",
                                      changes)
            pending = models.storage.changes(version)
            yield GaugeMetricFamily("hbnb_search_pending_changes", "Changes that the next search will apply first.",
                                    len(pending.objects) if pending else 0)


class _Mails:
    """The mails of the outbox; counted for each scrape."""

    def collect(self) -> Iterator[Metric]:
        from prometheus_client.core import GaugeMetricFamily
        with suppress(HBNBError):
            waiting, failed = outbox.count()
            yield GaugeMetricFamily("hbnb_mails_waiting", "Mails that wait to be sent.", waiting)
            yield GaugeMetricFamily("hbnb_mails_failed", "Mails that were given up in the last month.", failed)


class _Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = True      # the port of a process that has just ended
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
