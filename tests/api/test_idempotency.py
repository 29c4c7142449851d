"""Tests of idempotency keys: a repeated request is executed once and always gets the same response."""
from __future__ import annotations

import datetime
import hashlib
import json
import threading
import urllib.request
import uuid
from concurrent.futures import ThreadPoolExecutor
from itertools import product
from typing import Any

import pytest
from sqlalchemy import event

import models
from errors import Conflict, Invalid, Reused, Unavailable
from models.amenity import Amenity
from models.answer import Answer
from models.base_model import utc_now
from models.place import Place
from models.state import State
from models.user import User
from services import idempotency, tokens
from services.idempotency import Reply
from tests import objects
from tests.apps import ready_app, shared_app
from tests.database import engines_of
from tests.market import Market
from tests.processes import finish, start
from tests.servers import Server, free_port

HEADER, REPLAYED = "Idempotency-Key", "Idempotency-Replayed"
REPLAYED_HEADERS = ("ETag", "Location", "Content-Type")


@pytest.fixture
def market(storage) -> Market:
    return Market()


@pytest.fixture
def client(storage):
    return shared_app().test_client()


def post(client, path: str, body: Any = None, key: str | None = "a", **headers: str):
    headers = headers if key is None else {HEADER: key, **headers}
    return client.post(f"/api/v1/{path}", headers=headers, **({} if body is None else {"json": body}))


def posts(market: Market) -> list[tuple[str, Any]]:
    """Every POST that writes, with a valid body."""
    return [("states", {"name": "N"}), (f"states/{market.state.id}/cities", {"name": "N"}),
            ("amenities", {"name": "N"}), ("users", {"email": "n@b.c", "password": "Tr0ub4dor"}),
            (f"cities/{market.city.id}/places", {"user_id": market.host.id, "name": "N"}),
            (f"places/{market.place.id}/reviews", {"user_id": market.guest.id, "text": "N"}),
            (f"places/{market.place.id}/amenities/{new_amenity().id}", None)]


def new_amenity() -> Amenity:
    amenity = Amenity(name="Sauna")
    amenity.save()
    return amenity


