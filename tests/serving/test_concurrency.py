"""Overload protection: slow clients and a slow storage do not keep other clients from being served."""
from __future__ import annotations

import json
import os
import socket
import threading
import time
import urllib.error
import urllib.request
import uuid
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, suppress

import pytest
from flask import Flask

import models
from models.engine.base import Pool
from models.state import State
from serving import concurrency
from tests.apps import ready_app
from tests.processes import family, memory
from tests.servers import Server, free_port

HEAD = b"Host: x\r\nContent-Type: application/json\r\n"
UNFINISHED = b"POST /api/v1/states HTTP/1.1\r\n" + HEAD + b"Content-Length: 100\r\n\r\n{"
CHUNKED = b"POST /api/v1/states HTTP/1.1\r\n" + HEAD + b"Transfer-Encoding: chunked\r\n\r\n5\r\n{\"nam\r\n"


@pytest.fixture
def serve(tmp_path) -> Iterator[Callable[..., Server]]:
    """Start a server with changed limits and some states: `serve("concurrency.BODY_TIMEOUT = 1", states=3)`."""
    with ExitStack() as stack:
        def serve(limits: str, states: int = 1) -> Server:
            port, path, time = free_port(), tmp_path / "f.json", "2026-01-01T00:00:00.000000"
            ids = [str(uuid.uuid4()) for _ in range(states)]
            path.write_text(json.dumps({f"State.{id}": {
                "id": id, "name": "x" * 100, "created_at": time, "updated_at": time, "__class__": "State"}
                for id in ids}))
            code = (f"import server\nfrom serving import concurrency, connections\n{limits}\n"
                    f"server.serve('wsgi:app', '127.0.0.1', {port})")
            server = Server(["-c", code], {**os.environ, "HBNB_FILE_PATH": str(path)}, port)
            return stack.enter_context(server)
        yield serve


def connect(server: Server, sent: bytes = b"", window: int | None = None) -> socket.socket:
    """Open a connection and send some bytes; `window` is the size of its receive buffer."""
    connection = socket.socket()
    if window:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, window)
    connection.settimeout(60)
    connection.connect(("127.0.0.1", int(server.address.rpartition(":")[2])))
    connection.sendall(sent)
    return connection


def ask(server: Server, path: str, body: bytes | None = None) -> int:
    """Send a request as a well-behaved client does, and return the response's status."""
    try:
        request = urllib.request.Request(f"{server.address}{path}", body, {"Content-Type": "application/json"})
        with urllib.request.urlopen(request, timeout=30) as answer:
            answer.read()
            return int(answer.status)
    except urllib.error.HTTPError as error:
        return error.code


def is_ended(connection: socket.socket) -> bool:
    """Read what the server still sends, and wait until it closes the connection."""
    with connection, suppress(ConnectionError):
        while connection.recv(1 << 20):
            pass
    return True


@pytest.mark.parametrize("sent", [UNFINISHED, CHUNKED], ids=["length", "chunks"])
def test_incomplete_request_bodies_block_no_other_client_and_time_out(serve, sent):
    server = serve("concurrency.BODY_TIMEOUT = 5")
    held = [connect(server, sent) for _ in range(20)]
    for _ in range(3):
        assert [ask(server, path) for path in ("/health/live", "/health/ready", "/api/v1/states", "/")] == [200] * 4
    assert ask(server, "/api/v1/states", b'{"name": "S"}') == 201
    assert all(map(is_ended, held))


def test_a_request_body_sent_byte_by_byte_gets_no_extra_time(serve):
    server = serve("concurrency.BODY_TIMEOUT = 2")
    connection = connect(server, UNFINISHED)
    connection.settimeout(0.2)
    for _ in range(90):
        try:
            connection.sendall(b" ")
            assert connection.recv(1) == b""
            break       # the server closed the connection
        except TimeoutError:
            pass
        except ConnectionError:
            break
    else:
        raise AssertionError("the server still reads the body")
    connection.close()
    assert ask(server, "/health/live") == 200


def test_bodies_above_the_limit_are_refused_and_reads_go_on(serve):
    server = serve("concurrency.MAX_BODIES = 2; concurrency.BODY_TIMEOUT = concurrency.BUSY_BODY_TIMEOUT = 60")
    held = [connect(server, UNFINISHED) for _ in range(2)]
    while ask(server, "/api/v1/states", b'{"name": "S"}') != 503:
        time.sleep(0.1)
    assert [ask(server, path) for path in ("/health/live", "/api/v1/states")] == [200, 200]
    for each in held:
        each.close()


