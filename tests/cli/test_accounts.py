"""The console commands for users, tokens and the audit log, on both engines."""
from __future__ import annotations

import io
import json
import re
import sys
from pathlib import Path

import pytest

import models
from cli import lexer
from cli.completion import USER_ACTIONS, candidates
from cli.formatting import FORMATS
from models.user import User
from services import accounts, personal_tokens, sessions
from tests.cli.conftest import Session
from tests.conftest import Run
from tests.people import PASSWORD, cookie, person

NEW = "another good password"


@pytest.fixture
def ada(storage) -> User:
    user = person("Ada")
    storage.close()
    return user


def state(user: User) -> tuple[str, str]:
    models.storage.close()
    found = accounts.account_of(user.id)
    return found.status, found.role


def has_password(user: User, password: str) -> bool:
    models.storage.close()
    return models.storage.get(User, user.id).check_password(password)


class TestUser:
    def test_list_finds_users_by_a_part_of_their_name_or_address(self, say: Session, ada):
        person("Ben", "admin", "suspended")
        found = say("user list")
        assert [line.split()[1:6] for line in found.splitlines()] == [
            ["email", "first_name", "last_name", "status", "role"], ["-" * 18, "-" * 10, "-" * 9, "-" * 9, "-" * 5],
            ["ada@people.example", "Ada", "Example", "active", "user"],
            ["ben@people.example", "Ben", "Example", "suspended", "admin"]]
        assert say.notes == "2 users\n"
        assert [each["id"] for each in say.json("user list ADA@")] == [ada.id]
        assert say("user list ben example --csv").splitlines()[1].split(",")[1:6] == [
            "ben@people.example", "Ben", "Example", "suspended", "admin"]
        assert (say("user list nope"), say.notes) == ("", "No users\n")
        assert "argon2" not in found

    @pytest.mark.parametrize(("action", "status", "role", "done", "again"), [
        ("promote", "active", "admin", "is an admin now", "is an admin already"),
        ("suspend", "suspended", "user", "is suspended and logged out", "is suspended already"),
        ("demote", "active", "user", "is not an admin", "is not an admin"),
        ("unsuspend", "active", "user", "is not suspended", "is not suspended")])
    def test_changes_an_account_and_prints_what_is_so_now(self, say: Session, ada, action, status, role, done, again):
        assert say(f"user {action} ADA@people.example") == f"ada@people.example {done}\n"
        assert say(f"user {action} ada@people.example") == f"ada@people.example {again}\n"
        assert (say.notes, say.failed) == ("", False)
        assert state(ada) == (status, role)

    def test_takes_changes_back(self, say: Session, ada):
        for line, printed in (("promote", "is an admin now"), ("demote", "is not an admin any more"),
                              ("suspend", "is suspended and logged out"), ("unsuspend", "can log in again")):
            assert say(f"user {line} ada@people.example") == f"ada@people.example {printed}\n"
        assert state(ada) == ("active", "user")

    @pytest.mark.parametrize(("line", "note"), [
        ("user", "Type user list, or user promote, demote, suspend, unsuspend or password and an e-mail address: "
                 "see help user"),
        ("user promote", "Type user"), ("user nope a@b.c", "Type user"), ("user promote a@b.c c@d.e", "Type user"),
        ("user promote a@b.c --json", "Type user"), ("user password", "Type user"),
        ("user password a@b.c --csv", "Type user"), ('user list "Ada', "Close the quote"),
        ("user promote nope@b.c", "There is no user with the e-mail address nope@b.c. `user list` prints all users"),
        ("user password nope@b.c", "There is no user"), ("user suspend ''", "There is no user"),
        ("user suspend new@people.example", "new@people.example is not confirmed yet")])
    def test_reports_wrong_arguments(self, say: Session, storage, line, note):
        person("New", status="unconfirmed")
        assert say(line) == ""
        assert say.notes.startswith(f"** {note}")
        assert (say.failed, "Internal error" in say.notes) == (True, False)


class TestPassword:
    def test_is_the_next_line_of_standard_input(self, ada, console: Run):
        session = cookie(ada)
        ended = console("user password ada@people.example", NEW, "count User")
        assert ended.stdout == ("The password of ada@people.example was changed, and all sessions of the user ended\n"
                                "1\n")
        assert ended.stderr == ""
        assert has_password(ada, NEW)
        assert sessions.resume(session) is None
        assert console(args=("user", "password", "ada@people.example"), text=f"{PASSWORD}\r\n").returncode == 0
        assert has_password(ada, PASSWORD)

    @pytest.mark.parametrize(("typed", "note"), [
        ("", "Nothing was changed: write the new password to standard input"), ("\n", "password must have 10 to 128"),
        ("Tr0ub4dor\n", "password must have 10 to 128"), ("\udc80" * 10 + "\n", "password must be valid text")])
    def test_that_is_missing_or_unsuitable_is_refused_and_not_printed(self, say: Session, ada, monkeypatch, typed,
                                                                      note):
        monkeypatch.setattr(sys, "stdin", io.StringIO(typed))
        assert say("user password ada@people.example") == ""
        assert note in say.notes
        assert typed.strip() == "" or typed.strip() not in say.notes
        assert has_password(ada, PASSWORD)

    def test_with_closed_standard_input_is_missing(self, say: Session, ada, monkeypatch):
        monkeypatch.setattr(sys, "stdin", None)
        say("user password ada@people.example")
        assert "Nothing was changed" in say.notes


