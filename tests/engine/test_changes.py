"""The log of changes: which objects were changed since a version of the storage, on both engines."""
from __future__ import annotations

import json
import random
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import bindparam, delete, event, insert, text, update

import models
from config import Settings
from models.amenity import Amenity, place_amenity
from models.base_model import BaseModel
from models.city import City
from models.engine.base import Storage
from models.engine.db import changed, version
from models.engine.file import change_log, json_file, lock
from models.engine.file_storage import FileStorage
from models.place import Place
from models.review import Review
from models.state import State
from models.user import User
from services import backup
from services.actor import OPERATOR
from services.registry import service_for
from tests import objects
from tests.airbnb import Files
from tests.database import Database, engines_of
from tests.market import Market
from tests.processes import finish, start

Key = tuple[str, str]
STATES, PLACES = State.__table__, Place.__table__


class Reader:
    """Remembers a version, and asks what was changed since then."""

    def __init__(self, storage: Storage) -> None:
        self._storage = storage
        self.version = storage.version()

    def poll(self) -> list[Key] | None:
        """Return the objects that were changed since the last call, in the order of their changes."""
        self._storage.close()
        found = self._storage.changes(self.version)
        self.version = found.version if found else self._storage.version()
        return found.objects if found else None

    def seen(self) -> set[Key] | None:
        found = self.poll()
        assert found is None or len({*found}) == len(found)
        return None if found is None else {*found}


@pytest.fixture
def market(storage: Storage) -> Market:
    return Market()


@pytest.fixture
def reader(market: Market, storage: Storage) -> Reader:
    """A reader that knows the market."""
    storage.close()
    return Reader(storage)


@pytest.fixture
def other(settings: Settings, engine: str) -> Iterator[Storage]:
    """The storage of another process."""
    storage = models.make_storage(settings)
    yield storage
    storage.close()


@pytest.fixture
def journaled(monkeypatch: pytest.MonkeyPatch) -> None:
    """Files have a journal, however small they are, and it stays."""
    monkeypatch.setattr(json_file, "SMALL", 0)
    monkeypatch.setattr(json_file, "FOLD_AT", 1000)


def keys(*found: BaseModel) -> set[Key]:
    return {(type(obj).__name__, obj.id) for obj in found}


def row(cls: type[BaseModel], id: str, **values: Any) -> dict[str, Any]:
    """Return the values of all columns of an object."""
    obj = cls(id=id, **values)
    return {column.key: getattr(obj, column.key) for column in cls.__table__.c}


def get(obj: Any) -> Any:
    return models.storage.get(type(obj), obj.id)


