"""Tests of the services for the accounts of others, on both engines."""
from __future__ import annotations

from dataclasses import replace

import pytest

import models
from errors import Conflict, Expired, Forbidden, Invalid, NotFound, TooMany, Unauthorized
from models.user import User
from services import accounts, audit, links, personal_tokens, sessions, users
from services.actor import DEVELOPER, OPERATOR, VISITOR, Actor
from services.registry import service_for
from tests.people import PASSWORD, actor, cookie, mails, person


def account(user: User) -> tuple[str, str]:
    found = accounts.account_of(user.id)
    return found.status, found.role


def actions() -> list[tuple[str, str]]:
    return [(entry["action"], entry["object"]) for entry in audit.list(OPERATOR)][::-1]


@pytest.fixture
def ada(storage) -> User:
    return person("Ada")


@pytest.fixture
def admin(storage) -> Actor:
    return actor(person("Ben", "admin"))


class TestList:
    @pytest.mark.parametrize(("text", "names"), [
        ("", ["Ada", "Ben", "Zoë"]), ("ADA@P", ["Ada"]), ("a ex", ["Ada"]), ("  bEn ", ["Ben"]), ("ZOË", ["Zoë"]),
        ("%", []), ("_", []), ("people.example", ["Ada", "Ben"]), ("nope", [])])
    def test_finds_users_by_a_part_of_the_name_or_the_address(self, ada, admin, text, names):
        User(email="zoe@y.example", password="x", first_name="Zoë").save()      # without an account
        assert [each["first_name"] for each in users.list(admin, text)] == names
        assert users.count(admin, text) == len(names)

    def test_returns_pages_with_status_and_role_and_without_the_password(self, ada, admin):
        [found] = users.list(admin, limit=1, offset=1)
        assert found == {"id": admin.user_id, "email": "ben@people.example", "first_name": "Ben",
                         "last_name": "Example", "status": "active", "role": "admin", "created_at": found["created_at"]}
        assert [each["email"] for each in users.list(admin, limit=1)] == ["ada@people.example"]
        assert users.list(admin, offset=2) == []

    @pytest.mark.parametrize("find", [users.list, users.count, lambda each: users.by_email(each, "ada@people.example"),
                                      audit.list, audit.count, personal_tokens.list_all])
    def test_others_find_no_users(self, ada, find):
        for each in (VISITOR, DEVELOPER, actor(ada)):
            with pytest.raises((Unauthorized, Forbidden)):
                find(each)

    def test_finds_a_user_by_the_whole_address_in_any_case(self, ada, admin):
        assert users.by_email(admin, "ADA@people.example").id == ada.id
        with pytest.raises(NotFound, match=r"no user with the e-mail address ada@x\. `user list` prints all users"):
            users.by_email(admin, "ada@x")


class TestSuspend:
    def test_ends_sessions_and_stops_tokens_and_logging_in_at_once(self, ada, admin):
        session = cookie(ada)
        token = personal_tokens.create(actor(ada), ada, "phone")
        assert sessions.resume(session)
        assert personal_tokens.verify(token)
        assert users.suspend(admin, ada)
        assert (sessions.resume(session), personal_tokens.verify(token)) == (None, None)
        with pytest.raises(Forbidden, match="suspended"):
            accounts.log_in(ada.email, PASSWORD, "192.0.2.1", "browser")
        assert not users.suspend(admin, ada)
        assert users.unsuspend(admin, ada)
        assert not users.unsuspend(admin, ada)
        assert sessions.resume(session) is None
        assert personal_tokens.verify(token)
        assert accounts.log_in(ada.email, PASSWORD, "192.0.2.1", "browser")
        assert actions() == [("suspend", f"User.{ada.id}"), ("unsuspend", f"User.{ada.id}")]

    def test_works_for_a_user_without_an_account(self, storage):
        user = User(email="old@x.example", password="x")
        user.save()
        assert users.suspend(OPERATOR, user)
        assert account(user) == ("suspended", "user")

    def test_an_admin_cannot_suspend_their_own_account(self, admin):
        own = models.storage.get(User, admin.user_id)
        with pytest.raises(Forbidden, match="cannot suspend your own account"):
            users.suspend(admin, own)
        assert account(own) == ("active", "admin")

    @pytest.mark.parametrize(("status", "words"), [("unconfirmed", "is not confirmed yet"), ("closed", "has deleted")])
    @pytest.mark.parametrize("change", [users.suspend, users.unsuspend, users.promote, users.demote,
                                        lambda *values: users.set_password(*values, PASSWORD)])
    def test_an_account_that_is_not_active_is_not_changed(self, storage, status, words, change):
        user = person("Cleo", status=status)
        with pytest.raises(Conflict, match=words):
            change(OPERATOR, user)
        assert account(user) == (status, "user")
        assert actions() == []


