"""Conversion of an older HBNB's file when it is opened."""
from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import orjson
import pytest

import models
from errors import Misconfigured
from legacy import texts
from models import passwords
from models.engine.file import json_objects
from models.engine.file_storage import FileStorage
from models.place import Place
from models.review import Review
from models.state import State
from models.user import User
from services.transfer.files import import_file
from tests import programs
from tests.conftest import ROOT
from tests.processes import finish, start

MD5 = "5ebe2294ecd0e0f08eab7690d2a6ee69"      # of "secret"
OLD: dict[str, Any] = {
    "User.1": {"id": "1", "__class__": "User", "email": "Ada@x.org", "password": "secret", "nick": "A<BR />"},
    "User.2": {"id": "2", "__class__": "User", "email": "bob@x.org", "password": MD5},
    "User.3": {"id": "3", "__class__": "User", "email": "cy@x.org"},
    "Review.1": {"id": "1", "text": "You\x92ll<BR />love\n it \x85", "place_id": "p", "user_id": "1"},
    "Review.2": {"id": "2", "text": "Caf\u00c3\u00a9, \u00e9, <b>", "place_id": "p", "user_id": "1"},
    "State.1": {"id": "1", "__class__": "State", "name": "A<br>B"},
    "Car.1": {"id": "1", "__class__": "Car", "name": "T<BR />"}}

# Objects that cannot be used: key, object, reason.
BAD: list[tuple[str, Any, str]] = [
    ("State.1", [], "it is not an object whose id and class match its key"),
    ("State.1", 5, "it is not an object whose"),
    ("State.1", None, "it is not an object whose"), ("State.1", "x", "it is not an object whose"),
    ("State.", {}, "Missing id"),
    ("State.1", {"id": "2"}, "it is not an object whose"), ("State.1", {"id": 2}, "it is not an object whose"),
    ("State.1", {"__class__": "City"}, "it is not an object whose"),
    ("State.1", {"__class__": None}, "it is not an object whose"), ("State.1", {"name": ["x"]}, "name must be a text"),
    ("State.1", {"name": True}, "name must be a text"), ("State.1", {"name": "\ud800"}, "name must be valid"),
    ("State.1", {"created_at": "yesterday"}, "created_at: 'yest"),
    ("State.1", {"created_at": 5}, "created_at: 5 is not a time"),
    ("Place.1", {"max_guest": "two"}, "max_guest must be a"),
    ("Place.1", {"max_guest": 1.5}, "max_guest must be a whole"),
    ("Place.1", {"max_guest": True}, "max_guest must be a"),
    ("Place.1", {"max_guest": 1e+20}, "max_guest must be from 0"),
    ("Place.1", {"latitude": "north"}, "latitude must be"),
    ("Place.1", {"latitude": float("nan")}, "latitude must be from"),
    ("Place.1", {"latitude": 10**400}, "latitude must"),
    ("Place.1", {"amenity_ids": "x"}, "amenity_ids must be a list"),
    ("Place.1", {"amenity_ids": [None]}, "amenity_ids"),
    ("User.1", {"password": "secret", "created_at": "x"}, "created_at: 'x' is not a time"),
    ("Car.1", {"wheels": 4}, "there is no class Car"),
    ("no key at all", {"x": [1]}, "there is no class no key at all")]


@pytest.fixture
def engine() -> str:
    return "file"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "file.json"
    path.write_text(json.dumps(OLD))
    return path


def opened(path: Path) -> FileStorage:
    storage = FileStorage(path)
    storage.reload()
    return storage