class TestEachChangeIsListed:
    @pytest.mark.parametrize("name", ["state", "city", "wifi", "place"])
    def test_of_objects(self, reader: Reader, market: Market, storage: Storage, name: str):
        old = getattr(market, name)
        values = {key: value for key, value in vars(old).items() if key.endswith("_id")}
        new = type(old)(name="new", **values)
        new.save()
        assert reader.seen() == keys(new)
        found = get(new)
        found.name = "changed"
        found.save()
        assert reader.seen() == keys(new)
        storage.delete(get(new))
        storage.save()
        assert reader.seen() == keys(new)
        assert reader.seen() == set()

    def test_of_services(self, reader: Reader, market: Market, storage: Storage):
        amenity = objects.create(Amenity, {"name": "Sauna"})
        assert reader.seen() == keys(amenity)
        objects.update(get(amenity), {"name": "Hammam"})
        assert reader.seen() == keys(amenity)
        places, place = service_for(Place), keys(market.place)
        places.link(OPERATOR, get(market.place), get(amenity))
        assert reader.seen() == place
        places.unlink(OPERATOR, get(market.place), get(amenity))
        assert reader.seen() == place
        places.offer(OPERATOR, get(market.place), [amenity.id])
        assert reader.seen() == place
        objects.remove(get(amenity))
        assert reader.seen() == keys(amenity) | place

    def test_of_an_import(self, reader: Reader, tmp_path: Path):
        files = Files(tmp_path)
        state, user = State(id="s", name="S"), User(id="u", email="a@b.c", password="x", first_name="A", last_name="B")
        amenities = [Amenity(id=id, name=id) for id in ("a", "b")]
        city, place = City(id="c", name="C", state_id="s"), Place(id="p", name="P", city_id="c", user_id="u")

        def load(**changes: Any) -> None:
            content = {f"{type(obj).__name__}.{obj.id}": obj.to_dict()
                       for obj in (state, user, *amenities, city, place)}
            content["Place.p"] |= changes
            files.load_text(json.dumps(content), "old.json")
        load(amenity_ids=["a"])
        assert reader.seen() == keys(state, *amenities, city, place)
        load(amenity_ids=["a"])
        assert reader.seen() == set()
        load(amenity_ids=["b"])
        assert reader.seen() == keys(place)
        load(amenity_ids=["b"], name="new")
        assert reader.seen() == keys(place)

    def test_of_links_in_a_relationship(self, reader: Reader, market: Market, storage: Storage):
        place = get(market.place)
        place.amenities = [get(market.pool)]
        place.save()
        assert reader.seen() == keys(market.place)

    def test_but_not_of_users_and_reviews(self, reader: Reader, market: Market):
        objects.update(get(market.host), {"first_name": "Grace"})
        objects.create(Review, {"text": "x", "place_id": market.place.id, "user_id": market.guest.id})
        assert reader.seen() == set()

    @pytest.mark.parametrize(("name", "parts"), [
        ("state", ["city", "place"]), ("city", ["place"]), ("host", ["place"]), ("guest", []), ("wifi", ["place"]),
        ("place", [])])
    def test_of_the_parts_of_a_removed_object(self, reader: Reader, market: Market, name: str, parts: list[str]):
        removed = getattr(market, name)
        objects.remove(get(removed))
        assert reader.seen() == {key for key in keys(removed, *(getattr(market, each) for each in parts))
                                 if key[0] != "User"}

    def test_of_any_statement(self, reader: Reader, market: Market, storage: Storage):
        ids = [f"s{number}" for number in range(3)]
        for statement, values, expected in (
                (insert(STATES), [row(State, id, name="old") for id in ids], ids),
                (insert(STATES).values(row(State, "s3", name="odd")), None, ["s3"]),
                (update(STATES).where(STATES.c.name == "old").values(name="new"), None, ids),
                (update(STATES).where(STATES.c.id == "s3").values(name="new"), None, ["s3"]),
                (update(STATES).where(STATES.c.name == bindparam("of")).values(name="newer"), {"of": "new"},
                 [*ids, "s3"]),
                (update(STATES).where(STATES.c.id == bindparam("of")).values(name=bindparam("to")),
                 [{"of": "s0", "to": "x"}, {"of": "s1", "to": "y"}], ["s0", "s1"]),
                (delete(STATES).where(STATES.c.id.in_(["s0", "s1"])), None, ["s0", "s1"]),
                (delete(STATES).where(STATES.c.name == "newer"), None, ["s2", "s3"])):
            with storage.transaction():
                storage.write(statement, values)
            assert reader.seen() == {("State", id) for id in expected}
        with storage.transaction():
            storage.write(delete(place_amenity).where(place_amenity.c.amenity_id == market.pool.id))
        assert reader.seen() == keys(market.place)

    def test_in_the_order_of_the_last_changes_and_only_once(self, reader: Reader, storage: Storage):
        first, second = State(name="1"), State(name="2")
        first.save()
        second.save()
        first.name = "3"
        first.save()
        assert reader.poll() == [("State", second.id), ("State", first.id)]

    def test_to_readers_of_all_versions(self, reader: Reader, storage: Storage):
        made, versions = [], [reader.version]
        for number in range(5):
            made.append(State(name=f"{number}"))
            made[-1].save()
            storage.close()
            versions.append(storage.version())
        for number, since in enumerate(versions):
            found = storage.changes(since)
            assert found
            assert (found.version, {*found.objects}) == (versions[-1], keys(*made[number:]))


class TestWhatIsNotStoredIsNotListed:
    def test_after_a_rollback_and_a_dry_run(self, reader: Reader, storage: Storage):
        with pytest.raises(RuntimeError), storage.transaction():
            storage.write(insert(STATES), row(State, "s", name="S"))
            raise RuntimeError
        assert reader.seen() == set()
        with storage.transaction(dry_run=True):
            storage.write(insert(STATES), row(State, "s", name="S"))
        assert reader.seen() == set()
        state = State(name="S")
        state.save()
        assert reader.seen() == keys(state)

    def test_the_rest_of_a_transaction_is_listed_after_the_rollback_of_a_savepoint(
            self, reader: Reader, storage: Storage):
        with storage.transaction():
            storage.write(insert(STATES), row(State, "before", name="S"))
            savepoint = storage._session.begin_nested()
            storage.write(insert(STATES), row(State, "within", name="S"))
            savepoint.rollback()
            storage.write(insert(STATES), row(State, "after", name="S"))
        found = reader.seen()
        assert found is not None
        assert {("State", "before"), ("State", "after")} <= found <= {
            ("State", "before"), ("State", "within"), ("State", "after")}


