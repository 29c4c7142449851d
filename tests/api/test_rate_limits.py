"""How many requests an address may send, and whose address it is."""
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

STATES, PLAIN = "/api/v1/states", {"error": "Too many requests"}
CHEAP = "/api/v1/states?limit=1"        # counts for 1


@pytest.fixture(autouse=True)
def _store(tmp_path, monkeypatch):
    monkeypatch.setattr(models, "storage", FileStorage(tmp_path / "file.json"))


@pytest.fixture
def make():
    """A client of an application of its own, as a worker has one: `make(rate_limit="2 per hour")`."""
    def make(address: str = "192.0.2.1", **settings: str) -> Any:
        client = ready_app(**settings).test_client()
        client.environ_base["REMOTE_ADDR"] = address
        return client
    return make


@pytest.fixture
def redis():
    server = Redis()
    yield server
    server.remove()


def statuses(client, count: int, path: str = CHEAP, **options: Any) -> list[int]:
    return [client.get(path, **options).status_code for _ in range(count)]


def cost_of(client, method: str, path: str, **options: Any) -> int:
    """What a request counts for, of a limit of 20 per hour; each is sent from an address of its own."""
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
    def test_the_limit_is_that_of_the_environment_where_none_is_set(self, environ, rate):
        assert Settings.from_environ(environ).rate == rate

    @pytest.mark.parametrize("rate", ["x", "5", "0 per minute", "-1 per minute", "5 per", "per minute", "5 per week",
                                      "5 per minute;", "5 per 0 minutes", "5.5 per minute", "None", "5 per minute x",
                                      "٥ per minute", "5 per minute\n"])
    def test_a_limit_that_makes_no_sense_is_refused_at_the_start(self, rate):
        with pytest.raises(Misconfigured, match=r"HBNB_RATE_LIMIT is .*: set it to a limit such as 600 per minute"):
            Settings.from_environ({"HBNB_RATE_LIMIT": rate})

    @pytest.mark.parametrize("rate", ["1 per second", "2/minute", "3 per 2 hours", "4 per day", "5/second; 9 per hour"])
    def test_a_limit_that_makes_sense_is_taken(self, make, rate):
        assert int(rate[0]) == statuses(make(rate_limit=rate), 6).count(200)

    @pytest.mark.parametrize("proxies", ["x", "-1", "1.5", "100"])
    def test_a_number_of_proxies_that_is_none_is_refused(self, proxies):
        with pytest.raises(Misconfigured, match=r"HBNB_PROXIES is .*: set it to the number of proxies"):
            Settings.from_environ({"HBNB_PROXIES": proxies})

    @pytest.mark.parametrize("url", ["x", "http://h", "redis://:se/cret@h", "redis://h:secret", "unix:///x?secret=1"])
    def test_what_is_no_address_of_a_redis_is_refused_without_showing_it(self, make, url):
        with pytest.raises(Misconfigured, match="HBNB_REDIS_URL is no address of a Redis: set") as refused:
            make(rate_limit="1 per hour", redis_url=url)
        assert "secret" not in str(refused.value)

    def test_without_the_package_it_is_said_what_to_install(self, make, monkeypatch):
        monkeypatch.setitem(sys.modules, "redis", None)
        with pytest.raises(Misconfigured, match=r"redis is not installed: pip install -r requirements/redis\.txt"):
            make(rate_limit="1 per hour", redis_url="redis://127.0.0.1")
        assert statuses(make(rate_limit="none"), 1) == [200]

    def test_where_nothing_is_limited_nothing_of_it_runs(self, tmp_path):
        code = ("import sys, wsgi\napp = wsgi.app\nprint(app.test_client().get('/api/v1/states').status_code, "
                "'flask_limiter' in sys.modules, type(app.wsgi_app._app._inner).__name__, 'limiter' in app.extensions)")
        ended = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, env={"PYTHONPATH": str(ROOT)}, check=True,
                               capture_output=True, text=True)
        assert ended.stdout == "200 False FastPath False\n"


