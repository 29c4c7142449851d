"""Tests of accounts: signing up, logging in, links that work once, throttling, and deletion, on both engines."""
from __future__ import annotations

import datetime
import threading

import pytest

import models
from errors import Conflict, Expired, Forbidden, Invalid, NotFound, TooMany, Unauthorized, Unavailable
from models import passwords
from models.account import Account
from models.base_model import utc_now
from models.login_failure import LoginFailure
from models.one_time_link import OneTimeLink
from models.review import Review
from models.session import Session
from models.user import User
from services import accounts, cleaning, links, personal_tokens, profile, sessions, stats, throttling
from services.actor import OPERATOR, VISITOR
from services.registry import service_for
from tests.market import Market
from tests.objects import show
from tests.people import PASSWORD, actor, cookie, mails, person

ADDRESS = "203.0.113.7"
ADA = {"email": "ada@people.example", "password": PASSWORD, "first_name": "Ada", "last_name": "Example"}


def log_in(email: str = ADA["email"], password: str = PASSWORD) -> str:
    return accounts.log_in(email, password, ADDRESS, "a browser")


def age(cls: type, attribute: str, seconds: float) -> None:
    """Move a time of all objects of a class into the past."""
    for obj in models.storage.all(cls).values():
        setattr(obj, attribute, getattr(obj, attribute) - datetime.timedelta(seconds=seconds))
    models.storage.save()


class TestSignUp:
    def test_an_account_can_be_used_once_its_address_is_confirmed(self, storage):
        accounts.sign_up(ADA, ADDRESS)
        with pytest.raises(Unauthorized):
            log_in()
        [mail] = mails()
        assert (mail["template"], mail["to"], mail["name"]) == ("confirm", ADA["email"], "Ada")
        accounts.confirm(mail["secret"])
        found = sessions.resume(log_in("ADA@people.example"))
        assert profile.show(found.actor).items() >= {"first_name": "Ada", "role": "user", "email": ADA["email"]}.items()

    def test_a_known_address_gets_a_mail_and_nothing_else_changes(self, storage):
        user = person()
        accounts.sign_up(ADA | {"password": "another password", "first_name": "Eve"}, ADDRESS)
        assert [(mail["template"], mail["name"]) for mail in mails()] == [("already_signed_up", "Ada")]
        assert storage.count(User) == 1
        assert storage.get(User, user.id).check_password(PASSWORD)

    def test_each_link_confirms_the_sign_up_that_it_was_sent_for(self, storage):
        accounts.sign_up(ADA, ADDRESS)
        accounts.sign_up(ADA | {"password": "the password of another person", "first_name": "Eve"}, ADDRESS)
        mine, other = mails("confirm")
        assert (mine["name"], other["name"]) == ("Ada", "Eve")
        accounts.confirm(mine["secret"])
        with pytest.raises(Expired):
            accounts.confirm(other["secret"])
        assert sessions.resume(log_in()).first_name == "Ada"
        with pytest.raises(Unauthorized):
            log_in(password="the password of another person")

    @pytest.mark.parametrize(("change", "field"), [
        ({"password": "nine char"}, "password"), ({"password": "x" * 129}, "password"),
        ({"password": None}, "password"),
        ({"email": "ada"}, "email"), ({"email": "a b@c.example"}, "email"), ({"email": None}, "email"),
        ({"email": "a,b@c.example"}, "email"), ({"email": "x<b@c.example>"}, "email"),
        ({"email": "é@c.example"}, "email"), ({"email": ["a@b.example"]}, "email"), ({"first_name": 5}, "first_name"),
        ({"first_name": "x" * 129}, "first_name"),
        ({"role": "admin"}, "role"), ({"status": "active"}, "status")])
    def test_invalid_values_are_refused_and_named(self, storage, change, field):
        with pytest.raises(Invalid) as refusal:
            accounts.sign_up(ADA | change, ADDRESS)
        assert refusal.value.field == field
        assert storage.count(User) == 0
        assert mails() == []

    def test_a_user_is_not_shown_before_the_address_is_confirmed(self, storage):
        before = stats.stats()["users"]
        accounts.sign_up(ADA, ADDRESS)
        users = service_for(User)
        assert users.list(VISITOR) == []
        assert (users.count(VISITOR), stats.stats()["users"]) == (0, before)
        with pytest.raises(NotFound):
            users.show(VISITOR, next(iter(storage.all(User).values())).id)
        assert len(users.list(OPERATOR)) == 1
        accounts.confirm(mails("confirm")[0]["secret"])
        assert (users.count(VISITOR), stats.stats()["users"]) == (1, before + 1)

    def test_a_user_that_is_never_confirmed_is_removed_and_others_are_not(self, storage):
        person("Bob"), accounts.sign_up(ADA, ADDRESS)
        cleaning.remove_old()
        assert storage.count(User) == 2
        past = utc_now() - cleaning.LINKS
        storage.transact(lambda: storage.write(Account.__table__.update().values(updated_at=past)))
        cleaning.remove_old()
        storage.close()
        assert [user.first_name for user in storage.all(User).values()] == ["Bob"]

    def test_a_user_that_was_imported_without_a_log_in_claims_the_account_by_the_reset_link_only(self, storage):
        user = User(email=ADA["email"], password=passwords.NO_LOGIN, first_name="Ada", last_name="")
        user.save()
        accounts.sign_up(ADA, ADDRESS)
        for password in (PASSWORD, passwords.NO_LOGIN, ""):
            with pytest.raises(Unauthorized):
                log_in(password=password)
        accounts.request_reset(ADA["email"], ADDRESS)
        accounts.reset(mails("reset")[0]["secret"], PASSWORD)
        assert sessions.resume(log_in()).actor.user_id == user.id


