"""Tests of the API: status, stats, lists, the search, errors and the server program, on both engines."""
from __future__ import annotations

import json
import re
import urllib.request

import pytest

import models
from api.v1 import app as api_app
from models.amenity import Amenity
from models.engine.file_storage import FileStorage
from models.state import State
from services import tokens
from tests import programs
from tests.apps import ready_app, shared_app
from tests.conftest import ROOT
from tests.market import Market
from tests.servers import Server, free_port


@pytest.fixture
def client(storage):
    return shared_app().test_client()


class TestRoutes:
    def test_status_is_ok(self, client):
        answer = client.get("/api/v1/status")
        assert (answer.status_code, answer.mimetype, answer.json) == (200, "application/json", {"status": "OK"})

    def test_stats_count_every_class(self, client):
        Market()
        counts = {"amenities": 2, "cities": 1, "places": 1, "reviews": 1, "states": 1, "users": 2}
        assert client.get("/api/v1/stats").json.items() >= counts.items()

    def test_states_and_amenities_are_listed_as_to_dict_returns_them(self, client, storage):
        Market()
        for path, cls in (("states", State), ("amenities", Amenity)):
            assert client.get(f"/api/v1/{path}").json == [obj.to_dict() for obj in storage.all(cls).values()]

    def test_an_empty_store_lists_nothing(self, client):
        assert client.get("/api/v1/states").json == []

    def test_places_search_filters_by_states_cities_and_amenities(self, client):
        one, two = Market("One"), Market("Two")
        everything = [one.place.to_dict(), two.place.to_dict()]
        for filters, expected in (({}, everything), ({"states": [two.state.id]}, everything[1:]),
                                  ({"cities": [one.city.id], "amenities": [one.pool.id]}, everything[:1]),
                                  ({"amenities": ["nope"]}, [])):
            answer = client.post("/api/v1/places_search", json=filters)
            assert (answer.status_code, answer.json) == (200, expected)

    @pytest.mark.parametrize("path", ["status", "stats", "states", "amenities"])
    def test_a_trailing_slash_is_accepted_without_a_redirect(self, client, path):
        assert client.get(f"/api/v1/{path}/").status_code == 200
        assert client.post("/api/v1/places_search/", json={}).status_code == 200

    def test_the_api_application_has_the_same_routes_and_no_pages(self, storage):
        client = ready_app(api_app.create_app).test_client()
        assert client.get("/api/v1/status").json == {"status": "OK"}
        assert client.get("/").status_code == 404


