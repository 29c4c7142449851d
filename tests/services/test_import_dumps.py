"""Import of whole stores: a classic file.json, and an export in JSON lines."""
from __future__ import annotations

import datetime
import hashlib
import json
from pathlib import Path
from typing import Any

import pytest

import models
from models.engine.base import Storage
from models.place import Place
from models.review import Review
from models.state import State
from models.user import User
from services.transfer import dumps
from services.transfer.files import import_file
from services.transfer.report import Refused, Report
from tests.airbnb import Files, counts, listing, stored

TIMES = {"created_at": "2017-03-25 02:17:06", "updated_at": "2017-03-25T02:17:06.000123"}
Objects = dict[str, Any]


@pytest.fixture
def files(tmp_path: Path, storage: Storage) -> Files:
    return Files(tmp_path)


def obj(cls: str, id: str, **attributes: Any) -> dict[str, Any]:
    return {"__class__": cls, "id": id, **TIMES, **attributes}


def market(**places: Any) -> list[dict[str, Any]]:
    return [obj("State", "s", name="Louisiana"), obj("City", "c", name="Lafayette", state_id="s"),
            obj("User", "u", email="a@b.c", password="secret", first_name="A", last_name="B"),
            obj("Amenity", "w", name="Wifi"), obj("Amenity", "p", name="Pool"),
            obj("Place", "l", name="Loft", city_id="c", user_id="u", description="Quiet.<BR />Central.",
                number_rooms=1, number_bathrooms=1, max_guest=2, price_by_night=80, latitude=30.2, longitude=-92.0,
                amenity_ids=["w", "p"]) | places,
            obj("Review", "r", place_id="l", user_id="u", text="Nice &amp; clean.<BR /><BR />Bye.<BR />")]


def classic(objects: list[Objects]) -> str:
    return json.dumps({f"{each['__class__']}.{each['id']}": each for each in objects})


