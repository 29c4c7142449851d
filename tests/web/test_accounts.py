"""Pages of accounts: sign-up, log-in, links of mails, and the user's own account, on both engines."""
from __future__ import annotations

import re
from html import unescape

import pytest
from flask.testing import FlaskClient

import models
from errors import Unavailable
from models.account import Account
from models.one_time_link import OneTimeLink
from models.session import Session
from models.user import User
from services import accounts, personal_tokens, sessions
from tests.apps import shared_app
from tests.people import PASSWORD, actor, log_in, mails, person
from web.forms import NOTICES

PERSON = {"first_name": "Zoë", "last_name": "Example", "email": "zoe@people.example", "password": PASSWORD}
LOG_IN = {"email": "ada@people.example", "password": PASSWORD}
OWN = ["/account", "/account/export", "/hosting", "/hosting/places/new", "/hosting/places/x/edit",
       "/hosting/places/x/remove"]
OWN_POSTS = ["/account/names", "/account/email", "/account/password", "/account/sessions/end", "/account/tokens",
             "/account/tokens/revoke", "/account/delete", "/hosting/places/new", "/hosting/places/x/edit",
             "/hosting/places/x/remove"]


@pytest.fixture
def client(storage) -> FlaskClient:
    return new_client()


@pytest.fixture
def ada(client) -> User:
    """A user, with whose session the client sends its requests."""
    user = person()
    log_in(client, user)
    return user


def new_client(env: str = "dev") -> FlaskClient:
    client = shared_app(env=env, rate_limit="none").test_client()
    client.environ_base["HTTP_SEC_FETCH_SITE"] = "same-origin"
    return client


def told(answer) -> str:
    """What a page says about the change before it, or about an error of the form."""
    return " ".join(unescape(each) for each in re.findall(r'<p class="told[^>]*>(.*?)</p>', answer.text))


def wrong(answer) -> dict[str, str]:
    """The errors of fields, by the id of the field."""
    return {name: unescape(text) for name, text in re.findall(
        r'<p class="wrong" id="([\w-]+)-wrong">(.*?)</p>', answer.text)}


def link(template: str) -> str:
    return f"/{template}/{mails(template)[-1]['secret']}"


class TestSignUp:
    def test_an_account_can_be_used_after_its_link_was_opened(self, client):
        answer = client.post("/signup", data=PERSON)
        assert (answer.status_code, answer.location) == (303, "/login?done=signed_up")
        assert told(client.get(answer.location)) == NOTICES["signed_up"]
        refused = client.post("/login", data=PERSON)
        assert (refused.status_code, told(refused)) == (401, f"{accounts.WRONG}.")
        path = link("confirm")
        assert client.get(path).status_code == client.get(path).status_code == 200      # reading changes nothing
        assert client.post("/login", data=PERSON).status_code == 401
        assert client.post(path).location == "/login?done=confirmed"
        for answer in (client.get(path), client.post(path)):
            assert answer.status_code == 410
            assert "sign up again" in answer.text
        assert client.post("/login", data=PERSON).location == "/hosting"

    def test_says_the_same_for_known_and_unknown_addresses(self, client):
        person()
        for path, form in (("/signup", PERSON), ("/reset", {"email": ""}), ("/login", LOG_IN | {"password": "x"})):
            known, unknown = (client.post(path, data=form | {"email": email}) for email in (
                LOG_IN["email"], "unknown@people.example"))
            assert (known.status_code, known.location) == (unknown.status_code, unknown.location)
            assert known.text.replace(LOG_IN["email"], "unknown@people.example") == unknown.text

    @pytest.mark.parametrize("engine", ["file"], indirect=True)
    def test_an_invalid_field_is_explained_and_what_was_typed_is_kept(self, client):
        for changed, sentence in (
                ({"email": "x"}, "Enter an e-mail address, such as ada@example.com."),
                ({"email": ""}, "Fill in this field."), ({"first_name": " "}, "Fill in this field."),
                ({"password": "short"}, "Enter a password of 10 to 128 characters."),
                ({"last_name": "x" * 129}, "Last name must have at most 128 characters, not 129."),
                ({"first_name": "a\0b"}, "First name must not hold control characters.")):
            [field] = changed
            answer = client.post("/signup", data=PERSON | changed)
            assert (answer.status_code, wrong(answer)) == (400, {f"signup-{field}": sentence})
            assert "<title dir=\"auto\">Error: Sign up" in answer.text
            assert re.search(rf'id="signup-{field}"[^>]*signup-{field}-wrong"[^>]*aria-invalid="true"[^>]* autofocus',
                             answer.text)
            for name in {*PERSON} - {field, "password"}:
                assert f'value="{PERSON[name]}"' in answer.text
            assert PASSWORD not in answer.text
            assert 'type="password" value=""' in answer.text

    def test_is_not_offered_to_a_user_with_a_session(self, client, ada):
        assert client.get("/signup").location == "/account"
        assert client.get("/login").location == "/hosting"


