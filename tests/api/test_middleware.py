"""What is answered or stored by the shortest way: it must show no difference."""
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
from serving.concurrency import Room
from tests import objects
from tests.apps import ready_app
from tests.market import Market


class TestFastPath:
    @pytest.fixture
    def app(self, storage):
        return ready_app()

    @pytest.fixture
    def asked(self, app) -> list[str]:
        """The paths that Flask was asked for."""
        found: list[str] = []
        dispatch = app.full_dispatch_request
        app.full_dispatch_request = lambda *context: (found.append("asked"), dispatch(*context))[1]
        return found

    def test_what_the_client_has_is_answered_before_flask_begins(self, app, asked):
        client, path = app.test_client(), f"/api/v1/places/{Market().place.id}"
        tag = client.get(path).headers["ETag"]
        asked.clear()
        for slash in ("", "/"):
            answer = client.get(path + slash, headers={"If-None-Match": tag, "X-Request-Id": "mine"})
            assert (answer.status_code, answer.data) == (304, b"")
            assert (answer.headers["ETag"], answer.headers["X-Request-Id"]) == (tag, "mine")
            assert answer.headers["Access-Control-Allow-Origin"] == "*"
        assert asked == []

    def test_an_object_is_answered_before_flask_begins_as_flask_answers_it(self, app, asked):
        client, market = app.test_client(), Market()
        for name in ("state", "city", "wifi", "host", "place", "review"):
            obj = getattr(market, name)
            path = f"/api/v1/{obj.__tablename__}/{obj.id}"
            quick = client.get(path, headers={"X-Request-Id": "mine"})
            assert asked == []
            usual = client.get(path, headers={"X-Request-Id": "mine", "Origin": "http://a.example"})
            assert asked.pop() == "asked"
            assert (quick.status_code, quick.data) == (usual.status_code, usual.data)
            exposed = ("Access-Control-Expose-Headers", "Access-Control-Allow-Origin")
            assert sorted(each for each in quick.headers if each[0] not in exposed) == sorted(
                each for each in usual.headers if each[0] not in exposed)

    def test_an_error_is_said_by_flask_and_the_storage_is_asked_once(self, app, asked, monkeypatch):
        found = []
        monkeypatch.setattr(Result, "first", lambda _: found.append("read"))
        answer = app.test_client().get("/api/v1/states/none")
        assert (answer.status_code, answer.json) == (404, {"error": "Not found"})
        assert (found, asked) == (["read"], ["asked"])

    def test_what_the_guard_refuses_is_not_read(self, app, asked, monkeypatch):
        path = f"/api/v1/states/{Market().state.id}"
        monkeypatch.setattr(Room, "enter", lambda _: False)
        assert app.test_client().get(path).status_code == 503
        assert asked == ["asked"]

    def test_what_changed_or_is_gone_is_read_anew(self, app, asked):
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
    def test_what_is_not_that_simple_goes_the_usual_way(self, app, asked, query, headers, status):
        client, path = app.test_client(), f"/api/v1/states/{Market().state.id}"
        tag = client.get(path).headers["ETag"]
        asked.clear()
        sent = {"If-None-Match": "{tag}", **headers}
        answer = client.get(path + query, headers={name: value.format(tag=tag) for name, value in sent.items()})
        assert (answer.status_code, asked) == (status, ["asked"])

    def test_where_requests_are_counted_all_of_them_are(self, storage):
        client, path = ready_app(rate_limit="3 per hour").test_client(), f"/api/v1/states/{Market().state.id}"
        known = {"If-None-Match": client.get(path).headers["ETag"]}
        assert [client.get(path, headers=known).status_code for _ in range(3)] == [304, 304, 429]

    @pytest.mark.parametrize("origins", ["https://a.example", "https://a.example,https://b.example"])
    def test_where_few_sites_may_use_it_caches_are_told(self, storage, origins):
        client, path = ready_app(cors_origins=origins).test_client(), f"/api/v1/states/{Market().state.id}"
        answer = client.get(path)
        again = client.get(path, headers={"If-None-Match": answer.headers["ETag"]})
        assert (answer.status_code, again.status_code) == (200, 304)
        asked = [client.open(each, method=method, headers=headers)
                 for headers in ({}, {"Origin": "https://a.example"}, {"Origin": "https://evil.example"})
                 for method, each in (("GET", path), ("GET", "/api/v1/nope"), ("PATCH", path), ("OPTIONS", path),
                                      ("POST", "/api/v1/states"))]
        for each in (answer, again, *asked):
            assert "Origin" in each.headers["Vary"]
            assert each.headers.get("Access-Control-Allow-Origin") in (None, "https://a.example")

    def test_other_sites_may_use_what_they_might_have_from_a_cache(self, app):
        client = app.test_client()
        assert client.get("/api/v1/status").headers["Access-Control-Allow-Origin"] == "*"
        assert "Access-Control-Allow-Origin" not in client.get("/apispec_1.json").headers


class TestInsert:
    def test_an_answer_that_was_lost_on_the_way_does_not_store_it_twice(self, storage, engine, monkeypatch):
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

    def test_what_it_names_must_be_there_whoever_watches_over_it(self, storage, engine, monkeypatch):
        market = Market()
        storage.close()
        for keeps in (True, False):
            if engine == "db":
                monkeypatch.setattr(storage, "_has_foreign_keys", keeps)
            for names in ({"place_id": "nope", "user_id": market.guest.id},
                          {"place_id": market.place.id, "user_id": "nope"}):
                with pytest.raises(NotFound):
                    storage.insert(Review(text="T", **names))
                storage.close()
        assert storage.count(Review) == 1

    def test_a_value_that_looks_like_the_name_of_a_key_is_only_a_value(self, storage):
        for email in ("PRIMARY@b.c", "x' for key 'PRIMARY'@b.c"):
            objects.create(User, {"email": email, "password": "x"})
            storage.close()
            with pytest.raises(Conflict, match="this email"):
                objects.create(User, {"email": email, "password": "x"})
            storage.close()
        assert storage.count(User) == 2

    def test_inside_a_transaction_it_is_part_of_it(self, storage):
        market = Market()
        storage.close()
        with storage.transaction(dry_run=True):
            storage.insert(Review(text="T", place_id=market.place.id, user_id=market.guest.id))
            assert storage.count(Review) == 2
        assert storage.count(Review) == 1

    def test_what_was_stored_is_there_to_be_changed(self, storage):
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
def test_reads_on_connections_that_are_gone_cost_nothing(storage, engine, database, read):
    market = Market()
    storage.close()
    right = read(market)
    storage.close()
    if engine == "db":
        database.disconnect()
    assert read(market) == right


def test_a_long_list_that_is_given_up_costs_nothing(storage):
    for number in range(2500):
        storage.new(State(name=str(number)))
    storage.save()
    storage.close()
    for _ in range(20):     # more than there are connections
        parts = Listing(State).parts()
        assert len(next(parts)) >= 1000
        parts.close()
    assert len(Listing(State).all()) == 2500
