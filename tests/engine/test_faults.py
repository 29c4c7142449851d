"""Serving workers and faults of the database: crashes, closed connections, deadlocks and a full disk."""
from __future__ import annotations

import datetime
import json
import os
import subprocess
import threading
import time
import urllib.error
import urllib.request
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

import models
from models.engine.db_storage import DBStorage
from models.place import Place
from models.review import Review
from models.user import User
from tests.apps import ready_app
from tests.conftest import TEST_DATABASE, environment, own_settings, running_server
from tests.database import engines_of
from tests.load import Load
from tests.mariadb import MariaDB
from tests.market import Market
from tests.processes import family
from tests.servers import Server, free_port

DATABASE = TEST_DATABASE["mysql_db"]


@pytest.fixture(scope="module")
def workers(own_server: MariaDB, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """Two gunicorn workers, each of which handles one request at a time."""
    port, settings = free_port(), own_settings(own_server)
    with Server(["-m", "gunicorn", "--workers=2", f"--bind=127.0.0.1:{port}", "wsgi:app"],
                environment(settings, tmp_path_factory.mktemp("home")), port) as server:
        yield server


@pytest.fixture
def market(own_server: MariaDB, monkeypatch: pytest.MonkeyPatch) -> Iterator[Market]:
    """Objects in the workers' database."""
    storage = DBStorage(own_settings(own_server))
    monkeypatch.setattr(models, "storage", storage)
    market = Market(f"Albany {time.monotonic_ns()}")
    storage.close()
    yield market
    for engine in engines_of(storage):
        engine.dispose()


@pytest.fixture
def same(workers: Server) -> Iterator[list[int]]:
    """The process ids of the workers; at the end they must be the same."""
    before = family(workers.process.pid)
    assert len(before) == 3     # with the master process
    yield before[1:]
    assert family(workers.process.pid) == before, workers.log()


def ask(server: Server, path: str, method: str = "GET", body: object = None) -> int:
    request = urllib.request.Request(f"{server.address}/api/v1{path}", method=method,
                                     data=None if body is None else json.dumps(body).encode(),
                                     headers={"Content-Type": "application/json"})
    try:
        with urllib.request.urlopen(request, timeout=60) as answer:
            answer.read()
            return answer.status
    except urllib.error.HTTPError as error:
        return error.code


@pytest.mark.parametrize("end", [MariaDB.kill, MariaDB.stop])
def test_a_database_that_ends_under_load_loses_and_duplicates_no_writes(own_server, workers, market, same, end):
    load = Load(workers.address, market)
    with load.running():
        time.sleep(1.5)
        away = time.monotonic()
        end(own_server)
        time.sleep(0.7)
        own_server.start()
        back = time.monotonic()
        time.sleep(1.5)

    failed = [each for each in load.exchanges if each.status not in (200, 201)]
    assert failed
    for each in failed:
        assert each.answered >= away, each
        assert each.sent <= back, each     # the first request after it is back is answered, as all later ones
        assert each.status == 503, each
        assert each.headers["Content-Type"] == "application/json"
        assert int(each.headers["Retry-After"])
        assert json.loads(each.body)["error"].startswith("The storage is not available. ")
    assert [each for each in load.exchanges if each.sent > back]
    there = stored(own_server)
    assert load.keyed <= load.acknowledged
    assert {each: there[each] for each in load.acknowledged} == dict.fromkeys(load.acknowledged, 1)
    assert {there[each] for each in load.unkeyed} <= {0, 1}
    print(f"{len(load.exchanges)} requests, {len(failed)} of them 503; {len(load.acknowledged)} writes acknowledged")


def stored(server: MariaDB) -> Counter[str]:
    """Return how often each text was stored."""
    with server.connect(DATABASE) as connection:
        cursor = connection.cursor()
        cursor.execute("SELECT text FROM reviews UNION ALL SELECT name FROM states")
        return Counter(text for text, in cursor.fetchall())


def test_a_write_whose_commit_was_not_confirmed_is_stored_once_with_an_idempotency_key(own_server, market, monkeypatch):
    storage, client = models.storage, ready_app().test_client()

    def write() -> Any:
        return client.post(f"/api/v1/places/{market.place.id}/reviews", headers={"Idempotency-Key": "once"},
                           json={"user_id": market.guest.id, "text": f"Once, in {market.city.name}."})

    def commit_and_die(connection: Any) -> None:
        connection.commit()
        with own_server.connect() as other:
            kill(other.cursor())
        connection.ping()
    with monkeypatch.context() as patch:
        patch.setattr(engines_of(storage).transactions.dialect, "do_commit", commit_and_die)
        found = write()
    for answer in (found, write()):     # the first response comes from the stored answer, too
        assert (answer.status_code, answer.headers["Idempotency-Replayed"]) == (201, "true")
    assert stored(own_server)[found.json["text"]] == 1


def test_requests_succeed_after_the_server_closed_idle_connections(own_server, workers, market, same):
    requests = [("/states",), ("/places_search", "POST", {}), ("/stats",),
                (f"/places/{market.place.id}", "PUT", {"name": "Idle"}),
                (f"/places/{market.place.id}/reviews", "POST", {"user_id": market.guest.id, "text": "Idle."})]

    def everything() -> list[int]:
        with_each = [threading.Thread(target=lambda: found.extend(ask(workers, *each) for each in requests))
                     for _ in range(4)]
        found: list[int] = []
        for each in with_each:
            each.start()
        for each in with_each:
            each.join()
        return found
    with own_server.connect(DATABASE) as watching:
        cursor = watching.cursor()
        cursor.execute("SET GLOBAL wait_timeout = 2")
        try:
            kill(cursor)
            everything()
            assert connections(cursor)
            deadline = time.monotonic() + 30
            while connections(cursor) and time.monotonic() < deadline:
                time.sleep(0.1)
            assert connections(cursor) == []
            assert {*everything()} == {200, 201}
        finally:
            cursor.execute("SET GLOBAL wait_timeout = DEFAULT")


def connections(cursor: Any) -> list[int]:
    """Return the ids of the workers' connections."""
    cursor.execute("SELECT id FROM information_schema.processlist WHERE user = %s", [TEST_DATABASE["mysql_user"]])
    return [id for id, in cursor.fetchall()]


def kill(cursor: Any) -> None:
    for id in connections(cursor):
        cursor.execute(f"KILL {id}")


class TestDeadlocks:
    """Two users are removed at the same time; each has reviewed the other's place, so the orders of locks differ."""

    @pytest.fixture
    def users(self, market: Market, own_server: MariaDB) -> tuple[User, User]:
        users, storage = [User(email=f"{name}@{market.city.id}", password="x") for name in "ab"], models.storage
        places = [Place(name="P", city_id=market.city.id, user_id=user.id) for user in users]
        reviews = [Review(text="R", user_id=user.id, place_id=place.id)
                   for user, place in zip(users, reversed(places), strict=True)]
        # The first of this user's reviews.
        self.first = Review(created_at=datetime.datetime(2000, 1, 1), text="R", user_id=users[0].id,
                            place_id=market.place.id)
        # With many reviews, the server finds those of a place or a user by the index instead of scanning the table.
        others = [Review(text="R", user_id=market.guest.id, place_id=market.place.id) for _ in range(300)]
        for obj in (*users, *places, *reviews, self.first, *others):
            storage.new(obj)
        storage.save()
        storage.close()
        own_server.execute("ANALYZE TABLE reviews", DATABASE)
        return users[0], users[1]

    def test_requests_are_tried_again_after_a_deadlock_between_two_workers(self, own_server, workers, same, users):
        before = deadlocks(own_server)
        with self.held(own_server) as let_go:
            found: list[int] = []
            removing = [threading.Thread(target=lambda id=user.id: found.append(ask(workers, f"/users/{id}", "DELETE")))
                        for user in users]
            for number, each in enumerate(removing):
                each.start()
                waiting(own_server, number + 1)
            let_go()
            for each in removing:
                each.join()
        assert deadlocks(own_server) == before + 1
        assert found == [200, 200]
        assert [ask(workers, f"/users/{user.id}") for user in users] == [404, 404]

    @contextmanager
    def held(self, server: MariaDB) -> Iterator[Callable[[], None]]:
        """Block the removal of the first user by a lock; yields the function that releases it."""
        with server.connect(DATABASE) as connection:
            connection.cursor().execute("SELECT * FROM reviews WHERE id = %s FOR UPDATE", [self.first.id])
            yield connection.rollback


def deadlocks(server: MariaDB) -> int:
    with server.connect() as connection:
        cursor = connection.cursor()
        cursor.execute("SHOW GLOBAL STATUS LIKE 'Innodb_deadlocks'")
        return int(cursor.fetchone()[1])


def waiting(server: MariaDB, count: int) -> None:
    """Wait until this many transactions wait for a lock."""
    with server.connect("information_schema") as connection:
        cursor, deadline = connection.cursor(), time.monotonic() + 30
        while time.monotonic() < deadline:
            cursor.execute("SELECT COUNT(*) FROM innodb_trx WHERE trx_state = 'LOCK WAIT'")
            if cursor.fetchone()[0] == count:
                return
            time.sleep(0.15)    # the server does not update the table more often
    raise AssertionError(f"{count} transactions should wait")


class TestFullDisk:
    @pytest.fixture
    def disk(self, tmp_path: Path) -> Iterator[Path]:
        """A small disk."""
        disk = tmp_path / "disk"
        disk.mkdir()
        mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=160m", "tmpfs", disk], capture_output=True,
                                 text=True)
        if mounted.returncode:
            pytest.skip(f"a small disk cannot be mounted ({mounted.stderr.strip()}): a full disk was not tested")
        try:
            yield disk
        finally:
            subprocess.run(["umount", "--lazy", disk], check=True)

    @pytest.fixture
    def server(self, disk: Path) -> Iterator[MariaDB]:
        with running_server("--innodb-log-file-size=4M", "--innodb-buffer-pool-size=16M", parent=disk) as server:
            yield server

    def test_writes_are_refused_reads_are_answered_and_nothing_is_lost(self, server, disk, monkeypatch, caplog):
        storage = DBStorage(own_settings(server))
        monkeypatch.setattr(models, "storage", storage)
        market, client = Market(), ready_app().test_client()
        path, acknowledged = f"/api/v1/places/{market.place.id}/reviews", [market.review.text]

        def write(key: int | None = None) -> Any:
            text = f"{len(acknowledged)} ".ljust(1024, "x")
            answer = client.post(path, json={"user_id": market.guest.id, "text": text},
                                 headers={} if key is None else {"Idempotency-Key": str(key)})
            if answer.status_code == 201:
                acknowledged.append(text)
            return answer
        with open(disk / "ballast", "wb", buffering=0) as ballast, pytest.raises(OSError, match="No space left"):
            while True:
                ballast.write(bytes(1 << 16))
        refused: set[bool] = set()      # with and without a key: there may still be room for one of them
        for number in range(10_000):
            if (answer := write(number if number % 2 else None)).status_code != 201:
                assert (answer.status_code, answer.json) == (503, {
                    "error": "The storage is not available. The change may or may not have been stored. Check whether "
                             "it was stored before you try again"})
                assert answer.headers["Retry-After"]
                assert "is full. Nothing was stored. Free some space on it" in caplog.messages[-1]
                refused.add(bool(number % 2))
                if len(refused) == 2:
                    break
        assert refused == {True, False}
        assert len(client.get(path).json) == len(acknowledged)
        assert client.post("/api/v1/places_search", json={}).json[0]["id"] == market.place.id

        os.unlink(disk / "ballast")
        for key in (None, 10_000):
            assert write(key).status_code == 201
        server.kill()
        server.start()
        assert sorted(review["text"] for review in client.get(path).json) == sorted(acknowledged)