class TestLogIn:
    @pytest.mark.parametrize("engine", ["file"], indirect=True)
    def test_continues_at_a_path_of_this_site_only(self, client):
        person()
        for asked in ("/places/x?reviews=2", "/account", "", "https://evil.example/", "//evil.example",
                      "/\\evil.example", "\\\\evil.example", "/\t/evil.example", "/a\r\nSet-Cookie: x=y",
                      "javascript:alert(1)", "account", "/x\\..\\y"):
            location = asked if asked in ("/places/x?reviews=2", "/account") else "/hosting"
            client.delete_cookie("hbnb")
            form = client.get("/login", query_string={"next": asked})
            action = unescape(re.search('<form class="panel" method="post" action="(.*?)"', form.text)[1])
            assert client.post(action, data=LOG_IN).location == location
            assert client.post("/login", query_string={"next": asked}, data=LOG_IN).location == location

    def test_the_page_that_needed_it_is_opened_afterwards(self, client):
        user = person()
        answer = client.get("/hosting?page=1")
        assert (answer.status_code, answer.location) == (303, "/login?next=/hosting?page%3D1")
        assert client.post(answer.location, data=LOG_IN).location == "/hosting?page=1"
        assert user.first_name in log_in(client, user).get("/hosting?page=1").text

    @pytest.mark.parametrize("engine", ["file"], indirect=True)
    @pytest.mark.parametrize("env", ["dev", "staging"])
    def test_is_needed_for_all_pages_of_users_in_every_environment(self, storage, env):
        client = new_client(env)
        for method, paths in (("GET", OWN), ("POST", OWN_POSTS)):
            for path in paths:
                answer = client.open(path, method=method)
                assert (answer.status_code, answer.location) == (303, f"/login?next={path}"), path

    def test_starts_a_new_session_and_ends_the_one_before(self, client, ada):
        [before] = [each.id for each in sessions.list(actor(ada))][1:]
        assert client.post("/login", data=LOG_IN).status_code == 303
        assert models.storage.get(Session, before) is None
        assert client.get("/account").status_code == 200

    def test_too_many_attempts_are_refused_for_a_while(self, client):
        person()
        for _ in range(6):
            assert client.post("/login", data=LOG_IN | {"password": "x"}).status_code == 401
        answer = client.post("/login", data=LOG_IN)
        assert answer.status_code == 429
        assert 0 < int(answer.headers["Retry-After"]) < 10
        assert told(answer).startswith("Too many attempts. Wait ")
        assert f'value="{LOG_IN["email"]}"' in answer.text

    def test_a_suspended_user_is_told_so_and_has_no_session(self, client, ada):
        account = models.storage.get(Account, ada.id)
        account.status = "suspended"
        account.save()
        assert client.get("/account").location == "/login?next=/account"
        answer = new_client().post("/login", data=LOG_IN)
        assert (answer.status_code, told(answer)) == (403, "This account is suspended.")


class TestLogOut:
    def test_ends_the_session_and_needs_post(self, client, ada):
        assert client.get("/logout").status_code == 405
        assert client.get("/account").status_code == 200
        other = new_client()
        other.set_cookie("hbnb", client.get_cookie("hbnb").value)
        assert client.post("/logout").location == "/login?done=logged_out"
        for each in (client, other):
            assert each.get("/account").status_code == 303

    def test_a_request_of_another_site_changes_nothing(self, client, ada):
        for headers in ({"Sec-Fetch-Site": "cross-site"}, {"Sec-Fetch-Site": "same-site"}):
            for path in ("/logout", "/account/sessions/end", "/login", "/signup"):
                answer = client.post(path, data=LOG_IN, headers=headers)
                assert (answer.status_code, "from another site" in answer.text) == (403, True)
        client.environ_base.pop("HTTP_SEC_FETCH_SITE")
        for headers in ({"Origin": "https://evil.example"}, {"Origin": "null"}, {}):
            assert client.post("/logout", headers=headers).status_code == 403
        assert client.get("/account").status_code == 200
        assert client.post("/logout", headers={"Origin": "http://localhost"}).status_code == 303


