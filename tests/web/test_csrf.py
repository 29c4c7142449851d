"""Cross-site requests: what changes something with a session's cookie must come from HBNB's own pages."""
from __future__ import annotations

import base64
from typing import Any

import pytest
from flask import Flask

import models
from models.state import State
from services import tokens
from tests.apps import ready_app
from tests.people import cookie, person
from web import session

OWN, OTHER = "https://hbnb.example", "https://evil.example"
BASIC = {"Authorization": f"Basic {base64.b64encode(b'ada:secret').decode()}"}
# What a browser says about where a request comes from, and whether that is one of HBNB's own pages.
SAID = [
    ({"Sec-Fetch-Site": "same-origin"}, True), ({"Sec-Fetch-Site": "none"}, True),
    ({"Sec-Fetch-Site": "same-site"}, False), ({"Sec-Fetch-Site": "cross-site"}, False),
    ({"Sec-Fetch-Site": ""}, False), ({"Sec-Fetch-Site": "SAME-ORIGIN"}, False),
    ({"Origin": OWN}, True), ({"Origin": OTHER}, False), ({"Origin": "null"}, False), ({"Origin": ""}, False),
    ({"Origin": "http://hbnb.example"}, False), ({"Origin": f"{OWN}.evil.example"}, False),
    ({"Origin": f"{OWN}:8443"}, False), ({"Origin": f"{OWN}/"}, False), ({"Origin": f"{OWN}, {OTHER}"}, False),
    # The browser's word about the site counts more than the origin, in both directions.
    ({"Sec-Fetch-Site": "cross-site", "Origin": OWN}, False),
    ({"Sec-Fetch-Site": "same-origin", "Origin": OTHER}, True),
    ({"Sec-Fetch-Site": "cross-site", "Origin": "null"}, False), ({"Referer": OWN}, False), ({}, False),
]


@pytest.fixture(params=["dev", "staging"])
def app(request, storage) -> Flask:
    app = ready_app(env=request.param, rate_limit="none", address=OWN)

    @app.post("/form")
    def form() -> str:
        return "done"
    return app


@pytest.fixture
def admin(app) -> Any:
    """A client with the cookie of an admin, whose browser says nothing about a request by itself."""
    client = app.test_client()
    client.set_cookie(app.config["SESSION_NAME"], cookie(person("Admin", role="admin")))
    return client


@pytest.mark.parametrize(("headers", "is_own"), SAID, ids=str)
@pytest.mark.parametrize("engine", ["file"], indirect=True)
def test_a_request_with_the_cookie_must_come_from_an_own_page(admin, headers, is_own):
    state = State(name="New York")
    state.save()
    models.storage.close()
    path = f"/api/v1/states/{state.id}"
    for method, each, status in (("POST", "/api/v1/states", 201), ("PUT", path, 200), ("DELETE", path, 200)):
        answer = admin.open(each, method=method, json={"name": "N"}, headers=headers)
        assert answer.status_code == (status if is_own else 403), method
        assert is_own or answer.json == {"error": session.CROSS_SITE}
        assert admin.post("/form", headers=headers).status_code == (200 if is_own else 403)
    for method in ("GET", "HEAD", "OPTIONS"):
        assert admin.open("/api/v1/states", method=method, headers=headers).status_code == 200
    assert models.storage.count(State) == 1


@pytest.mark.parametrize(("headers", "is_own"), SAID, ids=str)
@pytest.mark.parametrize("engine", ["file"], indirect=True)
def test_without_the_cookie_forms_are_checked_if_a_browser_sends_them_and_the_api_is_not(app, headers, is_own):
    client = app.test_client()
    is_program = not headers.keys() & {"Origin", "Sec-Fetch-Site"}
    assert client.post("/form", headers=headers).status_code == (200 if is_own or is_program else 403)
    status = client.post("/api/v1/states", json={"name": "N"}, headers=headers).status_code
    assert status == (401 if app.config["GUARDED"] else 201)


@pytest.mark.parametrize(("headers", "is_own"), SAID, ids=str)
@pytest.mark.parametrize("engine", ["file"], indirect=True)
def test_a_bearer_token_is_exempt_in_the_api_and_not_in_forms(admin, headers, is_own):
    token = {"Authorization": f"Bearer {tokens.create('mine')}"}
    assert admin.post("/api/v1/states", json={"name": "N"}, headers=headers | token).status_code == 201
    assert admin.post("/form", headers=headers | token).status_code == (200 if is_own else 403)


