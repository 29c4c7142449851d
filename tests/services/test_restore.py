"""A store that is destroyed and restored from the command line, while a running server is asked and written to."""
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
            with FileLock(settings.file_path).writing():    # one after the other, they would be seen in part
                for path in Path(settings.file_path).parent.glob("file.json*"):
                    path.unlink()
    return lose


class Load:
    """Clients that ask as long as it lasts.

    Args:
        server: whom.
        writing: whether some make states and remove them.
    """

    def __init__(self, server: Server, writing: bool) -> None:
        self._server = server
        self._over = threading.Event()
        self.wrong: list[Any] = []
        self.seen: set[tuple[int, ...]] = set()     # places, reviews and users, at one moment each
        self.asked = 0
        self._threads = [threading.Thread(target=self._run, args=[each])
                         for each in (self._read, self._search, *[self._write] * 2 * writing)]

    @contextmanager
    def on(self) -> Iterator[None]:
        for thread in self._threads:
            thread.start()
        try:
            yield
        finally:
            self._over.set()
            for thread in self._threads:
                thread.join(120)

    def wait(self, times: int = 20) -> None:
        """Until so many more were answered."""
        most = self.asked + times
        while self.asked < most and any(thread.is_alive() for thread in self._threads):
            self._over.wait(0.01)

    def _run(self, each: Callable[[Callable[..., Any]], None]) -> None:
        with connected(self._server) as connection:
            def ask(method: str, path: str, body: str | None, *allowed: int) -> Any:
                connection.request(method, f"/api/v1{path}", body, {"Content-Type": "application/json"})
                answer = connection.getresponse()
                text = answer.read()
                self.asked += 1
                if answer.status not in allowed:
                    self.wrong.append((method, path, answer.status, text[:200]))
                return json.loads(text)
            try:
                while not self._over.is_set():
                    each(ask)
            except Exception as error:
                self.wrong.append(error)

    def _read(self, ask: Callable[..., Any]) -> None:
        counts = ask("GET", "/stats", None, 200)
        self.seen.add((counts["places"], counts["reviews"], counts["users"]))

    def _search(self, ask: Callable[..., Any]) -> None:
        self.seen.add((len(ask("POST", "/places_search", "{}", 200)),))

    def _write(self, ask: Callable[..., Any]) -> None:
        made = ask("POST", "/states", '{"name": "Made under load"}', 201, 503)
        if "id" in made:
            ask("DELETE", f"/states/{made['id']}", None, 200, 404, 503)


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
def test_under_load_a_destroyed_store_comes_back_whole(server: Server, console: Run, destroy, writing: bool):
    before = whole(server)
    full = (len(before[0]), sum(len(place["reviews"]) for place in before[0]), len(before[1]))
    load = Load(server, writing)
    with load.on():
        load.wait()
        made = console(args=("backup", "kept.backup"))
        assert (made.returncode, made.stderr) == (0, "")
        load.wait()
        destroy()
        load.wait()
        assert whole(server) == [[], [], []]
        ran = console(args=("restore", "kept.backup", *["--replace"] * writing))
        assert (ran.returncode, ran.stderr, ran.stdout) == (0, "", made.stdout)
        load.wait()
        assert whole(server) == before
    assert load.wrong == []
    # Nobody saw a part of it. Counts are of one moment each where they are of one kind.
    assert {counts[0] for counts in load.seen} == {0, full[0]}
    assert {number for counts in load.seen for number in counts} == {0, *full}
