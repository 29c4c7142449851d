"""Backups, exports and imports of accounts, sessions, tokens, mails and drafts, on both engines."""
from __future__ import annotations

import gzip
import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

import models
from models.account import Account
from models.audit_entry import AuditEntry
from models.login_failure import LoginFailure
from models.one_time_link import OneTimeLink
from models.outgoing_mail import OutgoingMail
from models.place import Place
from models.session import Session
from models.user import User
from services import accounts, audit, personal_tokens, profile, sessions, throttling, users
from services.actor import OPERATOR
from services.backup import back_up, check, restore
from services.transfer.files import export_file, import_file
from tests.airbnb import Engines
from tests.market import Market
from tests.people import PASSWORD, actor, cookie, mails, person
from tests.services.test_export import engines  # noqa: F401

PASSING = {Session, OneTimeLink, OutgoingMail, LoginFailure}


@pytest.fixture
def path(tmp_path: Path) -> str:
    return str(tmp_path / "hbnb.backup")


def populate() -> tuple[str, str]:
    """Store an object of each internal class. Returns: a cookie and a personal token, both of the user Ada."""
    ada, ben = person("Ada"), person("Ben")
    users.promote(OPERATOR, ada)
    users.suspend(OPERATOR, ben)
    accounts.request_reset(ada.email, "192.0.2.1")
    throttling.attempt("someone", "192.0.2.1")
    return cookie(ada), personal_tokens.create(OPERATOR, ada, "phone")


def counts() -> dict[str, int]:
    models.storage.close()
    return {name: count for name, cls in models.stored.items() if (count := models.storage.count(cls))}


def lines(path: str) -> list[Any]:
    with gzip.open(path, "rt") as file:
        return [json.loads(line) for line in file]


def survives(session: str, token: str) -> None:
    """Assert that roles, suspensions, tokens and the audit log are as they were, and that sessions ended."""
    roles = {user.first_name: (found.status, found.role) for user in models.storage.all(User).values()
             for found in [accounts.account_of(user.id)]}
    assert roles == {"Ada": ("active", "admin"), "Ben": ("suspended", "user")}
    assert personal_tokens.verify(token).is_admin
    assert [each["action"] for each in audit.list(OPERATOR)] == ["create", "suspend", "promote"]
    assert sessions.resume(session) is None
    assert not any(map(models.storage.count, PASSING))
    assert accounts.log_in("ada@people.example", PASSWORD, "192.0.2.1", "browser")


class TestBackup:
    def test_has_accounts_tokens_and_audit_entries_but_nothing_that_passes(self, storage, path):
        populate()
        before = counts()
        assert {models.stored[name] for name in before} >= PASSING
        made = back_up(path)
        expected = {name: count for name, count in before.items() if models.stored[name] not in PASSING}
        assert made.counts == check(path).counts == expected == {
            "User": 2, "Account": 2, "PersonalToken": 1, "AuditEntry": 3}
        assert Counter(line[0].partition(".")[0] for line in lines(path)[1:-1]) == expected

    def test_has_no_secret_that_a_mail_carries(self, storage, path):
        populate()
        [mail] = mails("reset")
        back_up(path)
        assert mail["secret"].split("_")[0] not in json.dumps(lines(path))

    @pytest.mark.parametrize("replace", [False, True])
    def test_restore_keeps_roles_suspensions_and_tokens_and_ends_sessions(self, storage, path, replace):
        session, token = populate()
        back_up(path)
        if not replace:
            for obj in [obj for cls in (User, AuditEntry) for obj in models.storage.all(cls).values()]:
                models.storage.delete(obj)
            models.storage.save()
            throttling.attempt("someone else", "192.0.2.1")
            assert {*counts()} == {"OutgoingMail", "LoginFailure"}      # do not prevent it
        restore(path, replace)
        survives(session, token)

    @pytest.mark.parametrize("first", ["file", "db"])
    def test_moves_accounts_to_the_other_engine(self, engines: Engines, path, first):  # noqa: F811
        engines.use(first)
        session, token = populate()
        back_up(path)
        engines.use("db" if first == "file" else "file")
        restore(path)
        survives(session, token)