class TestClassicFile:
    def test_a_classic_file_is_imported_with_times_texts_and_links(self, files: Files):
        report = files.load_text(classic(market()), "old.json")
        assert report.new == {"State": 1, "City": 1, "User": 1, "Amenity": 2, "Place": 1, "Review": 1}
        place = models.storage.get(Place, "l")
        assert place.description == "Quiet.\nCentral."
        assert models.storage.get(Review, "r").text == "Nice & clean.\n\nBye."
        assert sorted(place.amenity_ids) == ["p", "w"]
        assert place.created_at == datetime.datetime(2017, 3, 25, 2, 17, 6)
        assert place.updated_at == datetime.datetime(2017, 3, 25, 2, 17, 6, 123)
        assert (place.city.state.name, place.latitude, place.price_by_night) == ("Louisiana", 30.2, 80)

    @pytest.mark.parametrize("form", [
        lambda objects: classic(objects), lambda objects: json.dumps(json.loads(classic(objects)), indent=4),
        lambda objects: f"\ufeff \n{classic(objects)}\n", lambda objects: classic(objects[::-1]),
        lambda objects: classic(objects).replace("}, ", "},\n"), lambda objects: classic(
            [{name: value for name, value in each.items() if name != "id"} | {"id": each["id"]} for each in objects])])
    def test_a_classic_file_may_have_any_json_layout(self, files: Files, form: Any):
        assert files.load_text(form(market()), "old.json.gz").new.total() == 7

    def test_a_second_import_of_a_classic_file_changes_nothing(self, files: Files):
        files.load_text(classic(market()))
        before = stored(models.storage)
        report = files.load_text(classic(market()))
        assert report.same.total() == 7
        assert not report.new.total() + report.changed.total()
        assert stored(models.storage) == before

    @pytest.mark.parametrize("password", ["secret", hashlib.md5(b"secret").hexdigest(),
                                          hashlib.md5(b"secret").hexdigest().upper()])
    def test_plain_and_md5_passwords_still_work_and_are_stored_as_hashes(self, files: Files, password: str):
        files.load_text(classic([obj("User", "u", email="a@b.c", password=password)]))
        user = models.storage.get(User, "u")
        assert "$argon2id$" in user.password
        assert password not in user.password
        assert user.check_password("secret")
        assert not user.check_password(password if password != "secret" else "Secret")
        assert user.password.startswith("$argon2id$")

    @pytest.mark.parametrize("password", [None, "", ...])
    def test_users_without_a_password_cannot_log_in(self, files: Files, password: Any):
        user = obj("User", "u", email="a@b.c", password=password)
        files.load_text(classic([{name: value for name, value in user.items() if value is not ...}]))
        for password in ("", "None", "null", "$nologin$"):
            assert not models.storage.get(User, "u").check_password(password)

    def test_attributes_that_were_never_set_are_imported_as_defaults(self, files: Files):
        objects = market()
        objects[5] = obj("Place", "l", city_id="c", user_id="u")
        del objects[0]["name"], objects[0]["created_at"], objects[2]["first_name"], objects[6]["text"]
        assert not files.load_text(classic(objects)).refused
        place = models.storage.get(Place, "l")
        assert (place.name, place.description, place.max_guest, place.latitude, place.amenity_ids) == ("", None, 0,
                                                                                                       None, [])
        assert models.storage.get(State, "s").name == models.storage.get(User, "u").first_name == ""
        assert models.storage.get(State, "s").created_at == datetime.datetime(1970, 1, 1)
        assert not files.load_text(classic(objects)).changed.total()

    def test_texts_that_are_too_long_are_shortened_and_counted(self, files: Files):
        report = files.load_text(classic(market(description="word " * 500, name="n " * 100)))
        assert report.notes == {"texts that were too long; they were shortened at a word boundary": 2}
        assert models.storage.get(Place, "l").description.endswith("word…")

    def test_links_to_unknown_amenities_are_left_out_and_counted(self, files: Files):
        report = files.load_text(classic(market(amenity_ids=["w", "gone", "w", "é", "\ud800"])))
        assert models.storage.get(Place, "l").amenity_ids == ["w"]
        assert report.notes == {"links by amenity_id to objects that do not exist; they were left out": 3}

    @pytest.mark.parametrize(("change", "reason"), [
        ({"city_id": "gone"}, "city_id gone does not exist"), ({"user_id": "U"}, "user_id U does not exist"),
        ({"city_id": None}, "Missing city_id"), ({"city_id": ""}, "Missing city_id"),
        ({"city_id": 5}, "city_id 5 does not exist"), ({"city_id": "é"}, "city_id must be an id"),
        ({"city_id": "\ud800"}, "city_id must be an id"), ({"city_id": ["c"]}, "city_id must be a text"),
        ({"max_guest": "two"}, "max_guest must be a whole"), ({"max_guest": -1}, "max_guest must be from 0"),
        ({"max_guest": 10**30}, "max_guest must be from 0"), ({"max_guest": 1.5}, "max_guest must be a whole number"),
        ({"max_guest": True}, "max_guest must be a whole number"), ({"latitude": float("nan")}, "latitude must be "),
        ({"latitude": float("inf")}, "latitude must be "), ({"latitude": 90.1}, "latitude must be from -90 to 90"),
        ({"name": True}, "name must be a text"), ({"name": "a\ud800"}, "name must be valid"),
        ({"name": {"a": 1}}, "name must be a text"),
        ({"created_at": "yesterday"}, "created_at: 'yesterday' is not a time"),
        ({"created_at": 5}, "created_at: 5 is not a time"),
        ({"created_at": "0001-01-01T00:00:00+14:00"}, "created_at: '0001"),
        ({"created_at": ["x" * 9999]}, "created_at: ['xxx"),
        ({"amenity_ids": "w"}, "amenity_ids must be a list of ids"),
        ({"amenity_ids": [None]}, "amenity_ids must be a list of ids"),
        ({"amenity_ids": [["w"]]}, "amenity_ids must be"),
        ({"amenity_ids": {"w": 1}}, "amenity_ids must be a list of ids"),
        ({"id": "other"}, "it is not an object whose id and class match its key"),
        ({"__class__": "City"}, "it is not an object whose")])
    def test_broken_objects_and_their_dependents_are_refused(self, files: Files, change: Objects, reason: str):
        content = json.dumps(json.loads(classic(market())) | {"Place.l": market()[5] | change})
        with pytest.raises(Refused) as error:
            files.load_text(content)
        (place, found), (after, why) = error.value.report.refused
        assert place == "Place.l"
        assert found.startswith(reason)
        assert len(found) < 300
        assert (after, why) == ("Review.r", "place_id l does not exist")
        assert models.storage.count() == 0
        report = files.load_text(content, keep_going=True)
        assert +report.new == {"Amenity": 2, "State": 1, "User": 1, "City": 1}

    @pytest.mark.parametrize(("key", "value", "reason"), [
        ("Rocket.1", {"__class__": "Rocket", "id": "1"}, "there is no class Rocket"),
        ("BaseModel.1", {}, "there is no class"), ("State.1", None, "it is not an object whose id and class match its"),
        ("State.1", "x", "it is not an object whose"), ("State.1", [], "it is not an object whose"),
        ("State.", {}, "Missing id"), ("nonsense", {}, "there is no class nonsense"), ("", {}, "there is no class "),
        ("State.a b", {}, "id must be an id"), ("State." + "x" * 61, {}, "id must be an id"),
        ("State.\ud800", {}, "id must be an id"), ("State.1", {"__class__": ["State"]}, "it is not an object whose"),
        ("User.1", {"email": ""}, "Missing email"), ("User.1", {}, "Missing email"),
        ("User.1", {"email": "A@B.C"}, "another object has the email A@B.C"),
        ("User.1", {"email": "x" * 129}, "email must have"),
        ("User.1", {"email": "x@y", "password": [5]}, "password must be a text"),
        ("User.1", {"email": "x@y", "password": "\ud800"}, "password must be valid")])
    def test_entries_that_are_not_objects_of_a_class_are_refused(self, files: Files, key: str, value: Any, reason: str):
        content = json.dumps(json.loads(classic(market())) | {key: value})
        with pytest.raises(Refused) as error:
            files.load_text(content)
        [(place, found)] = error.value.report.refused
        assert place == key.replace("\ud800", "\ufffd")
        assert found.startswith(reason)
        assert files.load_text(content, keep_going=True).new.total() == 7

    def test_values_are_converted_to_the_type_of_their_column(self, files: Files):
        objects = market(max_guest="2", number_rooms=3.0, name=5)
        report = files.load_text(json.dumps({f"{each['__class__']}.{each['id']}": each for each in objects} | {
            "State.33": {"id": 33, "name": "N"}, "City.34": {"id": 34, "state_id": 33, "name": "C"},
            "User.35": {"id": 35, "email": "n@x.y", "password": 123456}}))
        assert not report.refused
        place = models.storage.get(Place, "l")
        assert (place.max_guest, place.number_rooms, place.name) == (2, 3, "5")
        assert models.storage.get(State, "33").cities[0].id == "34"
        assert "$argon2id$" in models.storage.get(User, "35").password
        assert models.storage.get(User, "35").check_password("123456")

    def test_unknown_attributes_are_left_out_and_counted(self, files: Files):
        report = files.load_text(classic(market(nickname="x", _sa_instance_state=1)))
        assert report.new.total() == 7
        assert {note: count for note, count in report.notes.items() if "Place" in note} == {
            "attributes Place.nickname that HBNB does not know; they were left out": 1,
            "attributes Place._sa_instance_state that HBNB does not know; they were left out": 1}

    def test_a_report_contains_no_password(self, files: Files):
        with pytest.raises(Refused) as error:
            files.load_text(classic([obj("User", "u", password="topsecret"),
                                     obj("User", "v", email="a", password="topsecret\0")]))
        assert len(error.value.report.refused) == 2
        assert "topsecret" not in str(error.value.report)