def test_responses_that_the_client_does_not_read_are_aborted_and_take_little_memory(serve):
    server = serve("concurrency.MAX_LONG_RESPONSES = 4; concurrency.MAX_WAITING_RESPONSES = 2\n"
                   "concurrency.SLOT_TIMEOUT = 1\n"
                   "connections.SLOW = connections.HURRY = 3", states=20_000)
    assert ask(server, "/api/v1/states") == 200
    worker = family(server.process.pid)[1]
    before = memory(worker)
    held = [connect(server, b"GET /api/v1/states HTTP/1.1\r\nHost: x\r\n\r\n", window=4096) for _ in range(30)]
    deadline = time.monotonic() + 90
    while server.log().count("cut off") < 4:    # one for each slot; the other requests are refused
        assert ask(server, "/health/live") == 200
        assert time.monotonic() < deadline, server.log()
        time.sleep(0.2)
    assert memory(worker) - before < 100_000        # KiB; each of the 30 responses has 5 MB
    while ask(server, "/api/v1/states") != 200:
        assert time.monotonic() < deadline
    assert all(map(is_ended, held))


def test_idle_connections_are_closed_if_there_are_too_many(serve):
    server = serve("connections.MOST = 60; connections.ROOM = 20")
    held = [connect(server) for _ in range(120)]
    assert [ask(server, path) for path in ("/health/live", "/api/v1/states", "/")] == [200] * 3
    assert all(map(is_ended, held))


SLOW_STREAM = """
import time, wsgi
def drops():
    for number in range(3):
        time.sleep(number)
        yield b"drop" * 5
wsgi.app.add_url_rule("/drops", view_func=lambda: wsgi.app.response_class(drops()))
connections.ROOM, connections.IDLE, connections.PAUSE = 0, 0.2, 0.2
"""


