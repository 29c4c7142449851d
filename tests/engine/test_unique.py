"""Unique attributes: the same rule on both engines, and duplicates in older files."""
from __future__ import annotations

import json
from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest
from flask.testing import FlaskClient

import models
from api.v1.app import app
from errors import Conflict
from models.collation import address_key, lower
from models.engine.base import Storage
from models.engine.file_storage import FileStorage
from models.token import Token
from models.user import User
from services import tokens
from services.query import Filter
from services.transfer.files import import_file
from tests import objects
from tests.processes import finish, start

TWICE = {f"User.{id}": {"__class__": "User", "id": id, "email": email, "password": "p", "first_name": "",
                        "last_name": ""}
         for id, email in (("1", "x@y.example"), ("2", "X@y.example"), ("3", "other@y.example"))}
EQUAL = [("MÜLLER@x.example", "müller@x.example"), ("Ada@x.example", "ADA@X.EXAMPLE"), ("a@x.example", "a@x.example  "),
         ("ΣΊΣΥΦΟΣ@x.example", "σίσυφοσ@x.example"), ("ИВАН@x.example", "иван@x.example"),
         ("İ@x.example", "i@x.example"), ("\uff21@x.example", "\uff41@x.example")]
APART = [("josé@x.example", "jose@x.example"), ("straße@x.example", "strasse@x.example"),
         ("ı@x.example", "i@x.example"), ("ẞ@x.example", "ß@x.example"),
         ("🏝@x.example", "🏔@x.example"), (" a@x.example", "a@x.example"),
         ("\u10a0@x.example", "\u2d00@x.example"), ("Ϙ@x.example", "ϙ@x.example"), ("a\t@x.example", "a@x.example")]


def posted(email: str) -> int:
    client: FlaskClient = app.test_client()
    return client.post("/api/v1/users", json={"email": email, "password": "p"}).status_code


class TestOldDuplicates:
    @pytest.fixture
    def engine(self) -> str:
        return "file"

    @pytest.fixture
    def path(self, storage: Storage, tmp_path: Path) -> Path:
        path = tmp_path / "file.json"
        path.write_text(json.dumps(TWICE))
        return path

    def test_new_duplicates_are_refused_although_old_ones_exist(self, path):
        for _ in range(2):
            assert [posted(email) for email in ("new@y.example", "new@y.example", "NEW@y.example", "x@y.example")] == [
                201, 409, 409, 409]
            models.storage.count(User)
            objects.remove(next(each for each in models.storage.all(User).values() if each.email == "new@y.example"))
            models.storage.reload()

    def test_old_duplicates_stay_and_their_other_attributes_can_be_changed(self, path):
        models.storage.reload()
        user = models.storage.get(User, "2")
        objects.update(user, {"first_name": "Xe"})
        user.email = "x@Y.example"
        user.save()
        models.storage.reload()
        assert (models.storage.get(User, "2").email, models.storage.count(User)) == ("x@Y.example", 3)

    def test_a_change_to_an_existing_address_is_refused(self, path, console):
        user = models.storage.get(User, "3")
        user.email = "X@Y.example"
        with pytest.raises(Conflict, match="has this email already"):
            user.save()
        assert "already" in console('update User 3 email "x@y.example"', 'create User email="OTHER@y.example"').stderr
        assert models.storage.get(User, "3").email == "other@y.example"

    def test_an_address_is_free_after_its_users_were_changed_or_removed(self, path):
        user = models.storage.get(User, "2")
        user.email = "free@y.example"
        user.save()
        objects.remove(models.storage.get(User, "1"))
        assert posted("x@y.example") == 201

    def test_an_import_refuses_an_existing_address(self, path, tmp_path):
        other = tmp_path / "other.json"
        other.write_text(json.dumps({"User.9": TWICE["User.1"] | {"id": "9"}, **TWICE}))
        report = import_file(str(other), keep_going=True)
        assert report.refused == [("User.9", "another object has the email x@y.example")]
        assert report.same["User"] == 3

    def test_duplicates_of_another_process_are_read_and_new_ones_refused(self, path, environ):
        big = {f"State.{number}": {"name": "x" * 1000} for number in range(100)}
        path.write_text(json.dumps(TWICE | big))
        models.storage.reload()
        User(id="4", email="first@y.example", password="p").save()      # from here on there is a journal
        finish(start(dedent("""
            from models.user import User
            models.storage.reload()
            models.storage._memory.execute("INSERT INTO loading VALUES (1)")     # as an older HBNB, without the rule
            User(id="5", email="FIRST@y.example", password="p").save()"""), environ))
        assert models.storage.count(User) == 5
        assert posted("first@Y.example") == 409

    def test_new_duplicate_token_names_are_refused_although_old_ones_exist(self, path):
        path.write_text(json.dumps({f"Token.{id}": {"id": id, "name": "ci", "digest": "d"} for id in "12"}))
        models.storage.reload()
        assert models.storage.count(Token) == 2
        with pytest.raises(Conflict, match="A token named ci already exists"):
            tokens.create("ci")
        tokens.create("cd")
        with pytest.raises(Conflict, match="A token named cd already exists"):
            tokens.create("cd")