class TestJSONLines:
    def test_objects_of_an_export_may_be_in_any_order(self, files: Files):
        files.load(*market()[::-1])
        before = stored(models.storage)
        assert len(before) == 7
        report = files.load(*market())
        assert report.same.total() == 7
        assert stored(models.storage) == before

    def test_texts_of_an_export_are_imported_unchanged(self, files: Files):
        files.load(*market(name="<b>R&amp;D</b>\r\n "))
        assert models.storage.get(Place, "l").name == "<b>R&amp;D</b>\r\n "

    @pytest.mark.parametrize(("line", "reason"), [
        (b"{", "it is not valid JSON"), (b"nonsense", "it is not valid JSON"), (b"5", "it is not a JSON object"),
        (b"[]", "it is not a JSON object"), (b"null", "it is not a JSON object"), (b"{}", "there is no class None"),
        (b'{"__class__": "Rocket"}', "there is no class 'Rocket'"),
        (b'{"__class__": ["State"]}', "there is no class ['State']"),
        (b'{"__class__": "\xff"}', "it is not valid JSON"),
        (b'{"__class__": "State"}', "Missing id"), (b"[" * 100_000, "it is not valid JSON"),
        (b"\0", "it is not valid JSON"),
        (b'{"__class__": "State", "id": "x"}', "Missing created_at"), (b'{"__class__": {}}', "there is no class {}"),
        (json.dumps(obj("State", "x")).encode(), "Missing name"),
        (json.dumps(obj("User", "x")).encode(), "Missing email"),
        (json.dumps(obj("State", "s", name="Other")).encode(), "an earlier row has the same id and different values"),
        (json.dumps(obj("User", "v", email="A@b.C")).encode(), "another object has the email A@b.C"),
        (json.dumps(obj("Place", "x", name="n", city_id="c", user_id="gone")).encode(), "user_id gone does not exist")])
    def test_damaged_lines_are_refused_and_the_others_imported(self, files: Files, line: bytes, reason: str):
        lines = [json.dumps(each).encode() for each in market()]
        content = b"\n".join([*lines[:5], line, *lines[5:], b"", b"  ", b""])
        with pytest.raises(Refused) as error:
            files.load_text(content)
        [(place, found)] = error.value.report.refused
        assert place == "line 6"
        assert found.startswith(reason)
        assert models.storage.count() == 0
        assert files.load_text(content, keep_going=True).new.total() == 7
        assert not files.load_text(content, keep_going=True).changed.total()

    def test_an_export_is_recognized_even_if_its_first_line_is_damaged(self, files: Files):
        lines = [json.dumps(each) for each in market()]
        report = files.load_text("\n".join([lines[0][:20], *lines]), keep_going=True)
        assert report.new.total() == 7
        assert [place for place, _ in report.refused] == ["line 1"]

    def test_an_export_that_was_cut_off_is_refused(self, files: Files):
        content = "\n".join(json.dumps(each) for each in market())
        with pytest.raises(Refused) as error:
            files.load_text(content[:-10])
        assert [place for place, _ in error.value.report.refused] == ["line 7"]

    def test_a_repeated_line_is_imported_once(self, files: Files):
        report = files.load(*market(), *market())
        assert report.new.total() == 7
        assert report.notes == {"rows that occurred twice; they were imported once": 7}

    def test_a_changed_object_is_updated_with_its_times(self, files: Files):
        files.load(*market())
        report = files.load(*market(name="Attic", updated_at="2020-01-01T00:00:00.000000", amenity_ids=["p"]))
        assert +report.changed == {"Place": 1}
        place = models.storage.get(Place, "l")
        assert (place.name, place.amenity_ids) == ("Attic", ["p"])
        assert place.updated_at == datetime.datetime(2020, 1, 1)
        assert place.created_at == datetime.datetime(2017, 3, 25, 2, 17, 6)

    def test_an_object_without_links_in_the_file_keeps_its_links(self, files: Files):
        files.load(*market())
        silent = {name: value for name, value in market()[5].items() if name != "amenity_ids"}
        other = silent | {"id": "m", "amenity_ids": ["w"]}
        report = files.load(silent, other)
        assert (report.changed["Place"], report.new["Place"]) == (0, 1)
        assert sorted(models.storage.get(Place, "l").amenity_ids) == ["p", "w"]

    def test_a_change_to_an_email_address_in_use_is_refused(self, files: Files):
        one, other = (obj("User", id, email=f"{id}@x.y", first_name="", last_name="") for id in "ab")
        files.load(one, other)
        with pytest.raises(Refused, match="1 row was"):
            files.load(one, other | {"email": "A@x.y"})
        assert files.load(one | {"email": "A@X.Y"}, other | {"email": "c@x.y"}).changed["User"] == 2
        assert models.storage.get(User, "a").email == "A@X.Y"

    def test_a_large_export_is_imported_completely(self, files: Files):
        amenities = [obj("Amenity", f"a{number}", name=str(number)) for number in range(1500)]
        every = [each["id"] for each in amenities]
        rest = [obj("Place", f"l{number}", name="n", city_id="c", user_id="u", amenity_ids=every[number::700])
                for number in range(1200)]
        report = files.load(*rest, *amenities, *market())
        assert not report.refused
        assert (report.new["Place"], report.new["Amenity"]) == (1201, 1502)
        assert files.load(*rest, *amenities, *market()).same.total() == 2707


