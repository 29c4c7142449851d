"""Slow clients, and a storage that makes requests wait: others are served all the same."""
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
    """Starts a server with other limits, and with so many states: `serve("concurrency.BODY = 1", states=3)`."""
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
    connection = socket.socket()
    if window:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, window)
    connection.settimeout(60)
    connection.connect(("127.0.0.1", int(server.address.rpartition(":")[2])))
    connection.sendall(sent)
    return connection


def ask(server: Server, path: str, body: bytes | None = None) -> int:
    """The status that a well-behaved client gets, which waits for less than any limit."""
    try:
        request = urllib.request.Request(f"{server.address}{path}", body, {"Content-Type": "application/json"})
        with urllib.request.urlopen(request, timeout=30) as answer:
            answer.read()
            return int(answer.status)
    except urllib.error.HTTPError as error:
        return error.code


def is_ended(connection: socket.socket) -> bool:
    """Whether the server ends a connection, after what it still sends."""
    with connection, suppress(ConnectionError):
        while connection.recv(1 << 20):
            pass
    return True


@pytest.mark.parametrize("sent", [UNFINISHED, CHUNKED], ids=["length", "chunks"])
def test_unfinished_bodies_hold_nobody_and_end_in_time(serve, sent):
    server = serve("concurrency.BODY = 5")
    held = [connect(server, sent) for _ in range(20)]
    for _ in range(3):
        assert [ask(server, path) for path in ("/health/live", "/health/ready", "/api/v1/states", "/")] == [200] * 4
    assert ask(server, "/api/v1/states", b'{"name": "S"}') == 201
    assert all(map(is_ended, held))


def test_a_body_that_comes_drop_by_drop_has_no_more_time(serve):
    server = serve("concurrency.BODY = 2")
    connection = connect(server, UNFINISHED)
    connection.settimeout(0.2)
    for _ in range(90):
        try:
            connection.sendall(b" ")
            assert connection.recv(1) == b""
            break       # it was ended
        except TimeoutError:
            pass
        except ConnectionError:
            break
    else:
        raise AssertionError("the server goes on reading")
    connection.close()
    assert ask(server, "/health/live") == 200


def test_more_bodies_than_there_is_room_for_are_refused_and_reading_goes_on(serve):
    server = serve("concurrency.BODIES = 2; concurrency.BODY = concurrency.HURRY = 60")
    held = [connect(server, UNFINISHED) for _ in range(2)]
    while ask(server, "/api/v1/states", b'{"name": "S"}') != 503:
        time.sleep(0.1)
    assert [ask(server, path) for path in ("/health/live", "/api/v1/states")] == [200, 200]
    for each in held:
        each.close()


def test_answers_that_are_not_read_are_ended_and_take_little_memory(serve):
    server = serve("concurrency.SENDING = 4; concurrency.SENDING_WAIT = 2; concurrency.TURN = 1\n"
                   "connections.SLOW = connections.HURRY = 3", states=20_000)
    assert ask(server, "/api/v1/states") == 200
    worker = family(server.process.pid)[1]
    before = memory(worker)
    held = [connect(server, b"GET /api/v1/states HTTP/1.1\r\nHost: x\r\n\r\n", window=4096) for _ in range(30)]
    deadline = time.monotonic() + 90
    while server.log().count("cut off") < 4:     # those that there was room for; the others are refused
        assert ask(server, "/health/live") == 200
        assert time.monotonic() < deadline, server.log()
        time.sleep(0.2)
    assert memory(worker) - before < 100_000        # KiB; each of the 30 answers has 5 MB
    while ask(server, "/api/v1/states") != 200:
        assert time.monotonic() < deadline
    assert all(map(is_ended, held))


def test_idle_connections_make_room_for_others(serve):
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


