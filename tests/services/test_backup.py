"""Backup and restore on both engines: all of the store, or nothing."""
from __future__ import annotations

import datetime
import gzip
import hashlib
import json
import os
import random
import re
import secrets
import signal
import stat
import threading
import time
from collections import Counter
from collections.abc import Callable
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

import MySQLdb
import pytest
from sqlalchemy import insert

import models
from config import Settings
from errors import Conflict, Damaged, Invalid, Unavailable
from models import passwords
from models.answer import Answer
from models.columns import TIMES, Base, links
from models.engine.base import Storage
from models.engine.db import rows as db_rows
from models.engine.file import json_file, json_objects, lock, tables
from models.engine.file_storage import FileStorage
from models.state import State
from models.user import User
from services import backup as backups
from services import tokens
from services.backup import back_up, check, restore
from services.search import indexing
from tests.airbnb import Engines
from tests.database import Database
from tests.market import Market
from tests.processes import finish, start
from tests.services.test_export import engines, fill  # noqa: F401

Content = Callable[[], dict[str, Any]]
MD5 = "5f4dcc3b5aa765d61d8327deb882cf99"     # of "password"
FOREIGN = {"Boat.1": {"id": "1", "sails": [1, None, "é"]}, "no key at all": {"x": 1}}


def rows(database: Database) -> dict[str, Any]:
    """Every row of every table, by table, without the version number of the store."""
    with closing(database.connect()) as connection:
        cursor = connection.cursor()
        found = {}
        for table in Base.metadata.sorted_tables:
            cursor.execute(f"SELECT * FROM {table.name} ORDER BY 1, 2")
            found[table.name] = cursor.fetchall()
        return found


@pytest.fixture
def content(storage: Storage, engine: str, settings: Settings, request: pytest.FixtureRequest) -> Content:
    """Returns everything that is stored, read directly from the database or the file."""
    if engine == "db":
        return lambda: rows(request.getfixturevalue("database"))

    def read() -> dict[str, Any]:
        storage.compact()
        path = Path(settings.file_path)
        return json.loads(path.read_text()) if path.exists() else {}
    return read


@pytest.fixture
def path(tmp_path: Path) -> str:
    (tmp_path / "backups").mkdir()
    return str(tmp_path / "backups" / "hbnb.backup")


@pytest.fixture
def full(storage: Storage, engine: str, settings: Settings) -> Storage:
    """A store with all classes, internal objects and old passwords; a file also has what only a file can store."""
    fill()
    tokens.create("partner")
    times = {"created_at": datetime.datetime(999, 1, 1, 0, 0, 0, 1), "updated_at": datetime.datetime(2020, 1, 1)}
    with storage.transaction():
        storage.write(insert(Answer.__table__), [
            times | {"id": "a" * 43, "digest": "d" * 64, "status": 201, "headers": "{}", "body": "é" * 70_000}])
        storage.write(insert(User.__table__), [
            times | {"id": "old", "email": "old", "password": passwords.protected(MD5), "first_name": "",
                     "last_name": ""}])
    if engine == "file":
        path = Path(settings.file_path)
        storage.compact()
        found = json.loads(path.read_text()) | FOREIGN
        next(obj for key, obj in found.items() if key.startswith("Place."))["pets"] = {"cats": [2, 0.5]}
        path.write_bytes(json_objects.MARKER + json.dumps(found)[1:].encode())
    return storage


@pytest.fixture
def destroy(storage: Storage, engine: str, settings: Settings, request: pytest.FixtureRequest) -> Callable[[], None]:
    """Deletes everything that is stored."""
    def lose() -> None:
        storage.close()
        if engine == "db":
            request.getfixturevalue("database").empty()
        else:
            for path in (settings.file_path, f"{settings.file_path}.journal"):
                Path(path).unlink(missing_ok=True)
    return lose


def lines(path: str) -> list[bytes]:
    return gzip.decompress(Path(path).read_bytes()).splitlines(keepends=True)


def sealed(path: str, *changed: Any) -> str:
    """Rewrite a backup with these lines and a valid checksum."""
    text = b"".join(json.dumps(line).encode() + b"\n" for line in changed)
    counts = Counter(line[0].partition(".")[0] for line in changed[1:])
    end = {"counts": counts, "sha256": hashlib.sha256(text).hexdigest()}
    Path(path).write_bytes(gzip.compress(text + json.dumps(end).encode()))
    return path


