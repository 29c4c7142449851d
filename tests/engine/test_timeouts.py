"""Time limits of database connections and statements in each environment, and the response after a timeout."""
from __future__ import annotations

import re
import signal
import threading
from collections.abc import Callable, Iterator
from dataclasses import asdict, replace

import pytest
from sqlalchemy import event, text

import models
import web_flask.app
import wsgi
from config import DATABASES, ENVIRONMENTS, Database, Settings
from errors import Misconfigured, Unavailable
from models.engine.db_storage import DBStorage
from models.state import State
from tests import objects
from tests.apps import ready_app
from tests.conftest import ROOT, own_settings, watched
from tests.database import engines_of

STATES = "/api/v1/states"


@pytest.fixture
def engine() -> str:
    return "db"


@pytest.fixture
def make(storage, settings, monkeypatch) -> Iterator[Callable[..., DBStorage]]:
    """A function that makes a storage of the same database with other settings.

    With `hurry`, it has the time limits of a server, without it those of other programs.
    """
    made: list[DBStorage] = []

    def make(hurry: bool = True, **more: str) -> DBStorage:
        made.append(DBStorage(replace(settings, **more)))
        if hurry:
            made[-1].enforce_timeouts()
        monkeypatch.setattr(models, "storage", made[-1])
        return made[-1]
    yield make
    for each in made:
        each.close()
        for engine in engines_of(each):
            engine.dispose()


@pytest.fixture
def client(make):
    def client(**more: str):
        make(hurry=False, **more)
        return ready_app().test_client()
    return client


class TestEnvironments:
    @pytest.mark.parametrize("env", ENVIRONMENTS)
    def test_every_connection_has_the_limits_of_its_environment(self, make, env):
        limits = DATABASES[env]
        storage = make(env=env)
        storage.reload()
        every = limits.statement, limits.statement, limits.stream
        for engine, seconds in zip(engines_of(storage), every, strict=True):
            with engine.connect() as connection:
                found = dict(map(tuple, connection.execute(text("SHOW SESSION VARIABLES"))))
            assert {found["innodb_lock_wait_timeout"], found["lock_wait_timeout"]} == {str(limits.lock)}
            assert float(found.get("max_statement_time") or int(found["max_execution_time"]) / 1000) == seconds
            assert (engine.pool.size(), engine.pool._timeout, engine.pool._recycle) == (
                limits.pool, limits.free, limits.recycle)
        with storage.transaction():
            assert storage._session.connection().get_isolation_level() == limits.isolation == "READ COMMITTED"

    def test_staging_has_the_limits_of_production(self):
        assert DATABASES["staging"] == DATABASES["production"]

    def test_all_limits_are_set_and_shorter_than_the_timeouts_of_proxies(self):
        for limits in DATABASES.values():
            assert all(value for value in asdict(limits).values())
            assert limits.free + limits.connect + limits.statement < 60     # seconds, after which proxies give up

    def test_the_limits_can_be_set(self):
        database = Settings.from_environ({"HBNB_MYSQL_POOL": "3", "HBNB_MYSQL_TIMEOUT": "7"}).database
        assert database == replace(DATABASES["dev"], pool=3, overflow=0, statement=7)

    @pytest.mark.parametrize("value", ["0", "-1", "x", "1.5", "10000", "²"])
    @pytest.mark.parametrize("name", ["HBNB_MYSQL_POOL", "HBNB_MYSQL_TIMEOUT"])
    def test_an_invalid_limit_is_refused(self, name, value):
        with pytest.raises(Misconfigured, match=f"{name} is '{re.escape(value)}'"):
            Settings.from_environ({name: value})

    def test_docs_faults_lists_the_limits_of_all_environments(self):
        rows = re.findall(r"^\| `(\w+)` \|.*?\| (.*) \|$", (ROOT / "docs" / "faults.md").read_text(), re.MULTILINE)
        assert {name: [each.strip() for each in values.split("|")] for name, values in rows} == {
            name: [str(asdict(each)[name]) for each in DATABASES.values()] for name in asdict(Database())}