class TestErrors:
    @pytest.mark.parametrize(("body", "content_type"), [
        ("", "application/json"), ("{", "application/json"), ("{}", "text/plain"), ("{}", None),
        ("{}", "application/x-www-form-urlencoded"), ("[]", "application/json"), ("null", "application/json"),
        ("5", "application/json"), ('"x"', "application/json"), ("true", "application/json"),
        ('{"states": [NaN]}', "application/json"), ("\udcff{}", "application/json"),
        ("[" * 100_000, "application/json"), ('{"a":' * 100_000, "application/json"),
        ('{"x": "\\ud800"}', "application/json")])
    def test_a_body_that_is_not_a_json_object_is_refused(self, client, body, content_type):
        answer = client.post("/api/v1/places_search", data=body.encode(errors="surrogateescape"),
                             content_type=content_type)
        assert (answer.status_code, answer.json) == (400, {"error": "Not a JSON"})

    @pytest.mark.parametrize("value", ["x", 5, [[]], [{}], [None], 10**500])
    def test_an_invalid_list_of_ids_is_refused_by_its_name(self, client, value):
        answer = client.post("/api/v1/places_search", data=json.dumps({"states": value}),
                             content_type="application/json")
        assert answer.status_code == 400
        assert answer.json["error"].startswith(("states must ", "Not a JSON"))

    def test_a_body_that_is_too_large_is_refused(self, client):
        answer = client.post("/api/v1/places_search", data=b" " * 1_100_000, content_type="application/json")
        assert (answer.status_code, answer.json) == (413, {"error": "Request entity too large"})

    @pytest.mark.parametrize(("method", "path", "status", "error"), [
        ("GET", "/api/v1/nope", 404, "Not found"), ("GET", "/api/nope", 404, "Not found"),
        ("GET", "/api/v1/states/nope/nope", 404, "Not found"), ("GET", "/api/v1/%00", 404, "Not found"),
        ("DELETE", "/api/v1/status", 405, "Method not allowed"),
        ("GET", "/api/v1/places_search", 405, "Method not allowed")])
    def test_every_error_is_json(self, client, method, path, status, error):
        answer = client.open(path, method=method)
        assert (answer.status_code, answer.mimetype, answer.json) == (status, "application/json", {"error": error})
        if status == 405:
            assert "OPTIONS" in answer.headers["Allow"]

    def test_a_client_that_accepts_problem_details_gets_them(self, client):
        answer = client.post("/api/v1/states", json={"name": 5}, headers={"Accept": "application/problem+json"})
        assert (answer.status_code, answer.mimetype) == (400, "application/problem+json")
        assert answer.json == {"type": "about:blank", "title": "Bad Request", "status": 400,
                               "detail": "name must be a text",
                               "errors": [{"field": "name", "detail": "name must be a text"}]}
        missing = client.get("/api/v1/nope", headers={"Accept": "application/problem+json, application/json"})
        assert (missing.status_code, missing.json["title"], missing.json["errors"]) == (404, "Not Found", [])
        assert client.get("/api/v1/nope", headers={"Accept": "*/*"}).json == {"error": "Not found"}

    def test_every_response_has_the_id_of_its_request(self, client):
        assert client.get("/api/v1/status", headers={"X-Request-Id": "mine-1"}).headers["X-Request-Id"] == "mine-1"
        ids = [client.get("/api/v1/nope", headers={"X-Request-Id": invalid}).headers["X-Request-Id"]
               for invalid in ("", "x" * 200, "a b")]
        assert len(set(ids)) == 3
        assert all(re.fullmatch("[0-9a-f]{32}", id) for id in ids)

    def test_the_limit_of_a_body_can_be_set(self, storage):
        client = ready_app(body_limit="50").test_client()
        assert client.post("/api/v1/states", json={"name": "x" * 60}).status_code == 413
        assert client.post("/api/v1/states", json={"name": "x"}).status_code == 201

    def test_outside_dev_only_listed_origins_may_use_the_api(self, storage):
        tokens.create("mine")
        for origins, allowed in (("", None), ("https://a.example, https://b.example", "https://b.example")):
            client = ready_app(env="production", cors_origins=origins).test_client()
            answer = client.get("/api/v1/status", headers={"Origin": "https://b.example"})
            assert answer.headers.get("Access-Control-Allow-Origin") == allowed
        assert "X-Total-Count" in answer.headers["Access-Control-Expose-Headers"]

    def test_an_internal_error_shows_no_traceback(self, client, monkeypatch):
        monkeypatch.setattr("api.v1.views.index.stats_by_table", lambda: 1 / 0)
        client.application.config["PROPAGATE_EXCEPTIONS"] = False
        answer = client.get("/api/v1/stats")
        assert (answer.status_code, answer.json) == (500, {"error": "Internal server error"})

    def test_cors_is_open_for_the_api(self, client):
        assert client.get("/api/v1/status", headers={"Origin": "http://x.example"}).headers[
            "Access-Control-Allow-Origin"] == "*"
        preflight = client.options("/api/v1/places_search/", headers={
            "Origin": "http://x.example", "Access-Control-Request-Method": "POST",
            "Access-Control-Request-Headers": "content-type"})
        assert preflight.status_code == 200
        assert "POST" in preflight.headers["Access-Control-Allow-Methods"]
        assert "Access-Control-Allow-Origin" not in client.get("/").headers


def test_an_unavailable_storage_is_a_503_that_names_no_file(tmp_path, monkeypatch):
    (tmp_path / "file.json").write_text("{")
    monkeypatch.setattr(models, "storage", FileStorage(tmp_path / "file.json"))
    client = ready_app().test_client()
    answer = client.get("/api/v1/states")
    assert (answer.status_code, answer.json) == (503, {"error": "The storage is not available. Try again later"})
    page = client.get("/")
    assert (page.status_code, page.mimetype) == (503, "text/html")
    assert "back soon" in page.text
    assert str(tmp_path) not in page.text
    assert client.get("/api/v1/status").status_code == 200
    (tmp_path / "file.json").write_text("{}")
    assert client.get("/api/v1/states").json == []


class TestServer:
    def test_the_api_listens_on_the_configured_host_and_port(self, environ, storage):
        State(name="S").save()
        port = free_port()
        variables = {**environ, "HBNB_API_HOST": "127.0.0.1", "HBNB_API_PORT": str(port)}
        with (Server(["-m", "api.v1.app"], variables, port),
                urllib.request.urlopen(f"http://127.0.0.1:{port}/api/v1/states") as answer):
            assert [state["name"] for state in json.load(answer)] == ["S"]

    def test_a_server_sees_objects_that_a_console_creates(self, environ, console, storage):
        port = free_port()
        with Server(["wsgi.py", "--port", str(port)], environ, port):
            for number in range(1, 4):
                console('create State name="S"')
                with urllib.request.urlopen(f"http://127.0.0.1:{port}/api/v1/stats") as answer:
                    assert json.load(answer)["states"] == number

    def test_a_port_that_is_already_in_use_is_reported_in_one_line(self, environ):
        port = free_port()
        with Server(["wsgi.py", "--port", str(port)], environ, port):
            ended = programs.run([ROOT / "wsgi.py", "--port", str(port)], environ)
        assert ended.returncode == 1
        assert ended.stderr == (f"hbnb: cannot listen on 127.0.0.1:{port}: Address already in use. Choose another "
                                "address or port\n")

    def test_a_server_stops_on_sigterm(self, environ):
        port = free_port()
        server = Server(["wsgi.py", "--port", str(port)], environ, port)
        with server:
            pass
        assert server.process.returncode == 0