class TestExport:
    def test_has_users_but_nothing_of_their_accounts(self, storage, tmp_path):
        populate()
        export_file(str(tmp_path / "all.jsonl"), with_passwords=True)
        found = [json.loads(line) for line in (tmp_path / "all.jsonl").read_text().splitlines()]
        assert [each["__class__"] for each in found] == ["User", "User"]

    def test_with_users_that_deleted_their_accounts_is_imported(self, engines: Engines, tmp_path):  # noqa: F811
        for name in ("file", "db"):
            engines.use(name)
            for each in (person("Ada"), person("Ben")):
                profile.close(actor(each), PASSWORD)
            export_file(str(tmp_path / name))
        for name, other in (("file", "db"), ("db", "file")):
            engines.use(name)
            report = import_file(str(tmp_path / other))
            assert (report.new["User"], report.refused) == (2, [])
            assert import_file(str(tmp_path / other)).same["User"] == 2
            models.storage.close()
            assert [user.email for user in models.storage.all(User).values()] == [""] * 4

    def test_does_not_import_objects_of_internal_classes(self, storage, tmp_path):
        for name in models.internal:
            (tmp_path / "all.jsonl").write_text(json.dumps({"__class__": name, "id": "1"}) + "\n")
            report = import_file(str(tmp_path / "all.jsonl"), keep_going=True)
            assert report.refused == [("line 1", f"there is no class '{name}'")]
        assert counts() == {}

    def test_keeps_the_status_of_places(self, storage, tmp_path):
        market = Market()
        for status in ("draft", "unlisted"):
            Place(name=status, city_id=market.city.id, user_id=market.host.id, status=status).save()
        models.storage.close()
        export_file(str(tmp_path / "all.jsonl"))
        models.storage.delete(models.storage.get(type(market.state), market.state.id))
        models.storage.save()
        assert models.storage.count(Place) == 0
        import_file(str(tmp_path / "all.jsonl"))
        assert statuses() == {"Loft in Albany": "listed", "draft": "draft", "unlisted": "unlisted"}

    def test_of_an_older_release_and_listings_leave_the_status_of_existing_places(self, storage, tmp_path):
        with gzip.open(tmp_path / "listings.csv.gz", "wt") as file:
            file.write("id,name,host_id,host_name,latitude,longitude\n1,Loft,1,Ada,42.6,-73.7\n")
        import_file(str(tmp_path / "listings.csv.gz"), "New York", "Albany")
        [place] = models.storage.all(Place).values()
        place.status = "draft"
        place.save()
        models.storage.close()
        export_file(str(tmp_path / "all.jsonl"))
        text = (tmp_path / "all.jsonl").read_text()
        (tmp_path / "old.jsonl").write_text(text.replace('"status":"draft",', "").replace("Loft", "Nest"))
        import_file(str(tmp_path / "old.jsonl"))
        assert statuses() == {"Nest": "draft"}
        import_file(str(tmp_path / "listings.csv.gz"), "New York", "Albany")
        assert statuses() == {"Loft": "draft"}

    def test_a_store_file_of_hbnb_is_imported_without_accounts_and_sessions(self, tmp_path, storage):
        obj = {"id": "1", "created_at": "2026-01-01T00:00:00.000000", "updated_at": "2026-01-01T00:00:00.000000"}
        (tmp_path / "old.json").write_text(json.dumps({
            "User.1": obj | {"__class__": "User", "email": "a@b.c", "password": "x" * 12},
            "Account.1": obj | {"__class__": "Account", "user_id": "1", "status": "active", "role": "admin"},
            "Session.1": obj | {"__class__": "Session", "user_id": "1", "digest": "x", "agent": ""}}))
        import_file(str(tmp_path / "old.json"))
        assert counts() == {"User": 1}
        assert not models.storage.read(select(Account.id)).all()


def statuses() -> dict[str, str]:
    models.storage.close()
    return {place.name: place.status for place in models.storage.all(Place).values()}