class TestUnknownChanges:
    def test_of_no_and_unknown_versions(self, reader: Reader, storage: Storage):
        assert storage.changes(None) is None
        assert storage.changes(123456789) is None

    def test_inside_a_transaction(self, reader: Reader, storage: Storage):
        State(name="S").save()
        storage.close()
        with storage.transaction():
            assert storage.changes(reader.version) is None

    def test_after_a_restore(self, reader: Reader, storage: Storage, tmp_path: Path):
        backup.back_up(str(tmp_path / "copy"))
        backup.restore(str(tmp_path / "copy"), replace=True)
        assert reader.seen() is None
        state = State(name="S")
        state.save()
        assert reader.seen() == keys(state)


class TestTransactions:
    """Of several connections to a database."""

    @pytest.fixture
    def engine(self) -> str:
        return "db"

    def test_a_transaction_is_listed_when_it_commits_not_when_it_begins(
            self, reader: Reader, storage: Storage, other: Storage):
        with other.transaction():
            other.write(insert(STATES), row(State, "slow", name="S"))
            for id in ("1", "2"):
                with storage.transaction():
                    storage.write(insert(STATES), row(State, id, name="S"))
                assert reader.poll() == [("State", id)]
        assert reader.poll() == [("State", "slow")]
        assert reader.poll() == []

    def test_everything_may_have_changed_by_sql_text(self, reader: Reader, storage: Storage):
        with storage.transaction():
            storage.write(text("UPDATE states SET name = 'x'"))
        assert reader.seen() is None
        with storage.transaction():
            storage.write(insert(STATES), row(State, "s", name="S"))
            version.mark_changed(storage._session.connection())
        assert reader.seen() is None

    def test_everything_may_have_changed_in_large_transactions(
            self, reader: Reader, storage: Storage, market: Market, monkeypatch: pytest.MonkeyPatch):
        monkeypatch.setattr(changed, "MOST", 3)
        many = [row(State, f"s{number}", name="S") for number in range(4)]
        for statement, values in (
                (insert(STATES), many), (update(STATES).where(STATES.c.name == "S").values(name="T"), None),
                (delete(STATES).where(STATES.c.id.in_([each["id"] for each in many])), None)):
            with storage.transaction():
                storage.write(statement, values)
            assert reader.seen() is None
        with storage.transaction():
            storage.write(insert(STATES), many[:3])
        assert reader.seen() == {("State", each["id"]) for each in many[:3]}

    @pytest.mark.parametrize("statement", [
        delete(place_amenity), update(PLACES).values(name="x"),
        insert(STATES).from_select(["id", "created_at", "updated_at", "name"], STATES.select().where(
            STATES.c.id == "none")),
        update(STATES).where(STATES.c.id == "none").values(id="other")], ids=["delete", "update", "insert", "id"])
    def test_everything_may_have_changed_by_statements_without_ids(
            self, reader: Reader, storage: Storage, statement: Any):
        with storage.transaction():
            storage.write(statement)
        assert reader.seen() is None

    def test_a_row_that_is_added_before_a_statement_removes_it_is_not_missed(
            self, reader: Reader, market: Market, storage: Storage, other: Storage):
        late = row(Place, "late", name="P", city_id=market.city.id, user_id=market.host.id)

        def add() -> None:
            with other.transaction():
                other.write(insert(PLACES), late)
        storage.delete(get(market.city))
        with before_statement(storage, "DELETE FROM places WHERE places.city_id", add):
            storage.save()
        assert not {*storage.all(Place).values()}
        assert reader.seen() is None

    def test_rows_that_the_database_removes_are_listed(self, market: Market, storage: Storage, other: Storage):
        readers: list[Reader] = []

        def add() -> None:
            with other.transaction():
                other.write(insert(City.__table__), row(City, "late", name="C", state_id=market.state.id))
                other.write(insert(PLACES), row(Place, "late", name="P", city_id="late", user_id=market.guest.id))
            readers.append(Reader(other))       # has read the additions
        storage.delete(get(market.state))
        with before_statement(storage, "SELECT states.id \n", add):
            storage.save()
        assert not storage.count(Place) + storage.count(City)
        assert [each.seen() for each in readers] == [
            keys(market.state, market.city, market.place) | {("City", "late"), ("Place", "late")}]

    def test_writes_of_an_older_release_are_noticed(self, reader: Reader, storage: Storage, database: Database):
        def older(name: str) -> None:
            connection = database.connect()
            cursor = connection.cursor()
            cursor.execute("UPDATE states SET name = %s", [name])
            cursor.execute("UPDATE versions SET version = FLOOR(RAND() * 1000000000000)")
            connection.commit()
            connection.close()
        State(name="S").save()
        older("by an older release")
        assert reader.seen() is None
        older("again")
        state = State(name="S")
        state.save()        # the last version is in the log, but not the one before
        assert reader.seen() is None
        State(name="S").save()
        older("between others")
        State(name="S").save()
        assert reader.seen() is None
        older("last")
        assert reader.seen() is None
        state = State(name="S")
        state.save()
        assert reader.seen() == keys(state)

    def test_old_entries_are_removed(
            self, reader: Reader, storage: Storage, database: Any, monkeypatch: pytest.MonkeyPatch):
        connection = database.connect()     # entries of earlier tests would be removed first
        connection.cursor().execute("DELETE FROM changes")
        connection.commit()
        monkeypatch.setattr(version, "KEPT", 20)
        monkeypatch.setattr(version, "PRUNED_AFTER", 10)
        versions, polled = [reader.version], []
        for number in range(0, 120, 3):     # transactions are not cut off where the entries are
            with storage.transaction():
                storage.write(insert(STATES), [row(State, f"s{number + each}", name="S") for each in range(3)])
            polled += reader.poll() or [None]
            versions.append(reader.version)
            found = [storage.changes(since) for since in versions]
            assert {len(each.objects) % 3 for each in found if each} == {0}
        assert polled == [("State", f"s{number}") for number in range(120)]
        assert storage.changes(versions[0]) is None
        [[kept]] = storage.read(text("SELECT COUNT(*) FROM changes")).tuples()
        assert 20 <= kept <= 40

    def test_a_failure_to_remove_old_entries_fails_no_write(
            self, reader: Reader, storage: Storage, monkeypatch: pytest.MonkeyPatch):
        monkeypatch.setattr(version, "PRUNED_AFTER", 1)
        monkeypatch.setattr(version, "_PRUNE", "DELETE FROM nowhere WHERE number < %s LIMIT %s")
        state = State(name="S")
        state.save()
        assert reader.seen() == keys(state)

    def test_a_large_transaction_is_logged_with_few_statements(self, reader: Reader, storage: Storage):
        def inserts() -> int:
            [[_, count]] = storage.read(text("SHOW GLOBAL STATUS LIKE 'Com_insert'")).tuples()
            return int(count)
        before = inserts()
        with storage.transaction():
            storage.write(insert(STATES), [row(State, f"s{number}", name="S") for number in range(2000)])
        assert inserts() - before < 50
        assert len(reader.seen() or ()) == 2000

    def test_backups_do_not_have_the_log(self, reader: Reader, storage: Storage):
        State(name="S").save()
        storage.close()
        assert {key.partition(".")[0] for part in storage.dump() for key in part} == {
            "State", "City", "User", "Amenity", "Place", "Review"}


