"""Restore of a destroyed store from the command line, while a server answers requests."""
from __future__ import annotations

import http.client
import json
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest

from models.engine.file.lock import FileLock
from sample import Sample
from sample.fill import fill
from tests.conftest import Run
from tests.servers import Server, free_port

PLACES = 200


@pytest.fixture
def server(storage, environ) -> Iterator[Server]:
    fill(Sample(places=PLACES))
    storage.close()
    port = free_port()
    with Server(["wsgi.py", "--port", str(port)], environ, port) as server:
        yield server


@pytest.fixture
def destroy(engine, settings, request) -> Callable[[], None]:
    def lose() -> None:
        if engine == "db":
            request.getfixturevalue("database").empty()
        else:
            with FileLock(settings.file_path).writing():    # else the server may see one file removed
                for path in Path(settings.file_path).parent.glob("file.json*"):
                    path.unlink()
    return lose


class Load:
    """Clients that send requests to a server inside the block of `running`.

    Args:
        server: the server.
        writing: whether some clients create and remove states.
    """

    def __init__(self, server: Server, writing: bool) -> None:
        self._server = server
        self._over = threading.Event()
        self.errors: list[Any] = []
        self.seen: set[tuple[int, ...]] = set()     # counts of places, reviews and users, each from one moment
        self.answered = 0
        self._threads = [threading.Thread(target=self._run, args=[each])
                         for each in (self._read, self._search, *[self._write] * 2 * writing)]

    @contextmanager
    def running(self) -> Iterator[None]:
        for thread in self._threads:
            thread.start()
        try:
            yield
        finally:
            self._over.set()
            for thread in self._threads:
                thread.join(120)

    def wait(self, times: int = 20) -> None:
        """Wait until `times` more requests were answered."""
        most = self.answered + times
        while self.answered < most and any(thread.is_alive() for thread in self._threads):
            self._over.wait(0.01)

    def _run(self, each: Callable[[Callable[..., Any]], None]) -> None:
        with connected(self._server) as connection:
            def request(method: str, path: str, body: str | None, *allowed: int) -> Any:
                connection.request(method, f"/api/v1{path}", body, {"Content-Type": "application/json"})
                answer = connection.getresponse()
                text = answer.read()
                self.answered += 1
                if answer.status not in allowed:
                    self.errors.append((method, path, answer.status, text[:200]))
                return json.loads(text)
            try:
                while not self._over.is_set():
                    each(request)
            except Exception as error:
                self.errors.append(error)

    def _read(self, request: Callable[..., Any]) -> None:
        counts = request("GET", "/stats", None, 200)
        self.seen.add((counts["places"], counts["reviews"], counts["users"]))

    def _search(self, request: Callable[..., Any]) -> None:
        self.seen.add((len(request("POST", "/places_search", "{}", 200)),))

    def _write(self, request: Callable[..., Any]) -> None:
        made = request("POST", "/states", '{"name": "Made under load"}', 201, 503)
        if "id" in made:
            request("DELETE", f"/states/{made['id']}", None, 200, 404, 503)


def connected(server: Server) -> closing[http.client.HTTPConnection]:
    return closing(http.client.HTTPConnection(server.address.removeprefix("http://"), timeout=120))


def whole(server: Server) -> list[Any]:
    with connected(server) as connection:
        found = []
        for path in ("places?include=amenities,reviews", "users", "amenities"):
            connection.request("GET", f"/api/v1/{path}")
            found.append(json.loads(connection.getresponse().read()))
        return found


@pytest.mark.parametrize("writing", [False, True])
def test_a_destroyed_store_is_restored_completely_under_load(server: Server, console: Run, destroy, writing: bool):
    before = whole(server)
    full = (len(before[0]), sum(len(place["reviews"]) for place in before[0]), len(before[1]))
    load = Load(server, writing)
    with load.running():
        load.wait()
        made = console(args=("backup", "hbnb.backup"))
        assert (made.returncode, made.stderr) == (0, "")
        load.wait()
        destroy()
        load.wait()
        assert whole(server) == [[], [], []]
        ran = console(args=("restore", "hbnb.backup", *["--replace"] * writing))
        assert (ran.returncode, ran.stderr) == (0, "")
        assert ran.stdout.startswith("Restored ")
        assert ran.stdout.partition(": ")[2] == made.stdout.partition(": ")[2] != ""    # the objects of each class
        load.wait()
        assert whole(server) == before
    assert load.errors == []
    # No client saw a part of the store. Only the counts of one class are from one moment.
    assert {counts[0] for counts in load.seen} == {0, full[0]}
    assert {number for counts in load.seen for number in counts} == {0, *full}