class TestReset:
    def test_sets_a_new_password_once_and_ends_all_sessions(self, client, ada):
        new = {"email": LOG_IN["email"], "password": "another password"}
        assert new_client().post("/reset", data=new).location == "/login?done=reset_sent"
        path = link("reset")
        assert client.get(path).status_code == 200
        short = client.post(path, data={"password": "short"})
        assert (short.status_code, [*wrong(short)]) == (400, ["new-password"])
        old = client.get_cookie(client.application.config["SESSION_NAME"]).value
        assert client.post(path, data=new).location == "/account?done=reset"
        for answer in (client.get(path), client.post(path, data=new)):
            assert answer.status_code == 410
            assert '<a class="button" href="/reset">New link</a>' in answer.text
        assert "Your new password is set" in client.get("/account?done=reset").text
        assert sessions.resume(old) is None
        client.post("/logout")
        assert client.post("/login", data=LOG_IN).status_code == 401
        assert client.post("/login", data=new).status_code == 303

    @pytest.mark.parametrize("path", ["/confirm/{}", "/reset/{}", "/email/{}"])
    def test_a_link_that_is_wrong_or_for_something_else_has_expired(self, client, path):
        user = person()
        for purpose in {"confirm", "reset", "email"} - {path.split("/")[1]}:
            models.storage.transact(lambda purpose=purpose: accounts.send_link(user, purpose))
        for secret in ("x", "é", *(each["secret"] for each in mails())):
            for method in ("GET", "POST"):
                answer = client.open(path.format(secret), method=method, data={"password": PASSWORD})
                assert (answer.status_code, "This link no longer works" in answer.text) == (410, True)
        assert not [each for each in models.storage.all(OneTimeLink).values() if each.used_at]