# Values of every type: at the limits of the engines, and beyond them.
ODD: list[Any] = [
    None, True, False, 0, -1, 7, 2**31 - 1, 2**31, 2**63 - 1, 2**63, 0.5, 1.0, 1e300, "", "a", "7", "abc", "é" * 60,
    "x" * 128, "x" * 129, "x" * 1025, "a b", "a ", "a\x00b", "2020-01-01", "0001-01-01T00:00:00+14:00", [], ["a"],
    ["a", "a"], ["none"], [1], [["a"]], {}, {"a": 1}, "$argon2id$x", json.loads("[" * 260 + "]" * 260)]


def sound() -> list[tuple[str, Any]]:
    """The objects of a small store, owners first."""
    times = dict.fromkeys(TIMES, "2020-01-01T00:00:00.000000")
    return [(key, {"id": key.partition(".")[2], "__class__": key.partition(".")[0], **times, **obj}) for key, obj in {
        "User.a": {"email": "a@b.c", "password": "123456"},
        "User.b": {"email": "b@b.c", "password": passwords.NO_LOGIN},
        "State.a": {"name": "S"}, "City.a": {"name": "C", "state_id": "a"}, "Amenity.a": {"name": "Wifi"},
        "Place.a": {"city_id": "a", "user_id": "a", "name": "P", "description": None, "price_by_night": None,
                    "max_guest": 2, "latitude": 1.5, "amenity_ids": ["a"]},
        "Review.a": {"place_id": "a", "user_id": "b", "text": "R"}, "Token.a": {"name": "ci", "digest": "d" * 64},
        "Answer.a": {"digest": "d" * 64, "status": 201, "headers": "{}", "body": "B"}}.items()]


def spoil(objects: list[tuple[str, Any]], chance: random.Random) -> None:
    """Change an object so that a store may refuse it."""
    number = chance.randrange(len(objects))
    key, obj = objects[number]
    match chance.randrange(8):
        case 0:
            objects.insert(chance.randrange(len(objects)), (key, obj))
        case 1:
            objects.pop(number)
        case 2:
            objects[number] = key, chance.choice(ODD)
        case 3 if isinstance(obj, dict):
            id = chance.choice(["", "é", "a ", "A", "a.b", "x" * 60, "x" * 61])
            objects[number] = f"{key.partition('.')[0]}.{id}", obj | {"id": id}
        case 4:
            objects.append((chance.choice(["Boat.1", "", "State", "State.b"]), chance.choice(ODD)))
        case _ if isinstance(obj, dict):
            objects[number] = key, obj | {chance.choice([*obj, "wheels"]): chance.choice(ODD)}


class TestRoundTrip:
    @pytest.mark.parametrize("journal", [False, True])
    def test_restore_brings_back_every_row_of_every_table(self, full, content, destroy, path, journal, monkeypatch):
        if journal:
            monkeypatch.setattr(json_file, "SMALL", 0)
            monkeypatch.setattr(json_file, "FOLD_AT", 1000)
            State(name="of the journal").save()
        before = content()
        made = back_up(path)
        assert made.counts.total() == len(lines(path)) - 2
        assert made.counts["Token"] == made.counts["Answer"] == 1
        destroy()
        assert not any(content().values())
        assert restore(path) == made == check(path)
        assert content() == before

    def test_a_backup_of_an_empty_store_restores_an_empty_store(self, storage, content, path):
        before = content()
        assert back_up(path).counts.total() == 0
        restore(path)
        assert content() == before

    def test_a_backup_of_several_batches_is_restored_completely(self, full, content, destroy, path, monkeypatch):
        monkeypatch.setattr(backups, "BATCH", 3)
        monkeypatch.setattr(db_rows, "PART", 3)
        monkeypatch.setattr(tables, "PART", 3)
        before = content()
        back_up(path)
        destroy()
        restore(path)
        assert content() == before

    @pytest.mark.parametrize(("first", "second"), [("file", "db"), ("db", "file")])
    def test_a_round_trip_through_the_other_engine_changes_nothing(
            self, engines: Engines, path, first, second):  # noqa: F811
        engines.use(first)
        fill()
        tokens.create("partner")
        back_up(path)
        engines.use(second)
        restore(path)
        back_up(f"{path}.2")
        engines.use(first)
        restore(f"{path}.2", replace=True)
        back_up(f"{path}.3")
        assert sorted(lines(path)[1:-1]) == sorted(lines(f"{path}.2")[1:-1]) == sorted(lines(f"{path}.3")[1:-1])
        assert b'"password":"$argon2' in b"".join(lines(path))

    def test_attributes_missing_in_an_older_backup_are_restored_as_unset(self, storage, path):
        schema = backups._schema() | {"State": ["id", "created_at", "updated_at"]}
        restore(sealed(path, {"hbnb_backup": 1, "made_at": "x", "schema": schema}, ["State.1", {"__class__": "State"}]))
        assert storage.get(State, "1").to_dict() == {
            "id": "1", "name": "", "__class__": "State", **dict.fromkeys(TIMES, "1970-01-01T00:00:00.000000")}

    def test_links_are_stored_after_the_objects_that_they_reference(self):
        order = [cls.__table__ for cls in models.stored.values()]
        for table in order:
            for pairs in links(table).values():
                assert all(order.index(key.column.table) <= order.index(table) for key in pairs.foreign_keys)


