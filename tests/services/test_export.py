"""Export of a store, and moves from one engine to the other."""
from __future__ import annotations

import datetime
import gzip
import json
import os
import stat
import threading
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import insert

import models
from config import Settings
from errors import Invalid, Unavailable
from models.amenity import Amenity
from models.city import City
from models.engine.base import Storage
from models.place import Place
from models.review import Review
from models.state import State
from models.user import User
from services.transfer import dumps
from services.transfer.files import export_file, import_file
from tests.airbnb import Engines, stored
from tests.conftest import Run
from tests.database import Database
from tests.market import Market


@pytest.fixture
def engines(_db_storage: Storage, database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Engines:
    _db_storage.close()
    database.empty()
    file = models.make_storage(replace(Settings(), file_path=str(tmp_path / "file.json")))
    return Engines(file, _db_storage, lambda storage: monkeypatch.setattr(models, "storage", storage))


def fill() -> None:
    """Store data that is easily lost: special characters, spaces, fractions, nulls and empty texts, links."""
    market = Market()
    full = Place(name="Hawaiʻi 🏝️ \"<b>'&amp;", city_id=market.city.id, user_id=market.guest.id,
                 description=" a\r\n\tb \\ ", number_rooms=2**31 - 1, latitude=-89.99999999999999, longitude=1e-300,
                 max_guest=1)
    full.created_at = datetime.datetime(1999, 12, 31, 23, 59, 59, 999999)
    full.amenities = [market.pool]
    for obj in (full, Place(name="Bare", city_id=market.city.id, user_id=market.host.id, description=""),
                State(name=" "), Amenity(name="x" * 128), Review(text="é" * 1024, place_id=full.id,
                                                                 user_id=market.host.id),
                User(email="Ümläut@Example.COM", password="p@ss/wörd", last_name="  "),
                City(name="Ω", state_id=market.state.id)):
        models.storage.new(obj)
    models.storage.save()


def objects(path: str) -> list[dict[str, Any]]:
    data = Path(path).read_bytes()
    return [json.loads(line) for line in (gzip.decompress(data) if path.endswith(".gz") else data).splitlines()]


class TestRoundTrip:
    @pytest.mark.parametrize(("first", "second"), [("file", "db"), ("db", "file")])
    def test_an_export_to_the_other_engine_and_back_changes_nothing(self, engines: Engines, tmp_path: Path, first: str,
                                                                    second: str):
        engines.use(first)
        fill()
        before, path = stored(models.storage), str(tmp_path / "a.jsonl.gz")
        assert export_file(path, with_passwords=True) == len(before) == 15
        engines.use(second)
        assert import_file(path).new.total() == 15
        assert stored(models.storage) == before
        back = str(tmp_path / "b.jsonl.gz")
        export_file(back, with_passwords=True)
        assert Path(back).read_bytes() == Path(path).read_bytes()
        fresh = models.make_storage(replace(Settings(), file_path=str(tmp_path / "third.json")))
        engines._use(fresh)
        import_file(back)
        assert stored(fresh) == before

    def test_a_round_trip_through_a_database_leaves_an_identical_file(self, engines: Engines, tmp_path: Path):
        engines.use("file")
        fill()
        before, path = json.loads((tmp_path / "file.json").read_text()), str(tmp_path / "x.jsonl")
        export_file(path, with_passwords=True)
        engines.use("db")
        import_file(path)
        export_file(path, with_passwords=True)
        engines._use(models.make_storage(replace(Settings(), file_path=str(tmp_path / "back.json"))))
        import_file(path)
        after = json.loads((tmp_path / "back.json").read_text())
        for store in (before, after):
            for obj in store.values():
                obj.get("amenity_ids", []).sort()
        assert after == before

    def test_objects_with_unset_attributes_survive_a_round_trip(self, engines: Engines, tmp_path: Path):
        engines.use("file")
        state = State()
        state.save()
        City(state_id=state.id).save()
        before, path = stored(models.storage), str(tmp_path / "x.jsonl")
        export_file(path)
        engines.use("db")
        assert not import_file(path).refused
        assert stored(models.storage) == before

    def test_importing_an_export_into_its_own_store_changes_nothing(self, storage: Storage, tmp_path: Path):
        fill()
        before, path = stored(storage), str(tmp_path / "x.jsonl")
        for with_passwords in (False, True):
            export_file(path, with_passwords)
            report = import_file(path)
            assert (report.same.total(), report.new.total(), report.changed.total()) == (15, 0, 0)
            assert stored(storage) == before

    def test_a_large_export_is_complete(self, engines: Engines, tmp_path: Path):
        engines.use("file")
        for number in range(2500):
            models.storage.new(State(name=str(number)))
        models.storage.save()
        before, path = stored(models.storage), str(tmp_path / "x.jsonl.gz")
        assert export_file(path) == 2500
        engines.use("db")
        assert import_file(path).new == {"State": 2500}
        assert stored(models.storage) == before


class TestContent:
    def test_an_export_has_one_json_line_per_object_owners_first(self, storage: Storage, tmp_path: Path):
        market, path = Market(), str(tmp_path / "x.jsonl")
        assert export_file(path) == 8
        found = objects(path)
        order = [[*models.classes].index(each["__class__"]) for each in found]
        assert order == sorted(order)
        place = next(each for each in found if each["__class__"] == "Place")
        assert place == {**market.place.to_dict(), "status": "listed",
                         "amenity_ids": sorted([market.wifi.id, market.pool.id])}
        assert {each["id"] for each in found} == {each["id"] for each in stored(storage).values()}

    def test_two_exports_of_an_unchanged_store_are_identical(self, storage: Storage, tmp_path: Path):
        fill()
        for name in ("a.jsonl.gz", "b.jsonl.gz"):
            export_file(str(tmp_path / name))
        assert (tmp_path / "a.jsonl.gz").read_bytes() == (tmp_path / "b.jsonl.gz").read_bytes()

    def test_an_export_of_an_empty_store_is_empty(self, storage: Storage, tmp_path: Path):
        assert export_file(str(tmp_path / "x.jsonl")) == 0
        assert (tmp_path / "x.jsonl").read_bytes() == b""

    def test_an_export_is_compressed_if_its_name_ends_in_gz(self, storage: Storage, tmp_path: Path):
        fill()
        export_file(str(tmp_path / "x.jsonl"))
        export_file(str(tmp_path / "x.jsonl.gz"))
        assert gzip.decompress((tmp_path / "x.jsonl.gz").read_bytes()) == (tmp_path / "x.jsonl").read_bytes()

    def test_an_export_is_a_snapshot(self, storage: Storage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
        market = Market()
        before = {each["id"] for each in stored(storage).values()}

        def remove() -> None:
            storage.delete(storage.get(State, market.state.id))
            storage.get(User, market.host.id).first_name = "Changed"
            State(name="New").save()
            storage.close()
        writer = threading.Thread(target=remove)
        found: list[bytes] = []

        def write(line: bytes) -> None:
            if not found:
                writer.start()
                writer.join(0.5)    # with an engine that locks the store, the writer waits
            found.append(line)
        monkeypatch.setattr(dumps, "BATCH", 1)
        dumps.export_objects(write, with_passwords=False)
        writer.join()
        assert {json.loads(line)["id"] for line in found} == before
        assert b"Changed" not in b"".join(found)
        assert storage.count(Place) == 0
        assert storage.count(State) == 1


class TestPasswords:
    def test_passwords_are_left_out_by_default_and_users_cannot_log_in(self, engines: Engines, tmp_path: Path):
        engines.use("file")
        fill()
        path = str(tmp_path / "x.jsonl")
        export_file(path)
        text = Path(path).read_text()
        assert "password" not in text
        assert "argon2" not in text
        engines.use("db")
        import_file(path)
        users = [*models.storage.all(User).values()]
        assert len(users) == 3
        for user in users:
            assert not any(user.check_password(each) for each in ("host", "guest", "p@ss/wörd", "", user.password))

    def test_passwords_are_included_on_request_and_users_can_log_in(self, engines: Engines, tmp_path: Path):
        engines.use("db")
        fill()
        path = str(tmp_path / "x.jsonl.gz")
        export_file(path, with_passwords=True)
        engines.use("file")
        import_file(path)
        users = {user.email: user for user in models.storage.all(User).values()}
        assert users["host@Albany.example"].check_password("host")
        assert users["Ümläut@Example.COM"].check_password("p@ss/wörd")
        assert not users["host@Albany.example"].check_password("guest")

    def test_plain_passwords_of_an_old_database_are_exported_as_hashes(self, storage: Storage, tmp_path: Path):
        now = datetime.datetime(2020, 1, 1)
        with storage.transaction():
            storage.write(insert(User.__table__), [
                {"id": id, "created_at": now, "updated_at": now, "email": id, "password": password, "first_name": "",
                 "last_name": ""} for id, password in (("a", "plain text"), ("b",
                                                                             "5ebe2294ecd0e0f08eab7690d2a6ee69"))])
        path = str(tmp_path / "x.jsonl")
        export_file(path, with_passwords=True)
        text = Path(path).read_text()
        assert "plain text" not in text
        assert '"5ebe' not in text
        for id in "ab":
            storage.delete(storage.get(User, id))
        storage.save()
        import_file(path)
        assert storage.get(User, "a").check_password("plain text")
        assert storage.get(User, "b").check_password("secret")


class TestFile:
    @pytest.mark.parametrize("name", ["x.jsonl", "x.jsonl.gz"])
    def test_an_export_is_readable_by_its_owner_only(self, storage: Storage, tmp_path: Path, name: str):
        (tmp_path / name).write_text("old")
        (tmp_path / name).chmod(0o666)
        Market()
        mask = os.umask(0)
        try:
            export_file(str(tmp_path / name), with_passwords=True)
        finally:
            os.umask(mask)
        assert stat.S_IMODE((tmp_path / name).stat().st_mode) == 0o600
        assert len(objects(str(tmp_path / name))) == 8

    def test_an_existing_file_is_replaced_only_when_the_export_is_complete(
            self, storage: Storage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
        Market()
        (tmp_path / "out").mkdir()
        path = tmp_path / "out" / "x.jsonl"
        path.write_text("old")
        seen: list[str] = []
        export_objects = dumps.export_objects

        def slow(write: Any, with_passwords: bool) -> int:
            def record(line: bytes) -> None:
                write(line)
                seen.append(path.read_text())
            return export_objects(record, with_passwords)
        monkeypatch.setattr(dumps, "export_objects", slow)
        export_file(str(path))
        assert seen == ["old"] * 8
        assert len(objects(str(path))) == 8
        assert [each.name for each in path.parent.iterdir()] == ["x.jsonl"]

    @pytest.mark.parametrize("error", [OSError(28, "No space left on device"), Unavailable("gone"),
                                       KeyboardInterrupt()])
    def test_an_existing_file_is_unchanged_if_the_export_fails(self, storage: Storage, tmp_path: Path,
                                                               monkeypatch: pytest.MonkeyPatch, error: BaseException):
        def fail(write: Any, with_passwords: bool) -> int:
            write(b"half a li")
            raise error
        monkeypatch.setattr(dumps, "export_objects", fail)
        (tmp_path / "out").mkdir()
        path = tmp_path / "out" / "x.jsonl.gz"
        path.write_text("old")
        with pytest.raises(KeyboardInterrupt if isinstance(error, KeyboardInterrupt) else Unavailable):
            export_file(str(path))
        assert path.read_text() == "old"
        assert [each.name for each in path.parent.iterdir()] == ["x.jsonl.gz"]

    def test_an_export_to_a_symbolic_link_keeps_the_link(self, storage: Storage, tmp_path: Path):
        Market()
        (tmp_path / "link").symlink_to(tmp_path / "real.jsonl")
        export_file(str(tmp_path / "link"))
        assert (tmp_path / "link").is_symlink()
        assert len(objects(str(tmp_path / "real.jsonl"))) == 8

    def test_an_export_can_be_written_to_the_working_directory(self, storage: Storage, tmp_path: Path,
                                                               monkeypatch: pytest.MonkeyPatch):
        monkeypatch.chdir(tmp_path)
        export_file("x.jsonl")
        assert (tmp_path / "x.jsonl").exists()

    @pytest.mark.parametrize("name", [".", "pipe", "/dev/null"])
    def test_an_export_does_not_replace_something_that_is_not_a_file(self, storage: Storage, tmp_path: Path, name: str):
        os.mkfifo(tmp_path / "pipe")
        before = os.lstat(tmp_path / name)
        with pytest.raises(Invalid, match="it is not a regular file, so it cannot be replaced"):
            export_file(str(tmp_path / name))
        assert os.lstat(tmp_path / name).st_mode == before.st_mode

    @pytest.mark.parametrize(("name", "reason"), [
        ("no/such/folder.jsonl", "No such file or directory"), ("file/x", "Not a directory"),
        ("x" * 300, "File name too long")])
    def test_a_file_that_cannot_be_written_is_named(self, storage: Storage, tmp_path: Path, name: str, reason: str):
        (tmp_path / "file").write_text("")
        path = str(tmp_path / name)
        with pytest.raises(Unavailable) as error:
            export_file(path)
        assert str(error.value) == f"{path}: {reason}"


class TestConsole:
    def test_export_prints_the_number_of_objects(self, storage: Storage, console: Run, tmp_path: Path):
        Market()
        ran = console('export "my store.jsonl.gz"', "export with.jsonl --passwords")
        assert (ran.stdout, ran.stderr) == (
            "Exported 8 objects to my store.jsonl.gz\nExported 8 objects to with.jsonl\n", "")
        assert not any("password" in each for each in objects(str(tmp_path / "my store.jsonl.gz")))
        assert sum("password" in each for each in objects(str(tmp_path / "with.jsonl"))) == 2

    def test_two_commands_move_a_store_to_another_engine(self, storage: Storage, console: Run, tmp_path: Path):
        Market()
        before = stored(storage)
        assert console(args=("export", "x.jsonl", "--passwords")).returncode == 0
        other = {"HBNB_TYPE_STORAGE": "file", "HBNB_FILE_PATH": str(tmp_path / "other.json")}
        ran = console(args=("import", "x.jsonl"), **other)
        assert (ran.returncode, ran.stderr) == (0, "")
        moved = models.make_storage(replace(Settings(), file_path=str(tmp_path / "other.json")))
        assert stored(moved) == before

    def test_export_does_not_overwrite_the_file_of_the_store(self, storage: Storage, console: Run, tmp_path: Path):
        Market()
        before = stored(storage)
        own = 3 if (tmp_path / "file.json").exists() else 0     # with a database, the export may have any name
        ran = console("export file.json", "export ./file.json.journal", "export file.json.lock", "count State")
        assert ran.stdout.splitlines()[-1] == "1"
        assert ran.stderr.count("one of the store's own files") == own
        assert stored(storage) == before

    def test_export_prints_errors_in_one_line(self, storage: Storage, console: Run):
        ran = console("export /nonexistent/x.jsonl", "export", "export a b", "count State")
        assert ran.stdout == "0\n"
        assert ran.stderr.splitlines()[0] == "** /nonexistent/x.jsonl: No such file or directory **"
        assert len(ran.stderr.splitlines()) == 3
        assert console(args=("export", "/nonexistent/x.jsonl")).returncode == 1