class TestFile:
    @pytest.fixture
    def engine(self) -> str:
        return "file"

    def test_changes_of_another_process_are_listed_if_they_are_in_the_journal(
            self, journaled: None, reader: Reader, market: Market, other: Storage,
            monkeypatch: pytest.MonkeyPatch):
        monkeypatch.setattr(models, "storage", other)
        state = State(name="S")
        state.save()
        objects.remove(get(market.city))
        objects.update(get(market.host), {"first_name": "Grace"})
        assert reader.seen() == keys(state, market.city, market.place)
        assert reader.seen() == set()

    def test_everything_may_have_changed_if_another_process_replaces_the_file(
            self, reader: Reader, other: Storage, monkeypatch: pytest.MonkeyPatch):
        monkeypatch.setattr(models, "storage", other)
        State(name="S").save()
        assert reader.seen() is None
        assert reader.seen() == set()

    def test_the_log_is_bounded(self, reader: Reader, storage: Storage, monkeypatch: pytest.MonkeyPatch):
        monkeypatch.setattr(change_log, "KEPT", 10)
        old = reader.version
        for number in range(8):
            State(name=f"{number}").save()
        assert storage.changes(old) is None
        storage.close()
        found = storage.changes(old + 3)
        assert found
        assert len(found.objects) == 5

    def test_a_commit_that_fails_after_the_file_was_written_is_not_missed(
            self, reader: Reader, storage: FileStorage, monkeypatch: pytest.MonkeyPatch):
        def fail() -> None:
            raise KeyboardInterrupt
        storage.new(State(name="S"))
        monkeypatch.setattr(storage._session, "commit", fail)
        with pytest.raises(KeyboardInterrupt):
            storage.save()
        assert reader.seen() is None
        assert storage.count(State) == 2