class TestOneMoment:
    @pytest.mark.parametrize("writer", ["another program", "another thread"])
    def test_a_backup_is_a_snapshot_despite_concurrent_writes(self, full, content, environ, path, monkeypatch, writer):
        for module in (db_rows, tables):
            monkeypatch.setattr(module, "PART", 1)
        code = ("from models.user import User\n"
                "for obj in list(models.storage.all(State).values()): models.storage.delete(obj)\n"
                "for obj in models.storage.all(User).values(): obj.first_name = 'Changed'\n"
                "State(name='New').save()\nmodels.storage.close()")
        thread = threading.Thread(target=exec, args=[code, {"models": models, "State": State}])
        before, started = content(), []

        def write(done: int, total: int) -> None:
            if started:
                return
            started.append(writer)
            if writer == "another program":
                finish(start(code, environ))    # it does not have to wait
            else:
                thread.start()
                thread.join(0.5)
        back_up(path, progress=write)
        if writer == "another thread":
            thread.join()
        assert started
        assert b"Changed" not in b"".join(lines(path))
        assert len(full.all(State)) == 1
        restore(path, replace=True)
        assert content() == before

    def test_a_backup_has_no_review_without_its_place_despite_concurrent_writes(self, storage, environ, path):
        market = Market()
        storage.close()
        code = """
from models.amenity import Amenity
from models.place import Place
from models.review import Review
made = []
print(flush=True)
while True:
    place = Place(name="P", city_id=sys.argv[1], user_id=sys.argv[2])
    place.amenities = [Amenity(name="A")]
    for obj in (*place.amenities, place, Review(text="R", place_id=place.id, user_id=sys.argv[2])):
        models.storage.new(obj)
    models.storage.save()
    made.append(place)
    if len(made) > 5:
        models.storage.delete(made.pop(0))
        models.storage.save()
"""
        writers = [start(code, environ, market.city.id, market.host.id) for _ in range(2)]
        try:
            for writer in writers:
                writer.stdout.readline()
            seen = set()
            for number in range(10):
                back_up(f"{path}.{number}")
                found = dict(json.loads(line) for line in lines(f"{path}.{number}")[1:-1])
                places = {key[6:]: obj for key, obj in found.items() if key.startswith("Place.")}
                reviews = [obj["place_id"] for key, obj in found.items() if key.startswith("Review.")]
                assert sorted(reviews) == sorted(places)
                assert all(f"Amenity.{id}" in found for obj in places.values() for id in obj["amenity_ids"])
                assert all(obj["amenity_ids"] for obj in places.values())
                seen.add(frozenset(places))
            assert len(seen) > 1
        finally:
            for writer in writers:
                writer.kill()
                writer.communicate()


