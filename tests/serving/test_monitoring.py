"""Monitoring: health checks, the log and the metrics."""
from __future__ import annotations

import http.client
import json
import logging
import os
import re
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, suppress
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, HTTPServer
from itertools import islice
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from werkzeug.wsgi import FileWrapper

import models
import wsgi
from api.v1 import app as api
from config import Settings
from errors import Misconfigured, Unavailable
from models.engine.db_storage import DBStorage
from models.state import State
from monitoring import health, log_handler, logs, metrics, request_id
from monitoring.middleware import MonitoringMiddleware
from services.search import indexing
from services.search.index import Index
from tests.apps import ready_app
from tests.conftest import ROOT, environment
from tests.servers import Server, free_port
from web_flask import app as pages

TOKEN = "hbnb_7c485795-694b-4431-be0a-343745be2362_ArNVstnOVekJpCArNVstnOVekJpCArNVstnOVekJpC1"


def ready(client: Any) -> int:
    answer = client.get("/health/ready")
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.json == ({"status": "OK", "release": "unknown"} if answer.status_code == 200 else
                           {"status": "unavailable", "error": "The storage cannot be used just now"})
    assert ("Retry-After" in answer.headers) == (answer.status_code == 503)
    return int(answer.status_code)


# Methods of an idle storage.
IDLE = {"close": lambda: None, "enforce_timeouts": lambda: None, "reload": lambda: None, "pools": dict}


class Idle(SimpleNamespace):
    """A storage without data, and its search index."""

    __hash__ = object.__hash__

    def __init__(self, **more: Any) -> None:
        super().__init__(**IDLE | more)
        indexing.indexes[self] = Index(())


