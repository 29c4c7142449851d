"""Tests of the fast path for reads and of the direct insert, which must behave like the normal way."""
from __future__ import annotations

import math

import pytest
from sqlalchemy.exc import DBAPIError

import models
from errors import Conflict, NotFound
from models.engine.statements import Result
from models.review import Review
from models.state import State
from models.user import User
from services.listing import Listing
from services.search import search
from serving.concurrency import Slots
from tests import objects
from tests.apps import ready_app
from tests.market import Market


class TestFastPath:
    @pytest.fixture
    def app(self, storage):
        return ready_app()

    @pytest.fixture
    def flask_calls(self, app) -> list[str]:
        """A list that gets an entry for each request that reaches Flask."""
        calls: list[str] = []
        dispatch = app.full_dispatch_request
        app.full_dispatch_request = lambda *context: (calls.append("called"), dispatch(*context))[1]
        return calls

    def test_an_unchanged_object_gets_304_without_flask(self, app, flask_calls):
        client, path = app.test_client(), f"/api/v1/places/{Market().place.id}"
        tag = client.get(path).headers["ETag"]
        flask_calls.clear()
        for slash in ("", "/"):
            answer = client.get(path + slash, headers={"If-None-Match": tag, "X-Request-Id": "mine"})
            assert (answer.status_code, answer.data) == (304, b"")
            assert (answer.headers["ETag"], answer.headers["X-Request-Id"]) == (tag, "mine")
            assert answer.headers["Access-Control-Allow-Origin"] == "*"
        assert flask_calls == []

    def test_an_object_is_returned_without_flask_in_the_same_way_as_by_flask(self, app, flask_calls):
        client, market = app.test_client(), Market()
        for name in ("state", "city", "wifi", "host", "place", "review"):
            obj = getattr(market, name)
            path = f"/api/v1/{obj.__tablename__}/{obj.id}"
            quick = client.get(path, headers={"X-Request-Id": "mine"})
            assert flask_calls == []
            usual = client.get(path, headers={"X-Request-Id": "mine", "Origin": "http://a.example"})
            assert flask_calls.pop() == "called"
            assert (quick.status_code, quick.data) == (usual.status_code, usual.data)
            exposed = ("Access-Control-Expose-Headers", "Access-Control-Allow-Origin")
            assert sorted(each for each in quick.headers if each[0] not in exposed) == sorted(
                each for each in usual.headers if each[0] not in exposed)

    def test_an_error_is_returned_by_flask_and_the_storage_is_read_once(self, app, flask_calls, monkeypatch):
        reads = []
        monkeypatch.setattr(Result, "first", lambda _: reads.append("read"))
        answer = app.test_client().get("/api/v1/states/none")
        assert (answer.status_code, answer.json) == (404, {"error": "Not found"})
        assert (reads, flask_calls) == (["read"], ["called"])

    def test_a_request_that_the_guard_refuses_reads_nothing(self, app, flask_calls, monkeypatch):
        path = f"/api/v1/states/{Market().state.id}"
        monkeypatch.setattr(Slots, "acquire", lambda _: False)
        assert app.test_client().get(path).status_code == 503
        assert flask_calls == ["called"]

    def test_a_changed_or_deleted_object_is_read_again(self, app, flask_calls):
        client, place = app.test_client(), Market().place
        path = f"/api/v1/places/{place.id}"
        old = {"If-None-Match": client.get(path).headers["ETag"]}
        client.put(path, json={"name": "Changed"})
        changed = client.get(path, headers=old)
        assert (changed.status_code, changed.json["name"]) == (200, "Changed")
        client.delete(path)
        assert client.get(path, headers=old).status_code == 404

    @pytest.mark.parametrize(("query", "headers", "status"), [
        ("?fields=id", {}, 200), ("", {"Origin": "http://a.example"}, 304), ("", {"If-None-Match": "W/{tag}"}, 304),
        ("", {"If-None-Match": '"x", {tag}'}, 304), ("", {"If-None-Match": "*"}, 304),
        ("", {"If-None-Match": ""}, 200)])
    def test_other_queries_and_headers_are_left_to_flask(self, app, flask_calls, query, headers, status):
        client, path = app.test_client(), f"/api/v1/states/{Market().state.id}"
        tag = client.get(path).headers["ETag"]
        flask_calls.clear()
        sent = {"If-None-Match": "{tag}", **headers}
        answer = client.get(path + query, headers={name: value.format(tag=tag) for name, value in sent.items()})
        assert (answer.status_code, flask_calls) == (status, ["called"])

    def test_a_rate_limit_counts_every_request(self, storage):
        client, path = ready_app(rate_limit="3 per hour").test_client(), f"/api/v1/states/{Market().state.id}"
        known = {"If-None-Match": client.get(path).headers["ETag"]}
        assert [client.get(path, headers=known).status_code for _ in range(3)] == [304, 304, 429]

    @pytest.mark.parametrize("origins", ["https://a.example", "https://a.example,https://b.example"])
    def test_responses_vary_by_origin_if_only_some_origins_are_allowed(self, storage, origins):
        client, path = ready_app(cors_origins=origins).test_client(), f"/api/v1/states/{Market().state.id}"
        answer = client.get(path)
        again = client.get(path, headers={"If-None-Match": answer.headers["ETag"]})
        assert (answer.status_code, again.status_code) == (200, 304)
        answers = [client.open(each, method=method, headers=headers)
                   for headers in ({}, {"Origin": "https://a.example"}, {"Origin": "https://evil.example"})
                   for method, each in (("GET", path), ("GET", "/api/v1/nope"), ("PATCH", path), ("OPTIONS", path),
                                        ("POST", "/api/v1/states"))]
        for each in (answer, again, *answers):
            assert "Origin" in each.headers["Vary"]
            assert each.headers.get("Access-Control-Allow-Origin") in (None, "https://a.example")

    def test_responses_without_an_origin_header_allow_every_origin_for_caches(self, app):
        client = app.test_client()
        assert client.get("/api/v1/status").headers["Access-Control-Allow-Origin"] == "*"
        assert "Access-Control-Allow-Origin" not in client.get("/apispec_1.json").headers