class TestPasswordsOfExistingUsers:
    def load(self, files: Files, password: str | None) -> User:
        files.load(obj("User", "u", email="a@b.c", password=password, first_name="", last_name=""))
        return models.storage.get(User, "u")

    def test_passwords_can_be_added_by_a_second_import(self, files: Files):
        assert not self.load(files, None).check_password("secret")
        assert self.load(files, User(password="secret").password).check_password("secret")

    def test_passwords_are_kept_if_the_file_has_none(self, files: Files):
        self.load(files, "secret")
        assert self.load(files, None).check_password("secret")
        assert self.load(files, "").check_password("secret")

    def test_hashes_in_the_file_replace_the_existing_ones(self, files: Files):
        self.load(files, User(password="old").password)
        assert self.load(files, User(password="new").password).check_password("new")

    def test_a_second_import_does_not_hash_passwords_again(self, files: Files, monkeypatch: pytest.MonkeyPatch):
        password = self.load(files, "secret").password
        monkeypatch.setattr("models.passwords.hashed", lambda password: pytest.fail("was hashed again"))
        assert self.load(files, "secret").password == password


def test_objects_can_be_imported_without_a_file(storage: Storage):
    from services.transfer.importer import Importer
    with storage.transaction():
        dumps.import_objects(((each["id"], each) for each in market()), Importer(Report(), times=True))
    assert counts() == {"State": 1, "City": 1, "User": 1, "Amenity": 2, "Place": 1, "Review": 1}


def test_files_of_all_kinds_can_be_imported_into_one_store(files: Files):
    files.load_text(classic(market()))
    files.load(listing(1, amenities=["Wifi"]), state="Louisiana", city="Lafayette")
    assert counts() == {"State": 1, "City": 1, "User": 2, "Amenity": 2, "Place": 2, "Review": 1}
    assert import_file(files.write(classic(market()))).same.total() == 7
