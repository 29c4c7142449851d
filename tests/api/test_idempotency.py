"""Requests that come again with their `Idempotency-Key`: done once, answered each time, on both engines."""
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
from tests.apps import ready_app
from tests.database import engines_of
from tests.market import Market
from tests.processes import finish, start
from tests.servers import Server, free_port

HEADER, REPLAYED = "Idempotency-Key", "Idempotency-Replayed"
SAME = ("ETag", "Location", "Content-Type")


@pytest.fixture
def market(storage) -> Market:
    return Market()


@pytest.fixture
def client(storage):
    return ready_app().test_client()


def post(client, path: str, body: Any = None, key: str | None = "a", **headers: str):
    given = headers if key is None else {HEADER: key, **headers}
    return client.post(f"/api/v1/{path}", headers=given, **({} if body is None else {"json": body}))


def posts(market: Market) -> list[tuple[str, Any]]:
    """Every POST that writes, with a body that is taken."""
    return [("states", {"name": "N"}), (f"states/{market.state.id}/cities", {"name": "N"}),
            ("amenities", {"name": "N"}), ("users", {"email": "n@b.c", "password": "Tr0ub4dor"}),
            (f"cities/{market.city.id}/places", {"user_id": market.host.id, "name": "N"}),
            (f"places/{market.place.id}/reviews", {"user_id": market.guest.id, "text": "N"}),
            (f"places/{market.place.id}/amenities/{sauna().id}", None)]


def sauna() -> Amenity:
    amenity = Amenity(name="Sauna")
    amenity.save()
    return amenity


class TestAgain:
    def test_each_post_that_writes_is_done_once_and_answered_as_before(self, client, market, storage):
        asked = posts(market)
        before, links = storage.count(), len(market.place.amenity_ids)
        for path, body in asked:
            first = post(client, path, body)
            assert first.status_code == 201
            assert REPLAYED not in first.headers
            if body:    # a link has neither
                assert first.headers["ETag"] == client.get(first.headers["Location"]).headers["ETag"]
            for slash in ("", "/"):
                again = post(client, path + slash, body)
                assert (again.status_code, again.data) == (201, first.data)
                assert [again.headers.get(name) for name in SAME] == [first.headers.get(name) for name in SAME]
                assert again.headers[REPLAYED] == "true"
        assert storage.count() == before + 6
        assert len(storage.get(Place, market.place.id).amenity_ids) == links + 1

    def test_the_document_names_the_key_where_one_is_taken(self, client, market):
        document = client.get("/apispec_1.json").json
        keyed = {path for path, found in document["paths"].items() for method, operation in found.items()
                 if any(each["name"] == HEADER for each in operation["parameters"])
                 and {"400", "422"} <= operation["responses"].keys()}
        assert keyed == {path for path, found in document["paths"].items() if "post" in found} - {
            "/api/v1/places_search"}
        assert len(keyed) == len(posts(market)) == 7
        assert not any("422" in found[method]["responses"] for found in document["paths"].values()
                       for method in {*found} - {"post"})

    def test_without_a_key_or_with_another_it_is_another_request(self, client, market, storage):
        for key in (None, None, "a", "b", "A", '"a"', "~" * 255):
            assert post(client, "states", {"name": "N"}, key).status_code == 201
        assert storage.count(State) == 8
        assert post(client, "amenities", {"name": "N"}, "a").json["__class__"] == "Amenity"
        assert post(client, f"states/{market.state.id}/cities", {"name": "N"}, "a").json["__class__"] == "City"

    def test_the_key_is_of_whoever_asks(self, storage):
        client = ready_app(env="staging").test_client()
        for text in (tokens.create("one"), tokens.create("two")):
            for replayed in (None, "true"):
                answer = post(client, "states", {"name": "N"}, Authorization=f"Bearer {text}")
                assert (answer.status_code, answer.headers.get(REPLAYED)) == (201, replayed)
        assert storage.count(State) == 2
        refused = post(client, "states", {"name": "N"})
        assert (refused.status_code, REPLAYED in refused.headers) == (401, False)

    def test_another_body_is_refused(self, client, storage):
        first = post(client, "states", {"name": "N"})
        for body in ({"name": "M"}, {"name": "N", "id": "x"}, None, {}):
            answer = post(client, "states", body)
            assert (answer.status_code, answer.json) == (422, {
                "error": "This Idempotency-Key came before with another body: take a new key for a new request"})
        assert post(client, "states", {"name": "N"}).data == first.data
        assert storage.count(State) == 1

    def test_a_change_with_an_unreadable_key_is_refused(self, client, market, storage):
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

    def test_a_search_and_other_methods_take_no_notice_of_it(self, client, market, storage):
        for key in ("a", "é"):
            for wanted in ({}, {"limit": 0}):
                assert post(client, "places_search", wanted, key).status_code == 200
        path = f"/api/v1/states/{market.state.id}"
        for name in ("N", "M"):
            assert client.put(path, json={"name": name}, headers={HEADER: "a"}).json["name"] == name
        assert storage.count(Answer) == 0

    def test_what_was_answered_stands_whatever_became_of_it(self, client, storage):
        first = post(client, "states", {"name": "N"})
        client.delete(first.headers["Location"])
        assert post(client, "states", {"name": "N"}).data == first.data
        assert storage.count(State) == 0

    def test_an_error_may_be_corrected_under_the_same_key(self, client, market, storage):
        for path, body, status in (("states", {}, 400), ("states", {"name": 5}, 400), ("states/nope/cities", {}, 404),
                                   ("users", {"email": "host@albany.example", "password": "x"}, 409)):
            for _ in range(2):
                answer = post(client, path, body)
                assert (answer.status_code, REPLAYED in answer.headers) == (status, False)
        assert storage.count(Answer) == 0
        assert post(client, "users", {"email": "new@b.c", "password": "x"}).status_code == 201
        assert post(client, "states", {"name": "N"}).status_code == 201

    def test_other_programs_and_a_restart_know_it(self, storage, settings, monkeypatch):
        first = post(ready_app().test_client(), "states", {"name": "N"})
        storage.close()
        other = models.make_storage(settings)
        other.reload()
        monkeypatch.setattr(models, "storage", other)
        again = post(ready_app().test_client(), "states", {"name": "N"})
        assert (again.data, again.headers[REPLAYED]) == (first.data, "true")
        assert other.count(State) == 1
        other.close()

    def test_an_answer_of_any_length_is_kept(self, client, market, storage):
        path, body = f"cities/{market.city.id}/places", {
            "user_id": market.host.id, "name": "\U0001f3e0" * 128, "description": "\n" * 1023 + "x"}
        first = post(client, path, body)
        assert post(client, path, body).data == first.data
        Answer(id="long", digest="", status=200, headers="{}", body="é" * 3_000_000).save()
        storage.close()
        assert len(storage.get(Answer, "long").body) == 3_000_000

    def test_a_control_character_of_old_does_no_harm(self, client, market, storage):
        table = Amenity.__table__
        with storage.transaction():
            storage.write(table.update().where(table.c.id == market.wifi.id).values(name="a\x7fb"))
        storage.close()
        path = f"places/{market.place.id}/amenities/{market.wifi.id}"
        first = post(client, path)
        assert (first.status_code, first.json["name"]) == (200, "a\x7fb")
        assert post(client, path).json == first.json