class TestAddresses:
    @pytest.mark.parametrize(("one", "other"), EQUAL)
    def test_a_second_user_with_an_equal_address_is_refused(self, storage, one, other):
        assert [posted(one), posted(other)] == [201, 409]

    @pytest.mark.parametrize(("one", "other"), APART)
    def test_addresses_that_differ_may_belong_to_two_users(self, storage, one, other):
        assert [posted(one), posted(other)] == [201, 201]

    def test_an_import_compares_addresses_by_the_same_rule(self, storage, tmp_path):
        path = tmp_path / "users.json"
        for pairs, refused in ((EQUAL, 1), (APART, 0)):
            for pair in pairs:
                users = {f"User.{id}": {"email": email} for id, email in zip("ab", pair, strict=True)}
                path.write_text(json.dumps(users))
                assert len(import_file(str(path), dry_run=not refused, keep_going=True).refused) == refused
                for user in models.storage.all(User).values():
                    objects.remove(user)

    def test_addresses_are_filtered_and_sorted_by_the_same_rule(self, storage):
        for number, email in enumerate(("MÜLLER@x.example", "muller@x.example", "Zoe@x.example", "ada@x.example")):
            User(id=str(number), email=email, password="p").save()

        def found(operator: str, value: str) -> list[str]:
            return [each["id"] for each in objects.list(User, [Filter("email", operator, value)])]
        assert found("=", "müller@X.example ") == ["0"]
        assert found("!=", "müller@x.example") == ["1", "2", "3"]
        assert found("<", "B@x.example") == ["3"]
        assert found("~", "ÜLLER") == ["0"]
        assert [each["id"] for each in objects.list(User, sort=["email"])] == ["3", "1", "0", "2"]
        assert [each["id"] for each in objects.list(User, sort=["-email"])] == ["2", "0", "1", "3"]
        assert models.storage.get(User, "0").email == "MÜLLER@x.example"

    def test_address_key_is_the_same_in_python_and_in_the_database(self, database):
        """It is compared for every letter of the first Unicode plane, and for some of others."""
        letters = [chr(code) for code in (*range(0x20, 0xd800), *range(0xe000, 0x11000)) if code != 0x7f]
        connection = database.connect()
        cursor = connection.cursor()
        for start_at in range(0, len(letters), 5000):
            part = letters[start_at:start_at + 5000]
            cursor.execute("SELECT RTRIM(LOWER(%s COLLATE utf8mb4_bin))", (" ".join(part),))
            assert cursor.fetchone()[0] == lower(" ".join(part)).rstrip(" ")
        connection.close()
        assert [address_key(each) for each in ("", "  ", "A ")] == [None, None, "a"]


def test_several_users_may_have_no_address(storage: Storage):
    made: list[Any] = [User(id=id, email="", password="p") for id in "ab"]
    for user in made:
        user.save()
    assert models.storage.count(User) == 2


def test_two_processes_that_create_the_same_addresses_store_each_once(environ, storage):
    code = """
        from errors import Conflict
        from models.user import User
        won = 0
        for number in range(20):
            try:
                User(email=f"{'A' if sys.argv[1] == '1' else 'a'}{number}@x.example", password="p").save()
                won += 1
            except Conflict:
                pass
        print(won)"""
    processes = [start(dedent(code), environ, str(number)) for number in range(2)]
    assert sum(int(finish(process)) for process in processes) == 20
    models.storage.close()
    assert models.storage.count(User) == 20


def test_addresses_stay_unique_after_the_file_was_opened_again(tmp_path):
    path = tmp_path / "file.json"
    path.write_text(json.dumps(TWICE))
    for email in ("one@y.example", "two@y.example"):
        storage = FileStorage(path)
        storage.new(User(email=email, password="p"))
        storage.save()
        storage.new(User(email=email.upper(), password="p"))
        with pytest.raises(Conflict):
            storage.save()