class TestAccount:
    def test_names_are_changed(self, client, ada):
        answer = client.post("/account/names", data={"first_name": "Ida", "last_name": "Byron"})
        assert answer.location == "/account?done=names"
        page = client.get(answer.location)
        assert told(page) == NOTICES["names"]
        assert '<summary><bdi dir="auto">Ida</bdi></summary>' in page.text
        refused = client.post("/account/names", data={"first_name": "", "last_name": "Lovelace"})
        assert (refused.status_code, wrong(refused)) == (400, {"names-first_name": "Fill in this field."})
        assert 'value="Lovelace"' in refused.text
        assert "Ida" in client.get("/account").text

    def test_a_new_password_needs_the_current_one_and_ends_other_sessions(self, client, ada):
        other = log_in(new_client(), ada)
        form = {"current_password": "wrong", "password": "another password"}
        refused = client.post("/account/password", data=form)
        assert (refused.status_code, wrong(refused)) == (403, {
            "password-current_password": "The password is wrong."})
        assert client.post("/account/password", data=form | {"current_password": PASSWORD}).location == (
            "/account?done=password")
        assert client.get("/account").status_code == 200
        assert other.get("/account").status_code == 303

    def test_a_new_address_needs_the_password_and_a_link(self, client, ada):
        form = {"email": "ida@people.example", "current_password": PASSWORD}
        assert client.post("/account/email", data=form | {"current_password": "x"}).status_code == 403
        assert client.post("/account/email", data=form).location == "/account?done=email_sent"
        assert mails("email")[0]["to"] == form["email"]
        path = link("email")
        assert client.get(path).status_code == 200
        assert LOG_IN["email"] in client.get("/account").text
        assert client.post(path).location == "/account?done=email"
        assert form["email"] in client.get("/account").text
        assert client.post(path).status_code == 410

    def test_an_address_that_was_taken_meanwhile_is_not_changed(self, client, ada):
        client.post("/account/email", data={"email": "eve@people.example", "current_password": PASSWORD})
        person("Eve")
        answer = client.post(link("email"))
        assert (answer.status_code, "Another account has this e-mail address" in answer.text) == (409, True)

    def test_lists_sessions_and_ends_all_of_them(self, client, ada):
        other = log_in(new_client(), ada)
        page = client.get("/account").text
        assert page.count('<strong class="mark">this one</strong>') == 1
        assert len(re.findall(r"<li>\s*<span>a", page)) == 2
        assert client.post("/account/sessions/end").location == "/login?done=everywhere"
        assert client.get("/account").status_code == other.get("/account").status_code == 303

    def test_a_token_is_shown_once_and_can_be_revoked(self, client, ada):
        created = client.post("/account/tokens", data={"name": "Back <up>", "scope": "read"})
        token = re.search('<code class="secret">(.*?)</code>', created.text)[1]
        assert personal_tokens.verify(token).user_id == ada.id
        assert personal_tokens.verify(token).is_read_only
        page = client.get("/account").text
        assert ("Back &lt;up&gt;" in page, token in page, token.split("_")[-1] in page) == (True, False, False)
        refused = client.post("/account/tokens", data={"name": "Back <up>", "scope": "write"})
        assert (refused.status_code, [*wrong(refused)]) == (409, ["token-name"])
        assert client.post("/account/tokens", data={"name": "x", "scope": "all"}).status_code == 400
        id = re.search('name="id" value="(.*?)"', page)[1]
        eve = log_in(new_client(), person("Eve"))
        assert eve.post("/account/tokens/revoke", data={"id": id}).status_code == 404
        assert personal_tokens.verify(token)
        assert client.post("/account/tokens/revoke", data={"id": id}).location == "/account?done=revoked"
        assert personal_tokens.verify(token) is None
        assert client.post("/account/tokens/revoke", data={"id": id}).status_code == 404

    def test_the_export_is_a_file_without_secrets(self, client, ada):
        answer = client.get("/account/export")
        assert answer.headers["Content-Disposition"] == 'attachment; filename="hbnb-account.json"'
        assert answer.json["user"]["email"] == LOG_IN["email"]
        assert not {"password", "digest"} & {*re.findall(r'"(\w+)":', answer.text)}

    def test_the_account_is_deleted_with_the_password_only(self, client, ada):
        refused = client.post("/account/delete", data={"current_password": "x"})
        assert (refused.status_code, [*wrong(refused)]) == (403, ["delete-current_password"])
        assert client.post("/account/delete", data={"current_password": PASSWORD}).location == "/login?done=closed"
        assert client.get("/account").status_code == 303
        assert new_client().post("/login", data=LOG_IN).status_code == 401

    def test_the_addresses_of_forms_lead_back_to_the_account(self, client, ada):
        for part in ("names", "email", "password", "tokens", "delete"):
            assert client.get(f"/account/{part}").location == "/account"


class TestFrame:
    def test_the_menu_names_the_user_or_offers_to_log_in(self, client):
        for path in ("/", "/states", "/nope"):
            assert re.findall('href="/(login|signup)"', client.get(path).text) == ["login", "signup"]
        log_in(client, person("Eve <b>"))
        for path in ("/", "/states", "/nope"):
            page = client.get(path).text
            assert '<summary><bdi dir="auto">Eve &lt;b&gt;</bdi></summary>' in page
            assert re.findall('href="/(login|signup|hosting|account|admin/users)"', page) == ["hosting", "account"]
        log_in(client, person("Root", "admin"))
        assert '<a href="/admin/users">Admin</a>' in client.get("/").text

    def test_pages_with_a_session_are_never_cached_by_others(self, client, ada):
        for path in ("/", "/states", "/account", "/account/export", "/hosting", "/nope"):
            answer = client.get(path)
            assert answer.headers["Cache-Control"] == "private, no-store"
            assert "Cookie" in answer.headers["Vary"]
        anonymous = new_client().get("/")
        assert "no-store" not in anonymous.headers.get("Cache-Control", "")
        assert "Cookie" in anonymous.headers["Vary"]

    def test_a_page_for_an_unavailable_storage_has_no_menu(self, client, ada, monkeypatch):
        def away(*_: object) -> None:
            raise Unavailable("away")
        monkeypatch.setattr(sessions, "resume", away)
        answer = client.get("/account")
        assert (answer.status_code, "We will be back soon" in answer.text) == (503, True)
        assert client.get("/nope").status_code == 404

    def test_a_notice_is_one_of_the_table(self, client):
        assert told(client.get("/login?done=logged_out")) == NOTICES["logged_out"]
        for key in ("x", "<b>", ""):
            assert told(client.get("/login", query_string={"done": key})) == ""
