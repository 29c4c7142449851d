"""The file engine: the file's format, several processes, crashes, full disks and damage."""
from __future__ import annotations

import json
import os
import random
import signal
import stat
import subprocess
import sys
import threading
import urllib.request
from pathlib import Path

import pytest

import models
from errors import Conflict, Damaged, NotFound, Unavailable
from models.amenity import Amenity
from models.city import City
from models.engine import file_storage
from models.engine.file import json_file, json_objects, lock
from models.engine.file_storage import FileStorage
from models.place import Place
from models.state import State
from models.user import User
from services.actor import OPERATOR, VISITOR, Actor
from services.registry import service_for
from services.search import search
from tests import objects
from tests.conftest import ROOT
from tests.market import Market
from tests.processes import finish, start
from tests.servers import Server, free_port


@pytest.fixture
def engine() -> str:
    return "file"


@pytest.fixture(params=["small", "large"])
def size(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """The size of the file: a small one is rewritten by each save, a large one has a journal."""
    if request.param == "large":
        monkeypatch.setattr(json_file, "SMALL", 0)
        monkeypatch.setattr(json_file, "FOLD_AT", 1000)
    return str(request.param)


def journal(path: Path) -> Path:
    return Path(f"{path}.journal")


def write_large(path: Path) -> None:
    """Write a file in the current format with 100 states, which is too large to be rewritten by each change."""
    text = json.dumps({f"State.{number}": {"name": "x" * 1000} for number in range(100)})
    path.write_bytes(json_objects.MARKER + text[1:].encode())


@pytest.mark.parametrize("current", [False, True])
def test_a_place_with_an_unknown_status_is_kept_and_not_listed_and_one_without_status_is_listed(
        tmp_path: Path, monkeypatch: pytest.MonkeyPatch, current: bool):
    path = tmp_path / "file.json"
    objects_in_file = {"User.u": {"email": "a@b.c"}, "State.s": {"name": "S"}, "City.c": {"name": "C", "state_id": "s"}}
    for id, more in {"unknown": {"status": "foo"}, "other case": {"status": "Listed"}, "none": {}, "null": {
            "status": None}, "draft": {"status": "draft"}, "listed": {"status": "listed"}}.items():
        objects_in_file[f"Place.{id}".replace(" ", "-")] = {"name": id, "city_id": "c", "user_id": "u", **more}
    path.write_bytes((json_objects.MARKER if current else b"{") + json.dumps(objects_in_file)[1:].encode())
    for _ in range(2):
        storage = FileStorage(path)
        monkeypatch.setattr(models, "storage", storage)
        storage.reload()
        for wanted in ({}, {"guests": 0}):
            assert {each["name"] for each in search(wanted).all()} == {"none", "null", "listed"}
        assert objects.stats()["places"] == 3
        places = service_for(Place)
        for id in ("unknown", "other-case", "draft"):
            with pytest.raises(NotFound):
                places.show(VISITOR, id)
            with pytest.raises(NotFound):
                places.find(VISITOR, id)
            assert places.show(Actor("user u", "u"), id)["id"] == id
        assert places.show(OPERATOR, "unknown", ["status"]) == {"status": "foo"}
        objects.update(storage.get(Place, "unknown"), {"name": "unknown"})      # other attributes can be changed
        storage.close()
    objects.update(storage.get(Place, "unknown"), {"status": "listed"})
    assert places.show(VISITOR, "unknown")["id"] == "unknown"


def on_disk(path: Path) -> dict:
    """Return the objects that a new process reads."""
    return {key: obj.to_dict() for key, obj in FileStorage(path).all().items()}


class TestFileFormat:
    def test_it_is_one_json_object_with_the_objects_by_key(self, storage, path):
        market = Market()
        parsed = json.loads(path.read_text())
        assert {key.split(".")[0] for key in parsed} == {*models.classes}
        for key, obj in parsed.items():
            assert key == f"{obj['__class__']}.{obj['id']}"
        place = parsed[f"Place.{market.place.id}"]
        expected = market.place.to_dict(save_fs=1)
        expected["amenity_ids"].sort()
        assert place == {name: value for name, value in expected.items() if value is not None}
        assert parsed[f"User.{market.host.id}"]["password"] == market.host.password

    def test_it_is_valid_json_after_every_save(self, storage, path, size):
        for number in range(20):
            State(name=str(number)).save()
            json.loads(path.read_text())
        assert len(on_disk(path)) == 20

    def test_a_small_file_holds_all_objects_after_every_save(self, storage, path):
        for number in range(1, 20):
            State(name="é" * number).save()
            assert len(json.loads(path.read_text())) == number
        assert not journal(path).exists()

    def test_a_program_that_only_reads_does_not_write_files(self, path, environ, storage):
        assert finish(start("print(models.storage.count())", environ)) == "0\n"
        assert list(path.parent.glob("file.json*")) == []

    def test_only_the_owner_can_read_the_files(self, storage, path, size):
        State(name="S").save()
        State(name="T").save()
        for each in path.parent.iterdir():
            assert stat.S_IMODE(each.stat().st_mode) == 0o600, each

    def test_a_missing_file_is_an_empty_store_and_reading_does_not_create_it(self, storage, path):
        assert storage.all() == {}
        assert storage.count() == 0
        assert list(path.parent.iterdir()) == []

    def test_it_may_be_a_symbolic_link(self, tmp_path):
        (tmp_path / "real").mkdir()
        (tmp_path / "link.json").symlink_to(tmp_path / "real" / "store.json")
        storage = FileStorage(tmp_path / "link.json")
        storage.new(State(name="S"))
        storage.save()
        assert (tmp_path / "link.json").is_symlink()
        assert len(json.loads((tmp_path / "real" / "store.json").read_text())) == 1

    def test_classic_forms_of_times_are_read(self, path):
        path.write_text(json.dumps({"State.1": {
            "__class__": "State", "id": "1", "name": "S", "created_at": "2017-03-25 02:17:06",
            "updated_at": "2017-03-25T02:17:06.5"}, "State.2": {"name": "no times"}}))
        found = on_disk(path)
        assert found["State.1"]["created_at"] == "2017-03-25T02:17:06.000000"
        assert found["State.1"]["updated_at"] == "2017-03-25T02:17:06.500000"
        assert found["State.2"]["id"] == "2"
        assert found["State.2"]["created_at"].startswith("1970-")

    def test_unknown_classes_and_attributes_are_kept(self, path, storage, size):
        unknown = {"BaseModel.9": {"__class__": "BaseModel", "id": "9", "x": [1, {"y": None}]},
                   "Car.1": {"__class__": "Car", "id": "1"}}
        state = {"__class__": "State", "id": "1", "name": "S", "nickname": "Sunny", "tags": ["a", {"b": 1}],
                 "created_at": "2020-01-01T00:00:00.000000", "updated_at": "2020-01-01T00:00:00.000000"}
        text = json.dumps({**unknown, "State.1": state, "State.2": {**state, "id": "2"}})
        path.write_bytes(json_objects.MARKER + text[1:].encode())
        assert storage.count() == 2
        State(name="new").save()
        found = storage.get(State, "1")
        found.name = "changed"
        storage.save()
        storage.get(State, "2").delete()
        storage.save()
        with storage._file.lock.writing():
            storage._file.rewrite(lambda: models.engine.file.tables.everything(storage._memory))
        parsed = json.loads(path.read_text())
        assert {key: parsed[key] for key in unknown} == unknown
        assert parsed["State.1"] == {**state, "name": "changed"}
        assert "State.2" not in parsed


class TestLeniency:
    def test_an_object_can_be_saved_before_its_owner_and_without_attributes(self, storage, path):
        storage.new(State(id="1"))
        storage.new(City(id="2", state_id="nowhere"))
        storage.new(Place(id="3", name="P"))
        storage.new(User(id="4"))
        storage.new(User(id="5"))
        storage.save()
        storage.close()
        storage.reload()
        assert storage.get(State, "1").name == ""
        city = storage.get(City, "2")
        assert (city.name, city.state_id, city.state) == ("", "nowhere", None)
        place = storage.get(Place, "3")
        assert (place.city_id, place.max_guest, place.description, place.latitude) == ("", 0, None, None)
        assert storage.get(User, "4").email == ""
        State(name="N", id="nowhere").save()
        storage.close()
        assert storage.get(City, "2").state.name == "N"

    def test_an_object_with_a_too_long_text_can_be_changed_in_other_attributes(self, path, storage):
        path.write_text(json.dumps({"City.1": {"name": "x" * 200, "state_id": "1"}}))
        city = storage.get(City, "1")
        city.state_id = "2"
        city.save()
        assert on_disk(path)["City.1"]["state_id"] == "2"

    def test_missing_and_null_attributes_read_as_blank_values(self, path, storage):
        path.write_text('{"Place.1": {"name": null, "max_guest": null, "latitude": 3}, "Place.2": {}}')
        for id in "12":
            place = storage.get(Place, id)
            assert (place.name, place.max_guest, place.city_id, place.amenities) == ("", 0, "", [])
        assert storage.get(Place, "1").latitude == 3.0

    def test_duplicate_addresses_are_loaded_and_logged(self, path, storage, caplog):
        path.write_text('{"User.1": {"email": "a@b.c"}, "User.2": {"email": "A@B.C"}, "User.3": {"email": "x@b.c"}}')
        assert storage.count(User) == 3
        assert "Several users have the same email: " in caplog.text
        assert "x@b.c" not in caplog.text


class TestDamage:
    @pytest.mark.parametrize(("text", "place"), [
        (b'{"State.1": {"name": "S"}', "line 1, column 26"), (b'{\n"State.1": {"name": "S"},\n', "line 3"),
        (b"", "line 1"), (b"[]", "list"), (b'"text"', "str"), (b"null", "NoneType"), (b"\0\0\0\0", "line 1"),
        (b'{"a": "\xff"}', "byte 7"),
        (b'{"State.1": {"name": "S"}} {', "line 1, column 28"), (b"[" * 200_000, "nested")])
    def test_the_error_names_file_and_place_and_nothing_is_overwritten(self, storage, path, text, place):
        path.write_bytes(text)
        for _ in range(2):
            with pytest.raises(Damaged) as caught:
                storage.count(State)
            assert str(path) in str(caught.value)
            assert place in str(caught.value)
            with pytest.raises(Damaged):
                State(name="new").save()
        assert path.read_bytes() == text
        path.write_text("{}")
        storage.close()
        State(name="mended").save()
        assert len(on_disk(path)) == 1

    @pytest.mark.parametrize(("text", "place"), [
        (b'"State.1": []}', "State.1"), (b'"State.1": 5}', "State.1"), (b'"State.": {}}', "State."),
        (b'"State.1": {"id": "2"}}', "State.1"), (b'"State.1": {"__class__": "City"}}', "State.1"),
        (b'"State.1": {"name": ["x"]}}', "State.1"),
        (b'"State.1": {"created_at": "yesterday"}}', "State.1: created_at"),
        (b'"Place.1": {"max_guest": "two"}}', "Place.1: max_guest is not a whole number"),
        (b'"Place.1": {"max_guest": 1.5}}', "Place.1: max_guest is not a whole number"),
        (b'"Place.1": {"latitude": "north"}}', "Place.1: latitude is not a number"),
        (b'"Place.1": {"latitude": NaN}}', "NaN"), (b'"Place.1": {"amenity_ids": "x"}}', "Place.1: amenity_ids"),
        (b'"Place.1": {"max_guest": 99999999999999999999}}', "Place.1"),
        (b'"State.1": {"name": "\\ud800"}}', "State.1")])
    def test_the_error_names_the_damaged_object_in_a_file_of_the_current_format(self, storage, path, text, place):
        self.test_the_error_names_file_and_place_and_nothing_is_overwritten(
            storage, path, json_objects.MARKER + text, place)

    def test_a_file_truncated_at_any_byte_is_reported_as_damaged(self, storage, path, monkeypatch):
        monkeypatch.setattr(file_storage, "PAUSE", 0)
        Market()
        whole = path.read_bytes()
        for end in range(len(whole) - 2):
            path.write_bytes(whole[:end])
            with pytest.raises(Damaged):
                FileStorage(path).reload()

    def test_a_large_file_truncated_in_the_middle_is_reported_as_damaged(self, path):
        large = {f"State.{number}": {"name": "x" * 100} for number in range(5_000)}
        for text in (json.dumps(large), json.dumps(large, indent=1)):
            path.write_text(text)
            assert len(on_disk(path)) == 5_000
            path.write_text(text[:len(text) // 2])
            with pytest.raises(Damaged, match="line"):
                FileStorage(path).reload()

    @pytest.mark.parametrize("layout", [{}, {"indent": 2}, {"separators": (",", ":")}, {"sort_keys": True}])
    def test_a_file_of_any_layout_is_read_in_parts(self, path, monkeypatch, layout):
        monkeypatch.setattr(json_objects, "READ_SIZE", 97)
        tricky = ['}, "State.9": {', '"}, \\"State.9\\": {', "}},", "{", "\\", '\\"', "é🏝", "\n"]
        objects = {f"State.{number}": {"name": tricky[number % len(tricky)] * (number % 5)} for number in range(60)}
        path.write_text(json.dumps(objects, **layout))
        found = on_disk(path)
        assert {key: obj["name"] for key, obj in found.items()} == {key: obj["name"] for key, obj in objects.items()}

    def test_nested_objects_are_read_correctly_in_parts(self, path, monkeypatch):
        monkeypatch.setattr(json_objects, "READ_SIZE", 10)
        path.write_text('{"State.1": {"x": {"y": {}}, "City.2": {"z": {}}, "name": "S"}, "State.2": {"name": "T"}}')
        assert [obj["name"] for obj in on_disk(path).values()] == ["S", "T"]

    def test_a_damaged_journal_is_reported(self, storage, path, size):
        if size == "small":
            return
        for number in range(4):
            State(name=str(number)).save()
        lines = journal(path).read_bytes().splitlines(keepends=True)
        assert len(lines) >= 4
        lines[2] = lines[2].replace(b"State", b"Stale")
        journal(path).write_bytes(b"".join(lines))
        with pytest.raises(Damaged, match=r"journal is damaged"):
            FileStorage(path).reload()

    def test_a_journal_of_another_file_is_not_applied(self, storage, path, size):
        if size == "small":
            return
        State(name="1").save()
        State(name="2").save()
        path.write_text('{"State.9": {"name": "put back"}}')
        with pytest.raises(Damaged, match="holds changes to an earlier"):
            FileStorage(path).reload()
        journal(path).unlink()
        assert [obj["name"] for obj in on_disk(path).values()] == ["put back"]


class TestRepeatedObjects:
    """An object may be in the file and in its journal, or several times in the journal."""

    def test_an_unlinked_or_removed_amenity_stays_so_when_the_store_is_opened_again(self, storage, path, size):
        market = Market()
        market.place.amenities = [market.pool]
        market.place.save()
        anew = FileStorage(path)
        assert anew.get(Place, market.place.id).amenity_ids == [market.pool.id]
        objects.remove(storage.get(Amenity, market.pool.id))
        for each in (storage, anew, FileStorage(path)):
            each.close()
            assert each.get(Place, market.place.id).amenity_ids == []
            assert each.get(Amenity, market.pool.id) is None

    def test_a_change_by_another_process_does_not_restore_removed_links(self, storage, path, size):
        market, other = Market(), FileStorage(path)
        assert len(other.get(Place, market.place.id).amenity_ids) == 2
        other.close()
        market.place.amenities = []
        market.place.save()
        place = other.get(Place, market.place.id)
        place.max_guest = 3
        other.save()
        for each in (storage, other, FileStorage(path)):
            each.close()
            place = each.get(Place, market.place.id)
            assert (place.max_guest, place.amenity_ids) == (3, [])

    def test_an_object_that_another_process_changed_twice_can_be_read(self, storage, path, size):
        state, other = State(name="first"), FileStorage(path)
        state.save()
        assert other.get(State, state.id).name == "first"
        other.close()
        for name in ("second", "third"):
            state.name = name
            state.save()
        assert other.get(State, state.id).name == "third"
        other.close()
        for name in ("fourth", "fifth"):
            state.name = name
            state.save()
        other.compact()      # as a server does after its workers' changes
        assert json.loads(path.read_text())[f"State.{state.id}"]["name"] == "fifth"


class TestSeveralProcesses:
    def test_eight_processes_that_create_200_states_each_lose_none(self, environ, path):
        code = "for number in range(200): State(name=f'{sys.argv[1]}-{number}').save()"
        processes = [start(code, environ, str(number)) for number in range(8)]
        for process in processes:
            finish(process)
        names = {obj["name"] for obj in json.loads(path.read_text()).values()}
        assert names == {f"{process}-{number}" for process in range(8) for number in range(200)}

    def test_a_process_sees_the_changes_of_another(self, storage, environ, path, size):
        states = [State(name=str(number)) for number in range(3)]
        for state in states:
            state.save()
        finish(start(f"""
state = models.storage.get(State, '{states[0].id}'); state.name = 'changed'; state.save()
models.storage.get(State, '{states[1].id}').delete(); models.storage.save()
State(name='added', id='new').save()""", environ))
        storage.close()
        names = [state.name for state in storage.all(State).values()]
        assert names == ["changed", "2", "added"]
        assert storage.get(State, states[1].id) is None

    def test_changes_of_two_processes_to_one_object_are_both_kept(self, storage, environ, size):
        user = User(email="a@b.c", password="x")
        user.save()
        finish(start(f"""
from models.user import User
user = models.storage.get(User, '{user.id}'); user.first_name = 'Ada'; user.save()""", environ))
        user.last_name = "Lovelace"
        user.save()
        storage.close()
        found = storage.get(User, user.id)
        assert (found.first_name, found.last_name) == ("Ada", "Lovelace")

    def test_two_processes_cannot_store_the_same_address(self, storage, environ):
        process = start("""
from models.user import User
from errors import Conflict
try:
    User(email='A@B.C', password='x').save()
except Conflict as error:
    print(error)""", environ)
        refusal = ""
        try:
            User(email="a@b.c", password="x").save()
        except Conflict as error:   # the other process was first
            refusal = str(error)
        assert ("email" in refusal) != ("email" in finish(process))
        storage.close()
        assert storage.count(User) == 1

    def test_a_reader_does_not_wait_for_a_transaction_that_has_not_written_yet(self, storage, environ):
        State(name="S").save()
        code = "print(models.storage.count(), flush=True); sys.stdin.readline(); print(models.storage.count())"
        process = start(code, environ)
        assert process.stdout.readline() == "1\n"
        with storage.transaction():
            storage.new(State(name="T"))
            process.stdin.write("\n")
            process.stdin.flush()
            assert process.stdout.readline() == "1\n"
        finish(process)

    def test_the_process_that_holds_the_lock_is_named(self, storage, environ, monkeypatch):
        monkeypatch.setattr(lock, "TIMEOUT", 0.2)
        process = start("""
with models.storage.transaction():
    print('held', flush=True)
    sys.stdin.readline()""", environ)
        assert process.stdout.readline() == "held\n"
        with pytest.raises(Unavailable, match=rf"process {process.pid} "):
            State(name="S").save()
        process.stdin.write("\n")
        finish(process)
        State(name="T").save()
        assert storage.count(State) == 1

    def test_writing_inside_a_snapshot_is_refused(self, storage):
        State(name="S").save()
        with storage.snapshot(), pytest.raises(Unavailable, match="inside a block that reads a snapshot"):
            State(name="T").save()
        State(name="U").save()
        assert storage.count(State) == 2

    def test_the_file_is_read_again_after_an_error_between_file_and_commit(self, storage, path, size, monkeypatch):
        State(name="a").save()
        State(name="b").save()

        def interrupt(*_):
            raise KeyboardInterrupt
        with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
            patch.setattr("sqlalchemy.orm.Session.commit", interrupt)
            State(name="c").save()
        assert {state.name for state in storage.all(State).values()} == {
            obj["name"] for obj in on_disk(path).values()}

    def test_a_server_that_ends_merges_the_journal(self, environ, path):
        write_large(path)
        port = free_port()
        with Server(["wsgi.py", "--port", str(port)], environ, port) as server:
            request = urllib.request.Request(f"{server.address}/api/v1/states", b'{"name": "new"}',
                                             {"Content-Type": "application/json"})
            urllib.request.urlopen(request).close()
            assert len(json.loads(path.read_text())) == 100
        assert len(json.loads(path.read_text())) == 101

    def test_a_process_that_has_read_everything_does_not_read_a_merged_file_again(self, storage, path, monkeypatch):
        monkeypatch.setattr(json_file, "SMALL", 0)
        monkeypatch.setattr(json_file, "FOLD_AT", 1000)
        State(name="1").save()
        State(name="2").save()
        other = FileStorage(path)
        other.reload()
        storage.compact()
        State(name="3").save()
        monkeypatch.setattr(type(other._file), "_read_all", lambda *_: pytest.fail("the whole file was read again"))
        assert other.count(State) == 3

    def test_a_program_that_ends_merges_the_journal(self, path, environ, monkeypatch):
        write_large(path)
        finish(start("State(name='new').save()", environ))
        assert len(json.loads(path.read_text())) == 101
        assert journal(path).read_bytes().count(b"\n") == 1
        finish(start("State(name='newer').save()", environ))
        assert len(json.loads(path.read_text())) == 102


class TestCrashes:
    def test_no_acknowledged_write_is_lost_when_writers_are_killed_at_random(self, path, environ):
        """Writers print each id after storing it, and are killed; all printed ids must be stored."""
        chance, acknowledged = random.Random(1), set()
        path.write_text(json.dumps({f"State.{number}": {"name": "x" * 900} for number in range(80)}))
        code = """
from models.engine.file import json_file
json_file.FOLD_AT = 0.02
while True:
    state = State(name='y' * 128)
    state.save()
    print(state.id, flush=True)"""
        for _ in range(15):
            process = start(code, environ)
            acknowledged |= {process.stdout.readline().strip() for _ in range(chance.randint(1, 30))}
            process.send_signal(signal.SIGKILL)
            acknowledged |= {line for line in process.communicate()[0].splitlines() if len(line) == 36}
            json.loads(path.read_text())
            found = {key.partition(".")[2] for key in on_disk(path)}
            assert acknowledged <= found
        assert len(acknowledged) > 100

    def test_a_journal_truncated_at_any_byte_keeps_all_complete_transactions(self, path, storage, monkeypatch):
        monkeypatch.setattr(json_file, "SMALL", 0)
        monkeypatch.setattr(json_file, "FOLD_AT", 1000)
        State(name="first").save()
        ends = []
        for number in range(3):
            State(name=str(number)).save()
            ends.append(journal(path).stat().st_size)
        text, header = journal(path).read_bytes(), len(journal(path).read_bytes().splitlines(keepends=True)[0])
        Path(f"{path}.lock").unlink()   # its note has the end of the journal, which this test truncates
        for cut in range(header, len(text)):
            journal(path).write_bytes(text[:cut])
            names = {obj["name"] for obj in on_disk(path).values()}
            assert names == {"first", *(str(number) for number in range(3) if ends[number] <= cut)}

    def test_writing_continues_after_an_incomplete_line_in_the_journal(self, path, storage, monkeypatch):
        monkeypatch.setattr(json_file, "SMALL", 0)
        monkeypatch.setattr(json_file, "FOLD_AT", 1000)
        for name in "abc":
            State(name=name).save()
        with open(journal(path), "ab") as file:
            file.write(b'0123abcd {"State.9": {"name": "never ackn')
        other = FileStorage(path)
        other.new(State(name="d"))
        other.save()
        assert {obj["name"] for obj in on_disk(path).values()} == {*"abcd"}

    @pytest.mark.parametrize("moment", ["replace", "begin"])
    def test_a_crash_during_a_merge_loses_nothing_and_restores_nothing(self, path, storage, monkeypatch, moment):
        monkeypatch.setattr(json_file, "SMALL", 0)
        monkeypatch.setattr(json_file, "FOLD_AT", 1000)
        gone = State(name="gone")
        gone.save()
        State(name="a").save()
        gone.delete()
        storage.save()

        def crash(*_):
            raise SystemExit
        with monkeypatch.context() as patch, pytest.raises(SystemExit), storage._file.lock.writing():
            if moment == "replace":
                patch.setattr(os, "replace", crash)
            else:
                patch.setattr(type(storage._file._journal), "begin", crash)
            storage._file.fold(lambda: models.engine.file.tables.everything(storage._memory))
        for name in "bc":
            other = FileStorage(path)
            assert "gone" not in {obj.name for obj in other.all(State).values()}
            other.new(State(name=name))
            other.save()
        assert {obj["name"] for obj in on_disk(path).values()} == {*"abc"}
        assert {state.name for state in storage.all(State).values()} == {*"abc"}

    def test_an_error_while_writing_changes_neither_memory_nor_file(self, path, storage, size, monkeypatch):
        State(name="a").save()
        State(name="b").save()
        before = path.read_bytes()

        def fail(*_):
            raise OSError(28, "No space left on device")
        with monkeypatch.context() as patch:
            patch.setattr(os, "fsync", fail)
            with pytest.raises(Unavailable, match="No space left"):
                State(name="c").save()
        assert path.read_bytes() == before
        assert storage.count(State) == 2
        State(name="d").save()
        assert {obj["name"] for obj in on_disk(path).values()} == {*"abd"}
        assert [each.name for each in path.parent.iterdir() if each.name.endswith(".new")] == []


class TestFullDisk:
    def test_a_full_disk_is_reported_and_all_stored_objects_stay(self, small_disk, monkeypatch):
        (small_disk / "other").write_bytes(b"x" * 65536)
        storage = FileStorage(small_disk / "file.json")
        monkeypatch.setattr(models, "storage", storage)
        stored = set()
        with pytest.raises(Unavailable, match="No space left on device"):
            for number in range(1000):
                state = State(name=f"{number} {'x' * 100}")
                state.save()
                stored.add(state.name)
        assert len(stored) > 100
        json.loads((small_disk / "file.json").read_text())
        assert {obj["name"] for obj in on_disk(small_disk / "file.json").values()} == stored
        assert {state.name for state in storage.all(State).values()} == stored
        (small_disk / "other").unlink()
        State(name="there is space again").save()
        assert len(on_disk(small_disk / "file.json")) == len(stored) + 1

    def test_a_missing_folder_is_reported(self, tmp_path, monkeypatch):
        storage = FileStorage(tmp_path / "nowhere" / "file.json")
        monkeypatch.setattr(models, "storage", storage)
        assert storage.count() == 0
        with pytest.raises(Unavailable, match=r"nowhere/file\.json cannot be written: No such file or directory"):
            State(name="S").save()


class TestThreadsOfOneProcess:
    def test_a_reader_never_sees_half_a_transaction(self, storage):
        ended = threading.Event()
        seen = set()

        def read() -> None:
            while not ended.is_set():
                seen.add(storage.count(State))
                storage.close()
        reader = threading.Thread(target=read)
        reader.start()
        for _ in range(30):
            storage.new(State(name="1"))
            storage.new(State(name="2"))
            storage.save()
        ended.set()
        reader.join()
        assert all(count % 2 == 0 for count in seen)


class TestClassicFile:
    def test_the_classic_file_opens_with_all_its_objects(self, data, tmp_path):
        path = tmp_path / "file.json"
        path.write_bytes((data / "classic-file.json").read_bytes())
        storage = FileStorage(path)
        counts = {"State": 11, "City": 32, "User": 30, "Amenity": 47, "Place": 154, "Review": 718}
        assert {name: storage.count(name) for name in counts} == counts
        [first] = [each for each in storage.all(Amenity).values() if each.name == "Doorman"]
        assert first.to_dict()["created_at"] == "2017-03-25T02:17:06.000000"
        assert "pwd" not in "".join(map(str, storage.all(User).values()))
        user = next(iter(storage.all(User).values()))
        assert user.check_password(user.email.replace("noemail", "pwd").removesuffix("@gmail.com"))


@pytest.mark.parametrize("work", ["write", "rewrite"])
def test_a_file_is_not_written_without_its_lock_even_with_python_o(tmp_path, work):
    code = ("import sys\nfrom errors import Unavailable\nfrom models.engine.file.json_file import JSONFile\n"
            "file = JSONFile(sys.argv[1])\n[*file.changes()[1]]\n"
            "try: getattr(file, sys.argv[2])(*[{}] * (sys.argv[2] == 'write'), lambda: iter([{}]))\n"
            "except Unavailable as error: print(error)")
    ended = subprocess.run([sys.executable, "-O", "-c", code, str(tmp_path / "x.json"), work], cwd=ROOT, text=True,
                           capture_output=True, timeout=60)
    assert "the write lock was not held" in ended.stdout, ended.stderr
    assert not (tmp_path / "x.json").exists()