class TestHealth:
    @pytest.fixture(autouse=True)
    def _no_cached_result(self, monkeypatch):
        monkeypatch.setattr(health, "MAX_AGE", 0)

    def test_concurrent_and_following_requests_share_one_check(self, monkeypatch):
        probes, released = [], threading.Event()

        def probe(_: float) -> None:
            probes.append("probe")
            released.wait(60)
        monkeypatch.setattr(health, "MAX_AGE", 60)
        monkeypatch.setattr(health, "TIMEOUT", 60)
        monkeypatch.setattr(models, "storage", Idle(probe=probe))
        app = ready_app()
        with ThreadPoolExecutor(4) as pool:
            statuses = [pool.submit(ready, app.test_client()) for _ in range(4)]
            while not probes:
                time.sleep(0.01)
            released.set()
            assert [each.result() for each in statuses] + [ready(app.test_client())] == [200] * 5
        assert probes == ["probe"]

    @pytest.mark.parametrize("make", [wsgi.create_app, api.create_app, pages.create_app])
    def test_live_returns_the_release(self, make, storage, monkeypatch):
        monkeypatch.setattr(models, "storage", Idle())
        answer = ready_app(make, release="web_static_20261120123456").test_client().get("/health/live")
        assert (answer.status_code, answer.headers["Cache-Control"]) == (200, "no-store")
        assert answer.json == {"status": "OK", "release": "web_static_20261120123456"}

    def test_ready_is_200_if_the_storage_works(self, storage):
        assert ready(ready_app().test_client()) == 200

    def test_ready_needs_no_token_and_is_neither_rate_limited_nor_cached(self, storage):
        client = ready_app(env="staging", rate_limit="1 per hour").test_client()
        assert [client.get("/health/ready", headers={"If-None-Match": "*"}).status_code for _ in range(3)] == [200] * 3
        assert client.get("/api/v1/states").status_code == 200

    def test_ready_follows_a_database_that_is_down_silent_or_back(
            self, db_settings, tmp_path, monkeypatch):
        path, silent = tmp_path / "socket", tmp_path / "silent"
        monkeypatch.setattr(models, "storage", DBStorage(replace(db_settings, mysql_host=str(path))))
        client = ready_app().test_client()
        with closing(socket.socket(socket.AF_UNIX)) as listening:
            listening.bind(str(silent))
            listening.listen()
            for target, status in ((None, 503), (db_settings.mysql_host, 200), (silent, 503),
                                   (db_settings.mysql_host, 200), (None, 503), (db_settings.mysql_host, 200)):
                path.unlink(missing_ok=True)
                if target:
                    path.symlink_to(target)
                assert ready(client) == status, target

    @pytest.mark.parametrize("engine", ["file"], indirect=True)
    def test_ready_follows_a_file_that_is_damaged_unreadable_or_repaired(self, storage, settings):
        client, path = ready_app().test_client(), Path(settings.file_path)
        State(name="Kept").save()
        whole = path.read_bytes()
        path.write_bytes(whole[:-5])
        assert ready(client) == 503
        path.unlink()
        path.mkdir()
        assert ready(client) == 503
        path.rmdir()
        path.write_bytes(whole)
        assert ready(client) == 200
        path.parent.rename(path.parent.with_name("elsewhere"))
        assert ready(client) == 503

    def test_the_number_of_hanging_checks_is_limited(self, monkeypatch, caplog):
        hangs, probes = threading.Event(), []

        def probe(_: float) -> None:
            probes.append("probe")
            hangs.wait()
        monkeypatch.setattr(models, "storage", Idle(probe=probe))
        monkeypatch.setattr(health, "TIMEOUT", 0.01)
        client = ready_app().test_client()
        try:
            assert [ready(client) for _ in range(20)] == [503] * 20
            assert len(probes) == 8
        finally:
            hangs.set()
        assert "did not answer any of the last checks" in caplog.text
        assert 200 in [ready(client) for _ in range(100)]

    def test_a_check_that_fails_to_start_or_end_frees_its_slot(self, monkeypatch):
        def close() -> None:
            raise Unavailable("it cannot be closed")
        room = threading.BoundedSemaphore(1)
        monkeypatch.setattr(health, "_slots", room)
        monkeypatch.setattr(health, "TIMEOUT", 10)
        monkeypatch.setattr(models, "storage", Idle(probe=lambda _: None, close=close))
        assert health._checks.error() == "it cannot be closed"
        assert room.acquire(timeout=10)
        room.release()
        monkeypatch.setattr(threading.Thread, "start", lambda _: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            health._checks.error()
        assert room.acquire(blocking=False)

    def test_the_classic_status_route_is_unchanged(self, storage, monkeypatch):
        monkeypatch.setattr(models, "storage", Idle())
        assert ready_app().test_client().get("/api/v1/status").data == b'{"status":"OK"}\n'


@pytest.fixture
def written(monkeypatch) -> list[dict[str, Any]]:
    """The log lines of the test, parsed from JSON."""
    found: list[dict[str, Any]] = []
    monkeypatch.setattr(logs._writer, "put", lambda line: found.append(json.loads(line)))
    return found


class TestLog:
    def test_has_a_line_for_each_request(self, storage, written):
        client = ready_app(log="json", release="r7", proxies="1").test_client()
        answer = client.get("/api/v1/states?_=a+secret", headers={
            "User-Agent": "Mine/1.0", "X-Forwarded-For": "192.0.2.9", "X-Request-Id": "mine-1"})
        [line] = written
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z", line.pop("time"))
        assert line.pop("duration_ms") > 0
        assert line == {"level": "info", "request_id": "mine-1", "method": "GET", "path": "/api/v1/states",
                        "status": 200, "bytes": len(answer.data), "client": "192.0.2.9", "agent": "Mine/1.0",
                        "release": "r7"}

    def test_every_response_has_the_request_id_of_its_line(self, storage, written):
        client = ready_app(log="json").test_client()
        obj = State(name="One")
        obj.save()
        tag = client.get(f"/api/v1/states/{obj.id}").headers["ETag"]
        written.clear()
        requests = [("GET", "/api/v1/states", {}), ("HEAD", "/hbnb", {}), ("GET", "/nope", {}),
                    ("GET", f"/api/v1/states/{obj.id}", {"If-None-Match": tag}), ("BREW", "/api/v1/states", {}),
                    ("GET", "/health/live", {"X-Request-Id": "a b"})]
        answers = [client.open(path, method=method, headers=headers) for method, path, headers in requests]
        assert [(line["method"], line["path"], line["status"], line["bytes"], line["request_id"])
                for line in written] == [
            (method, path, answer.status_code, len(answer.data), answer.headers["X-Request-Id"])
            for (method, path, _), answer in zip(requests, answers, strict=True)]
        assert answers[3].status_code == 304
        assert len({line["request_id"] for line in written}) == len(requests)

    def test_contains_no_private_data(self, storage, written):
        client = ready_app(log="json").test_client()
        client.post("/api/v1/users?_=Hush1", json={"email": "ada@example.com", "password": "Hush2"},
                    headers={"Authorization": "Bearer Hush3", "Cookie": "a=Hush4"})
        client.get(f"/api/v1/users/ada@example.com/{TOKEN}", headers={"User-Agent": f"x (ada@example.com) {TOKEN}"})
        logging.getLogger("any").error("refused ada.b+c@example.co.uk: %s", TOKEN)
        assert len(written) == 3
        assert not re.search("Hush|ada@|example|ArNV", json.dumps(written))

    @pytest.mark.parametrize("engine", ["file"], indirect=True)
    @pytest.mark.parametrize("private", ["ada.love@example.com", TOKEN])
    def test_cutting_a_line_leaves_no_part_of_private_data(self, storage, written, private):
        client = ready_app(log="json").test_client()
        for shown in range(1, len(private)):
            client.get("/" + "x" * (logs.PATH_LENGTH - shown - 2) + "/" + private)
        assert {line["path"].rpartition("/")[2] for line in written} == {"…"}

    def test_private_data_is_found_in_long_texts(self):
        assert logs.scrubbed(f"/a/x{'y' * 100_000}/@/{'z.' * 50_000}@") == f"/a/x{'y' * 100_000}/@/{'z.' * 50_000}@"
        assert logs.scrubbed("user 'hbnb'@'localhost', o'neil@example.com, é@é.fr") == "user 'hbnb'@'localhost', …, …"

    def test_client_data_is_decoded_and_cut(self, storage, written):
        client = ready_app(log="json").test_client()
        client.get("/%0a%1b%ff%e2%82%ac" + "x" * 5000, headers={"User-Agent": "\xff" * 5000})
        assert written[0]["path"].startswith("/\n\x1b\ufffd€x")
        assert (len(written[0]["path"]), len(written[0]["agent"])) == (logs.PATH_LENGTH, logs.AGENT_LENGTH)

    def test_an_unexpected_error_is_logged_with_traceback_and_request_id(self, storage, written, monkeypatch):
        def fail():
            raise ZeroDivisionError("for ada@example.com")
        monkeypatch.setattr("api.v1.views.index.stats_by_table", fail)
        app = ready_app(log="json")
        assert app.test_client().get("/api/v1/stats", headers={"X-Request-Id": "mine-2"}).status_code == 500
        trace, line = written
        assert (trace["level"], trace["request_id"], trace["message"]) == (
            "error", "mine-2", "Exception on /api/v1/stats [GET]")
        assert trace["trace"].startswith("Traceback")
        assert trace["trace"].endswith("ZeroDivisionError: for …")
        assert (line["level"], line["request_id"], line["status"]) == ("error", "mine-2", 500)
        assert request_id.current.get() is None

    def test_a_streamed_response_is_logged_after_its_last_byte_or_a_disconnect(self, storage, written):
        with storage.transaction():
            for number in range(2500):
                storage.new(State(name=f"State {number}"))
        client = ready_app(log="json").test_client()
        for parts, whole in ((None, True), (1, False)):
            answer = client.get("/api/v1/states", headers={"X-Request-Id": "mine-3"})
            body = answer.iter_encoded()
            size = sum(map(len, islice(body, parts)))
            assert written == []
            answer.close()
            [line] = written
            assert (line["request_id"], line["bytes"], line.get("whole", True)) == ("mine-3", size, whole)
            written.clear()

    def test_a_response_that_is_cut_off_is_logged(self, written):
        def failing_later(_: Any, start: Any) -> Iterator[bytes]:
            start("200 OK", [])
            yield b"12"
            raise Unavailable("gone")
        environ = {"REQUEST_METHOD": "GET", "PATH_INFO": "/", request_id.KEY: "mine-4"}
        body = MonitoringMiddleware(failing_later, [logs.init_app(Settings(log="json"))])(environ, lambda *_: None)
        with pytest.raises(Unavailable), closing(body):
            list(body)
        error, line = written
        assert (error["request_id"], error["message"]) == ("mine-4", "The response was cut off after 2 bytes")
        assert (line["bytes"], line["whole"]) == (2, False)

    def test_a_response_that_never_begins_is_logged_with_a_traceback(self, written):
        def failing(*_: Any) -> Any:
            raise ZeroDivisionError("at once")
        environ = {"REQUEST_METHOD": "GET", "PATH_INFO": "/", request_id.KEY: "mine-6"}
        with pytest.raises(ZeroDivisionError):
            MonitoringMiddleware(failing, [logs.init_app(Settings(log="json"))])(environ, lambda *_: None)
        error, line = written
        assert (error["level"], error["request_id"], error["message"]) == (
            "error", "mine-6", "The application failed before it began a response")
        assert error["trace"].endswith("ZeroDivisionError: at once")
        assert (line["request_id"], line["status"], line["whole"]) == ("mine-6", 500, False)

    def test_a_file_wrapper_is_passed_on_to_the_server(self, written):
        def app(environ: Any, start: Any) -> Any:
            start("200 OK", [("Content-Length", "7")])
            return environ["wsgi.file_wrapper"](open(__file__, "rb"))
        environ = {"REQUEST_METHOD": "GET", "PATH_INFO": "/", "wsgi.file_wrapper": FileWrapper}
        body = MonitoringMiddleware(app, [logs.init_app(Settings(log="json"))])(environ, lambda *_: None)
        assert type(body) is FileWrapper
        body.close()
        assert written[0]["bytes"] == 7

    def test_a_record_is_logged_only_once(self, tmp_path):
        environ = environment(replace(Settings(), file_path=str(tmp_path / "gone" / "file.json")), tmp_path)
        port = free_port()
        with Server(["wsgi.py", "--port", str(port)], environ | {"HBNB_ENV": "staging"}, port,
                    "/health/live") as server:
            with pytest.raises(urllib.error.HTTPError, match="503") as refused:
                fetch(f"{server.address}/health/ready")
            refused.value.close()
        warnings = [line for line in server.log().splitlines() if "Not ready" in line]
        assert [json.loads(line)["level"] for line in warnings] == ["warning"], server.log()

    @pytest.mark.parametrize(("env", "log", "kind"), [
        ("dev", "", "text"), ("test", "", "text"), ("staging", "", "json"), ("production", "", "json"),
        ("dev", "json", "json"), ("production", "text", "text")])
    def test_is_json_in_staging_and_production_by_default(self, env, log, kind):
        assert Settings(env=env, log=log).log_format == kind

    def test_is_text_in_development(self, storage, monkeypatch):
        found: list[str] = []
        monkeypatch.setattr(logs._writer, "put", lambda line: found.append(line.decode()))
        client = ready_app().test_client()
        client.get("/a%0a%1bé", headers={"X-Request-Id": "mine-5"})
        assert re.fullmatch(r"\d\d:\d\d:\d\d 404 GET /a\\n\\u001b\\u00e9 \d+\.\d ms\n", found[0])
        logging.getLogger("any").warning("beware")
        assert re.fullmatch(r"\d\d:\d\d:\d\d WARNING beware\n", found[1])

    def test_client_data_cannot_forge_lines_of_text(self, monkeypatch):
        found: list[str] = []
        monkeypatch.setattr(logs._writer, "put", lambda line: found.append(line.decode()))
        logs.init_app(Settings(log="text"))
        forged = "x\r\n12:00:00 200 GET /\x1b[2J"
        logging.getLogger("any").error("GET /%s: away", forged)
        try:
            raise ZeroDivisionError(forged)
        except ZeroDivisionError:
            logging.getLogger("any").exception("beware")
        outage, error = found
        assert re.fullmatch(r"\d\d:\d\d:\d\d ERROR GET /x\\r\\n12:00:00 200 GET /\\u001b\[2J: away\n", outage)
        assert re.fullmatch(r"\d\d:\d\d:\d\d ERROR beware\n  Traceback .*\n(  .*\n)+  12:00:00 .*\\u001b.*\n", error)

    def test_an_unknown_format_is_refused(self):
        with pytest.raises(Misconfigured, match="HBNB_LOG is 'xml': set it to json or text"):
            Settings.from_environ({"HBNB_LOG": "xml"})


class TestLines:
    @pytest.fixture
    def pipe(self, monkeypatch):
        reading, writing = os.pipe()
        with open(reading, "rb") as reader, open(writing, "wb", buffering=0) as writer:
            monkeypatch.setattr(sys, "__stderr__", writer)
            yield reader, writer

    @pytest.mark.parametrize("blocking", [True, False])
    def test_an_unread_stream_blocks_no_request_and_lost_lines_are_reported(self, pipe, blocking, monkeypatch):
        reader, stream = pipe
        os.set_blocking(stream.fileno(), blocking)
        monkeypatch.setattr(log_handler, "PATIENCE", 0.01)
        monkeypatch.setattr(log_handler, "PAUSE", 0.001)
        monkeypatch.setattr(log_handler, "ROOM", 500)
        writer, line = log_handler.Writer(lambda count: b"lost %d\n" % count), b"x" * 999 + b"\n"
        for _ in range(400):
            writer.put(line)
        writer.finish()     # times out, because the pipe's 65,536 bytes are full
        assert writer._writing
        for _ in range(600):
            writer.put(line)
        found = [reader.readline() for _ in range(901)]
        assert found == [line] * 900 + [b"lost 100\n"]

    def test_a_closed_or_full_stream_causes_no_error(self, monkeypatch):
        with open("/dev/full", "wb", buffering=0) as full, open("/dev/null", "wb") as closed:
            closed.close()
            for stream in (None, closed, full):
                monkeypatch.setattr(sys, "__stderr__", stream)
                writer = log_handler.Writer(lambda _: b"")
                writer.put(b"x\n")
                writer.finish()
                assert not writer._lines
                assert writer._thread.is_alive()

    def test_the_last_lines_of_a_process_are_written(self):
        code = "import os, logging, wsgi; logging.error('last words')"
        for fork in ("", "import multiprocessing; p = multiprocessing.get_context('fork').Process("
                         "target=lambda: logging.error('child')); p.start(); p.join()"):
            ended = subprocess.run([sys.executable, "-c", f"{code}\n{fork}"], cwd=ROOT, capture_output=True, text=True)
            assert ended.stderr.count("ERROR last words\n") == 1
            assert ended.stderr.count("ERROR child\n") == bool(fork)


class TestMetrics:
    @pytest.fixture
    def taken(self) -> Iterator[int]:
        """A port that another server uses."""
        with HTTPServer(("127.0.0.1", 0), BaseHTTPRequestHandler) as other:
            threading.Thread(target=other.serve_forever, kwargs={"poll_interval": 0.01}).start()
            yield other.server_port
            other.shutdown()

    def test_two_workers_serve_their_own_metrics(self, taken, tmp_path):
        """With the settings of an operator, from the setting to the response."""
        port = free_port()
        environ = environment(replace(Settings(), file_path=str(tmp_path / "file.json")), tmp_path) | {
            "HBNB_ENV": "staging", "HBNB_RATE_LIMIT": "none", "HBNB_METRICS": f"127.0.0.1:{taken}",
            "HBNB_RELEASE": "r9"}
        command = f"import server; server.serve('wsgi:app', '127.0.0.1', {port}, workers=2)"
        with Server(["-c", command], environ, port, "/health/ready") as server:
            ports = listening(taken, "r9", 2)
            with closing(http.client.HTTPConnection("127.0.0.1", port)) as connection:
                for number in range(40):
                    connection.request("GET", f"/api/v1/states/{number}")
                    connection.getresponse().read()
                for method in ("GET", "BREW", "GREW"):
                    connection.request(method, "/metrics")
                    answer = connection.getresponse()
                    assert (answer.status, b"hbnb_" in answer.read()) == (404, False)
            texts = [fetch(f"http://127.0.0.1:{each}/metrics") for each in ports]
            with pytest.raises(urllib.error.HTTPError, match="404") as refused:
                fetch(f"http://127.0.0.1:{ports[0]}/")
            refused.value.close()
        counted = [sample(text, "hbnb_requests_total") for text in texts]
        found = '{method="GET",route="/api/v1/states/<state_id>",status="4xx"}'
        assert sum(each.get(found, 0) for each in counted) == 40
        assert {key for each in counted for key in each} == {
            found, '{method="GET",route="/health/ready",status="2xx"}', '{method="GET",route="none",status="4xx"}',
            '{method="other",route="none",status="4xx"}'}
        for text in texts:
            assert 'hbnb_release_info{env="staging",release="r9"} 1.0' in text
            assert sample(text, "process_resident_memory_bytes")[""] > 10_000_000
        logged = [json.loads(line) for line in server.log().splitlines() if not line.startswith("HBNB is at")]
        assert sum(line.get("path", "").startswith("/api/v1/states/") for line in logged) == 40
        assert {line["release"] for line in logged} == {"r9"}

    def test_skip_the_port_of_the_application(self, tmp_path):
        port = free_port()
        environ = environment(replace(Settings(), file_path=str(tmp_path / "file.json")), tmp_path) | {
            "HBNB_METRICS": f"127.0.0.1:{port}", "HBNB_RELEASE": "r8"}
        with Server(["wsgi.py", "--port", str(port)], environ, port):
            assert port not in listening(port, "r8", 1)

    @pytest.fixture
    def registry(self):
        """A test client, and the registry of its application."""
        app = ready_app(metrics="127.0.0.1:9101")
        return app.test_client(), app.extensions["metrics"][0]

    def test_errors_are_counted_by_status(self, registry, storage, monkeypatch):
        client, registry = registry
        for error in (Unavailable("x"), ZeroDivisionError("x")):
            def fail(error=error):
                raise error
            monkeypatch.setattr("api.v1.views.index.stats_by_table", fail)
            client.get("/api/v1/stats")
        assert [registry.get_sample_value("hbnb_errors_total", {"route": "/api/v1/stats", "status": status})
                for status in ("503", "500")] == [1, 1]

    def test_a_304_is_counted_under_its_route(self, registry, storage):
        client, registry = registry
        obj = State(name="One")
        obj.save()
        tag = client.get(f"/api/v1/states/{obj.id}").headers["ETag"]
        client.get(f"/api/v1/states/{obj.id}/", headers={"If-None-Match": tag})
        labels = {"method": "GET", "route": "/api/v1/states/<state_id>"}
        assert registry.get_sample_value("hbnb_requests_total", labels | {"status": "3xx"}) == 1
        assert registry.get_sample_value("hbnb_request_seconds_count", labels) == 2

    @pytest.mark.parametrize("engine", ["db"], indirect=True)
    def test_database_connections_in_use_are_counted(self, registry, storage):
        def used() -> float | None:
            return registry[1].get_sample_value("hbnb_storage_connections", {"pool": "transactions"})
        with storage.transaction():
            storage.count()
            assert used() == 1
        assert used() == 0

    def test_are_served_while_the_storage_is_down(self, registry, storage, monkeypatch):
        client, registry = registry
        client.get("/api/v1/stats")
        assert registry.get_sample_value("hbnb_search_pending_changes") == 0

        def fail(*_: Any) -> Any:
            raise Unavailable("x")
        monkeypatch.setattr(storage, "changes", fail)
        assert registry.get_sample_value("hbnb_search_places") == 0
        assert registry.get_sample_value("hbnb_search_pending_changes") is None
        monkeypatch.setattr(indexing, "current", fail)
        assert registry.get_sample_value("hbnb_requests_total", {
            "method": "GET", "route": "/api/v1/stats", "status": "2xx"}) == 1

    def test_are_off_by_default(self, storage):
        assert "metrics" not in ready_app().extensions

    @pytest.mark.parametrize("address", ["0.0.0.0:9101", "[::]:9101", "8.8.8.8:9101", "9101", "127.0.0.1",
                                         "127.0.0.1:0", "127.0.0.1:65536", "127.0.0.1:x", "localhost:9101",
                                         "[::ffff:0.0.0.0]:9101", "[::ffff:8.8.8.8]:9101"])
    def test_are_refused_on_a_public_address(self, address):
        with pytest.raises(Misconfigured, match=r"HBNB_METRICS is .*: set it to an address of this host"):
            Settings.from_environ({"HBNB_METRICS": address})

    @pytest.mark.parametrize(("address", "found"), [
        ("[fd00::1]:9101", ("fd00::1", 9101)), ("[::ffff:10.0.0.1]:65535", ("10.0.0.1", 65535))])
    def test_accept_any_internal_address(self, address, found):
        assert Settings.from_environ({"HBNB_METRICS": address}).metrics_address == found

    def test_are_served_on_an_ipv6_address(self, tmp_path):
        environ = environment(replace(Settings(), file_path=str(tmp_path / "file.json")), tmp_path) | {
            "HBNB_METRICS": f"[::1]:{(port := free_port())}", "HBNB_RELEASE": "r6"}
        code = "import sys, wsgi; from monitoring import metrics; metrics.listen(wsgi.app); sys.stdin.read()"
        with subprocess.Popen([sys.executable, "-c", code], cwd=ROOT, env=environ, stdin=subprocess.PIPE):
            assert listening(port, "r6", 1, "[::1]")


@pytest.mark.parametrize(("setting", "value", "module"), [
    ("metrics", "127.0.0.1:9101", "prometheus_client"), ("sentry_dsn", "http://key@127.0.0.1:1/1", "sentry_sdk")])
def test_a_missing_library_is_reported(setting, value, module, monkeypatch):
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(Misconfigured, match=r"(HBNB_METRICS|SENTRY_DSN) is set, which needs .*: pip install"):
        ready_app(**{setting: value})


def listening(first: int, release: str, count: int, host: str = "127.0.0.1") -> list[int]:
    """Wait until `count` workers of a release serve metrics on ports from `first` on. Returns: the ports."""
    for _ in range(300):
        found = []
        for port in range(first, min(first + metrics.PORTS, 65536)):
            # Other programs may listen there.
            with suppress(OSError, http.client.HTTPException, UnicodeDecodeError):
                if f'release="{release}"' in fetch(f"http://{host}:{port}/metrics"):
                    found.append(port)
        if len(found) == count:
            return found
        time.sleep(0.1)
    raise AssertionError(f"of {count} workers, there are {found}")


def fetch(address: str) -> str:
    with urllib.request.urlopen(address, timeout=10) as answer:
        return str(answer.read().decode())


def sample(text: str, name: str) -> dict[str, float]:
    """The values of a metric, by their labels."""
    return {labels: float(value) for labels, value in re.findall(rf"^{name}(\{{.*\}})? (.*)$", text, re.MULTILINE)}