def test_a_connection_with_a_slow_response_or_an_expected_body_is_not_idle(serve):
    server = serve(SLOW_STREAM)
    slow = connect(server, b"GET /drops HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
    body = connect(server, UNFINISHED.replace(b"Host", b"Expect: 100-continue\r\nHost").removesuffix(b"{"))
    assert body.recv(1000).startswith(b"HTTP/1.1 100 ")
    time.sleep(0.3)     # so that these requests are not recent any more
    idle = [connect(server) for _ in range(20)]
    with closing(slow), slow.makefile("rb") as answer:
        assert answer.read().count(b"drop") == 15
    assert all(map(is_ended, idle))
    with closing(body):
        body.sendall(b'{"name": "S"}' + b" " * 87)
        assert body.recv(1000).startswith(b"HTTP/1.1 201 ")


def test_an_http_2_connection_is_closed(serve):
    with connect(serve(""), b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\4\0\0\0\0\0") as connection:
        assert is_ended(connection)


def test_a_server_that_other_machines_can_reach_recommends_a_web_server_in_front(tmp_path):
    for host, warns in (("127.0.0.1", False), ("0.0.0.0", True)):
        port = free_port()
        with Server(["-m", "api.v1.app"], {**os.environ, "HBNB_FILE_PATH": str(tmp_path / "f.json"),
                                           "HBNB_API_HOST": host, "HBNB_API_PORT": str(port)}, port) as server:
            pass
        assert ("Other machines can connect to this address" in server.log()) == warns


class TestWaiting:
    def test_reads_go_on_while_all_writes_wait(self, storage, monkeypatch):
        monkeypatch.setattr(concurrency, "SLOT_TIMEOUT", 0.2)
        goes_on, waiting = threading.Event(), threading.Semaphore(0)
        original = type(storage).save

        def save(self: object) -> None:
            waiting.release()
            goes_on.wait(60)
            original(self)
        app = ready_app()
        monkeypatch.setattr(models.storage, "save", lambda: save(storage))
        monkeypatch.setattr(models.storage, "insert", lambda obj: save(storage), raising=False)
        statuses: list[int] = []
        threads = [threading.Thread(target=lambda: statuses.append(
            app.test_client().post("/api/v1/states", json={"name": "S"}).status_code))
            for _ in range(concurrency.MAX_WRITES)]
        for each in threads:
            each.start()
        for _ in threads:
            assert waiting.acquire(timeout=60)
        try:
            client = app.test_client()
            refused = client.post("/api/v1/states", json={"name": "T"})
            assert (refused.status_code, refused.headers["Retry-After"]) == (503, str(concurrency.RETRY_AFTER))
            assert refused.json == {"error": "The server is too busy. Nothing was changed. Try again later"}
            assert [client.get(path).status_code for path in ("/api/v1/states", "/health/live")] == [200, 200]
            for path in ("/api/v1/places_search", "/api/v1/places_search/"):
                assert client.post(path, json={}).status_code == 200
        finally:
            goes_on.set()
            for each in threads:
                each.join()

    def test_health_checks_answer_while_all_reads_wait(self, storage, monkeypatch):
        monkeypatch.setattr(concurrency, "SLOT_TIMEOUT", 0.2)
        app = ready_app()
        goes_on, waiting = threading.Event(), threading.Semaphore(0)

        def stats() -> str:
            waiting.release()
            goes_on.wait(60)
            return ""
        app.add_url_rule("/waits", view_func=stats)
        threads = [threading.Thread(target=lambda: app.test_client().get("/waits"))
                   for _ in range(concurrency.MAX_READS)]
        for each in threads:
            each.start()
        for _ in threads:
            assert waiting.acquire(timeout=60)
        try:
            client = app.test_client()
            assert [client.get(f"/health/{each}").status_code for each in ("live", "ready")] == [200, 200]
            refused = client.get("/states")
            assert (refused.status_code, refused.mimetype) == (503, "text/html")
            assert refused.headers["Retry-After"] == str(concurrency.RETRY_AFTER)
        finally:
            goes_on.set()
            for each in threads:
                each.join()

    def test_there_are_more_threads_than_the_limits_need(self):
        limits = ("MAX_READS", "MAX_WAITING_READS", "MAX_WRITES", "MAX_WAITING_WRITES", "MAX_CHECKS",
                  "MAX_WAITING_CHECKS", "MAX_BODIES", "MAX_LONG_RESPONSES", "MAX_WAITING_RESPONSES")
        assert sum(getattr(concurrency, limit) for limit in limits) < concurrency.THREADS


class TestSending:
    @pytest.fixture
    def app(self, storage, monkeypatch) -> Iterator[Flask]:
        """An application whose only slot for long responses is in use; `app.read()` releases it."""
        monkeypatch.setattr(concurrency, "MAX_LONG_RESPONSES", 1)
        monkeypatch.setattr(concurrency, "SLOT_TIMEOUT", 0.2)
        app = ready_app(rate_limit="100 per hour")
        app.add_url_rule("/long", view_func=lambda: "x" * 100_000, methods=["GET", "POST"])
        with app.test_client().get("/long", buffered=False) as held:
            monkeypatch.setattr(app, "read", held.close, raising=False)
            yield app

    def test_a_write_is_not_refused_because_of_its_long_response(self, app):
        assert app.test_client().get("/long").status_code == 503
        answer = app.test_client().post("/long")
        assert (answer.status_code, answer.text) == (200, "x" * 100_000)

    def test_a_request_that_waits_to_send_holds_no_connection_and_counts_once(self, app, storage, monkeypatch):
        for module in ("family", "engine.statements", "engine.db_storage"):
            monkeypatch.setattr(f"models.{module}.CHUNK", 2)
        monkeypatch.setattr(concurrency, "SLOT_TIMEOUT", 60)
        for number in range(5):
            State(name=str(number)).save()
        lengths: list[int] = []
        thread = threading.Thread(target=lambda: lengths.append(len(app.test_client().get("/api/v1/states").json)))
        before, slots = storage.pools().get("streams"), app.extensions["guard"]._response_slots
        with monkeypatch.context() as patched:
            waits = threading.Event()
            acquire = slots.acquire
            patched.setattr(slots, "acquire", lambda: waits.set() or acquire())
            thread.start()
            assert waits.wait(20)
        assert storage.pools().get("streams") == before
        app.read()
        thread.join(60)
        [limiter] = app.extensions["limiter"]
        # The request that holds the slot counts for 1, the list for 3.
        assert (lengths, sum(limiter.storage.storage.values())) == ([5], 4)

    def test_fewer_long_responses_are_sent_at_once_if_the_database_has_few_connections(self, storage, monkeypatch):
        for lists, most in ((1, 1), (7, 3), (20, 16), (100, 16)):
            monkeypatch.setattr(models.storage, "pools", lambda lists=lists: {"streams": Pool(0, lists)})
            slots = ready_app().extensions["guard"]._response_slots
            assert [slots.try_acquire() for _ in range(most + 1)] == [True] * most + [False]