WRITER = """
import os, random, time
from sqlalchemy import insert
from models.engine.file import json_file
json_file.SMALL, json_file.FOLD_AT = 0, 1000
table, name = State.__table__, sys.argv[1]
for number in range(int(sys.argv[2])):
    state = State(id=f"{name}-{number}", name=name)
    with models.storage.transaction():
        models.storage.write(insert(table), {each.key: getattr(state, each.key) for each in table.c})
        time.sleep(random.random() / 100)
    time.sleep(random.random() / 20)
sys.stdout.write("done")
sys.stdout.flush()
os._exit(0)     # the journal is not merged
"""


def test_a_reader_sees_all_changes_of_other_processes_in_their_order(
        journaled: None, reader: Reader, environ: dict[str, str], monkeypatch: pytest.MonkeyPatch):
    # Otherwise it reads the whole file if the writers keep it from getting the lock.
    monkeypatch.setattr(lock, "PATIENCE", 60)
    writers = [start(WRITER, environ, name, "40") for name in ("a", "b", "c")]
    found: list[Key] = []
    running = True
    while running:
        running = any(each.poll() is None for each in writers)
        changes = reader.poll()
        assert changes is not None
        found += changes
        time.sleep(0.02)
    assert [finish(each) for each in writers] == ["done"] * 3
    for name in ("a", "b", "c"):
        assert [id for _, id in found if id.startswith(f"{name}-")] == [f"{name}-{number}" for number in range(40)]
    assert len(found) == 120


def test_a_copy_stays_equal_while_threads_write(reader: Reader, storage: Storage):
    """The copy changes only what the log lists: with a missed change it would differ at the end."""
    over = threading.Event()

    def write(number: int) -> None:
        chance = random.Random(number)
        own: list[str] = []
        while not over.is_set():
            with storage.transaction():
                id = f"{number}-{chance.random()}"
                own.append(id)
                storage.write(insert(STATES), row(State, id, name="new"))
                if chance.random() < 0.5:
                    storage.write(update(STATES).where(STATES.c.id == chance.choice(own)).values(name=id))
                if chance.random() < 0.3:
                    storage.write(delete(STATES).where(STATES.c.id == own.pop(chance.randrange(len(own)))))
                time.sleep(chance.random() / 100)
        storage.close()

    def names() -> dict[str, str]:
        return dict(storage.read(STATES.select().with_only_columns(STATES.c.id, STATES.c.name)).tuples())
    copy = names()
    threads = [threading.Thread(target=write, args=[number]) for number in range(4)]
    for thread in threads:
        thread.start()
    end = time.monotonic() + 3
    while time.monotonic() < end or any(each.is_alive() for each in threads):
        if time.monotonic() >= end:
            over.set()
        found = reader.seen()
        assert found is not None
        now = names()
        for _, id in found:
            copy.pop(id, None)
            copy |= {id: now[id]} if id in now else {}
    for _, id in reader.seen() or ():
        copy = {key: value for key, value in copy.items() if key != id}
        copy |= {id: names()[id]} if id in names() else {}
    assert len(copy) > 20
    assert copy == names()


@contextmanager
def before_statement(storage: Storage, beginning: str, function: Callable[[], None]) -> Iterator[None]:
    """Call a function before the storage sends the first statement with this beginning; it must send one."""
    transactions, called = engines_of(storage).transactions, list[str]()

    def watch(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        if not called and statement.startswith(beginning):
            called.append(statement)
            function()
    event.listen(transactions, "before_cursor_execute", watch)
    yield
    event.remove(transactions, "before_cursor_execute", watch)
    assert called