class TestTexts:
    def test_ascii_texts_are_not_decoded_one_by_one(self, path, monkeypatch):
        path.write_text(json.dumps({f"State.{number}": {"name": "Plain & simple"} for number in range(3)}
                                   | {"State.x": {"name": "Qu\u00c3\u00a9bec"}}))
        decoded: list[str] = []
        monkeypatch.setattr(texts, "fix_encoding_if_clear",
                            lambda text: (decoded.append(text), texts.fix_encoding(text))[1])
        assert {state.name for state in opened(path).all(State).values()} == {"Plain & simple", "Québec"}
        assert decoded == ["QuÃ©bec"]

    @pytest.mark.parametrize(("raw", "meant"), [
        (b"plain", "plain"), (b"caf\xe9", "café"), ("café 🏝".encode(), "café 🏝"), (b"\x93You\x92ll\x94", "“You’ll”"),
        (b"\xc9t\xe9", "Été")])
    def test_texts_are_decoded_by_their_bytes(self, raw, meant):
        assert texts.decode(raw) == meant
        assert texts.fix_encoding(raw.decode("latin-1")) == meant

    @pytest.mark.parametrize(("raw", "words"), [
        (b"\xe2\x80\x99 \xe9", "mixes UTF-8 with other bytes"), (b"caf\xc3\xa9 \xff", "mixes"),
        (b"\x81", "neither"), ("x’".encode()[:-1] + b"y\x8d", "neither")])
    def test_texts_without_a_single_encoding_are_refused(self, raw, words):
        with pytest.raises(ValueError, match=words):
            texts.decode(raw)

    def test_texts_that_mix_encodings_are_not_changed_in_a_file(self, path):
        text = "It\u00e2\x80\x99s \u00e9"
        path.write_text(json.dumps({"State.1": {"name": text}}))
        assert opened(path).get(State, "1").name == text

    @pytest.mark.parametrize("text", ["Hawaiʻi", "“é”", "🏝", "Ünï", "", "a\x81b\ud800"])
    def test_correct_texts_are_not_changed(self, text):
        assert texts.fix_encoding(text) == text

    @pytest.mark.parametrize("end", ["<BR />", "<BR /", "<BR", "<br"])
    def test_an_incomplete_tag_at_the_end_becomes_a_line_break(self, end):
        assert texts.fix_line_breaks(f"a{end}") == "a\n"

    def test_br_tags_become_line_breaks_and_nothing_else_changes(self):
        assert texts.fix_line_breaks("a<BR />b<br>c<br/>d <b>e</b> <3 &amp;\n") == "a\nb\nc\nd <b>e</b> <3 &amp;\n"


class TestOpening:
    def test_texts_and_passwords_are_converted_and_the_rest_is_kept(self, path, caplog):
        storage = opened(path)
        assert "5 objects were converted from the old format" in caplog.text
        assert "1 unknown attribute was left out: User.nick (1)" in caplog.text
        assert "1 object cannot be used and was left out; it stays in the file: Car.1 (there is no class Car)" in (
            caplog.text)
        assert storage.get(Review, "1").text == "You’ll\nlove\n it …"
        assert storage.get(Review, "2").text == OLD["Review.2"]["text"]     # it mixes encodings
        assert storage.get(State, "1").name == "A\nB"
        kept = json.loads(path.read_text())
        assert kept["Car.1"] == OLD["Car.1"]
        assert "nick" not in kept["User.1"]
        assert kept.keys() == OLD.keys()
        assert "secret" not in path.read_text()
        assert MD5 not in path.read_text()
        storage = opened(path)
        assert storage.get(User, "1").check_password("secret")
        assert storage.get(User, "2").check_password("secret")
        assert storage.get(User, "3").password == passwords.NO_LOGIN

    def test_ctrl_c_ends_with_a_message_and_loses_nothing(self, path, monkeypatch):
        before = path.read_bytes()
        storage = FileStorage(path)
        monkeypatch.setattr(models, "storage", storage)
        monkeypatch.setattr(passwords, "all_protected", Mock(side_effect=KeyboardInterrupt))
        with pytest.raises(Misconfigured, match=r"^hbnb: interrupted .*: no data was lost$"):
            models.check()
        assert path.read_bytes() == before

    def test_a_file_is_converted_only_once(self, path, monkeypatch, caplog):
        storage = opened(path)
        storage.new(Review(id="9", text="My <BR />", place_id="p", user_id="1"))
        storage.save()
        before = path.read_bytes()
        assert before.startswith(json_objects.MARKER)
        caplog.clear()
        monkeypatch.setattr(passwords, "protected", lambda _: pytest.fail("it was hashed again"))
        assert opened(path).get(Review, "9").text == "My <BR />"
        assert path.read_bytes() == before
        assert caplog.text == ""

    @pytest.mark.parametrize("kept", ["Caf\u00c3\u00a9\u00e2\u0080\u0099", "Caf\u00e9\x92"])
    def test_a_password_is_hashed_after_its_encoding_was_corrected(self, path, kept):
        path.write_text(json.dumps({"User.1": OLD["User.1"] | {"password": kept}}))
        assert opened(path).get(User, "1").check_password("Café’")

    def test_a_file_that_needs_no_conversion_is_not_written(self, path):
        path.write_text(json.dumps({"State.1": {"name": "S"}}))
        before = path.read_bytes()
        assert opened(path).count() == 1
        assert path.read_bytes() == before

    def test_a_large_file_gets_the_current_format_with_its_first_change(self, path):
        path.write_text(json.dumps({f"State.{number}": {"name": "x" * 1000} for number in range(100)}))
        storage = opened(path)
        storage.new(State(id="new", name="My <BR />"))
        storage.save()
        assert path.read_bytes().startswith(json_objects.MARKER)
        assert opened(path).get(State, "new").name == "My <BR />"

    def test_a_file_that_cannot_be_written_is_converted_in_memory(self, path, monkeypatch, caplog):
        def refuse(*_: Any) -> None:
            raise PermissionError(13, "Permission denied")
        monkeypatch.setattr("models.engine.file.json_objects.write", refuse)
        before = path.read_bytes()
        storage = opened(path)
        assert storage.get(User, "1").check_password("secret")
        assert storage.get(State, "1").name == "A\nB"
        assert path.read_bytes() == before
        assert "in memory, but the file was not changed: " in caplog.text

    def test_several_processes_can_open_the_file_at_once(self, path, environ):
        code = ("from models.user import User; from models.state import State; State(name='new').save()\n"
                "print(models.storage.get(User, '1').check_password('secret'), models.storage.get(State, '1').name)")
        processes = [start(code, {**environ, "HBNB_FILE_PATH": str(path)}) for _ in range(4)]
        assert {finish(process) for process in processes} == {"True A\nB\n"}
        storage = opened(path)
        assert storage.count(State) == 5
        assert storage.get(User, "2").check_password("secret")

    def test_the_second_of_two_processes_does_not_write_the_file_again(self, path):
        slow, quick = FileStorage(path), FileStorage(path)
        assert slow.count() == quick.count() == 6
        quick._write_converted()
        before = path.stat()
        slow._write_converted()
        assert path.stat() == before
        assert slow.get(User, "1").password == quick.get(User, "1").password

    def test_the_console_logs_the_conversion_and_prints_its_result(self, path, environ):
        ended = programs.run([ROOT / "console.py", "count", "State"], {**environ, "HBNB_FILE_PATH": str(path)})
        assert ended.stdout == "1\n"
        assert "5 objects were converted from the old format" in ended.stderr
        assert "secret" not in ended.stderr