class TestReplay:
    def test_a_repeated_post_is_executed_once_and_gets_the_first_response(self, client, market, storage):
        requests = posts(market)
        before, links = storage.count(), len(market.place.amenity_ids)
        for path, body in requests:
            first = post(client, path, body)
            assert first.status_code == 201
            assert REPLAYED not in first.headers
            if body:    # a linked amenity has neither ETag nor Location
                assert first.headers["ETag"] == client.get(first.headers["Location"]).headers["ETag"]
            for slash in ("", "/"):
                again = post(client, path + slash, body)
                assert (again.status_code, again.data) == (201, first.data)
                for name in REPLAYED_HEADERS:
                    assert again.headers.get(name) == first.headers.get(name)
                assert again.headers[REPLAYED] == "true"
        assert storage.count() == before + 6
        assert len(storage.get(Place, market.place.id).amenity_ids) == links + 1

    def test_the_document_declares_the_key_on_every_post_that_writes(self, client, market):
        document = client.get("/apispec_1.json").json
        keyed = {path for path, found in document["paths"].items() for method, operation in found.items()
                 if any(each["name"] == HEADER for each in operation["parameters"])
                 and {"400", "422"} <= operation["responses"].keys()}
        assert keyed == {path for path, found in document["paths"].items()
                         if "post" in found and found["post"]["tags"] != ["accounts"]} - {"/api/v1/places_search"}
        assert len(keyed) == len(posts(market)) == 7
        assert not any("422" in found[method]["responses"] for found in document["paths"].values()
                       for method in {*found} - {"post"})

    def test_requests_without_a_key_or_with_another_key_are_executed_again(self, client, market, storage):
        for key in (None, None, "a", "b", "A", '"a"', "~" * 255):
            assert post(client, "states", {"name": "N"}, key).status_code == 201
        assert storage.count(State) == 8
        assert post(client, "amenities", {"name": "N"}, "a").json["__class__"] == "Amenity"
        assert post(client, f"states/{market.state.id}/cities", {"name": "N"}, "a").json["__class__"] == "City"

    def test_the_same_key_from_two_tokens_is_two_keys(self, storage):
        client = ready_app(env="staging").test_client()
        for text in (tokens.create("one"), tokens.create("two")):
            for replayed in (None, "true"):
                answer = post(client, "states", {"name": "N"}, Authorization=f"Bearer {text}")
                assert (answer.status_code, answer.headers.get(REPLAYED)) == (201, replayed)
        assert storage.count(State) == 2
        refused = post(client, "states", {"name": "N"})
        assert (refused.status_code, REPLAYED in refused.headers) == (401, False)

    def test_a_used_key_with_another_body_is_refused(self, client, storage):
        first = post(client, "states", {"name": "N"})
        for body in ({"name": "M"}, {"name": "N", "id": "x"}, None, {}):
            answer = post(client, "states", body)
            assert (answer.status_code, answer.json) == (422, {
                "error": "This Idempotency-Key was already used with another body. Nothing was changed. Send a new key "
                         "with a new request"})
        assert post(client, "states", {"name": "N"}).data == first.data
        assert storage.count(State) == 1

    def test_a_write_with_a_malformed_key_is_refused(self, client, market, storage):
        keys = ["", " ", "a b", "é", "x" * 256, "a\tb", "a,b", "a, b", '"a', 'a"', '"', '""', 'a"b']
        changes = [("POST", path, body) for path, body in posts(market)] + [
            ("PUT", f"states/{market.state.id}", {"name": "N"}), ("DELETE", f"states/{market.state.id}", None),
            ("DELETE", f"places/{market.place.id}/amenities/{market.wifi.id}", None)]
        before = storage.count()
        for key, (method, path, body) in product(keys, changes):
            sent = {HEADER: key.encode("utf-8").decode("latin-1")}
            answer = client.open(f"/api/v1/{path}", method=method, headers=sent, json=body)
            assert (answer.status_code, answer.json) == (400, {
                "error": "Idempotency-Key must be sent once, as 1 to 255 visible ASCII characters without commas, "
                         "optionally between double quotes"}), (method, path)
        storage.close()
        assert (storage.count(), storage.count(Answer)) == (before, 0)
        assert storage.get(State, market.state.id).name == "State of Albany"

    def test_searches_and_other_methods_ignore_the_key(self, client, market, storage):
        for key in ("a", "é"):
            for wanted in ({}, {"limit": 0}):
                assert post(client, "places_search", wanted, key).status_code == 200
        path = f"/api/v1/states/{market.state.id}"
        for name in ("N", "M"):
            assert client.put(path, json={"name": name}, headers={HEADER: "a"}).json["name"] == name
        assert storage.count(Answer) == 0

    def test_the_stored_response_is_replayed_even_if_the_object_was_deleted(self, client, storage):
        first = post(client, "states", {"name": "N"})
        client.delete(first.headers["Location"])
        assert post(client, "states", {"name": "N"}).data == first.data
        assert storage.count(State) == 0

    def test_a_failed_request_can_be_corrected_under_the_same_key(self, client, market, storage):
        for path, body, status in (("states", {}, 400), ("states", {"name": 5}, 400), ("states/nope/cities", {}, 404),
                                   ("users", {"email": "host@albany.example", "password": "x"}, 409)):
            for _ in range(2):
                answer = post(client, path, body)
                assert (answer.status_code, REPLAYED in answer.headers) == (status, False)
        assert storage.count(Answer) == 0
        assert post(client, "users", {"email": "new@b.c", "password": "x"}).status_code == 201
        assert post(client, "states", {"name": "N"}).status_code == 201

    def test_keys_are_shared_with_other_processes_and_survive_a_restart(self, storage, settings, monkeypatch):
        first = post(ready_app().test_client(), "states", {"name": "N"})
        storage.close()
        other = models.make_storage(settings)
        other.reload()
        monkeypatch.setattr(models, "storage", other)
        again = post(ready_app().test_client(), "states", {"name": "N"})
        assert (again.data, again.headers[REPLAYED]) == (first.data, "true")
        assert other.count(State) == 1
        other.close()

    def test_a_response_of_any_length_is_stored(self, client, market, storage):
        path, body = f"cities/{market.city.id}/places", {
            "user_id": market.host.id, "name": "\U0001f3e0" * 128, "description": "\n" * 1023 + "x"}
        first = post(client, path, body)
        assert post(client, path, body).data == first.data
        Answer(id="long", digest="", status=200, headers="{}", body="é" * 3_000_000).save()
        storage.close()
        assert len(storage.get(Answer, "long").body) == 3_000_000

    def test_a_control_character_in_an_old_name_can_be_replayed(self, client, market, storage):
        table = Amenity.__table__
        with storage.transaction():
            storage.write(table.update().where(table.c.id == market.wifi.id).values(name="a\x7fb"))
        storage.close()
        path = f"places/{market.place.id}/amenities/{market.wifi.id}"
        first = post(client, path)
        assert (first.status_code, first.json["name"]) == (200, "a\x7fb")
        assert post(client, path).json == first.json