class TestKeeping:
    def test_is_for_a_day(self, client, storage):
        post(client, "states", {"name": "N"})
        for hours, count in ((23.9, 1), (24.1, 2), (0, 2)):
            self.age(storage, hours)
            assert post(client, "states", {"name": "N"}).status_code == 201
            assert storage.count(State) == count
        assert storage.count(Answer) == 1

    def test_ends_when_another_is_kept(self, client, storage):
        for key in "abc":
            post(client, "states", {"name": "N"}, key)
        self.age(storage, 25)
        assert storage.count(Answer) == 3
        post(client, "states", {"name": "N"}, "d")
        assert storage.count(Answer) == 1

    def test_holds_no_password_and_no_key(self, client, storage):
        post(client, "users", {"email": "n@b.c", "password": "Tr0ub4dor"}, "the-very-key")
        [answer] = storage.all(Answer).values()
        kept = json.dumps(answer.to_dict(1), default=str)
        assert "Tr0ub4dor" not in kept
        assert "argon2" not in kept
        assert "the-very-key" not in kept

    def test_holds_nothing_that_a_password_could_be_found_by_without_the_key(self, client, storage):
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


class TestAtOnce:
    @staticmethod
    def race(work, number: int = 20) -> list[Any]:
        begin = threading.Barrier(number)

        def run(each: int) -> Any:
            begin.wait()
            return work(each)
        with ThreadPoolExecutor(number) as pool:
            return [*pool.map(run, range(number))]

    @pytest.mark.parametrize("number", range(7))
    def test_one_of_twenty_makes_it_and_all_get_its_answer(self, market, storage, number):
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

    def test_two_bodies_under_one_key_make_one(self, storage):
        app = ready_app()
        answers = self.race(lambda each: post(app.test_client(), "states", {"name": f"{each % 2}"}))
        assert sorted(answer.status_code for answer in answers) == [201] * 10 + [422] * 10
        assert storage.count(State) == 1

    def test_old_answers_are_in_nobodys_way(self, client, storage):
        for key in range(5):
            post(client, "states", {"name": "N"}, f"old-{key}")
        TestKeeping.age(storage, 25)
        app = ready_app()
        answers = self.race(lambda each: post(app.test_client(), "states", {"name": "N"}, f"{each}"))
        statuses = {answer.status_code for answer in answers}
        assert statuses == {201}, [answer.json for answer in answers]
        assert storage.count(Answer) == 20

    def test_servers_of_several_processes_make_one(self, environ, storage):
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