class TestToken:
    def test_creates_lists_and_revokes_personal_tokens(self, say: Session, ada):
        text = say("token create phone --user ada@people.example --scope read").strip()
        assert re.fullmatch(r"hbnbp_[0-9a-f-]{36}_[\w-]{43}", text)
        assert personal_tokens.verify(text).is_read_only
        assert not personal_tokens.verify(say("token create --user ADA@people.example laptop").strip()).is_read_only
        say("token create ops")
        found = {each["name"]: each for each in say.json("token list")}
        assert [*found] == ["ops", "laptop", "phone"]
        assert (found["phone"]["user"], found["phone"]["scope"]) == ("ada@people.example", "read")
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT[\d:.]+", found["phone"]["used_at"])
        assert "user" not in found["ops"]
        assert not any("digest" in each for each in found.values())
        table = say("token list")
        assert (say.notes, "used_at" in table, "ada@people.example" in table) == ("3 tokens\n", True, True)
        assert say("token revoke phone --user ada@people.example") == ""
        assert personal_tokens.verify(text) is None
        say("token revoke laptop")      # an operator's token has another name
        assert say.failed
        assert [each["name"] for each in say.json("token list")] == ["ops", "laptop"]

    @pytest.mark.parametrize(("line", "note"), [
        ("token create x --user", "Type token create NAME"), ("token create --user ada@people.example", "Type token"),
        ("token create x --scope read", "--scope needs --user"), ("token create -x --user ada@people.example", "Type"),
        ("token create x --user nope@b.c", "There is no user with the e-mail address nope@b.c"),
        ("token create x --user ada@people.example --scope all", "scope must be one of"),
        ('token create " " --user ada@people.example', "Missing name"),
        ("token create there --user ada@people.example", "There is a token named there already"),
        ("token revoke x --user ada@people.example", "ada@people.example has no token named x. `token list` prints"),
        ("token revoke x --scope read", "Type token"), ("token list --user ada@people.example", "Type token")])
    def test_reports_wrong_arguments(self, say: Session, ada, line, note):
        say("token create there --user ada@people.example")
        assert say(line) == ""
        assert say.notes.startswith(f"** {note}")
        assert (say.failed, "Internal error" in say.notes) == (True, False)
        assert len(say.json("token list")) == 1

    def test_errors_and_history_do_not_repeat_a_personal_token(self, say: Session, ada):
        text = say("token create phone --user ada@people.example").strip()
        for line in (text, f"token revoke {text}", f"show {text}"):
            assert text not in say(line) + say.notes
        assert lexer.public(f"token revoke {text}") == "token revoke …"


class TestAudit:
    def test_lists_changes_the_newest_first(self, say: Session, ada):
        id = say('create State name="Ohio"').strip()
        say(f"update State {id} name Iowa")
        say("user promote ada@people.example")
        say(f"destroy State {id}")
        rows = [line.split()[1:] for line in say("audit").splitlines()]
        assert rows == [
            ["actor", "action", "class", "id"], ["-" * 8, "-" * 7, "-" * 5, "-" * 36],
            ["operator", "remove", "State", id], ["operator", "promote", "User", ada.id],
            ["operator", "update", "State", id], ["operator", "create", "State", id]]
        assert say.notes == "4 audit entries\n"
        assert len(say("audit limit 2 --csv").splitlines()) == 3
        say("audit limit 2")
        assert say.notes == "2 of 4 audit entries\n"
        assert [each["action"] for each in say.json("audit limit 1")] == ["remove"]

    def test_of_an_empty_store_and_after_reading_has_no_entries(self, say: Session, ada):
        for line in ("all", "count User", "find User", f"show User {ada.id}", "user list", "token list",
                     "user suspend nope@x.y", "token revoke nope"):
            say(line)
        before = len(say.json("audit"))
        assert (before, say.notes) == (0, "")
        assert (say("audit"), say.notes) == ("", "No audit entries\n")

    @pytest.mark.parametrize("line", ["audit 5", "audit limit", "audit limit x", "audit limit -1", "audit limit 1 2"])
    def test_reports_wrong_arguments(self, say: Session, storage, line):
        assert say(line) == ""
        assert (say.notes, say.failed) == ("** Type audit or audit limit NUMBER: see help audit **\n", True)

    def test_leaves_the_classic_output_as_it_was(self, say: Session, storage):
        id = say('create State name="Ohio"').strip()
        assert say("count State") == "1\n"
        assert len(json.loads(say("all --json"))) == 1
        assert "Audit" not in say("all") + say("count --table")
        assert say(f"show AuditEntry {id}") == "** class doesn't exist **\n"


class TestCompletion:
    def test_completes_actions_addresses_and_options(self, storage, ada):
        assert candidates(["user"], "") == [*USER_ACTIONS]
        assert candidates(["user", "list"], "--") == [*FORMATS]
        assert candidates(["user", "promote"], "ad") == ["ada@people.example"]
        assert candidates(["user", "promote", "ada@people.example"], "") == []
        assert candidates(["audit"], "") == ["limit", *FORMATS]
        assert candidates(["audit", "limit", "5"], "") == [*FORMATS]
        assert candidates(["token", "create", "x"], "-") == ["--user", "--scope"]
        assert candidates(["token", "revoke", "x"], "-") == ["--user"]
        assert candidates(["token", "create", "x", "--user"], "a") == ["ada@people.example"]
        assert candidates(["token", "create", "x", "--scope"], "") == ["read", "write"]


def test_every_action_of_user_is_documented():
    text = (Path(__file__).parents[2] / "docs" / "console.md").read_text()
    assert all(f"`user {action}" in text for action in USER_ACTIONS)