class TestStatements:
    def test_a_statement_that_waits_too_long_is_answered_503(self, client, database, caplog):
        database.disconnect()       # an open transaction that has read the table would block the lock
        client = client(mysql_timeout="1")
        assert client.post(STATES, json={"name": "S"}).status_code == 201
        with database.connect() as other:
            other.cursor().execute("LOCK TABLES states WRITE")
            for answer in (client.get(STATES), client.get(f"{STATES}?limit=1"), client.get("/api/v1/stats"),
                           client.post(STATES, json={"name": "T"})):
                assert answer.status_code == 503
                assert answer.json["error"].startswith("The storage is not available. ")
                assert answer.headers["Retry-After"] == "5"
            other.cursor().execute("UNLOCK TABLES")
        assert "S" in [state["name"] for state in client.get(STATES).json]

    @pytest.mark.parametrize("send", [
        lambda storage, sleep: storage.read(sleep).tuples(),
        lambda storage, sleep: storage._session.execute(sleep)], ids=["alone", "in a transaction"])
    def test_the_server_ends_a_slow_statement_and_the_connection_stays_usable(self, make, send):
        storage = make(mysql_timeout="1")
        [before] = storage.read(text("SELECT CONNECTION_ID()")).scalars()
        with (pytest.raises(Unavailable, match=r"took longer than 1 seconds.*HBNB_MYSQL_TIMEOUT"),
                storage._translated()):
            send(storage, text("SELECT SLEEP(30)"))
        storage.close()
        assert storage.read(text("SELECT CONNECTION_ID()")).scalars() == [before]

    @pytest.mark.parametrize("app", [wsgi, web_flask.app])
    def test_programs_that_do_not_serve_requests_have_no_time_limit(self, make, app):
        storage = make(hurry=False, mysql_timeout="1")
        assert storage.read(text("SELECT SLEEP(1.5)")).scalars() == [0]
        ready_app(app.create_app)
        with pytest.raises(Unavailable, match="took longer than"):
            storage.read(text("SELECT SLEEP(30)")).tuples()

    def test_a_long_list_may_take_longer_than_a_statement(self, make, storage):
        for number in range(1500):
            storage.new(State(name=str(number)))
        storage.save()
        storage.close()
        slow = make(mysql_timeout="1")
        sent: list[str] = []
        event.listen(engines_of(slow).streams, "checkout", lambda *_: sent.append("stream"))
        assert len(objects.list(State)) == 1500
        assert sent == ["stream"]
        with engines_of(slow).streams.connect() as connection:
            assert connection.scalar(text("SELECT SLEEP(1.5)")) == 0

    def test_a_silent_server_is_answered_503_after_one_attempt(self, own_server, client, monkeypatch):
        monkeypatch.setitem(DATABASES, "dev", replace(DATABASES["dev"], connect=3))
        client = client(mysql_timeout="3", **{
            name: value for name, value in vars(own_settings(own_server)).items() if name.startswith("mysql_")
            and name != "mysql_timeout"})
        assert client.post(STATES, json={"name": "S"}).status_code == 201
        assert client.get(STATES).status_code == 200
        sent = watched(models.storage, monkeypatch)
        own_server.send(signal.SIGSTOP)
        try:
            for path in (STATES, "/api/v1/stats"):
                assert client.get(path).status_code == 503
            assert [each for each in sent if "FROM states" in each] == sent[:1]     # it was not sent again
        finally:
            own_server.send(signal.SIGCONT)
        assert "S" in [state["name"] for state in client.get(STATES).json]


class TestPool:
    def test_an_exhausted_pool_raises_unavailable_and_works_again_later(self, make, monkeypatch):
        monkeypatch.setitem(DATABASES, "dev", replace(DATABASES["dev"], free=1))
        storage = make(mysql_pool="1")
        State(name="S").save()
        storage.close()
        with in_a_thread(storage, lambda: storage._session.connection()):
            with pytest.raises(Unavailable, match="All connections to the database are in use"):
                State(name="T").save()
            assert storage.read(text("SELECT COUNT(*) FROM states")).scalars() == [1]    # needs no transaction
        State(name="U").save()
        storage.close()
        assert storage.count(State) == 2

    def test_threads_that_keep_their_connections_do_not_block_others(self, make):
        storage = make(mysql_pool="1")
        State(name="S").save()
        storage.close()
        kept = [in_a_thread(storage, lambda: objects.list(State, limit=1)) for _ in range(5)]
        for each in kept:
            each.__enter__()
        assert len(objects.list(State, limit=1)) == 1
        for each in kept:
            each.__exit__()


class in_a_thread:
    """Runs a function in a thread that lives until the end of the block."""

    def __init__(self, storage: DBStorage, work: Callable[[], object]) -> None:
        self._done, self._end, self._error = threading.Event(), threading.Event(), []
        self._storage, self._work = storage, work
        self._thread = threading.Thread(target=self._run)

    def _run(self) -> None:
        try:
            self._work()
        except BaseException as error:
            self._error.append(error)
        self._done.set()
        self._end.wait(60)
        self._storage.close()

    def __enter__(self) -> None:
        self._thread.start()
        self._done.wait(60)
        assert self._error == []

    def __exit__(self, *_: object) -> None:
        self._end.set()
        self._thread.join()