class TestAllOrNothing:
    def test_an_answer_that_cannot_be_kept_leaves_nothing_behind(self, client, storage, monkeypatch):
        def fail(*_: Any) -> None:
            raise Unavailable("no room")
        monkeypatch.setattr(idempotency, "_keep", fail)
        assert post(client, "states", {"name": "N"}).status_code == 503
        storage.close()
        assert storage.count(State) == 0

    def test_a_link_is_stored_with_its_answer_or_not_at_all(self, client, market, storage, monkeypatch):
        path = f"places/{market.place.id}/amenities/{sauna().id}"
        storage.close()
        with monkeypatch.context() as patched:
            patched.setattr(idempotency, "_keep", lambda *_: 1 / 0)
            client.application.config["PROPAGATE_EXCEPTIONS"] = False
            assert post(client, path).status_code == 500
        storage.close()
        assert len(storage.get(Place, market.place.id).amenity_ids) == 2
        assert post(client, path).status_code == 201

    def test_object_and_answer_are_one_commit(self, client, storage):
        commits: list[Any] = []
        note = commits.append
        event.listen(engines_of(storage).transactions, "commit", note)
        post(client, "states", {"name": "N"})
        event.remove(engines_of(storage).transactions, "commit", note)
        assert len(commits) == 1

    def test_a_program_that_is_killed_at_any_moment_has_made_both_or_neither(self, environ, storage):
        code = """
import os
from services import idempotency
from tests import objects
work = lambda: idempotency.Reply(201, {}, objects.create(State, {"name": "N"}).to_dict()["id"])
where = sys.argv[1]
if where == "after the object":
    keep, idempotency._keep = idempotency._keep, lambda *_: os._exit(0)
if where == "after the answer":
    keep = idempotency._keep
    idempotency._keep = lambda *given: (keep(*given), models.storage._session.flush(), os._exit(0))
idempotency.once(("a",), b"", work)
print("done")"""
        for where in ("after the object", "after the answer"):
            assert finish(start(code, environ, where)) == ""
            assert (storage.count(State), storage.count(Answer)) == (0, 0)
            storage.close()
        for _ in range(2):
            assert finish(start(code, environ, "")) == "done\n"
            assert (storage.count(State), storage.count(Answer)) == (1, 1)
            storage.close()


class TestTransactions:
    """What this needs of the storage: a transaction inside another, and a save inside one, wait for its end."""

    def test_a_save_inside_is_stored_at_the_end(self, storage, settings):
        other = models.make_storage(settings)
        with storage.transaction():
            State(name="S").save()
            assert storage.count(State) == 1
        other.reload()
        assert other.count(State) == 1
        other.close()

    def test_a_save_inside_is_undone_by_an_error(self, storage):
        with pytest.raises(ZeroDivisionError), storage.transaction():
            State(name="S").save()
            raise ZeroDivisionError
        storage.close()
        assert storage.count(State) == 0

    def test_a_save_inside_a_dry_run_is_none(self, storage):
        with storage.transaction(dry_run=True):
            State(name="S").save()
        storage.close()
        assert storage.count(State) == 0

    def test_one_inside_another_is_part_of_it(self, storage):
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

    def test_after_one_a_save_is_a_save(self, storage):
        with pytest.raises(ZeroDivisionError), storage.transaction():
            raise ZeroDivisionError
        State(name="S").save()
        storage.close()
        assert storage.count(State) == 1


class TestOnce:
    """The service itself."""

    def test_tells_requests_apart_by_all_that_they_are(self, storage):
        made = [idempotency.once(request, b"", lambda: Reply(201, {}, str(uuid.uuid4())))
                for request in (("a", "b"), ("ab",), ("a", "b", ""), ("a,b",), ('a", "b',))]
        assert len({reply.body for reply, _ in made}) == 5
        assert not any(replayed for _, replayed in made)

    def test_refuses_other_content(self, storage):
        idempotency.once(("a",), b"x", lambda: Reply(201, {}, ""))
        with pytest.raises(Reused):
            idempotency.once(("a",), b"y", lambda: Reply(201, {}, ""))

    def test_passes_an_error_on(self, storage):
        def conflict() -> Reply:
            objects.create(User, {"email": "a@b.c", "password": "x"})
            raise Conflict("mine")
        for _ in range(2):
            with pytest.raises(Conflict, match="mine"):
                idempotency.once(("a",), b"", conflict)
        with pytest.raises(Invalid):
            idempotency.once(("a",), b"", lambda: Reply(201, {"Location": "x" * 2000}, ""))
        assert storage.count(User) == storage.count(Answer) == 0