class TestLogIn:
    def test_wrong_passwords_unknown_addresses_and_unconfirmed_accounts_are_refused_alike(self, storage):
        person(), person("Bob", status="unconfirmed"), person("Cid", status="closed")
        messages = set()
        for email, password in ((ADA["email"], "wrong"), ("unknown@people.example", PASSWORD), ("", PASSWORD),
                                ("bob@people.example", PASSWORD), ("cid@people.example", PASSWORD)):
            with pytest.raises(Unauthorized) as refusal:
                log_in(email, password)
            messages.add(str(refusal.value))
        assert messages == {accounts.WRONG}

    def test_an_unknown_address_costs_a_hash_too(self, storage, monkeypatch):
        calls = []
        monkeypatch.setattr(passwords, "matches", lambda *args: calls.append(args))
        for email in (person().email, "unknown@people.example"):
            with pytest.raises(Unauthorized):
                log_in(email, "wrong")
        assert [password for _, password in calls] == ["wrong", "wrong"]

    def test_a_suspended_user_with_the_right_password_is_told_so(self, storage):
        person(status="suspended")
        with pytest.raises(Forbidden, match="suspended"):
            log_in()
        with pytest.raises(Unauthorized):
            log_in(password="wrong")

    def test_an_md5_password_of_older_data_works_and_is_hashed_anew(self, storage):
        user = person()
        user.password = passwords.protected("5f4dcc3b5aa765d61d8327deb882cf99")     # "password"
        user.save()
        assert not passwords.is_strong(user.password)
        log_in(password="password")
        storage.close()
        assert passwords.is_strong(storage.get(User, user.id).password)

    @pytest.mark.parametrize("value", [None, 5, ["x"], {}])
    def test_values_that_are_not_texts_are_refused(self, storage, value):
        for email, password in ((value, PASSWORD), (ADA["email"], value)):
            with pytest.raises(Invalid):
                log_in(email, password)

    def test_one_password_is_hashed_at_a_time_and_others_wait_for_a_while_only(self, storage, monkeypatch):
        monkeypatch.setattr(accounts, "HASHING_TIMEOUT", 0.01)
        found = []

        def hash_another() -> None:
            try:
                found.append(accounts.hashed("x" * 10))
            except Unavailable as error:
                found.append(error)
        with accounts.hashing():
            thread = threading.Thread(target=hash_another)
            thread.start()
            thread.join()
        hash_another()
        assert [*map(type, found)] == [Unavailable, str]


