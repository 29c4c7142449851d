"""Error reports: their content, received by a fake Sentry server."""
from __future__ import annotations

import gzip
import json
import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest

from errors import Misconfigured
from tests.apps import ready_app
from tests.conftest import ROOT
from tests.servers import free_port

# Requests of every kind, with private data in each place that must not be reported.
REQUESTS = """
import models, wsgi
from errors import Unavailable
from api.v1.views import index

def fail():
    secret = "Hush1"
    raise ZeroDivisionError("of ada@example.com")

def away():
    raise Unavailable(sentence)

client = wsgi.app.test_client()
ask = lambda path, **more: print(client.open(path + "?_=Hush2", **more).status_code, flush=True)
ask("/nope")
ask("/api/v1/users", method="POST", json={"email": 5})
index.stats_by_table = fail
ask("/api/v1/stats", headers={"X-Request-Id": "mine-1", "Authorization": "Bearer Hush3", "Cookie": "a=Hush4",
                              "User-Agent": "Hush5"})
index.stats_by_table = away
for sentence in ("others are writing: try again", "it cannot be used: gone (1)", "it cannot be used: gone (2)"):
    ask("/api/v1/stats")
"""
STATUSES = "404\n400\n500\n503\n503\n503\n"


class Sentry(HTTPServer):
    """Receives envelopes, as Sentry does."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.events: list[dict[str, Any]] = []
        self.dsn = f"http://key@127.0.0.1:{self.server_port}/1"


class _Handler(BaseHTTPRequestHandler):
    server: Sentry

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        lines = (gzip.decompress(body) if self.headers["Content-Encoding"] == "gzip" else body).splitlines()
        assert json.loads(lines[1])["type"] == "event"
        self.server.events.append(json.loads(lines[2]))
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: Any) -> None:
        pass


@pytest.fixture
def sentry() -> Iterator[Sentry]:
    with Sentry() as server:
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}).start()
        yield server
        server.shutdown()


def run(code: str, dsn: str, **more: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=60,
                          env={"PATH": "/usr/bin:/bin", "HBNB_FILE_PATH": "/nonexistent/file.json",
                               "SENTRY_DSN": dsn, **more})


def test_unexpected_errors_are_reported_and_each_kind_of_outage_once(sentry):
    ended = run(REQUESTS, sentry.dsn, HBNB_RELEASE="r7", HBNB_ENV="staging", HBNB_LOG="text")
    assert ended.stdout == STATUSES.replace("400", "401"), ended.stderr
    error, busy, outage = sentry.events
    assert [each["type"] for each in error["exception"]["values"]] == ["ZeroDivisionError"]
    assert error["exception"]["values"][0]["value"] == "of …"
    assert error["exception"]["values"][0]["stacktrace"]["frames"][-1]["function"] == "fail"
    assert [each["message"] for each in (busy, outage)] == [
        "GET /api/v1/stats: others are writing: try again", "GET /api/v1/stats: it cannot be used: gone (1)"]
    assert error["tags"]["request_id"] == "mine-1"
    assert re.fullmatch("[0-9a-f]{32}", outage["tags"]["request_id"])
    for event in sentry.events:
        assert (event["release"], event["environment"]) == ("r7", "staging")
        assert not event.keys() & {"request", "user", "modules", "extra"}
        assert event["breadcrumbs"] == {"values": []}
        assert "vars" not in json.dumps(event)
        assert not re.search("Hush|ada@|example", json.dumps(event))


@pytest.mark.parametrize("silent", [False, True])
def test_an_unreachable_sentry_affects_no_request(sentry, silent):
    dsn = f"http://key@127.0.0.1:{free_port()}/1"
    if silent:
        sentry.shutdown()       # it still accepts connections, but does not answer
        dsn = sentry.dsn
    ended = run(REQUESTS, dsn)
    assert (ended.returncode, ended.stdout) == (0, STATUSES), ended.stderr


def test_the_sdk_is_not_imported_without_a_dsn():
    ended = run("import sys, wsgi; print({'sentry_sdk', 'prometheus_client'} & {*sys.modules})", "")
    assert ended.stdout == "set()\n", ended.stderr


def test_an_invalid_dsn_is_refused_without_showing_it():
    with pytest.raises(Misconfigured, match="SENTRY_DSN is not a valid DSN") as refused:
        ready_app(sentry_dsn="nonsense-with-a-key")
    assert "nonsense" not in str(refused.value)