class TestStoredResponses:
    def test_a_stored_response_expires_after_24_hours(self, client, storage):
        post(client, "states", {"name": "N"})
        for hours, count in ((23.9, 1), (24.1, 2), (0, 2)):
            self.age(storage, hours)
            assert post(client, "states", {"name": "N"}).status_code == 201
            assert storage.count(State) == count
        assert storage.count(Answer) == 1

    def test_expired_responses_are_removed_when_another_is_stored(self, client, storage):
        for key in "abc":
            post(client, "states", {"name": "N"}, key)
        self.age(storage, 25)
        assert storage.count(Answer) == 3
        post(client, "states", {"name": "N"}, "d")
        assert storage.count(Answer) == 1

    def test_a_stored_response_contains_no_password_and_no_key(self, client, storage):
        post(client, "users", {"email": "n@b.c", "password": "Tr0ub4dor"}, "the-very-key")
        [answer] = storage.all(Answer).values()
        stored = json.dumps(answer.to_dict(1), default=str)
        assert "Tr0ub4dor" not in stored
        assert "argon2" not in stored
        assert "the-very-key" not in stored

    def test_the_digest_of_a_body_depends_on_the_key_so_that_passwords_cannot_be_guessed(self, client, storage):
        body = json.dumps({"email": "n@b.c", "password": "short"}).encode()
        for key in "ab":
            client.post("/api/v1/users", data=body, content_type="application/json", headers={HEADER: key})
            client.delete(f"/api/v1/users/{next(iter(storage.all(User).values())).id}")
        digests = {answer.digest for answer in storage.all(Answer).values()}
        assert len(digests - {hashlib.sha256(body).hexdigest()}) == 2

    @staticmethod
    def age(storage, hours: float) -> None:
        table = Answer.__table__
        with storage.transaction():
            storage.write(table.update().values(created_at=utc_now() - datetime.timedelta(hours=hours)))
        storage.close()


class TestConcurrency:
    @staticmethod
    def race(send, number: int = 20) -> list[Any]:
        begin = threading.Barrier(number)

        def run(each: int) -> Any:
            begin.wait()
            return send(each)
        with ThreadPoolExecutor(number) as pool:
            return [*pool.map(run, range(number))]

    @pytest.mark.parametrize("number", range(7))
    def test_twenty_concurrent_requests_with_one_key_create_one_object(self, market, storage, number):
        path, body = posts(market)[number]
        before, links = storage.count(), len(market.place.amenity_ids)
        storage.close()
        app = ready_app()
        answers = self.race(lambda _: post(app.test_client(), path, body))
        assert [answer.status_code for answer in answers] == [201] * 20, [answer.json for answer in answers]
        assert len({answer.data for answer in answers}) == 1
        assert sum(REPLAYED not in answer.headers for answer in answers) == 1
        assert storage.count() + len(storage.get(Place, market.place.id).amenity_ids) == before + links + 1
        assert storage.count(Answer) == 1

    def test_concurrent_requests_with_two_bodies_under_one_key_create_one_object(self, storage):
        app = ready_app()
        answers = self.race(lambda each: post(app.test_client(), "states", {"name": f"{each % 2}"}))
        assert sorted(answer.status_code for answer in answers) == [201] * 10 + [422] * 10
        assert storage.count(State) == 1

    def test_removing_expired_responses_does_not_block_concurrent_requests(self, client, storage):
        for key in range(5):
            post(client, "states", {"name": "N"}, f"old-{key}")
        TestStoredResponses.age(storage, 25)
        app = ready_app()
        answers = self.race(lambda each: post(app.test_client(), "states", {"name": "N"}, f"{each}"))
        statuses = {answer.status_code for answer in answers}
        assert statuses == {201}, [answer.json for answer in answers]
        assert storage.count(Answer) == 20

    def test_concurrent_requests_to_several_servers_create_one_object(self, environ, storage):
        ports = [free_port(), free_port()]
        with Server(["wsgi.py", "--port", str(ports[0])], environ, ports[0]), \
                Server(["wsgi.py", "--port", str(ports[1])], environ, ports[1]):
            def ask(each: int) -> tuple[bytes, str | None]:
                request = urllib.request.Request(
                    f"http://127.0.0.1:{ports[each % 2]}/api/v1/states", b'{"name": "N"}',
                    {"Content-Type": "application/json", HEADER: "a"})
                with urllib.request.urlopen(request, timeout=60) as answer:
                    return answer.read(), answer.headers.get(REPLAYED)
            answers = self.race(ask)
        assert len({text for text, _ in answers}) == 1
        assert [replayed for _, replayed in answers].count(None) == 1
        assert storage.count(State) == 1