class TestFile:
    def test_a_backup_is_compressed_and_readable_by_its_owner_only(self, full, path):
        mask = os.umask(0)
        try:
            back_up(path)
        finally:
            os.umask(mask)
        assert stat.S_IMODE(os.stat(path).st_mode) == 0o600
        assert len(Path(path).read_bytes()) < len(b"".join(lines(path))) / 3
        assert os.listdir(Path(path).parent) == ["hbnb.backup"]

    def test_an_existing_file_is_replaced_only_with_force(self, storage, path):
        back_up(path)
        Market()
        with pytest.raises(Conflict, match="already exists"):
            back_up(path)
        assert check(path).counts.total() == 0
        assert back_up(path, force=True).counts == check(path).counts != {}

    def test_a_file_created_during_the_backup_is_not_replaced(self, storage, path):
        State(name="S").save()

        def create(*_: int) -> None:
            Path(path).write_text("another file")
        with pytest.raises(Conflict, match=f"^{path} already exists"):
            back_up(path, progress=create)
        assert Path(path).read_text() == "another file"
        assert os.listdir(Path(path).parent) == [Path(path).name]

    def test_a_decompressed_or_recompressed_backup_can_be_restored(self, full, content, destroy, path):
        before = content()
        back_up(path)
        Path(path).write_bytes(b"".join(lines(path)))
        destroy()
        restore(path)
        assert content() == before

    def test_a_backup_that_cannot_be_written_leaves_no_file(self, storage, small_disk, path):
        with storage.transaction():
            for _ in range(300):
                storage.new(State(name=secrets.token_hex(60)))
        for full in (small_disk / "x", Path("/nowhere/x"), Path("/proc/x")):
            with pytest.raises(Unavailable, match=rf"{full}: (No space left on device|No such file or directory)"):
                (small_disk / "other").write_bytes(b"x" * 250_000)
                back_up(str(full))
        assert os.listdir(small_disk) == ["other"]

    def test_a_killed_backup_leaves_no_file(self, full, environ, path):
        process = start("import os\nfrom services.backup import back_up\n"
                        "back_up(sys.argv[1], progress=lambda *_: os.kill(os.getpid(), 9))", environ, path)
        process.communicate()
        assert process.returncode == -signal.SIGKILL
        assert not os.path.exists(path)
        back_up(path)