@pytest.mark.parametrize("authorization", ["Bearer", "Bearer ", "Bearer x", "bearer hbnbp_x", "BEARER x"])
def test_with_an_invalid_token_the_session_does_not_count(app, admin, authorization):
    answer = admin.post("/api/v1/states", json={"name": "N"}, headers={
        "Authorization": authorization, "Sec-Fetch-Site": "cross-site"})
    as_nobody = app.test_client().post("/api/v1/states", json={"name": "N"}, headers={"Authorization": authorization})
    # The word Bearer alone is not a token, so the session and the check stay.
    assert (answer.status_code, as_nobody.status_code) in ([(401, 401)] if app.config["GUARDED"] else [
        (201, 201)]) or answer.json == {"error": session.CROSS_SITE}
    assert admin.get("/api/v1/me", headers={"Authorization": "Bearer x"}).status_code == 401
    log_out = {"Authorization": "Bearer x", "Sec-Fetch-Site": "cross-site"}
    admin.delete("/api/v1/sessions/current", headers=log_out)
    admin.set_cookie(app.config["SESSION_NAME"], cookie(person("Other")))
    assert admin.get("/api/v1/me").status_code == 200


def test_basic_authorization_of_a_proxy_is_no_exemption(admin):
    for said, status in (({"Sec-Fetch-Site": "cross-site"}, 403), ({}, 403), ({"Sec-Fetch-Site": "same-origin"}, 201)):
        answer = admin.post("/api/v1/states", json={"name": "N"}, headers=BASIC | said)
        assert answer.status_code == status


@pytest.mark.parametrize(("address", "host", "origin", "status"), [
    # The setting decides, whatever Host a proxy or a client sends.
    (OWN, "10.0.0.7:5000", OWN, 201), (OWN, "evil.example", "https://evil.example", 403),
    (OWN, "evil.example", "http://evil.example", 403), ("https://HBNB.example", "10.0.0.7", OWN, 201),
    ("https://hbnb.example:443", "10.0.0.7", OWN, 201), ("http://hbnb.example:80", "x", "http://hbnb.example", 201),
    ("https://hbnb.example:8443", "x", OWN, 403), ("https://hbnb.example:8443", "x", f"{OWN}:8443", 201),
    # Without it, the Host of the request does.
    ("", "localhost:5000", "http://localhost:5000", 201), ("", "LOCALHOST", "http://localhost", 201),
    ("", "localhost:5000", "http://localhost:5001", 403), ("", "localhost:5000", "null", 403),
    ("", "a b", "", 403), ("", "", "", 403)])
@pytest.mark.parametrize("engine", ["file"], indirect=True)
def test_the_address_of_the_site_decides_which_origin_is_its_own(storage, address, host, origin, status):
    app = ready_app(address=address)
    headers = {"Host": host, "Origin": origin, "Cookie": f"{app.config['SESSION_NAME']}={cookie(person(role='admin'))}"}
    answer = app.test_client(use_cookies=False).post("/api/v1/states", json={"name": "N"}, headers=headers)
    assert answer.status_code == status


def test_a_cookie_without_a_session_is_checked_too(app):
    client = app.test_client()
    client.set_cookie(app.config["SESSION_NAME"], "old")
    assert client.post("/api/v1/states", json={"name": "N"}, headers={"Origin": OTHER}).status_code == 403
    answer = client.post("/api/v1/states", json={"name": "N"}, headers={"Origin": OWN})
    assert answer.status_code == (401 if app.config["GUARDED"] else 201)


def test_a_cookie_of_another_name_changes_nothing(app):
    client = app.test_client()
    client.set_cookie("hbnb" if app.config["SESSION_SECURE"] else "__Host-hbnb", cookie(person(role="admin")))
    answer = client.post("/api/v1/states", json={"name": "N"}, headers={"Origin": OTHER})
    assert answer.status_code == (401 if app.config["GUARDED"] else 201)
    assert "Cookie" not in client.get("/api/v1/states").headers.get("Vary", "")