class TestAtomicity:
    def test_an_object_is_not_stored_if_its_response_cannot_be_stored(self, client, storage, monkeypatch):
        def fail(*_: Any) -> None:
            raise Unavailable("no room")
        monkeypatch.setattr(idempotency, "_store", fail)
        assert post(client, "states", {"name": "N"}).status_code == 503
        storage.close()
        assert storage.count(State) == 0

    def test_a_link_is_not_stored_if_its_response_cannot_be_stored(self, client, market, storage, monkeypatch):
        path = f"places/{market.place.id}/amenities/{new_amenity().id}"
        storage.close()
        with monkeypatch.context() as patched:
            patched.setattr(idempotency, "_store", lambda *_: 1 / 0)
            client.application.config["PROPAGATE_EXCEPTIONS"] = False
            assert post(client, path).status_code == 500
        storage.close()
        assert len(storage.get(Place, market.place.id).amenity_ids) == 2
        assert post(client, path).status_code == 201

    def test_object_and_response_are_stored_in_one_commit(self, client, storage):
        commits: list[Any] = []
        note = commits.append
        event.listen(engines_of(storage).transactions, "commit", note)
        post(client, "states", {"name": "N"})
        event.remove(engines_of(storage).transactions, "commit", note)
        assert len(commits) == 1

    def test_a_killed_process_has_stored_both_object_and_response_or_neither(self, environ, storage):
        code = """
import os
from services import idempotency
from tests import objects
create = lambda: idempotency.Reply(201, {}, objects.create(State, {"name": "N"}).to_dict()["id"])
where = sys.argv[1]
if where == "after the object":
    store, idempotency._store = idempotency._store, lambda *_: os._exit(0)
if where == "after the answer":
    store = idempotency._store
    idempotency._store = lambda *args: (store(*args), models.storage._session.flush(), os._exit(0))
idempotency.run_once(("a",), b"", create)
print("done")"""
        for where in ("after the object", "after the answer"):
            assert finish(start(code, environ, where)) == ""
            assert (storage.count(State), storage.count(Answer)) == (0, 0)
            storage.close()
        for _ in range(2):
            assert finish(start(code, environ, "")) == "done\n"
            assert (storage.count(State), storage.count(Answer)) == (1, 1)
            storage.close()


class TestNestedTransactions:
    """Nested transactions, on which idempotency keys rely: saves inside them are stored when the outer one ends."""

    def test_a_save_inside_a_transaction_is_stored_when_it_ends(self, storage, settings):
        other = models.make_storage(settings)
        with storage.transaction():
            State(name="S").save()
            assert storage.count(State) == 1
        other.reload()
        assert other.count(State) == 1
        other.close()

    def test_a_save_inside_a_transaction_is_rolled_back_by_an_error(self, storage):
        with pytest.raises(ZeroDivisionError), storage.transaction():
            State(name="S").save()
            raise ZeroDivisionError
        storage.close()
        assert storage.count(State) == 0

    def test_a_save_inside_a_dry_run_stores_nothing(self, storage):
        with storage.transaction(dry_run=True):
            State(name="S").save()
        storage.close()
        assert storage.count(State) == 0

    def test_a_nested_transaction_is_part_of_the_outer_one(self, storage):
        with pytest.raises(ZeroDivisionError), storage.transaction():
            with storage.transaction():
                storage.new(State(name="S"))
            raise ZeroDivisionError
        storage.close()
        assert storage.count(State) == 0
        with storage.transaction():
            with storage.transaction():
                storage.new(State(name="S"))
            storage.new(State(name="T"))
        storage.close()
        assert storage.count(State) == 2

    def test_a_save_after_a_failed_transaction_is_stored(self, storage):
        with pytest.raises(ZeroDivisionError), storage.transaction():
            raise ZeroDivisionError
        State(name="S").save()
        storage.close()
        assert storage.count(State) == 1


class TestOnce:
    """The service without the API."""

    def test_requests_that_differ_in_any_part_are_different(self, storage):
        made = [idempotency.run_once(request, b"", lambda: Reply(201, {}, str(uuid.uuid4())))
                for request in (("a", "b"), ("ab",), ("a", "b", ""), ("a,b",), ('a", "b',))]
        assert len({reply.body for reply, _ in made}) == 5
        assert not any(replayed for _, replayed in made)

    def test_the_same_request_with_other_content_is_refused(self, storage):
        idempotency.run_once(("a",), b"x", lambda: Reply(201, {}, ""))
        with pytest.raises(Reused):
            idempotency.run_once(("a",), b"y", lambda: Reply(201, {}, ""))

    def test_an_error_is_raised_and_nothing_is_stored(self, storage):
        def conflict() -> Reply:
            objects.create(User, {"email": "a@b.c", "password": "x"})
            raise Conflict("mine")
        for _ in range(2):
            with pytest.raises(Conflict, match="mine"):
                idempotency.run_once(("a",), b"", conflict)
        with pytest.raises(Invalid):
            idempotency.run_once(("a",), b"", lambda: Reply(201, {"Location": "x" * 2000}, ""))
        assert storage.count(User) == storage.count(Answer) == 0