class TestDamage:
    def test_a_damaged_backup_is_refused_before_any_change(self, full, content, path):
        back_up(path)
        whole, before = Path(path).read_bytes(), content()
        flipped = bytearray(whole)
        flipped[len(whole) // 2] ^= 1
        plain = lines(path)
        cut = random.Random(5)
        damaged = {
            "empty": b"", "text": b"no backup\n", "json": b'{"State.1": {}}', "numbers": b"[1, 2]\n",
            "export": gzip.compress(b'{"__class__": "State", "id": "1", "name": "S"}\n'),
            "flipped": bytes(flipped), "appended": whole + b"x", "twice": whole + whole,
            "no end": gzip.compress(b"".join(plain[:-1])), "no header": gzip.compress(b"".join(plain[1:])),
            "one less": gzip.compress(b"".join(plain[:2] + plain[3:])),
            "changed": gzip.compress(b"".join(plain).replace(b"Wifi", b"WiFi")),
            "other order": gzip.compress(b"".join([plain[0], plain[2], plain[1], *plain[3:]])),
            "more": gzip.compress(b"".join([*plain, plain[1]])), "end": gzip.compress(b"".join([plain[0], b"{}\n"])),
            "no objects": gzip.compress(b"".join([plain[0], b"5\n", plain[-1]]))}
        damaged |= {f"cut off at {end}": whole[:end] for end in cut.sample(range(1, len(whole)), 20)}
        for how, text in damaged.items():
            Path(path).write_bytes(text)
            for refused in (check, lambda path: restore(path, replace=True)):
                with pytest.raises(Invalid, match=f"{path}: it is "):
                    refused(path)
                    pytest.fail(how)
            assert content() == before, how

    def test_damage_after_the_check_changes_nothing(self, full, content, path, monkeypatch):
        back_up(path)
        before, plain = content(), lines(path)

        def spoilt(path: str, progress: Any) -> None:
            Path(path).write_bytes(gzip.compress(b"".join([*plain[:-2], plain[-1]])))
        monkeypatch.setattr(backups, "check", spoilt)
        with pytest.raises(Invalid, match="does not match its checksum"):
            restore(path, replace=True)
        full.close()
        assert content() == before

    @pytest.mark.parametrize(("header", "words"), [
        ({"hbnb_backup": 2}, "in format 2, and this HBNB reads formats up to 1"),
        ({"hbnb_backup": "x"}, "it is not a backup of HBNB"),
        ({"schema": {"State": ["id", "flag"], "Boat": ["id"]}},
         r"another version .* attributes State\.flag, Boat\.id\. ")])
    def test_a_backup_of_another_version_is_refused(self, full, content, path, header, words):
        back_up(path)
        before, own = content(), json.loads(lines(path)[0])
        with pytest.raises(Invalid, match=words):
            restore(sealed(path, own | header), replace=True)
        assert content() == before


class TestUnsupportedObjects:
    @pytest.mark.parametrize(("objects", "words"), [
        ({"User.a": {"email": "MÜLLER@x.example"}, "User.b": {"email": "müller@x.example "}},
         r"User\.a \(MÜLLER@x\.example\) and User\.b \(müller@x\.example \) have the same email"),
        ({"Token.a": {"name": "ci"}, "Token.b": {"name": "ci"}},
         r"Token\.a \(ci\) and Token\.b \(ci\) have the same name"),
        ({"City.c": {"state_id": "gone"}}, r"City\.c: state_id refers to an object that does not exist: 'gone'"),
        ({"State.é": {"name": "S"}}, r"State\.é: id must be an id: at most 60 letters"),
        ({"State.s": {}, "Refused.State.t": {"object": {}}},
         r"Refused\.State\.t: a database cannot hold objects of the class Refused"),
        ({"State.s": {"name": "x" * 129}}, r"State\.s: name must have at most 128 characters, not 129")])
    def test_check_and_restore_report_what_a_database_cannot_store(self, storage, engine, content, path, objects,
                                                                   words):
        sealed(path, {"hbnb_backup": 1, "made_at": "x", "schema": {}}, *map(list, objects.items()))
        if engine == "file":    # a file accepts old data
            assert check(path).counts.total() == restore(path).counts.total() == len(objects)
            assert all(re.match(words, each) for each in check(path).duplicates)
            return
        for work in (check, restore):
            with pytest.raises(Invalid, match=words):
                work(path)
            assert not any(content().values())

    @pytest.mark.parametrize("pair", [("josé@x.example", "jose@x.example"), ("straße@x.example", "strasse@x.example"),
                                      ("", "")])
    def test_different_addresses_are_restored(self, storage, path, pair):
        sealed(path, {"hbnb_backup": 1, "made_at": "x", "schema": {}}, *(
            [f"User.{id}", {"email": email, "password": "123456"}] for id, email in zip("ab", pair, strict=True)))
        assert check(path).duplicates == restore(path).duplicates == []
        assert {user.email for user in storage.all(User).values()} == {*pair}

    def test_the_console_names_duplicates(self, storage, engine, path, console):
        sealed(path, {"hbnb_backup": 1, "made_at": "x", "schema": {}}, *(
            [f"User.{id}", {"email": email}] for id, email in zip("ab", ("MÜLLER@x.y", "müller@x.y"), strict=True)))
        ended = console(args=("restore", path, "--check"))
        assert ended.returncode == (engine == "db")
        assert "User.a (MÜLLER@x.y) and User.b (müller@x.y) have the same email" in ended.stdout + ended.stderr

    @pytest.mark.parametrize("password", [123456, "123456", 1.5, MD5])
    def test_plain_passwords_of_older_versions_become_hashes(self, storage, content, path, password):
        sealed(path, {"hbnb_backup": 1, "made_at": "x", "schema": {}},
               ["User.a", {"email": "a@b.c", "password": password}])
        restore(path)
        assert passwords.is_hash(storage.get(User, "a").password)
        assert storage.get(User, "a").check_password("password" if password == MD5 else str(password))
        storage.save()
        assert not re.search(rf"\W{re.escape(str(password))}\W", str(content()))

    @pytest.mark.parametrize(("key", "obj", "words"), [
        ("Boat.1", {"id": "1"}, r"Boat\.1: a database cannot hold objects of the class Boat"),
        ("State.1", {"pets": 1}, r"State\.1: a database cannot hold pets"),
        ("State.1", {"name": [1]}, r"State\.1: name must be a text"),
        ("State.1", {"name": "x" * 200}, r"State\.1: name must have at most 128 characters, not 200"),
        ("State.1", {"created_at": "x"}, r"State\.1: created_at is not a time"),
        ("City.1", {"name": "C", "state_id": "unknown"}, r"City\.1: state_id refers to an object that does not exist")])
    @pytest.mark.parametrize("engine", ["db"])
    def test_an_object_that_a_database_cannot_store_is_named_and_nothing_changes(
            self, full, content, path, key, obj, words):
        before = content()
        sealed(path, {"hbnb_backup": 1, "made_at": "x", "schema": {}}, ["State.0", {"name": "S"}], [key, obj])
        with pytest.raises(Invalid, match=f"{path}: {words}"):
            restore(path, replace=True)
        assert content() == before

    @pytest.mark.parametrize(("key", "obj", "words"), [
        ("State.1", [1], r"State\.1: it is not an object whose"),
        ("Place.1", {"max_guest": "x"}, r"Place\.1: max_guest must be a whole number"),
        ("Place.1", {"latitude": "abc"}, r"Place\.1: latitude must be a number"),
        ("Place.1", {"amenity_ids": "zz"}, r"Place\.1: amenity_ids must be a list of ids"),
        ("State.1", {"name": ["x"]}, r"State\.1: name must be a text"),
        ("State.1", {"created_at": "x"}, r"State\.1: created_at is not a time")])
    @pytest.mark.parametrize("engine", ["file"])
    def test_an_object_that_a_file_cannot_store_is_named_and_nothing_changes(
            self, full, content, path, key, obj, words):
        before = content()
        sealed(path, {"hbnb_backup": 1, "made_at": "x", "schema": {}}, ["State.0", {"name": "S"}], [key, obj])
        for work in (check, lambda path: restore(path, replace=True)):
            with pytest.raises(Invalid, match=f"{path}: {words}"):
                work(path)
        assert content() == before
        assert len(full.all(State)) == 2

    def test_check_reports_nothing_exactly_if_restore_succeeds(self, storage, engine, content, path):
        chance, seen = random.Random(11), Counter()
        for _ in range(100):
            objects = sound()
            for _ in range(chance.randint(1, 2)):
                spoil(objects, chance)
            sealed(path, {"hbnb_backup": 1, "made_at": "x", "schema": {}}, *map(list, objects))
            before, refused = content(), True
            with suppress(Invalid):
                check(path)
                refused = False
            seen[refused] += 1
            if not refused:
                restore(path, replace=True)
                continue
            with pytest.raises(Invalid):
                restore(path, replace=True)
            with pytest.raises((Invalid, Conflict)) as error:     # restore checks too, without a call of `check` before
                storage.restore(({key: obj} for key, obj in objects), replace=True)
            assert "parameter" not in str(error.value)
            assert content() == before
        assert min(seen[True], seen[False]) > 5

    @pytest.mark.parametrize("engine", ["file"])
    def test_restore_does_not_change_a_damaged_store(self, full, settings, content, path):
        back_up(path)
        Path(settings.file_path).write_text("{")
        with pytest.raises(Damaged, match=r"is damaged: .* move the file and its journal"):
            restore(path, replace=True)
        assert Path(settings.file_path).read_text() == "{"


class TestRestore:
    def test_restore_into_a_store_with_objects_requires_replace(self, full, content, destroy, path):
        back_up(path)
        saved = content()
        destroy()
        tokens.create("new")
        before = content()
        with pytest.raises(Conflict, match=r"not empty: it holds audit_entries \(1\), tokens \(1\)\. Nothing"):
            restore(path)
        assert content() == before
        restore(path, replace=True)
        assert content() == saved

    @pytest.mark.parametrize("engine", ["db"])
    def test_a_lost_connection_is_reported(self, full, database, path, monkeypatch):
        back_up(path)
        insert = db_rows._insert

        def lose(connection: Any, table: Any, *more: Any) -> None:
            if table.name == "places":
                database.disconnect()
            insert(connection, table, *more)
        monkeypatch.setattr(db_rows, "_insert", lose)
        with pytest.raises(Unavailable, match=r"^The database \w+ at .* cannot be used"):
            restore(path, replace=True)

    @pytest.mark.parametrize("engine", ["file"])
    def test_a_file_with_only_unknown_objects_is_not_empty(self, full, destroy, settings, path):
        back_up(path)
        destroy()
        Path(settings.file_path).write_text(json.dumps(FOREIGN))
        with pytest.raises(Conflict, match=r"it holds others \(2\)"):
            restore(path)

    def test_searches_after_a_restore_use_no_outdated_cache(self, storage, path):
        market = Market()
        city = market.city.id
        back_up(path)
        storage.delete(market.state)
        storage.save()
        version = storage.version()
        assert not indexing.fresh().cities
        restore(path, replace=True)
        assert storage.version() != version
        assert {*indexing.fresh().cities} == {city}

    @pytest.mark.parametrize("is_empty", [False, True])
    def test_others_read_the_old_content_and_cannot_write_during_a_restore(
            self, full, engine, content, settings, request, destroy, path, is_empty, monkeypatch):
        saved = content()
        back_up(path)
        if is_empty:
            destroy()
        monkeypatch.setattr(lock, "TIMEOUT", 0.2)
        other = models.make_storage(settings)
        before = other.count()
        other.close()

        def parts():
            for number, line in enumerate(lines(path)[1:-1]):
                yield dict([json.loads(line)])
                if number == 12:
                    look()

        def look() -> None:
            assert other.count() == before
            other.close()
            with pytest.raises((Unavailable, MySQLdb.OperationalError), match=r"is in use|Lock wait timeout"):
                write()

        def write() -> None:
            if engine == "file":
                with other.transaction():
                    pass
            with closing(request.getfixturevalue("database").connect()) as writer:
                writer.cursor().execute("SET innodb_lock_wait_timeout = 1")
                writer.cursor().execute("INSERT INTO states VALUES ('new', NOW(), NOW(), 'S')")
                writer.commit()
        clear = db_rows.clear
        monkeypatch.setattr(db_rows, "clear", lambda connection: (look(), clear(connection)))
        full.restore(parts(), replace=not is_empty)
        other.close()
        assert content() == saved

    @pytest.mark.parametrize("engine", ["db"])
    def test_a_restore_is_repeated_after_a_deadlock(self, full, database, content, path):
        back_up(path)
        saved = content()
        with closing(database.connect()) as writer, closing(database.connect()) as looker:
            cursor, look = writer.cursor(), looker.cursor()
            for table in ("users", "states", "reviews"):    # the deadlock's victim is the smaller transaction
                cursor.execute(f"UPDATE {table} SET updated_at = NOW()")
            restoring = threading.Thread(target=restore, args=[path, True])
            restoring.start()
            waiting = "SELECT 1 FROM information_schema.processlist WHERE info LIKE '%FOR UPDATE' AND time > 0"
            while not look.execute(waiting):
                time.sleep(0.1)
            cursor.execute("UPDATE amenities SET updated_at = NOW()")     # the restore has locked these rows
            writer.commit()
            restoring.join(60)
        assert content() == saved

    @pytest.mark.parametrize("engine", ["db"])
    def test_restore_removes_dependents_before_their_owners(self, full, path, sent):
        back_up(path)
        restore(path, replace=True)
        removed = [sql.split()[2] for sql in sent if sql.startswith("DELETE")]
        assert removed == [table.name for table in reversed(Base.metadata.sorted_tables)]

    @pytest.mark.parametrize("engine", ["file"])
    def test_a_process_notices_a_restore_that_was_killed_after_replacing_the_file(
            self, full, settings, path, monkeypatch):
        back_up(path)
        State(name="later").save()

        rewrite = full._file.rewrite

        def end(*arguments: Any, **options: Any) -> None:
            rewrite(*arguments, **options)
            raise KeyboardInterrupt
        monkeypatch.setattr(full._file, "rewrite", end)
        with pytest.raises(KeyboardInterrupt):
            restore(path, replace=True)
        assert full.count(State) == FileStorage(settings.file_path).count(State) == 2

    @pytest.mark.parametrize("engine", ["file"])
    def test_a_process_that_has_read_the_whole_journal_notices_a_restore(self, full, settings, path, monkeypatch):
        monkeypatch.setattr(json_file, "SMALL", 0)
        monkeypatch.setattr(json_file, "FOLD_AT", 1000)
        back_up(path)
        State(name="later").save()
        other = FileStorage(settings.file_path)
        assert other.count(State) == 3
        restore(path, replace=True)
        assert other.count(State) == 2
        assert [*other.all()] == [*full.all()]

    @pytest.mark.parametrize("size", [0, 1 << 20])
    @pytest.mark.parametrize("moment", ["while it stores", "at its last moment"])
    def test_a_killed_restore_leaves_the_old_content(self, full, engine, content, environ, path, moment, size):
        back_up(path)
        State(name="later").save()
        full.close()
        before = content()
        code = f"""
import os
from sqlalchemy import event
from models.engine.file import json_file
from services import backup
json_file.SMALL, json_file.FOLD_AT, backup.BATCH = {size}, 1000, 2
State(name="in the journal").save()
die, real = (lambda *_: os.kill(os.getpid(), 9)), models.storage.restore
if {moment == "while it stores"}:
    fewer = lambda parts: (die() if number > 2 else part for number, part in enumerate(parts))
    models.storage.restore = lambda parts, replace: real(fewer(parts), replace)
elif {engine == "db"}:
    event.listen(models.storage._engine, "commit", die)
else:
    os.replace = die
backup.restore(sys.argv[1], replace=True)
"""
        process = start(code, environ, path)
        _, errors = process.communicate(timeout=60)
        assert process.returncode == -signal.SIGKILL, errors
        found = models.storage.all(State).values()
        assert {obj.name for obj in found} >= {"later", "in the journal"}
        models.storage.delete(next(obj for obj in found if obj.name == "in the journal"))
        models.storage.save()
        assert content() == before

    @pytest.mark.parametrize("engine", ["file"])
    def test_a_restore_killed_after_its_commit_leaves_the_whole_backup(self, full, content, environ, path):
        saved = content()
        back_up(path)
        process = start("""
import os
from models.engine.file import json_file
from services import backup
json_file.SMALL, json_file.FOLD_AT = 0, 1000
for name in ("in a file of our own form", "in the journal"):
    State(name=name).save()
real = os.replace
os.replace = lambda *names: (real(*names), os.kill(os.getpid(), 9))
backup.restore(sys.argv[1], replace=True)
""", environ, path)
        process.communicate(timeout=60)
        assert process.returncode == -signal.SIGKILL
        assert os.path.exists(f"{full._file.path}.journal")
        assert content() == saved


def test_backup_and_restore_report_their_progress(full, path):
    moves = []
    back_up(path, progress=lambda *moved: moves.append(moved))
    assert moves[-1][0] == moves[-1][1] == check(path).counts.total()
    moves.clear()
    restore(path, replace=True, progress=lambda *moved: moves.append(moved))
    assert moves == sorted(moves)
    assert moves[-1] == (2 * os.path.getsize(path),) * 2


class TestCommands:
    def test_the_commands_print_the_counts_and_the_time(self, full, console, destroy):
        ran = console(args=("backup", "my hbnb.backup"))
        assert (ran.returncode, ran.stderr) == (0, "")
        [total, time, counts] = re.fullmatch(r"Backed up (\d+ objects) to my hbnb\.backup at (2\d{3}-[-\dT:.]{21} UTC)"
                                             r"(: .*\b1 Token, 4 User\b.*)\n", ran.stdout).groups()
        assert console(args=("restore", "my hbnb.backup", "--check")).stdout == (
            f"my hbnb.backup is a valid backup of {time} with {total}{counts}. Nothing was restored\n")
        destroy()
        again = console('restore "my hbnb.backup"', "count State")
        assert (again.stdout, again.stderr) == (
            f"Restored {total} from my hbnb.backup, a backup of {time}{counts}\n2\n", "")

    def test_the_commands_print_errors_in_one_line(self, full, console, path):
        for arguments, words in ((("backup",), "see help backup"), (("restore", path), "No such file or directory"),
                                 (("backup", "x", "--replace"), "see help backup"), (("restore", "x", "--rep"), "see"),
                                 (("backup", "/nowhere/x"), "/nowhere/x: No such file or directory")):
            ran = console(args=arguments)
            assert (ran.returncode, ran.stdout, ran.stderr.count("\n")) == (1, "", 1)
            assert words in ran.stderr
        assert console(args=("backup", path)).returncode == 0
        ran = console(args=("restore", path))
        assert (ran.returncode, ran.stdout) == (1, "")
        assert re.match(r"\*\* The store is not empty: it holds .*states \(2\), .*\. Nothing was changed\. "
                        r"To remove these objects first, pass --replace \*\*\n", ran.stderr)
        ran = console(args=("backup", path))
        assert (ran.returncode, ran.stdout, ran.stderr) == (1, "", (
            f"** {path} already exists. Nothing was written. Choose another name. To replace it, pass --force **\n"))

    @pytest.mark.parametrize("engine", ["file"])
    def test_restore_works_in_production_before_there_is_a_token(self, full, console, destroy, path):
        tokens.create("other")
        for command in ("backup", "restore"):
            assert console(args=(command, path), HBNB_ENV="production").stderr == ""
            destroy()
        assert restore(path).counts["Token"] == 2
        assert tokens.count() == 2