class TestInsert:
    def test_an_insert_whose_result_was_lost_does_not_store_the_object_twice(self, storage, engine, monkeypatch):
        market, send, lost = Market(), storage._autocommit._sent, []

        def lose(*statement):
            send(*statement)
            lost.append(statement)
            raise DBAPIError("", None, Exception(), connection_invalidated=True)
        review = Review(text="Once.", place_id=market.place.id, user_id=market.guest.id)
        monkeypatch.setattr(storage._autocommit, "_sent", lambda *statement: (
            lose(*statement) if not lost and statement[0].startswith("INSERT") else send(*statement)))
        monkeypatch.setattr(storage._autocommit, "retry_limit", math.inf)
        storage.close()
        storage.insert(review)
        assert bool(lost) == (engine == "db")
        monkeypatch.undo()
        storage.close()
        assert storage.count(Review) == 2

    def test_an_insert_with_an_unknown_foreign_key_is_refused(self, storage, engine, monkeypatch):
        market = Market()
        storage.close()
        for has_foreign_keys in (True, False):
            if engine == "db":
                monkeypatch.setattr(storage, "_has_foreign_keys", has_foreign_keys)
            for ids in ({"place_id": "nope", "user_id": market.guest.id},
                        {"place_id": market.place.id, "user_id": "nope"}):
                with pytest.raises(NotFound):
                    storage.insert(Review(text="T", **ids))
                storage.close()
        assert storage.count(Review) == 1

    def test_a_value_that_looks_like_the_name_of_an_index_is_reported_as_a_value(self, storage):
        for email in ("PRIMARY@b.c", "x' for key 'PRIMARY'@b.c"):
            objects.create(User, {"email": email, "password": "x"})
            storage.close()
            with pytest.raises(Conflict, match="this email"):
                objects.create(User, {"email": email, "password": "x"})
            storage.close()
        assert storage.count(User) == 2

    def test_an_insert_inside_a_transaction_is_part_of_it(self, storage):
        market = Market()
        storage.close()
        with storage.transaction(dry_run=True):
            storage.insert(Review(text="T", place_id=market.place.id, user_id=market.guest.id))
            assert storage.count(Review) == 2
        assert storage.count(Review) == 1

    def test_an_inserted_object_can_be_changed(self, storage):
        market = Market()
        storage.close()
        review = objects.create(Review, {"text": "T", "user_id": market.guest.id}, {"place_id": market.place.id})
        review.text = "Changed"
        review.save()
        storage.close()
        assert models.storage.get(Review, review.id).text == "Changed"


@pytest.mark.parametrize("read", [
    lambda _: search({"limit": 1}).all(), lambda _: search({}).all(), lambda _: search({"guests": 1}).all(),
    lambda market: objects.show(State, market.state.id), lambda _: objects.list(State), lambda _: objects.stats()])
def test_reads_on_closed_connections_are_repeated(storage, engine, database, read):
    market = Market()
    storage.close()
    expected = read(market)
    storage.close()
    if engine == "db":
        database.disconnect()
    assert read(market) == expected


def test_an_abandoned_long_list_returns_its_connection(storage):
    for number in range(2500):
        storage.new(State(name=str(number)))
    storage.save()
    storage.close()
    for _ in range(20):     # more often than the pool has connections
        parts = Listing(State).parts()
        assert len(next(parts)) >= 1000
        parts.close()
    assert len(Listing(State).all()) == 2500
