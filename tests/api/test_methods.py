"""Tests of HEAD, OPTIONS and unsupported methods on every route."""
from __future__ import annotations

import http.client
from contextlib import closing
from typing import Any

import pytest

import models
from models.engine.statements import Result
from models.state import State
from tests.apps import ready_app
from tests.market import ACCOUNTS, FILES, Market
from tests.servers import Server, free_port

UNKNOWN_METHODS = {"PATCH", "TRACE", "BREW"}
UNIQUE_HEADERS = {"X-Request-Id", "Date"}      # differ in each response
HEADERS = ["authorization", "content-type", "idempotency-key", "if-match", "if-none-match"]
METHODS: dict[str, set[str]] = {}       # of each route, by its rule
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


def stable_headers(answer: Any) -> list[tuple[str, str]]:
    return [(name, value) for name, value in answer.headers if name not in UNIQUE_HEADERS]


def paths_of(rule: str, market: Market) -> list[str]:
    """The path of a route, with and without a trailing slash; static files have no trailing slash."""
    plain = market.path(rule)
    return [plain] if rule in FILES or rule == "/" else [plain, plain + "/"]


@ALL
def test_options_lists_exactly_the_methods_of_a_route(client, market, rule):
    for path in paths_of(rule, market):
        answer = client.options(path)
        assert answer.status_code in (200, 204), path
        assert sorted(answer.headers["Allow"].split(", ")) == sorted(METHODS[rule])
        assert answer.data == b""


@READ
def test_head_returns_the_headers_of_get_and_no_body(client, market, rule):
    for path in paths_of(rule, market):
        for query in ("", "?limit=1&offset=1"):
            get, head = client.get(path + query, buffered=True), client.head(path + query, buffered=True)
            rejects_query = query and rule.startswith("/api/v1") and get.status_code == 400
            expected = (200, 302, 303, 401, 410) if rule.startswith(ACCOUNTS) else (
                302 if rule == "/apidocs/index.html" else 200,)
            assert rejects_query or get.status_code in expected, path
            assert head.status_code == get.status_code
            assert stable_headers(head) == stable_headers(get)
            assert head.headers["Content-Length"] == str(len(get.data))
            assert head.data == b""


@ALL
def test_an_unsupported_method_is_refused_with_the_supported_ones_in_allow(client, market, rule):
    missing = ({"GET", "HEAD", "POST", "PUT", "DELETE"} | UNKNOWN_METHODS) - METHODS[rule]
    for path in paths_of(rule, market):
        for method in missing:
            answer = client.open(path, method=method)
            assert answer.status_code == 405, (method, path)
            assert sorted(answer.headers["Allow"].split(", ")) == sorted(METHODS[rule])
            if rule.startswith("/api"):
                assert answer.mimetype == "application/json"
                if method != "HEAD":
                    assert answer.json == {"error": "Method not allowed"}
            if method == "HEAD":
                assert answer.data == b""


@API
def test_a_preflight_succeeds_only_for_an_allowed_origin(storage, market, rule):
    client = ready_app(cors_origins="https://a.example, https://b.example").test_client()
    for path in paths_of(rule, market):
        for method in METHODS[rule] - {"OPTIONS"}:
            preflight = {"Access-Control-Request-Method": method, "Access-Control-Request-Headers": ",".join(HEADERS)}
            answer = client.options(path, headers=preflight | {"Origin": "https://b.example"})
            assert answer.status_code in (200, 204)
            assert "Location" not in answer.headers
            assert answer.headers["Access-Control-Allow-Origin"] == "https://b.example"
            assert method in answer.headers["Access-Control-Allow-Methods"].split(", ")
            assert answer.headers["Access-Control-Allow-Headers"].split(", ") == HEADERS
            for origin in ("https://c.example", "https://a.example.c.example", "null"):
                refused = client.options(path, headers=preflight | {"Origin": origin})
                assert not [name for name, _ in refused.headers if name.startswith("Access-Control-")]


def test_a_preflight_allows_only_methods_that_some_route_supports(client):
    preflight = {"Origin": "http://x.example", "Access-Control-Request-Method": "GET"}
    offered = client.options("/api/v1/states", headers=preflight).headers["Access-Control-Allow-Methods"]
    assert offered == "DELETE, GET, HEAD, OPTIONS, PATCH, POST, PUT"


@pytest.mark.parametrize("name", ["/api/v1/nope", "/api/v1/nope/", "/nope"])
def test_an_unknown_path_returns_404_for_every_method(client, name):
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

    def test_head_does_not_read_the_whole_list(self, client, storage, monkeypatch):
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
        assert stable_headers(head) == stable_headers(get)

    def test_a_server_sends_the_same_headers_for_head_and_keeps_the_connection(self, environ, storage):
        port, paths = free_port(), ["/api/v1/states", "/api/v1/states?limit=9", "/api/v1/stats", "/apispec_1.json", "/"]
        with (Server(["wsgi.py", "--port", str(port)], environ, port),
                closing(http.client.HTTPConnection("127.0.0.1", port, timeout=60)) as connection):
            for name in paths:
                heads, lengths = [], []
                for method in ("HEAD", "GET", "HEAD"):
                    connection.request(method, name)
                    answer = connection.getresponse()
                    lengths.append(len(answer.read()))
                    heads.append({"status": answer.status} | {
                        name.lower(): value for name, value in answer.getheaders()
                        if name.title() not in UNIQUE_HEADERS | {"Transfer-Encoding"}})
                assert heads[0] == heads[1] == heads[2]
                assert lengths[0] == lengths[2] == 0 < lengths[1]
                assert heads[0].get("content-length") == (None if name == paths[0] else str(lengths[1]))


def test_options_and_head_change_nothing(client, market):
    before = models.storage.count()
    for rule in METHODS:
        for method in ("OPTIONS", "HEAD"):
            client.open(market.path(rule), method=method, buffered=True)
    assert models.storage.count() == before