def test_a_slow_answer_and_a_body_that_may_be_sent_are_not_idle(serve):
    server = serve(SLOW_STREAM)
    slow = connect(server, b"GET /drops HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
    body = connect(server, UNFINISHED.replace(b"Host", b"Expect: 100-continue\r\nHost").removesuffix(b"{"))
    assert body.recv(1000).startswith(b"HTTP/1.1 100 ")
    time.sleep(0.3)     # so that they are no connections on which a request has just come
    idle = [connect(server) for _ in range(20)]
    with closing(slow), slow.makefile("rb") as answer:
        assert answer.read().count(b"drop") == 15
    assert all(map(is_ended, idle))
    with closing(body):
        body.sendall(b'{"name": "S"}' + b" " * 87)
        assert body.recv(1000).startswith(b"HTTP/1.1 201 ")


def test_http_2_is_not_spoken(serve):
    with connect(serve(""), b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\4\0\0\0\0\0") as connection:
        assert is_ended(connection)


def test_a_server_that_others_can_reach_says_what_belongs_in_front(tmp_path):
    for host, said in (("127.0.0.1", False), ("0.0.0.0", True)):
        port = free_port()
        with Server(["-m", "api.v1.app"], {**os.environ, "HBNB_FILE_PATH": str(tmp_path / "f.json"),
                                           "HBNB_API_HOST": host, "HBNB_API_PORT": str(port)}, port) as server:
            pass
        assert ("put a web server such as nginx in front" in server.log()) == said


class TestWaiting:
    def test_reading_goes_on_while_all_that_write_wait(self, storage, monkeypatch):
        monkeypatch.setattr(concurrency, "TURN", 0.2)
        goes_on, waiting = threading.Event(), threading.Semaphore(0)
        kept = type(storage).save

        def save(self: object) -> None:
            waiting.release()
            goes_on.wait(60)
            kept(self)
        app = ready_app()
        monkeypatch.setattr(models.storage, "save", lambda: save(storage))
        monkeypatch.setattr(models.storage, "insert", lambda obj: save(storage), raising=False)
        said: list[int] = []
        threads = [threading.Thread(target=lambda: said.append(
            app.test_client().post("/api/v1/states", json={"name": "S"}).status_code))
            for _ in range(concurrency.WRITING)]
        for each in threads:
            each.start()
        for _ in threads:
            assert waiting.acquire(timeout=60)
        try:
            client = app.test_client()
            refused = client.post("/api/v1/states", json={"name": "T"})
            assert (refused.status_code, refused.headers["Retry-After"]) == (503, str(concurrency.RETRY_AFTER))
            assert refused.json == {"error": "Service unavailable"}
            assert [client.get(path).status_code for path in ("/api/v1/states", "/health/live")] == [200, 200]
            for path in ("/api/v1/places_search", "/api/v1/places_search/"):
                assert client.post(path, json={}).status_code == 200
        finally:
            goes_on.set()
            for each in threads:
                each.join()

    def test_health_is_told_while_all_that_read_wait(self, storage, monkeypatch):
        monkeypatch.setattr(concurrency, "TURN", 0.2)
        app = ready_app()
        goes_on, waiting = threading.Event(), threading.Semaphore(0)

        def stats() -> str:
            waiting.release()
            goes_on.wait(60)
            return ""
        app.add_url_rule("/waits", view_func=stats)
        threads = [threading.Thread(target=lambda: app.test_client().get("/waits")) for _ in range(concurrency.READING)]
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

    def test_there_are_more_threads_than_requests_that_may_wait(self):
        rooms = ("READING", "READS_WAIT", "WRITING", "WRITES_WAIT", "CHECKING", "CHECKS_WAIT", "BODIES", "SENDING",
                 "SENDING_WAIT")
        assert sum(getattr(concurrency, room) for room in rooms) < concurrency.THREADS


class TestSending:
    @pytest.fixture
    def app(self, storage, monkeypatch) -> Iterator[Flask]:
        """An application whose only room for long answers is taken; `app.read()` gives it back."""
        monkeypatch.setattr(concurrency, "SENDING", 1)
        monkeypatch.setattr(concurrency, "TURN", 0.2)
        app = ready_app(rate_limit="100 per hour")
        app.add_url_rule("/long", view_func=lambda: "x" * 100_000, methods=["GET", "POST"])
        with app.test_client().get("/long", buffered=False) as held:
            monkeypatch.setattr(app, "read", held.close, raising=False)
            yield app

    def test_what_has_changed_something_is_not_refused_for_its_long_answer(self, app):
        assert app.test_client().get("/long").status_code == 503
        said = app.test_client().post("/long")
        assert (said.status_code, said.text) == (200, "x" * 100_000)

    def test_what_waits_for_room_to_send_holds_no_connection_and_is_counted_once(self, app, storage, monkeypatch):
        for module in ("family", "engine.statements", "engine.db_storage"):
            monkeypatch.setattr(f"models.{module}.CHUNK", 2)
        monkeypatch.setattr(concurrency, "TURN", 60)
        for number in range(5):
            State(name=str(number)).save()
        said: list[int] = []
        thread = threading.Thread(target=lambda: said.append(len(app.test_client().get("/api/v1/states").json)))
        before, sending = storage.pools().get("streams"), app.extensions["guard"]._sending
        with monkeypatch.context() as patched:
            waits = threading.Event()
            enter = sending.enter
            patched.setattr(sending, "enter", lambda: waits.set() or enter())
            thread.start()
            assert waits.wait(20)
        assert storage.pools().get("streams") == before
        app.read()
        thread.join(60)
        [limiter] = app.extensions["limiter"]
        # One request has the room; the list counts for 3.
        assert (said, sum(limiter.storage.storage.values())) == ([5], 4)

    def test_a_database_with_few_connections_has_fewer_answers_sent_at_once(self, storage, monkeypatch):
        for lists, most in ((1, 1), (7, 3), (20, 16), (100, 16)):
            monkeypatch.setattr(models.storage, "pools", lambda lists=lists: {"streams": Pool(0, lists)})
            sending = ready_app().extensions["guard"]._sending
            assert [sending.enter_at_once() for _ in range(most + 1)] == [True] * most + [False]
