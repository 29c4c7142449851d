"""Tests of the rate limit: settings, costs of requests, addresses behind proxies, and Redis."""
from __future__ import annotations

import re
import subprocess
import sys
import time
import urllib.error
import urllib.request
from ipaddress import ip_address
from itertools import product
from typing import Any

import pytest
from flask import request

import models
import wsgi
from api.v1 import app as api
from config import RATE_LIMIT, Settings
from errors import Misconfigured
from models.engine.file_storage import FileStorage
from tests.apps import ready_app
from tests.conftest import ROOT
from tests.redis import Redis
from tests.servers import Server, free_port
from web_flask import app as pages

STATES, TOO_MANY = "/api/v1/states", {"error": "Too many requests"}
CHEAP = "/api/v1/states?limit=1"        # costs 1


@pytest.fixture(autouse=True)
def _store(tmp_path, monkeypatch):
    monkeypatch.setattr(models, "storage", FileStorage(tmp_path / "file.json"))


@pytest.fixture
def make_client():
    """Create a client with its own application, as a worker has one: `make_client(rate_limit="2 per hour")`."""
    def make_client(address: str = "192.0.2.1", **settings: str) -> Any:
        client = ready_app(**settings).test_client()
        client.environ_base["REMOTE_ADDR"] = address
        return client
    return make_client


@pytest.fixture
def redis():
    server = Redis()
    yield server
    server.remove()


def statuses(client, count: int, path: str = CHEAP, **options: Any) -> list[int]:
    return [client.get(path, **options).status_code for _ in range(count)]


def cost_of(client, method: str, path: str, **options: Any) -> int:
    """The cost of a request, with a limit of 20 per hour. Each call uses a new client address."""
    address = client.environ_base["REMOTE_ADDR"] = str(ip_address(client.environ_base["REMOTE_ADDR"]) + 1)
    client.open(path, method=method, **options)
    [limiter] = client.application.extensions["limiter"]
    return sum(count for key, count in limiter.storage.storage.items() if address in key)


class TestSettings:
    @pytest.mark.parametrize(("environ", "rate"), [
        ({}, None), ({"HBNB_ENV": "test"}, None), ({"HBNB_ENV": "staging"}, RATE_LIMIT),
        ({"HBNB_ENV": "production"}, RATE_LIMIT), ({"HBNB_ENV": "production", "HBNB_RATE_LIMIT": ""}, RATE_LIMIT),
        ({"HBNB_ENV": "production", "HBNB_RATE_LIMIT": "none"}, None),
        ({"HBNB_RATE_LIMIT": "5/second"}, "5/second")])
    def test_the_default_limit_depends_on_the_environment(self, environ, rate):
        assert Settings.from_environ(environ).rate == rate

    @pytest.mark.parametrize("rate", ["x", "5", "0 per minute", "-1 per minute", "5 per", "per minute", "5 per week",
                                      "5 per minute;", "5 per 0 minutes", "5.5 per minute", "None", "5 per minute x",
                                      "٥ per minute", "5 per minute\n"])
    def test_an_invalid_limit_is_refused_at_startup(self, rate):
        with pytest.raises(Misconfigured, match=r"HBNB_RATE_LIMIT is .*: set it to a limit such as 600 per minute"):
            Settings.from_environ({"HBNB_RATE_LIMIT": rate})

    @pytest.mark.parametrize("rate", ["1 per second", "2/minute", "3 per 2 hours", "4 per day", "5/second; 9 per hour"])
    def test_a_valid_limit_is_applied(self, make_client, rate):
        assert int(rate[0]) == statuses(make_client(rate_limit=rate), 6).count(200)

    @pytest.mark.parametrize("proxies", ["x", "-1", "1.5", "100"])
    def test_an_invalid_number_of_proxies_is_refused(self, proxies):
        with pytest.raises(Misconfigured, match=r"HBNB_PROXIES is .*: set it to the number of proxies"):
            Settings.from_environ({"HBNB_PROXIES": proxies})

    @pytest.mark.parametrize("url", ["x", "http://h", "redis://:se/cret@h", "redis://h:secret", "unix:///x?secret=1"])
    def test_an_invalid_redis_url_is_refused_without_showing_its_password(self, make_client, url):
        with pytest.raises(Misconfigured, match="HBNB_REDIS_URL is not the address of a Redis server: set") as refused:
            make_client(rate_limit="1 per hour", redis_url=url)
        assert "secret" not in str(refused.value)

    def test_a_missing_redis_package_is_reported_with_the_command_to_install_it(self, make_client, monkeypatch):
        monkeypatch.setitem(sys.modules, "redis", None)
        with pytest.raises(Misconfigured, match=r"redis is not installed: pip install -r requirements/redis\.txt"):
            make_client(rate_limit="1 per hour", redis_url="redis://127.0.0.1")
        assert statuses(make_client(rate_limit="none"), 1) == [200]

    def test_without_a_limit_the_limiter_is_not_even_imported(self, tmp_path):
        code = ("import sys, wsgi\napp = wsgi.app\nprint(app.test_client().get('/api/v1/states').status_code, "
                "'flask_limiter' in sys.modules, type(app.wsgi_app._app._inner).__name__, 'limiter' in app.extensions)")
        ended = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, env={"PYTHONPATH": str(ROOT)}, check=True,
                               capture_output=True, text=True)
        assert ended.stdout == "200 False FastPath False\n"