class TestPromote:
    def test_gives_and_takes_the_rights_of_an_admin_at_once(self, ada):
        session = cookie(ada)
        token = personal_tokens.create(actor(ada), ada, "phone")

        def is_admin() -> tuple[bool, bool]:
            return sessions.resume(session).actor.is_admin, personal_tokens.verify(token).is_admin
        assert is_admin() == (False, False)
        assert users.promote(OPERATOR, ada)
        assert not users.promote(OPERATOR, ada)
        assert is_admin() == (True, True)
        assert users.demote(OPERATOR, ada)
        assert not users.demote(OPERATOR, ada)
        assert is_admin() == (False, False)
        assert actions() == [("promote", f"User.{ada.id}"), ("demote", f"User.{ada.id}")]

    def test_a_suspended_user_is_not_promoted(self, ada):
        users.suspend(OPERATOR, ada)
        with pytest.raises(Conflict, match=r"ada@people\.example is suspended"):
            users.promote(OPERATOR, ada)


class TestSetPassword:
    def test_replaces_the_password_ends_sessions_and_sends_a_mail(self, ada):
        session = cookie(ada)
        users.set_password(OPERATOR, ada, "another good password")
        assert sessions.resume(session) is None
        with pytest.raises(Unauthorized):
            accounts.log_in(ada.email, PASSWORD, "192.0.2.1", "browser")
        assert accounts.log_in(ada.email, "another good password", "192.0.2.1", "browser")
        assert mails() == [{"to": ada.email, "template": "password_changed", "name": "Ada"}]
        assert actions() == [("set_password", f"User.{ada.id}")]

    def test_lets_a_user_log_in_that_was_locked_out_by_failed_attempts(self, ada):
        for _ in range(6):
            with pytest.raises(Unauthorized):
                accounts.log_in(ada.email, "wrong", "192.0.2.1", "browser")
        with pytest.raises(TooMany):
            accounts.log_in(ada.email, PASSWORD, "192.0.2.1", "browser")
        users.set_password(OPERATOR, ada, "another good password")
        assert accounts.log_in(ada.email, "another good password", "192.0.2.1", "browser")

    @pytest.mark.parametrize("change", ["update", "assign"])
    def test_by_the_console_or_the_classic_route_makes_unused_links_useless(self, ada, change):
        secrets = [models.storage.transact(lambda purpose=purpose: links.create(ada.id, purpose, "new@people.example"))
                   for purpose in ("email", "reset")]
        getattr(service_for(User), change)(OPERATOR, ada, {"password": "another good password"})
        for secret, purpose in zip(secrets, ("email", "reset"), strict=True):
            with pytest.raises(Expired):
                links.find(secret, purpose)

    @pytest.mark.parametrize("change", ["update", "assign"])
    def test_by_the_console_or_the_classic_route_ends_sessions_too(self, ada, change):
        session = cookie(ada)
        getattr(service_for(User), change)(OPERATOR, ada, {"first_name": "Grace"})
        assert sessions.resume(session)
        getattr(service_for(User), change)(OPERATOR, ada, {"password": "another good password"})
        assert sessions.resume(session) is None
        assert ada.check_password("another good password")

    @pytest.mark.parametrize("password", [None, "short", "x" * 129, "\udc80" * 10])
    def test_an_unsuitable_password_is_refused(self, ada, password):
        with pytest.raises(Invalid, match="password"):
            users.set_password(OPERATOR, ada, password)
        assert actions() == []


class TestPermissions:
    @pytest.mark.parametrize("change", [users.promote, users.demote,
                                        lambda *values: users.set_password(*values, PASSWORD)])
    def test_only_operators_promote_and_set_passwords(self, ada, admin, change):
        for each, error in ((admin, Forbidden), (actor(ada), Forbidden), (VISITOR, Unauthorized),
                            (DEVELOPER, Unauthorized)):
            with pytest.raises(error):
                change(each, ada)
        assert account(ada) == ("active", "user")

    @pytest.mark.parametrize("change", [users.suspend, users.unsuspend])
    def test_only_operators_and_admins_suspend(self, ada, admin, change):
        other = person("Other")
        for each, error in ((actor(other), Forbidden), (actor(ada), Forbidden), (VISITOR, Unauthorized),
                            (replace(admin, is_read_only=True), Forbidden), (DEVELOPER, Unauthorized)):
            with pytest.raises(error):
                change(each, ada)
        assert account(ada) == ("active", "user")
        change(admin, ada)