class TestOddValues:
    def opened(self, path: Path, objects: dict[str, Any]) -> FileStorage:
        path.write_text(json.dumps(objects))
        return opened(path)

    def test_values_are_converted_to_the_types_of_their_columns(self, path):
        storage = self.opened(path, {
            "State.33": {"id": 33, "name": 5}, "City.7": {"id": 7, "state_id": 33, "name": "C"},
            "Amenity.2": {"id": 2, "name": "Wifi"},
            "Place.1": {"id": 1, "city_id": 7, "max_guest": "2", "number_rooms": 3.0, "latitude": "1.5",
                        "amenity_ids": [2]},
            "User.1": {"id": 1, "email": 12, "first_name": 1.5}})
        for _ in range(2):
            assert storage.get(State, "33").cities[0].id == "7"
            assert storage.get(State, "33").name == "5"
            place = storage.get(Place, "1")
            assert (place.max_guest, place.number_rooms, place.latitude, place.amenity_ids) == (2, 3, 1.5, ["2"])
            user = storage.get(User, "1")
            assert (user.email, user.first_name) == ("12", "1.5")
            storage = opened(path)
        assert json.loads(path.read_text())["City.7"]["state_id"] == "33"

    @pytest.mark.parametrize("kept", [123456, "123456", 0, 1.5, True])
    def test_passwords_of_any_type_become_hashes(self, path, kept):
        storage = self.opened(path, {"User.1": {"email": "a@b.c", "password": kept}})
        if kept is not True:
            assert storage.get(User, "1").check_password(str(kept))
        assert "$argon2id$" in path.read_text() or kept is True
        storage.new(State(name="S"))
        storage.save()
        assert not re.search(r'"password":\s*"?(123456|0|1.5|true)\W', path.read_text())

    def test_text_passwords_in_a_file_of_the_current_format_become_hashes(self, path):
        path.write_bytes(json_objects.MARKER + b'"User.1": {"email": "a@b.c", "password": "123456"}, "User.2": {}}')
        storage = opened(path)
        assert storage.get(User, "1").check_password("123456")
        assert storage.get(User, "2").password == ""
        assert "123456" not in path.read_text()

    @pytest.mark.parametrize("obj", [
        {"password": ["hunter2"]}, {"password": {"a": "hunter2"}}, {"password": [["hunter2"]], "name": "\ud800"},
        {"created_at": "x", "more": [{"password": "hunter2"}]}, [{"password": "hunter2"}],
        {"created_at": "x", "password": "hunter2\ud800"}])
    @pytest.mark.parametrize("key", ["User.u", "Car.u"])
    def test_passwords_in_a_refused_object_are_hashed(self, path, key, obj):
        self.opened(path, {key: obj})
        assert key in path.read_text()
        assert "hunter2" not in path.read_text()

    @pytest.mark.parametrize("password", ["hunter2", ["hunter2"], {"a": "hunter2"}])
    def test_passwords_in_a_refused_object_of_a_current_file_or_a_backup_are_hashed(self, path, password):
        refused = {"Refused.User.u": {"reason": "x", "object": {"password": password}}}
        path.write_bytes(json_objects.MARKER + json.dumps(refused)[1:].encode())
        storage = opened(path)
        assert "Refused.User.u" in path.read_text()
        assert "hunter2" not in path.read_text()
        path.write_bytes(json_objects.MARKER + b"}")
        storage.restore(iter([refused]), replace=True)
        assert "Refused.User.u" in path.read_text()
        assert "hunter2" not in path.read_text()

    def test_unknown_attributes_are_left_out_and_counted(self, path, caplog):
        self.opened(path, {f"Place.{id}": {"stars": 5, "<BR />": 1} for id in "12"})
        assert "4 unknown attributes were left out: Place.<BR /> (2), Place.stars (2)" in caplog.text

    @pytest.mark.parametrize(("key", "obj", "reason"), BAD)
    def test_an_object_that_cannot_be_used_is_refused_and_kept_in_the_file(self, path, caplog, key, obj, reason):
        path.write_text(json.dumps({"State.good": {"name": "S<BR />"}, key: obj}))
        for _ in range(2):      # the second time, the file has the current format
            storage = opened(path)
            assert storage.all().keys() == {"State.good"}
            storage.new(State(id="new", name="N"))
            storage.save()
            storage.delete(storage.get(State, "new"))
            storage.save()
            kept = orjson.loads(path.read_bytes())
            assert kept.keys() - {"State.good"}
            [(place, found)] = [each for each in kept.items() if each[0] != "State.good"]
            assert key.encode(errors="backslashreplace").decode() in place
            assert "secret" not in str(found)
            found = found.get("object", found) if isinstance(found, dict) else found
            found = json.loads(found) if isinstance(found, str) and place.startswith("Refused.") and (
                not isinstance(obj, str)) else found
            if isinstance(obj, dict) and "password" in obj:
                found, obj = found | {"password": ""}, obj | {"password": ""}
            assert str(found) == str(obj)
        assert f"({reason}" in caplog.text
        assert path.name in caplog.text

    def test_values_are_converted_alike_alone_and_among_plain_values(self, path):
        """If all values of an attribute are plain, they are not converted one by one; the result must be the same."""
        odd = {"State.7": {"id": 7, "name": "A<br>"}, "State.8": {"name": "Caf\u00c3\u00a9"}, "State.9": {"name": None},
               "State.\u00e9": {"created_at": "2020-01-01 00:00+02:00"}}
        for key, obj in odd.items():
            alone = self.opened(path, {key: obj}).all().values()
            among = self.opened(path, {"State.a": {"id": "a", "name": "A"}, key: obj}).all().values()
            assert [each.to_dict() for each in alone] == [each.to_dict() for each in among if each.id != "a"]

    def test_messages_use_the_plural_for_more_than_one(self, path, caplog):
        self.opened(path, {"State.1": {"name": "A<br>"}})
        assert "1 object was converted from the old format" in caplog.text
        self.opened(path, {"Car.1": {}, "Car.2": {}})
        assert "2 objects cannot be used and were left out; they stay in the file: Car.1 (" in caplog.text

    def test_an_object_with_an_invalid_id_is_refused(self, path, caplog):
        assert self.opened(path, {"State.good": {}, "State.\ud800": {}}).all().keys() == {"State.good"}
        assert "(id must be an id" in caplog.text

    @pytest.mark.parametrize(("key", "obj", "reason"), BAD)
    def test_an_import_refuses_the_same_objects_for_the_same_reasons(self, path, key, obj, reason, monkeypatch):
        storage = FileStorage(path.parent / "empty.json")
        monkeypatch.setattr(models, "storage", storage)
        path.write_text(json.dumps({"State.good": {"name": "S"}, key: obj}))
        report = import_file(str(path), keep_going=True)
        assert report.new["State"] == 1
        [(_, found)] = report.refused
        assert found.startswith(reason.replace("\ud800", "\ufffd"))


@pytest.mark.parametrize("time", [
    "2020-W01-3T00:00:00.000000", "2020-01-01T00:00:00,000000", "2020-01-01T02:00:00.0+0200", "2020-01-01 00:00:00"])
def test_a_time_in_any_form_of_iso_8601_is_read_in_the_form_of_hbnb(tmp_path: Path, time: str):
    path = tmp_path / "file.json"
    path.write_text(json.dumps({"State.1": {"id": "1", "__class__": "State", "name": "S", "created_at": time}}))
    storage = FileStorage(str(path))
    storage.reload()
    [state] = storage.all(State).values()
    assert state.to_dict()["created_at"] == "2020-01-01T00:00:00.000000"
    storage.close()
