"""Tests of the API's routes of accounts, and of sessions and personal tokens as the actors of requests."""
from __future__ import annotations

import pytest

from models.login_failure import LoginFailure
from models.place import Place
from models.session import Session
from models.user import User
from services import personal_tokens
from services.registry import service_for
from tests.apps import shared_app
from tests.market import Market
from tests.people import PASSWORD, actor, cookie, log_in, mails, person

SIGN_UP = {"email": "ada@people.example", "password": PASSWORD, "first_name": "Ada", "last_name": "Example"}
BROWSER = {"Sec-Fetch-Site": "same-origin"}


@pytest.fixture(params=["dev", "staging"])
def app(request, storage):
    return shared_app(env=request.param, rate_limit="none")


@pytest.fixture
def client(app):
    return app.test_client()


def bearer(user: User, scope: str = "write") -> dict[str, str]:
    return {"Authorization": f"Bearer {personal_tokens.create(actor(user), user, scope, scope)}"}


def test_a_person_signs_up_confirms_logs_in_and_out(client):
    answer = client.post("/api/v1/sign-ups", json=SIGN_UP)
    assert answer.status_code == 202
    log_in = {name: SIGN_UP[name] for name in ("email", "password")}
    assert client.post("/api/v1/sessions", json=log_in).status_code == 401
    secret = mails("confirm")[0]["secret"]
    assert client.put(f"/api/v1/confirmations/{secret}").status_code == 200
    assert client.put(f"/api/v1/confirmations/{secret}").status_code == 410
    answer = client.post("/api/v1/sessions", json=log_in)
    assert (answer.status_code, answer.json["email"], answer.json["role"]) == (201, SIGN_UP["email"], "user")
    assert client.get("/api/v1/me").json == answer.json
    assert client.delete("/api/v1/sessions/current", headers=BROWSER).json == {}
    assert client.get("/api/v1/me").status_code == 401


def test_known_and_unknown_addresses_get_the_same_responses(client):
    person()
    for path, body in (("sign-ups", SIGN_UP), ("password-resets", {"email": SIGN_UP["email"]}),
                       ("sessions", {"email": SIGN_UP["email"], "password": "wrong"})):
        known, unknown = (client.post(f"/api/v1/{path}", json=body | {"email": email})
                          for email in (SIGN_UP["email"], "unknown@people.example"))
        assert (known.status_code, known.data) == (unknown.status_code, unknown.data), path
        assert {*known.headers.keys()} == {*unknown.headers.keys()}


def test_the_cookie_is_kept_from_scripts_and_from_other_sites(app, client):
    user = person()
    answer = client.post("/api/v1/sessions", json={"email": user.email, "password": PASSWORD})
    text = answer.headers["Set-Cookie"]
    is_https = app.config["SESSION_SECURE"]
    assert text.startswith("__Host-hbnb=" if is_https else "hbnb=")
    assert {"HttpOnly", "SameSite=Lax", "Path=/"} <= {*text.split("; ")}
    assert ("Secure" in text) is is_https
    assert "Domain" not in text
    assert "no-store" in client.get("/api/v1/me").headers["Cache-Control"]


def test_an_old_cookie_no_longer_works_after_log_out(app):
    user = person()
    client = log_in(app.test_client(), user)
    client.delete("/api/v1/sessions/current")
    stolen = log_in(app.test_client(), user)
    client.set_cookie(app.config["SESSION_NAME"], cookie(user))
    assert client.delete("/api/v1/sessions").json == {}
    assert stolen.get("/api/v1/me").status_code == 401


def test_log_out_by_get_is_not_possible(client):
    assert log_in(client, person()).get("/api/v1/sessions/current").status_code == 405
    assert client.get("/api/v1/me").status_code == 200


def test_after_some_wrong_passwords_the_response_says_how_long_to_wait(client):
    for _ in range(6):
        client.post("/api/v1/sessions", json={"email": "a@people.example", "password": "wrong"})
    answer = client.post("/api/v1/sessions", json={"email": "a@people.example", "password": "wrong"})
    assert answer.status_code == 429
    assert int(answer.headers["Retry-After"]) in (1, 2)


def test_a_password_is_reset_by_a_link_that_works_once(app, client):
    user = person()
    before = log_in(app.test_client(), user)
    assert client.post("/api/v1/password-resets", json={"email": user.email}).status_code == 202
    path = f"/api/v1/password-resets/{mails('reset')[0]['secret']}"
    assert client.put(path, json={"password": "short"}).status_code == 400
    assert client.put(path, json={"password": "another password"}).json == {}
    assert client.put(path, json={"password": "another password"}).status_code == 410
    assert before.get("/api/v1/me").status_code == 401
    new = {"email": user.email, "password": "another password"}
    assert client.post("/api/v1/sessions", json=new).status_code == 201


def test_a_user_changes_and_exports_and_deletes_their_own_account(client):
    log_in(client, user := person())
    assert client.patch("/api/v1/me", json={"first_name": "Zoe"}).json["first_name"] == "Zoe"
    assert client.patch("/api/v1/me", json={"nope": 1}).json == {"error": "Unknown attribute: nope"}
    change = {"password": "another password", "current_password": "wrong"}
    assert client.patch("/api/v1/me", json=change).status_code == 403
    old = client.get_cookie(client.application.config["SESSION_NAME"]).value
    assert client.patch("/api/v1/me", json=change | {"current_password": PASSWORD}).status_code == 200
    assert client.get_cookie(client.application.config["SESSION_NAME"]).value != old
    assert client.get("/api/v1/me/export").json["user"]["id"] == user.id
    assert client.delete("/api/v1/me", json={"current_password": PASSWORD}).status_code == 403
    assert client.delete("/api/v1/me", json={"current_password": "another password"}).json == {}
    assert client.get("/api/v1/me").status_code == 401