class TestLimit:
    def test_who_asks_too_often_is_told_when_to_try_again(self, make):
        client = make(rate_limit="2 per 2 seconds", cors_origins="https://a.example")
        assert statuses(client, 2) == [200, 200]
        refused = client.get(STATES, headers={"Origin": "https://a.example"})
        assert (refused.status_code, refused.mimetype, refused.json) == (429, "application/json", PLAIN)
        assert refused.headers["Access-Control-Allow-Origin"] == "https://a.example"
        assert "Retry-After" in refused.headers["Access-Control-Expose-Headers"]
        time.sleep(int(refused.headers["Retry-After"]))
        assert statuses(client, 1) == [200]

    def test_waiting_is_at_least_a_second_and_at_most_little_more_than_the_limits_time(self, make):
        client = make(rate_limit="1 per hour")
        assert statuses(client, 1) == [200]
        assert 3500 < int(client.get(STATES).headers["Retry-After"]) <= 3602

    def test_who_asks_for_it_gets_a_whole_problem(self, make):
        client = make(rate_limit="1 per hour")
        client.get(STATES)
        refused = client.get(STATES, headers={"Accept": "application/problem+json"})
        assert (refused.status_code, refused.mimetype) == (429, "application/problem+json")
        assert refused.json["title"] == "Too Many Requests"
        assert refused.headers["Retry-After"].isdigit()

    def test_all_routes_and_what_is_none_count_together_and_nothing_is_done_beyond(self, make):
        client = make(rate_limit="4 per hour")
        given = [client.head(CHEAP), client.get("/api/v1/nope"), client.patch(STATES), client.post(STATES, json={})]
        assert [answer.status_code for answer in given] == [200, 404, 405, 400]
        for path in (STATES, "/api/v1/stats", "/api/v1/nope", "/api/nope", "/api/v1/states/"):
            assert statuses(client, 1, path) == [429]
        assert client.post(STATES, json={"name": "S"}).status_code == 429
        assert models.storage.count() == 0

    def test_status_health_files_and_preflights_are_free(self, make):
        client = make(rate_limit="1 per hour")
        style = re.search(r'"(/static/[^"]+\.css)"', ready_app().test_client().get("/hbnb_filters").text)[1]
        for path in ("/health/live", "/health/ready", "/api/v1/status", "/api/v1/status/", style):
            assert statuses(client, 3, path) == [200] * 3, path
        preflight = {"Origin": "http://x.example", "Access-Control-Request-Method": "GET"}
        assert [client.options(STATES, headers=preflight).status_code for _ in range(3)] == [200] * 3
        assert statuses(client, 2) == [200, 429]
        assert client.get("/api/v1/status").status_code == 200
        assert client.options(STATES, headers=preflight).status_code == 200

    def test_pages_count_together_with_the_api_and_are_refused_as_pages(self, make):
        client = make(rate_limit="3 per hour")
        paths = "/c/x", CHEAP, "/states", "/hbnb_filters"
        assert [client.get(path).status_code for path in paths] == [200] * 3 + [429]
        refused = client.get("/hbnb")
        assert (refused.status_code, refused.mimetype) == (429, "text/html")
        assert 3500 < int(refused.headers["Retry-After"]) <= 3602

    def test_a_request_counts_by_what_makes_it_slow(self, make):
        client = make(rate_limit="20 per hour")
        many = "+".join("abcdefghijklm")
        for path, cost in {
                "/api/v1/places/x": 1, "/api/v1/places": 4, "/api/v1/places?limit=9": 2, "/api/v1/places?limit=9999": 4,
                "/api/v1/places?limit=9&text=a+b+a&facets=true": 8, "/api/v1/places?limit=9&text=a,b;c.a": 5,
                f"/api/v1/places?limit=9&text={many}": 12, "/api/v1/places?limit=9&include=user": 3,
                "/hbnb?text=a,b": 4, "/?text=a,b": 4, "/100-hbnb": 2, "/states": 1, "/api/v1/nope": 1,
                "/api/v1/states": 3, "/api/v1/states?limit=x": 3, "/api/v1/states?limit=9": 1, "/api/v1/states/x": 1,
                "/api/v1/states?limit=9&include=cities,cities.places,cities": 3, "/api/v1/users/x/places": 3,
                "/api/v1/places/x?include=reviews.user,amenities": 4, "/api/v1/places/x/reviews": 3}.items():
            assert cost_of(client, "GET", path) == cost, path

    def test_a_search_counts_by_its_body(self, make):
        client = make(rate_limit="20 per hour")
        for query, body, cost in (
                ("", {"text": "a b", "facets": True, "limit": 9}, 8), ("", {}, 4), ("", {"limit": None}, 4),
                ("", {"limit": 9}, 2), ("?limit=9", {}, 2), ("?limit=9", {"limit": 9999}, 2),
                ("?limit=9999", {"limit": 9}, 4), ("", {"text": "a,b,c", "limit": 9}, 5),
                ("", {"text": 5, "limit": 9}, 12), ("", {"text": {}, "limit": []}, 14),
                ("?include=user", {"limit": 9}, 3), ("", {"facets": [], "limit": 1e300}, 4), ("", "no object", 1)):
            assert cost_of(client, "POST", f"/api/v1/places_search{query}", json=body) == cost, body

    def test_a_body_that_is_refused_counts_once_and_the_store_stays_in_use(self, make):
        client = make(rate_limit="20 per hour")
        kinds = "application/json", "text/plain", "application/x-www-form-urlencoded"
        bodies = "[" * 100_000, '{"text":' * 100_000, "{", "", "\0", "x" * 1_000_001
        for kind, body in (*product(kinds, bodies), ("text/plain", '{"text": "a b c"}')):
            assert cost_of(client, "POST", "/api/v1/places_search", data=body, content_type=kind) == 1, body[:9]
        assert not any(each._storage_dead for each in client.application.extensions["limiter"])

    def test_a_cost_that_is_not_known_is_1_and_the_store_stays_in_use(self, make, monkeypatch, caplog):
        monkeypatch.setattr("services.search.words.split", lambda _: 1 // 0)
        client = make(rate_limit="20 per hour")
        assert cost_of(client, "GET", "/api/v1/places?limit=1&text=") == 1
        assert not any(each._storage_dead for each in client.application.extensions["limiter"])
        assert "Could not compute the cost of a request, which counts as 1" in caplog.text

    def test_what_costs_more_than_all_that_is_allowed_is_let_in_all_the_same(self, make):
        assert statuses(make(rate_limit="3 per hour"), 2, "/api/v1/places?facets=true&text=a+b+c") == [200, 429]

    def test_every_operation_but_one_says_so_in_the_description(self, make):
        paths = make().get("/apispec_1.json").json["paths"]
        without = [path for path, found in paths.items() for operation in found.values()
                   if "429" not in operation["responses"]]
        assert without == ["/api/v1/status"]
        answer = paths[STATES]["get"]["responses"]["429"]
        assert answer["headers"]["Retry-After"]["schema"] == {"type": "integer", "minimum": 1}
        assert answer["content"] == paths[STATES]["get"]["responses"]["500"]["content"]


class TestAddress:
    def test_each_has_a_limit_of_its_own(self, make):
        client = make(rate_limit="1 per hour")
        for address in ("192.0.2.1", "192.0.2.2", ""):
            assert statuses(client, 2, environ_base={"REMOTE_ADDR": address}) == [200, 429]

    @pytest.mark.parametrize(("one", "other", "same"), [
        ("2001:db8::1", "2001:db8::ffff:2", True), ("2001:db8::1", "2001:db8:0:1::1", False),
        ("::ffff:192.0.2.1", "192.0.2.1", True), ("::ffff:192.0.2.1", "::ffff:192.0.2.2", False)])
    def test_a_network_of_ipv6_is_one_customer(self, make, one, other, same):
        client = make(rate_limit="1 per hour")
        assert statuses(client, 1, environ_base={"REMOTE_ADDR": one}) == [200]
        assert statuses(client, 1, environ_base={"REMOTE_ADDR": other}) == [429 if same else 200]

    def test_cannot_be_made_up_where_no_proxy_is_in_front(self, make):
        client = make(rate_limit="1 per hour")
        assert statuses(client, 1) == [200]
        for header in ("X-Forwarded-For", "X-Real-IP", "Forwarded"):
            assert statuses(client, 1, headers={header: "198.51.100.7"}) == [429]

    @pytest.mark.parametrize(("proxies", "beyond"), [("1", ""), ("2", ", 203.0.113.1")])
    def test_is_the_one_that_the_outermost_proxy_saw(self, make, proxies, beyond):
        client = make(rate_limit="1 per hour", proxies=proxies)
        for seen in ("198.51.100.1", "198.51.100.2"):
            # What stands before is what the client itself says.
            assert [client.get(STATES, headers={"X-Forwarded-For": f"{said}{seen}{beyond}"}).status_code
                    for said in ("", "10.0.0.1, ", "10.0.0.2, 10.0.0.3, ")] == [200, 429, 429]

    @pytest.mark.parametrize("said", [
        ["198.51.100.1", "198.51.100.1:4711", "198.51.100.1:4712", '"198.51.100.1:1"'],
        ["2001:db8::1", "[2001:db8::1]", "[2001:db8::2]:4711", '"[2001:db8::3]:4712"', "2001:db8::4%eth0"]])
    def test_a_port_makes_no_other_address(self, make, said):
        client = make(rate_limit="1 per hour", proxies="1")
        assert [client.get(STATES, headers={"X-Forwarded-For": each}).status_code for each in said] == [
            200, *[429] * (len(said) - 1)]

    @pytest.mark.parametrize("create", [wsgi.create_app, api.create_app, pages.create_app])
    def test_needs_nobody_who_watches(self, create, monkeypatch):
        monkeypatch.setattr("monitoring.init_app", lambda *_: None)
        app = ready_app(create, proxies="1")
        app.add_url_rule("/whose", view_func=lambda: request.remote_addr)
        assert app.test_client().get("/whose", headers={"X-Forwarded-For": "198.51.100.1"}).text == "198.51.100.1"


class TestServer:
    def test_counts_the_connections_of_an_address_together(self, tmp_path):
        environ = {"HBNB_RATE_LIMIT": "2 per hour", "HBNB_FILE_PATH": str(tmp_path / "f.json")}
        port, found = free_port(), []
        with Server(["wsgi.py", "--port", str(port)], environ, port) as server:
            for number in range(3):
                request = urllib.request.Request(server.address + CHEAP)
                request.add_header("X-Forwarded-For", f"192.0.2.{number}")
                try:
                    with urllib.request.urlopen(request) as answer:
                        found.append(answer.status)
                except urllib.error.HTTPError as error:
                    found += [error.code, error.headers["Retry-After"].isdigit()]
        assert found == [200, 200, 429, True]


class TestRedis:
    def test_workers_count_together(self, make, redis):
        settings = {"rate_limit": "3 per hour", "redis_url": redis.url}
        one, other = make(**settings), make(**settings)
        assert statuses(one, 2) + statuses(other, 2) + statuses(one, 1) == [200, 200, 200, 429, 429]
        assert 3500 < int(one.get(STATES).headers["Retry-After"]) <= 3602
        assert statuses(make("192.0.2.9", **settings), 1) == [200]

    def test_without_it_each_counts_for_itself(self, make):
        one, other = make(rate_limit="1 per hour"), make(rate_limit="1 per hour")
        assert statuses(one, 2) + statuses(other, 2) == [200, 429, 200, 429]

    @pytest.mark.parametrize("away", ["stop", "pause"])
    def test_while_it_is_away_each_counts_for_itself_and_together_again_afterwards(self, make, redis, caplog, away):
        settings = {"rate_limit": "2 per hour", "redis_url": redis.url}
        one, other = make(**settings), make(**settings)
        assert statuses(one, 1) == [200]
        getattr(redis, away)()
        assert statuses(one, 3) + statuses(other, 3) == [200, 200, 429] * 2
        assert "Rate limit storage unreachable" in caplog.text
        redis.start() if away == "stop" else redis.resume()
        counted = redis.ask("DBSIZE")
        for _ in range(300):
            statuses(one, 1, environ_base={"REMOTE_ADDR": "192.0.2.2"})
            if redis.ask("DBSIZE") != counted:
                return
            time.sleep(0.1)
        pytest.fail("it never came back")

    @pytest.mark.parametrize("url", ["redis://127.0.0.1:1/0", "unix:///nowhere/socket"])
    def test_may_be_away_from_the_beginning(self, make, url):
        client = make(rate_limit="1 per hour", redis_url=url)
        assert statuses(client, 2) == [200, 429]
