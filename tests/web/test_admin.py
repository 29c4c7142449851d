"""Pages of admins: users, and mails that were given up, on both engines."""
from __future__ import annotations

import datetime
import re

import pytest
from flask.testing import FlaskClient

import models
from errors import Forbidden, Unauthorized
from models.account import Account
from models.audit_entry import AuditEntry
from models.base_model import utc_now
from models.outgoing_mail import OutgoingMail
from models.user import User
from services import outbox
from services.actor import OPERATOR, VISITOR
from tests.people import actor, log_in, person
from tests.web.test_accounts import new_client, told

PATHS = [("GET", "/admin/users"), ("GET", "/admin/mails"), ("POST", "/admin/users/suspend"),
         ("POST", "/admin/users/unsuspend"), ("POST", "/admin/mails")]


@pytest.fixture
def root(storage) -> User:
    return person("Root", "admin")


@pytest.fixture
def client(root) -> FlaskClient:
    """A client with a session of an admin."""
    return log_in(new_client(), root)


@pytest.fixture
def mail(storage) -> str:
    """The id of a mail that was given up."""
    outbox.queue("given-up", "ada@people.example", "confirm", name="Ada", secret="the secret")
    [mail] = storage.all(OutgoingMail).values()
    mail.due_at, mail.failed_at, mail.attempts = None, utc_now() - datetime.timedelta(hours=1), 30
    mail.expires_at, mail.error = mail.failed_at, "550 <b>No such user</b>"
    mail.save()
    return mail.id


def names(answer) -> list[str]:
    return re.findall(r'<b><bdi dir="auto">(.*?)</bdi></b>', answer.text)


def status(user: User) -> str:
    models.storage.close()
    return models.storage.get(Account, user.id).status


def audited() -> list[tuple[str, str]]:
    models.storage.close()
    return [(each.actor, each.action) for each in models.storage.all(AuditEntry).values()]


def test_only_admins_open_the_pages(client, mail):
    user = person()
    for other, code in ((new_client(), 303), (log_in(new_client(), user), 403)):
        for method, path in PATHS:
            answer = other.open(path, method=method, data={"id": user.id if "users" in path else mail})
            assert answer.status_code == code, path
            assert (code == 403) == ("You may not do that" in answer.text)
    assert status(user) == "active"
    assert client.get("/admin").location == "/admin/users"
    assert {client.get(path).status_code for method, path in PATHS if method == "GET"} == {200}


class TestUsers:
    def test_are_found_by_name_and_address(self, client):
        for name in ("Ada", "Eve"):
            person(name)
        assert names(client.get("/admin/users")) == ["Root Example", "Ada Example", "Eve Example"]
        for text in ("ada", "ADA EX", "ada@people", " ada "):
            answer = client.get("/admin/users", query_string={"text": text})
            assert names(answer) == ["Ada Example"], text
            assert ">1 user</p>" in answer.text
        answer = client.get("/admin/users?text=<b>%25")
        assert (names(answer), 'value="&lt;b&gt;%"' in answer.text) == ([], True)
        assert client.get("/admin/users?page=0").status_code == 404

    def test_are_listed_by_pages_that_keep_the_search(self, client, storage):
        for number in range(60):
            storage.new(User(email=f"u{number}@x.example", password="x", first_name=f"Guest {number:02}"))
        storage.save()
        page = client.get("/admin/users?text=guest")
        following = re.search('rel="next" href="(.*?)"', page.text)[1].replace("&amp;", "&")
        assert sorted(names(page) + names(client.get(following))) == [f"Guest {number:02}" for number in range(60)]
        assert "There are no more pages." in client.get("/admin/users?text=guest&page=3").text

    def test_are_suspended_and_unsuspended(self, client, root):
        user = person()
        own = log_in(new_client(), user)
        answer = client.post("/admin/users/suspend?text=ada", data={"id": user.id})
        assert (answer.status_code, answer.location) == (303, "/admin/users?text=ada&done=suspended")
        page = client.get(answer.location)
        assert told(page).startswith("The user is suspended")
        assert '<span class="mark">suspended</span>' in page.text
        assert "Unsuspend Ada Example" in page.text
        assert (status(user), own.get("/account").status_code) == ("suspended", 303)
        assert client.post("/admin/users/unsuspend", data={"id": user.id}).location == "/admin/users?done=unsuspended"
        assert status(user) == "active"
        assert sorted(audited()) == [(f"user {root.id}", "suspend"), (f"user {root.id}", "unsuspend")]

    def test_a_refusal_is_shown_above_the_users(self, client, root):
        closed = person("Eve", status="closed")
        for user, code, sentence in (
                (root, 403, "You cannot suspend your own account: ask another admin."),
                (closed, 409, "The user has deleted this account. It cannot be changed any more.")):
            answer = client.post("/admin/users/suspend", data={"id": user.id})
            assert (answer.status_code, told(answer)) == (code, sentence)
            assert "Root Example" in names(answer)
        assert client.post("/admin/users/suspend", data={"id": "nope"}).status_code == 404
        assert client.get("/admin/users/suspend").location == "/admin/users"


class TestMails:
    def test_those_that_were_given_up_are_listed_with_their_error_and_without_secrets(self, client, mail):
        outbox.queue("waiting", "eve@people.example", "confirm")
        page = client.get("/admin/mails").text
        assert ("ada@people.example" in page, "550 &lt;b&gt;No such user&lt;/b&gt;" in page) == (True, True)
        assert ("the secret" in page, "eve@people.example" in page) == (False, False)

    def test_are_sent_again_once(self, client, root, mail):
        assert outbox.lease() is None
        answer = client.post("/admin/mails", data={"id": mail})
        assert answer.location == "/admin/mails?done=sending"
        assert "No mail has failed." in client.get(answer.location).text
        leased = outbox.lease()
        assert (leased.id, leased.attempts, leased.data["secret"], leased.error) == (mail, 1, "the secret", None)
        assert leased.expires_at > utc_now() + datetime.timedelta(hours=23)
        assert client.post("/admin/mails", data={"id": mail}).status_code == 303
        assert outbox.lease() is None       # the second click did not end the lease
        assert client.post("/admin/mails", data={"id": "nope"}).status_code == 404
        assert audited() == [(f"user {root.id}", "send_again")]

    def test_the_service_asks_for_the_permission(self, storage, mail):
        for refused in (VISITOR, actor(person())):
            with pytest.raises((Unauthorized, Forbidden)):
                outbox.failed(refused)
            with pytest.raises((Unauthorized, Forbidden)):
                outbox.send_again(refused, mail)
        assert [each["id"] for each in outbox.failed(OPERATOR)] == [mail]