class TestThrottling:
    def fail(self, times: int, email: str = ADA["email"]) -> None:
        for _ in range(times):
            with pytest.raises(Unauthorized):
                log_in(email, "wrong")

    def test_after_some_failures_each_attempt_needs_a_longer_wait_even_with_the_right_password(self, storage):
        person()
        self.fail(6)
        waits = []
        for _ in range(3):
            with pytest.raises(TooMany) as refusal:
                log_in()
            waits.append(refusal.value.retry_after)
            age(LoginFailure, "blocked_until", waits[-1])
            self.fail(1)
        assert waits[0] < waits[1] < waits[2]
        age(LoginFailure, "blocked_until", 10_000)
        log_in()
        self.fail(5)    # the failures no longer count

    def test_log_ins_resets_and_changes_of_the_password_are_counted_apart(self, storage):
        user = person()
        me = actor(user)
        for name in (ADA["email"], f"reset {ADA['email']}", f"sign-up {ADA['email']}"):
            self.fail(6, name)
        profile.update(me, {"password": "another password", "current_password": PASSWORD})
        accounts.request_reset(ADA["email"], ADDRESS)
        assert mails("reset")

    def test_the_owner_is_logged_in_by_a_reset(self, storage):
        user = person()
        accounts.request_reset(user.email, ADDRESS)
        found = sessions.resume(accounts.reset(mails("reset")[0]["secret"], "another password", "a browser"))
        assert found.actor.user_id == user.id

    def test_the_addresses_of_a_network_count_as_one(self, storage, monkeypatch):
        monkeypatch.setitem(throttling.FREE, "address", 3)
        for number in range(4):
            with pytest.raises(Unauthorized):
                accounts.log_in(f"user{number}@people.example", "wrong", f"2001:db8::{number:x}", "")
        with pytest.raises(TooMany):
            accounts.log_in("user9@people.example", "wrong", "2001:db8::ffff", "")

    def test_unknown_accounts_are_throttled_alike(self, storage):
        self.fail(6, "unknown@people.example")
        with pytest.raises(TooMany):
            log_in("unknown@people.example")

    def test_an_address_that_tries_many_accounts_is_throttled(self, storage, monkeypatch):
        monkeypatch.setitem(throttling.FREE, "address", 3)
        for number in range(4):
            self.fail(1, f"user{number}@people.example")
        with pytest.raises(TooMany):
            log_in("user9@people.example")

    def test_the_owner_gets_in_by_the_reset_link_although_the_account_is_locked(self, storage):
        person()
        self.fail(6)
        accounts.request_reset(ADA["email"], "198.51.100.1")
        accounts.reset(mails("reset")[0]["secret"], "another password")
        assert accounts.log_in(ADA["email"], "another password", "198.51.100.1", "")

    def test_attempts_at_the_same_time_all_count(self, storage):
        threads = [threading.Thread(target=self.attempt) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        storage.close()
        assert max(each.failures for each in storage.all(LoginFailure).values()) >= 6

    @staticmethod
    def attempt() -> None:
        try:
            throttling.attempt("ada", "")
        except (TooMany, Unavailable):
            pass
        finally:
            models.storage.close()

    def test_failures_are_forgotten_one_by_one(self, storage):
        person()
        self.fail(6)
        past = utc_now() - 3 * throttling.FORGOTTEN["account"]
        storage.transact(lambda: storage.write(
            LoginFailure.__table__.update().values(updated_at=past, blocked_until=past)))
        storage.close()
        self.fail(3)
        with pytest.raises(TooMany):
            log_in()


class TestLinks:
    def test_a_link_works_once(self, storage):
        person(status="unconfirmed")
        accounts.sign_up(ADA, ADDRESS)
        secret = mails("confirm")[0]["secret"]
        accounts.confirm(secret)
        with pytest.raises(Expired):
            accounts.confirm(secret)

    @pytest.mark.parametrize(("purpose", "hours"), [("confirm", 24), ("reset", 1), ("email", 24)])
    def test_a_link_expires(self, storage, purpose, hours):
        secret = storage.transact(lambda: links.create(person().id, purpose))
        age(OneTimeLink, "expires_at", hours * 3600 - 60)
        assert links.find(secret, purpose)
        age(OneTimeLink, "expires_at", 60)
        with pytest.raises(Expired):
            links.find(secret, purpose)

    @pytest.mark.parametrize("forge", [
        lambda text: text[:-1] + "xy"[text[-1] == "x"], lambda text: "", lambda text: "é" * 80,
        lambda text: text.partition("_")[0], lambda text: text + "a"],
        ids=["other", "empty", "letters", "half", "long"])
    def test_a_wrong_secret_is_refused(self, storage, forge):
        secret = storage.transact(lambda: links.create(person().id, "reset"))
        with pytest.raises(Expired):
            accounts.reset(forge(secret), PASSWORD)
        accounts.reset(secret, PASSWORD)

    def test_a_link_is_for_its_purpose_only(self, storage):
        secret = storage.transact(lambda: links.create(person().id, "confirm"))
        with pytest.raises(Expired):
            accounts.reset(secret, PASSWORD)

    def test_a_too_short_password_does_not_use_up_the_link(self, storage):
        secret = storage.transact(lambda: links.create(person().id, "reset"))
        with pytest.raises(Invalid):
            accounts.reset(secret, "short")
        accounts.reset(secret, "another password")
        with pytest.raises(Expired):
            accounts.reset(secret, "third password")

    def test_a_reset_for_an_unknown_address_sends_a_mail_that_says_so(self, storage):
        accounts.request_reset("unknown@people.example", ADDRESS)
        assert [(mail["template"], mail["to"]) for mail in mails()] == [("no_account", "unknown@people.example")]

    def test_a_new_password_makes_the_other_links_useless(self, storage):
        user = person()
        others = [storage.transact(lambda purpose=purpose: links.create(user.id, purpose, "evil@people.example"))
                  for purpose in ("email", "reset")]
        accounts.reset(storage.transact(lambda: links.create(user.id, "reset")), "another password")
        for secret, use in zip(others, (accounts.confirm, lambda text: accounts.reset(text, PASSWORD)), strict=True):
            with pytest.raises(Expired):
                use(secret)

    def test_only_digests_of_secrets_are_stored(self, storage):
        user = person()
        secrets = [cookie(user), storage.transact(lambda: links.create(user.id, "reset")),
                   personal_tokens.create(actor(user), user, "mine")]
        stored = repr([*storage.dump()])
        for secret in secrets:
            assert secret.rpartition("_")[2] not in stored


class TestSessions:
    def test_log_out_ends_one_session_and_sign_out_everywhere_all(self, storage):
        user = person()
        first, second, third = (cookie(user) for _ in range(3))
        sessions.end(sessions.resume(first).id)
        assert sessions.resume(first) is None
        assert sessions.resume(second)
        sessions.end_all(user.id)
        assert sessions.resume(second) is sessions.resume(third) is None

    @pytest.mark.parametrize(("attribute", "lifetime"), [("seen_at", sessions.IDLE), ("expires_at", sessions.LIFETIME)])
    def test_a_session_ends_if_it_is_idle_or_old(self, storage, attribute, lifetime):
        secret = cookie(person())
        age(Session, attribute, lifetime.total_seconds() - 60)
        assert sessions.resume(secret)
        age(Session, "seen_at", sessions.IDLE.total_seconds() if attribute == "seen_at" else 0)
        age(Session, "expires_at", 60)
        assert sessions.resume(secret) is None

    def test_its_last_use_is_kept_to_the_hour(self, storage):
        secret = cookie(person())
        [session] = storage.all(Session).values()
        start = session.seen_at
        sessions.resume(secret)
        storage.close()
        assert next(iter(storage.all(Session).values())).seen_at == start
        age(Session, "seen_at", 3600)
        sessions.resume(secret)
        storage.close()
        assert next(iter(storage.all(Session).values())).seen_at >= start

    def test_a_log_in_is_refused_if_the_password_is_changed_meanwhile(self, storage, monkeypatch):
        user = person()
        verify = accounts.verify

        def slowly(*args: object) -> User:
            found = verify(*args)
            storage.transact(lambda: storage.write(
                User.__table__.update().values(password=passwords.hash_new("another password"))))
            return found
        monkeypatch.setattr(accounts, "verify", slowly)
        with pytest.raises(Unauthorized):
            log_in(user.email)
        assert storage.count(Session) == 0

    @pytest.mark.parametrize("status", ["suspended", "closed", "unconfirmed"])
    def test_the_sessions_and_tokens_of_a_user_that_cannot_log_in_do_not_work(self, storage, status):
        user = person()
        secret, token = cookie(user), personal_tokens.create(actor(user), user, "mine")
        account = storage.get(Account, user.id)
        account.status = status
        account.save()
        assert sessions.resume(secret) is None
        assert personal_tokens.verify(token) is None

    @pytest.mark.parametrize("text", ["", "x", "é", "_", "0" * 36 + "_" + "x" * 43, "x" * 10_000])
    def test_other_texts_are_no_session(self, storage, text):
        assert sessions.resume(text) is None

    def test_a_list_has_the_sessions_of_the_actor(self, storage):
        user, other = person(), person("Bob")
        cookie(other)
        assert [each.agent for each in sessions.list(actor(user))] == ["a browser"]


class TestProfile:
    def test_names_are_changed(self, storage):
        user = person()
        assert profile.update(actor(user), {"first_name": "Zoe"}) is None
        assert show(User, user.id)["first_name"] == "Zoe"

    def test_a_new_password_ends_all_sessions_and_starts_one(self, storage):
        user = person()
        old = cookie(user)
        new = profile.update(actor(user), {"password": "another password", "current_password": PASSWORD}, "a browser")
        assert sessions.resume(old) is None
        assert sessions.resume(new)
        assert mails("password_changed")
        assert log_in(password="another password")

    @pytest.mark.parametrize("change", [{"password": "another password"}, {"email": "new@people.example"}])
    def test_a_new_password_or_address_needs_the_current_password(self, storage, change):
        user = person()
        with pytest.raises(Invalid):
            profile.update(actor(user), change)
        for _ in range(6):
            with pytest.raises(Forbidden):
                profile.update(actor(user), {**change, "first_name": "X", "current_password": "wrong"})
        with pytest.raises(TooMany):    # a stolen session does not help to guess the password
            profile.update(actor(user), {**change, "current_password": PASSWORD})
        assert show(User, user.id)["first_name"] == "Ada"

    def test_a_new_address_counts_once_its_link_is_used(self, storage):
        user = person()
        profile.update(actor(user), {"email": "new@people.example", "current_password": PASSWORD})
        assert show(User, user.id)["email"] == user.email == ADA["email"]
        [mail] = mails("email")
        assert mail["to"] == "new@people.example"
        accounts.confirm(mail["secret"])
        assert show(User, user.id)["email"] == "new@people.example"
        assert [each["to"] for each in mails("email_changed")] == [ADA["email"]]

    def test_a_new_address_of_another_account_is_not_told_and_not_taken(self, storage):
        user, other = person(), person("Bob")
        profile.update(actor(user), {"email": other.email, "current_password": PASSWORD})
        assert [mail["template"] for mail in mails()] == ["already_signed_up"]
        secret = storage.transact(lambda: links.create(user.id, "email", other.email))
        with pytest.raises(Conflict):
            accounts.confirm(secret)
        accounts.confirm(storage.transact(lambda: links.create(user.id, "email", "free@people.example")))

    def test_an_account_is_deleted_but_its_reviews_stay(self, storage):
        user, market = person(), Market()
        review = Review(place_id=market.place.id, user_id=user.id, text="Good")
        review.save()
        market.place.user_id = user.id
        market.place.save()
        me, secret = actor(user), cookie(user)
        token = personal_tokens.create(me, user, "mine")
        with pytest.raises(Forbidden):
            profile.close(me, "wrong")
        profile.close(me, PASSWORD)
        storage.close()
        shown = show(User, user.id)
        assert (shown["first_name"], shown["last_name"], shown["email"]) == ("Former", "guest", "")
        assert storage.get(Review, review.id).user_id == user.id
        assert storage.get(type(market.place), market.place.id).status == "unlisted"
        assert sessions.resume(secret) is personal_tokens.verify(token) is None
        assert mails("account_closed")
        before = storage.count(User)
        accounts.sign_up(ADA, ADDRESS)      # the address is free again
        assert storage.count(User) == before + 1

    def test_two_people_can_delete_their_accounts(self, storage):
        for name in ("Ada", "Bob"):
            profile.close(actor(person(name)), PASSWORD)
        assert [user.email for user in storage.all(User).values()] == ["", ""]

    def test_an_export_has_everything_but_secrets(self, storage):
        user = person()
        me = actor(user)
        personal_tokens.create(me, user, "mine")
        place = Market().place
        place.user_id, place.status = user.id, "draft"
        place.save()
        found = profile.export(me)
        assert [each["status"] for each in found["places"]] == ["draft"]
        assert found["user"]["email"] == ADA["email"]
        assert [each["name"] for each in found["personal_tokens"]] == ["mine"]
        assert len(found["sessions"]) == 1
        assert "digest" not in repr(found)
        assert "argon2" not in repr(found)

    def test_a_token_that_only_reads_changes_nothing(self, storage):
        user = person()
        reads = personal_tokens.verify(personal_tokens.create(actor(user), user, "mine", "read"))
        assert profile.show(reads)
        for change in (lambda: profile.update(reads, {"first_name": "X"}), lambda: profile.close(reads, PASSWORD)):
            with pytest.raises(Forbidden):
                change()

    def test_a_visitor_has_no_profile(self, storage):
        with pytest.raises(Unauthorized):
            profile.show(VISITOR)
