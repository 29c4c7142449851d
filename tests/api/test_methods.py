"""HEAD, OPTIONS and methods that a route does not have, over every route that there is."""
from __future__ import annotations

import http.client
from contextlib import closing
from typing import Any

import pytest

import models
from models.engine.statements import Result
from models.state import State
from tests.apps import ready_app
from tests.market import FILES, Market
from tests.servers import Server, free_port

NEVER = {"PATCH", "TRACE", "BREW"}
OWN = {"X-Request-Id", "Date"}      # each answer has its own
HEADERS = ["authorization", "content-type", "idempotency-key", "if-match", "if-none-match"]
METHODS: dict[str, set[str]] = {}       # of each route, by what it is written as
APP = ready_app()
for _rule in APP.url_map.iter_rules():
    METHODS.setdefault(_rule.rule, set()).update(_rule.methods or ())
ALL = pytest.mark.parametrize("rule", sorted(METHODS))
API = pytest.mark.parametrize("rule", sorted(rule for rule in METHODS if rule.startswith("/api/")))
READ = pytest.mark.parametrize("rule", sorted(rule for rule, methods in METHODS.items() if "GET" in methods))


@pytest.fixture
def market(storage) -> Market:
    return Market()


@pytest.fixture
def client(storage):
    return APP.test_client()


def head_of(answer: Any) -> list[tuple[str, str]]:
    return [(name, value) for name, value in answer.headers if name not in OWN]


def forms(rule: str, market: Market) -> list[str]:
    """With and without a slash at the end; of a file there is only one form."""
    plain = market.path(rule)
    return [plain] if rule in FILES or rule == "/" else [plain, plain + "/"]


@ALL
def test_options_names_exactly_the_methods_of_a_route(client, market, rule):
    for form in forms(rule, market):
        answer = client.options(form)
        assert answer.status_code in (200, 204), form
        assert sorted(answer.headers["Allow"].split(", ")) == sorted(METHODS[rule])
        assert answer.data == b""


@READ
def test_head_gives_the_head_of_get_and_no_body(client, market, rule):
    for form in forms(rule, market):
        for query in ("", "?limit=1&offset=1"):
            get, head = client.get(form + query, buffered=True), client.head(form + query, buffered=True)
            takes_none = query and rule.startswith("/api/v1") and get.status_code == 400
            assert takes_none or get.status_code == (302 if rule == "/apidocs/index.html" else 200), form
            assert head.status_code == get.status_code
            assert head_of(head) == head_of(get)
            assert head.headers["Content-Length"] == str(len(get.data))
            assert head.data == b""


@ALL
def test_a_method_that_a_route_does_not_have_is_refused_and_all_others_named(client, market, rule):
    missing = {"GET", "HEAD", "POST", "PUT", "DELETE"} - METHODS[rule] | NEVER
    for form in forms(rule, market):
        for method in missing:
            answer = client.open(form, method=method)
            assert answer.status_code == 405, (method, form)
            assert sorted(answer.headers["Allow"].split(", ")) == sorted(METHODS[rule])
            if rule.startswith("/api"):
                assert answer.mimetype == "application/json"
                if method != "HEAD":
                    assert answer.json == {"error": "Method not allowed"}
            if method == "HEAD":
                assert answer.data == b""


@API
def test_a_page_of_a_listed_origin_may_ask_and_no_other(storage, market, rule):
    client = ready_app(cors_origins="https://a.example, https://b.example").test_client()
    for form in forms(rule, market):
        for method in METHODS[rule] - {"OPTIONS"}:
            asked = {"Access-Control-Request-Method": method, "Access-Control-Request-Headers": ",".join(HEADERS)}
            answer = client.options(form, headers=asked | {"Origin": "https://b.example"})
            assert answer.status_code in (200, 204)
            assert "Location" not in answer.headers
            assert answer.headers["Access-Control-Allow-Origin"] == "https://b.example"
            assert method in answer.headers["Access-Control-Allow-Methods"].split(", ")
            assert answer.headers["Access-Control-Allow-Headers"].split(", ") == HEADERS
            for origin in ("https://c.example", "https://a.example.c.example", "null"):
                refused = client.options(form, headers=asked | {"Origin": origin})
                assert not [name for name, _ in refused.headers if name.startswith("Access-Control-")]


def test_only_methods_that_some_route_has_are_offered_to_pages_of_others(client):
    asked = {"Origin": "http://x.example", "Access-Control-Request-Method": "GET"}
    offered = client.options("/api/v1/states", headers=asked).headers["Access-Control-Allow-Methods"]
    assert offered == "DELETE, GET, HEAD, OPTIONS, POST, PUT"


@pytest.mark.parametrize("name", ["/api/v1/nope", "/api/v1/nope/", "/nope"])
def test_what_is_no_route_has_no_methods(client, name):
    for method in ("OPTIONS", "HEAD", "GET", "POST"):
        answer = client.open(name, method=method)
        assert (answer.status_code, answer.headers.get("Allow")) == (404, None)


class TestLongLists:
    @pytest.fixture(autouse=True)
    def _states(self, storage):
        for number in range(2500):
            storage.new(State(name=f"{number:04}"))
        storage.save()
        storage.close()

    def test_head_does_not_read_the_rest_of_it(self, client, storage, monkeypatch):
        read: list[int] = []
        partitions = Result.partitions

        def counted(result):
            for rows in partitions(result):
                read.append(len(rows))
                yield rows
        monkeypatch.setattr(Result, "partitions", counted)
        head = client.head("/api/v1/states")
        assert sum(read) <= 2000
        read.clear()
        get = client.get("/api/v1/states", buffered=True)
        assert sum(read) >= 2500
        assert (head.status_code, head.data) == (200, b"")
        assert len(get.json) == 2500
        assert head_of(head) == head_of(get)

    def test_a_server_sends_the_same_head_and_goes_on(self, environ, storage):
        port, paths = free_port(), ["/api/v1/states", "/api/v1/states?limit=9", "/api/v1/stats", "/apispec_1.json", "/"]
        with (Server(["wsgi.py", "--port", str(port)], environ, port),
                closing(http.client.HTTPConnection("127.0.0.1", port, timeout=60)) as connection):
            for name in paths:
                heads, lengths = [], []
                for method in ("HEAD", "GET", "HEAD"):
                    connection.request(method, name)
                    answer = connection.getresponse()
                    lengths.append(len(answer.read()))
                    heads.append({name.lower(): value for name, value in answer.getheaders()
                                  if name.title() not in OWN | {"Transfer-Encoding"}} | {"status": answer.status})
                assert heads[0] == heads[1] == heads[2]
                assert lengths[0] == lengths[2] == 0 < lengths[1]
                assert heads[0].get("content-length") == (None if name == paths[0] else str(lengths[1]))


def test_the_store_is_left_alone(client, market):
    before = models.storage.count()
    for rule in METHODS:
        for method in ("OPTIONS", "HEAD"):
            client.open(market.path(rule), method=method, buffered=True)
    assert models.storage.count() == before