class TestLimit:
    def test_a_client_above_the_limit_gets_429_with_retry_after(self, make_client):
        client = make_client(rate_limit="2 per 2 seconds", cors_origins="https://a.example")
        assert statuses(client, 2) == [200, 200]
        refused = client.get(STATES, headers={"Origin": "https://a.example"})
        assert (refused.status_code, refused.mimetype, refused.json) == (429, "application/json", TOO_MANY)
        assert refused.headers["Access-Control-Allow-Origin"] == "https://a.example"
        assert "Retry-After" in refused.headers["Access-Control-Expose-Headers"]
        time.sleep(int(refused.headers["Retry-After"]))
        assert statuses(client, 1) == [200]

    def test_retry_after_is_at_most_slightly_longer_than_the_period_of_the_limit(self, make_client):
        client = make_client(rate_limit="1 per hour")
        assert statuses(client, 1) == [200]
        assert 3500 < int(client.get(STATES).headers["Retry-After"]) <= 3602

    def test_a_429_is_problem_details_if_the_client_accepts_them(self, make_client):
        client = make_client(rate_limit="1 per hour")
        client.get(STATES)
        refused = client.get(STATES, headers={"Accept": "application/problem+json"})
        assert (refused.status_code, refused.mimetype) == (429, "application/problem+json")
        assert refused.json["title"] == "Too Many Requests"
        assert refused.headers["Retry-After"].isdigit()

    def test_all_routes_and_unknown_paths_share_the_limit_and_refused_writes_change_nothing(self, make_client):
        client = make_client(rate_limit="4 per hour")
        answers = [client.head(CHEAP), client.get("/api/v1/nope"), client.patch(STATES), client.post(STATES, json={})]
        assert [answer.status_code for answer in answers] == [200, 404, 405, 400]
        for path in (STATES, "/api/v1/stats", "/api/v1/nope", "/api/nope", "/api/v1/states/"):
            assert statuses(client, 1, path) == [429]
        assert client.post(STATES, json={"name": "S"}).status_code == 429
        assert models.storage.count() == 0

    def test_status_health_checks_static_files_and_preflights_are_not_limited(self, make_client):
        client = make_client(rate_limit="1 per hour")
        style = re.search(r'"(/static/[^"]+\.css)"', ready_app().test_client().get("/hbnb_filters").text)[1]
        for path in ("/health/live", "/health/ready", "/api/v1/status", "/api/v1/status/", style):
            assert statuses(client, 3, path) == [200] * 3, path
        preflight = {"Origin": "http://x.example", "Access-Control-Request-Method": "GET"}
        assert [client.options(STATES, headers=preflight).status_code for _ in range(3)] == [200] * 3
        assert statuses(client, 2) == [200, 429]
        assert client.get("/api/v1/status").status_code == 200
        assert client.options(STATES, headers=preflight).status_code == 200

    def test_pages_share_the_limit_with_the_api_and_show_an_error_page(self, make_client):
        client = make_client(rate_limit="3 per hour")
        paths = "/c/x", CHEAP, "/states", "/hbnb_filters"
        assert [client.get(path).status_code for path in paths] == [200] * 3 + [429]
        refused = client.get("/hbnb")
        assert (refused.status_code, refused.mimetype) == (429, "text/html")
        assert 3500 < int(refused.headers["Retry-After"]) <= 3602

    def test_slow_requests_cost_more(self, make_client):
        client = make_client(rate_limit="20 per hour")
        many = "+".join("abcdefghijklm")
        for path, cost in {
                "/api/v1/places/x": 1, "/api/v1/places": 4, "/api/v1/places?limit=9": 2, "/api/v1/places?limit=9999": 4,
                "/api/v1/places?limit=9&text=a+b+a&facets=true": 8, "/api/v1/places?limit=9&text=a,b;c.a": 5,
                "/api/v1/places/clusters?guests=2": 6, "/api/v1/places/suggestions?text=a": 3,
                f"/api/v1/places?limit=9&text={many}": 12, "/api/v1/places?limit=9&include=user": 3,
                "/hbnb?text=a,b": 4, "/?text=a,b": 4, "/100-hbnb": 2, "/states": 1, "/api/v1/nope": 1,
                "/api/v1/states": 3, "/api/v1/states?limit=x": 3, "/api/v1/states?limit=9": 1, "/api/v1/states/x": 1,
                "/api/v1/states?limit=9&include=cities,cities.places,cities": 3, "/api/v1/users/x/places": 3,
                "/api/v1/places/x?include=reviews.user,amenities": 4, "/api/v1/places/x/reviews": 3}.items():
            assert cost_of(client, "GET", path) == cost, path

    def test_the_cost_of_a_search_depends_on_its_body(self, make_client):
        client = make_client(rate_limit="20 per hour")
        for query, body, cost in (
                ("", {"text": "a b", "facets": True, "limit": 9}, 8), ("", {}, 4), ("", {"limit": None}, 4),
                ("", {"limit": 9}, 2), ("?limit=9", {}, 2), ("?limit=9", {"limit": 9999}, 2),
                ("?limit=9999", {"limit": 9}, 4), ("", {"text": "a,b,c", "limit": 9}, 5),
                ("", {"text": 5, "limit": 9}, 12), ("", {"text": {}, "limit": []}, 14),
                ("?include=user", {"limit": 9}, 3), ("", {"facets": [], "limit": 1e300}, 4), ("", "no object", 1)):
            assert cost_of(client, "POST", f"/api/v1/places_search{query}", json=body) == cost, body

    def test_a_request_with_an_invalid_body_costs_1_and_the_limiter_keeps_its_storage(self, make_client):
        client = make_client(rate_limit="20 per hour")
        kinds = "application/json", "text/plain", "application/x-www-form-urlencoded"
        bodies = "[" * 100_000, '{"text":' * 100_000, "{", "", "\0", "x" * 1_000_001
        for kind, body in (*product(kinds, bodies), ("text/plain", '{"text": "a b c"}')):
            assert cost_of(client, "POST", "/api/v1/places_search", data=body, content_type=kind) == 1, body[:9]
        assert not any(each._storage_dead for each in client.application.extensions["limiter"])

    def test_an_error_while_computing_a_cost_is_logged_and_counts_as_1(self, make_client, monkeypatch, caplog):
        monkeypatch.setattr("services.search.words.split", lambda _: 1 // 0)
        client = make_client(rate_limit="20 per hour")
        assert cost_of(client, "GET", "/api/v1/places?limit=1&text=") == 1
        assert not any(each._storage_dead for each in client.application.extensions["limiter"])
        assert "Could not compute the cost of a request, which counts as 1" in caplog.text

    def test_a_request_that_costs_more_than_the_whole_limit_is_accepted(self, make_client):
        assert statuses(make_client(rate_limit="3 per hour"), 2, "/api/v1/places?facets=true&text=a+b+c") == [200, 429]

    def test_every_operation_but_status_declares_429_in_the_document(self, make_client):
        paths = make_client().get("/apispec_1.json").json["paths"]
        without = [path for path, found in paths.items() for operation in found.values()
                   if "429" not in operation["responses"]]
        assert without == ["/api/v1/status"]
        answer = paths[STATES]["get"]["responses"]["429"]
        assert answer["headers"]["Retry-After"]["schema"] == {"type": "integer", "minimum": 1}
        assert answer["content"] == paths[STATES]["get"]["responses"]["500"]["content"]


class TestAddress:
    def test_each_address_has_its_own_limit(self, make_client):
        client = make_client(rate_limit="1 per hour")
        for address in ("192.0.2.1", "192.0.2.2", ""):
            assert statuses(client, 2, environ_base={"REMOTE_ADDR": address}) == [200, 429]

    @pytest.mark.parametrize(("one", "other", "same"), [
        ("2001:db8::1", "2001:db8::ffff:2", True), ("2001:db8::1", "2001:db8:0:1::1", False),
        ("::ffff:192.0.2.1", "192.0.2.1", True), ("::ffff:192.0.2.1", "::ffff:192.0.2.2", False)])
    def test_addresses_of_one_ipv6_network_share_the_limit(self, make_client, one, other, same):
        client = make_client(rate_limit="1 per hour")
        assert statuses(client, 1, environ_base={"REMOTE_ADDR": one}) == [200]
        assert statuses(client, 1, environ_base={"REMOTE_ADDR": other}) == [429 if same else 200]

    def test_forwarding_headers_are_ignored_without_a_proxy(self, make_client):
        client = make_client(rate_limit="1 per hour")
        assert statuses(client, 1) == [200]
        for header in ("X-Forwarded-For", "X-Real-IP", "Forwarded"):
            assert statuses(client, 1, headers={header: "198.51.100.7"}) == [429]

    @pytest.mark.parametrize(("proxies", "later_proxies"), [("1", ""), ("2", ", 203.0.113.1")])
    def test_the_address_is_the_one_that_the_outermost_proxy_added(self, make_client, proxies, later_proxies):
        client = make_client(rate_limit="1 per hour", proxies=proxies)
        for seen in ("198.51.100.1", "198.51.100.2"):
            # The client itself may send the header, so addresses before that of the proxy are not trustworthy.
            assert [client.get(STATES, headers={"X-Forwarded-For": f"{claimed}{seen}{later_proxies}"}).status_code
                    for claimed in ("", "10.0.0.1, ", "10.0.0.2, 10.0.0.3, ")] == [200, 429, 429]

    @pytest.mark.parametrize("addresses", [
        ["198.51.100.1", "198.51.100.1:4711", "198.51.100.1:4712", '"198.51.100.1:1"'],
        ["2001:db8::1", "[2001:db8::1]", "[2001:db8::2]:4711", '"[2001:db8::3]:4712"', "2001:db8::4%eth0"]])
    def test_the_port_of_a_forwarded_address_is_ignored(self, make_client, addresses):
        client = make_client(rate_limit="1 per hour", proxies="1")
        assert [client.get(STATES, headers={"X-Forwarded-For": each}).status_code for each in addresses] == [
            200, *[429] * (len(addresses) - 1)]

    @pytest.mark.parametrize("create", [wsgi.create_app, api.create_app, pages.create_app])
    def test_proxies_are_configured_even_without_monitoring(self, create, monkeypatch):
        monkeypatch.setattr("monitoring.init_app", lambda *_: None)
        app = ready_app(create, proxies="1")
        app.add_url_rule("/whose", view_func=lambda: request.remote_addr)
        assert app.test_client().get("/whose", headers={"X-Forwarded-For": "198.51.100.1"}).text == "198.51.100.1"


class TestServer:
    def test_connections_from_one_address_share_the_limit(self, tmp_path):
        environ = {"HBNB_RATE_LIMIT": "2 per hour", "HBNB_FILE_PATH": str(tmp_path / "f.json")}
        port, results = free_port(), []
        with Server(["wsgi.py", "--port", str(port)], environ, port) as server:
            for number in range(3):
                request = urllib.request.Request(server.address + CHEAP)
                request.add_header("X-Forwarded-For", f"192.0.2.{number}")
                try:
                    with urllib.request.urlopen(request) as answer:
                        results.append(answer.status)
                except urllib.error.HTTPError as error:
                    results += [error.code, error.headers["Retry-After"].isdigit()]
        assert results == [200, 200, 429, True]


class TestRedis:
    def test_workers_share_the_limit_through_redis(self, make_client, redis):
        settings = {"rate_limit": "3 per hour", "redis_url": redis.url}
        one, other = make_client(**settings), make_client(**settings)
        assert statuses(one, 2) + statuses(other, 2) + statuses(one, 1) == [200, 200, 200, 429, 429]
        assert 3500 < int(one.get(STATES).headers["Retry-After"]) <= 3602
        assert statuses(make_client("192.0.2.9", **settings), 1) == [200]

    def test_without_redis_each_worker_counts_separately(self, make_client):
        one, other = make_client(rate_limit="1 per hour"), make_client(rate_limit="1 per hour")
        assert statuses(one, 2) + statuses(other, 2) == [200, 429, 200, 429]

    @pytest.mark.parametrize("failure", ["stop", "pause"])
    def test_workers_count_separately_only_while_redis_is_unavailable(self, make_client, redis, caplog, failure):
        settings = {"rate_limit": "2 per hour", "redis_url": redis.url}
        one, other = make_client(**settings), make_client(**settings)
        assert statuses(one, 1) == [200]
        getattr(redis, failure)()
        assert statuses(one, 3) + statuses(other, 3) == [200, 200, 429] * 2
        assert "Rate limit storage unreachable" in caplog.text
        redis.start() if failure == "stop" else redis.resume()
        counted = redis.ask("DBSIZE")
        for _ in range(300):
            statuses(one, 1, environ_base={"REMOTE_ADDR": "192.0.2.2"})
            if redis.ask("DBSIZE") != counted:
                return
            time.sleep(0.1)
        pytest.fail("the workers did not return to Redis")

    @pytest.mark.parametrize("url", ["redis://127.0.0.1:1/0", "unix:///nowhere/socket"])
    def test_redis_may_be_unavailable_at_startup(self, make_client, url):
        client = make_client(rate_limit="1 per hour", redis_url=url)
        assert statuses(client, 2) == [200, 429]