@pytest.mark.parametrize("body", [{}, {"email": "a@b.example"}, {"email": 5, "password": "x"}, [],
                                  {"email": "a@b.example", "password": "x", "more": 1}])
def test_a_log_in_with_a_wrong_body_is_refused(client, storage, body):
    assert client.post("/api/v1/sessions", json=body).status_code == 400
    assert storage.count(Session) == storage.count(LoginFailure) == 0


def test_a_host_creates_changes_and_removes_their_own_places_only(client, storage):
    market, host, other = Market(), person(), person("Bob")
    log_in(client, host)
    created = client.post(f"/api/v1/cities/{market.city.id}/places", json={"name": "Loft"})
    assert (created.status_code, created.json["user_id"]) == (201, host.id)
    path = f"/api/v1/places/{created.json['id']}"
    assert client.put(path, json={"name": "Attic"}).json["name"] == "Attic"
    assert client.post(f"{path}/amenities/{market.pool.id}").status_code == 201
    foreign = f"/api/v1/places/{market.place.id}"
    for method, where, body in (("PUT", foreign, {"name": "Mine"}), ("DELETE", foreign, None),
                                ("POST", f"{foreign}/amenities/{market.pool.id}", None),
                                ("POST", f"/api/v1/cities/{market.city.id}/places", {"name": "X", "user_id": other.id}),
                                ("POST", "/api/v1/states", {"name": "Mine"}), ("PUT", f"/api/v1/users/{host.id}", {})):
        answer = client.open(where, method=method, json=body)
        assert answer.status_code == 403, (method, where)
    assert client.delete(path).json == {}


def test_a_draft_is_seen_by_its_owner_only(app, client, storage):
    market, host = Market(), person()
    owner, other = log_in(app.test_client(), host), log_in(app.test_client(), person("Bob"))
    place = owner.post(f"/api/v1/cities/{market.city.id}/places", json={"name": "Loft", "status": "draft"}).json
    assert "status" not in place
    path = f"/api/v1/places/{place['id']}"
    assert owner.get(f"{path}?fields=id,status").json == {"id": place["id"], "status": "draft"}
    for stranger in (client, other):
        assert stranger.get(path).status_code == 404
        is_unknown = app.config["GUARDED"] and stranger is client
        assert stranger.put(path, json={}, headers=BROWSER).status_code == (401 if is_unknown else 404)
    admin = log_in(app.test_client(), person("Root", role="admin"))
    assert admin.get(path).status_code == 200
    assert owner.put(path, json={"status": "listed"}).status_code == 200
    assert client.get(path).json["name"] == "Loft"
    assert owner.put(path, json={"status": "gone"}).status_code == 400


def test_a_personal_token_has_the_rights_of_its_user_and_its_scope(client, storage):
    market, host = Market(), person()
    place = service_for(Place).create(actor(host), {"name": "Loft", "city_id": market.city.id})
    path = f"/api/v1/places/{place.id}"
    writes, reads = bearer(host), bearer(host, "read")
    assert client.put(path, json={"name": "Attic"}, headers=writes).status_code == 200
    assert client.put(f"/api/v1/places/{market.place.id}", json={"name": "Mine"}, headers=writes).status_code == 403
    answer = client.put(path, json={"name": "Loft"}, headers=reads)
    assert (answer.status_code, "scope read" in answer.json["error"]) == (403, True)
    assert client.get("/api/v1/me", headers=reads).json["id"] == host.id


class TestCrossSite:
    """A request with the cookie changes something only if the browser says that it comes from HBNB's own pages."""

    @pytest.mark.parametrize(("headers", "status"), [
        ({"Sec-Fetch-Site": "same-origin"}, 200), ({"Sec-Fetch-Site": "none"}, 200),
        ({"Origin": "http://localhost"}, 200),
        ({"Sec-Fetch-Site": "cross-site"}, 403), ({"Sec-Fetch-Site": "same-site"}, 403), ({}, 403),
        ({"Origin": "https://evil.example"}, 403), ({"Origin": "null"}, 403),
        ({"Sec-Fetch-Site": "cross-site", "Origin": "http://localhost"}, 403)])
    def test_unsafe_methods_need_the_own_origin(self, client, headers, status):
        log_in(client, person())
        del client.environ_base["HTTP_SEC_FETCH_SITE"]
        answer = client.patch("/api/v1/me", json={"first_name": "Zoe"}, headers=headers)
        assert answer.status_code == status
        assert client.get("/api/v1/me", headers=headers).json["first_name"] == ("Zoe" if status == 200 else "Ada")

    def test_a_token_needs_no_origin(self, client):
        user = person()
        headers = bearer(user) | {"Sec-Fetch-Site": "cross-site"}
        client.set_cookie(client.application.config["SESSION_NAME"], cookie(user))
        assert client.patch("/api/v1/me", json={"first_name": "Zoe"}, headers=headers).status_code == 200

    def test_another_kind_of_authorization_does_not_replace_the_origin(self, client):
        log_in(client, person())
        headers = {"Authorization": "Basic YTpi", "Sec-Fetch-Site": "cross-site"}
        assert client.patch("/api/v1/me", json={"first_name": "Zoe"}, headers=headers).status_code == 403
