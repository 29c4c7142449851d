"""The audit log: each change by an admin or an operator leaves one entry, in the same transaction, on both engines."""
from __future__ import annotations

import gzip
from collections.abc import Callable
from typing import Any

import pytest

import models
from errors import Conflict, Invalid, NotFound, Unauthorized
from models.amenity import Amenity
from models.audit_entry import AuditEntry
from models.place import Place
from models.review import Review
from models.state import State
from models.user import User
from sample import Sample
from sample.fill import fill
from services import audit, backup, personal_tokens, profile, tokens
from services.actor import DEVELOPER, OPERATOR, Actor
from services.registry import service_for
from services.transfer.files import import_file
from tests.apps import ready_app
from tests.market import Market

ADMIN = Actor("user 1", "1", is_admin=True)


@pytest.fixture
def market(storage) -> Market:
    return Market()


def entries() -> list[tuple[str, str, str]]:
    """The entries, the oldest first."""
    return [(each["actor"], each["action"], each["object"]) for each in audit.list(OPERATOR)][::-1]


def changes(actor: Actor, market: Market) -> dict[str, Callable[[], Any]]:
    """A change of each kind by an actor."""
    states, places, reviews, users = (service_for(cls) for cls in (State, Place, Review, User))
    return {
        "create State": lambda: states.create(actor, {"name": "S"}),
        "add State": lambda: states.add(actor, {"name": "S"}),
        "create Review": lambda: reviews.create(actor, {"text": "x", "user_id": market.guest.id},
                                                {"place_id": market.place.id}),
        "create Place": lambda: places.create(actor, {"name": "P", "user_id": market.host.id},
                                              {"city_id": market.city.id}),
        "update State": lambda: states.update(actor, market.state, {"name": "T"}),
        "assign User": lambda: users.assign(actor, market.guest, {"first_name": "T"}),
        "unlink Place": lambda: places.unlink(actor, market.place, market.wifi),
        "link Place": lambda: places.link(actor, market.place, market.wifi),
        "remove Review": lambda: reviews.remove(actor, market.review),
    }


class TestRecord:
    @pytest.mark.parametrize("actor", [OPERATOR, ADMIN, Actor("token 5", is_operator=True)], ids=lambda each: each.name)
    def test_each_change_by_an_admin_or_operator_has_one_entry(self, market, actor):
        if actor is ADMIN:
            User(id="1", email="root@x.example", password="x").save()
        shown = "user root@x.example" if actor is ADMIN else actor.name
        for name, change in changes(actor, market).items():
            if actor is not OPERATOR and name in ("add State", "assign User"):
                continue    # only the console does this
            before = len(entries())
            change()
            action, cls = name.replace("add", "create").replace("assign", "update").split()
            [entry] = entries()[before:]
            assert entry[:2] == (shown, action)
            assert entry[2].startswith(f"{cls}."), name
            assert entry[2] != f"{cls}."

    @pytest.mark.parametrize("actor", [DEVELOPER, Actor("user 1", "1")], ids=lambda each: each.name)
    def test_changes_by_others_have_none(self, market, actor):
        places = service_for(Place)
        User(id="1", email="host@x.example", password="x").save()
        place = places.create(actor, {"name": "P", "user_id": "1"}, {"city_id": market.city.id})
        places.update(actor, place, {"name": "Q"})
        places.link(actor, place, market.wifi)
        places.remove(actor, place)
        assert entries() == []

    def test_a_refused_change_has_none(self, market):
        token = Actor("token 5", is_operator=True)
        for change, error in (
                (lambda: service_for(State).create(token, {}), Invalid),
                (lambda: service_for(User).create(token, {"email": market.host.email, "password": "x"}), Conflict),
                (lambda: service_for(Review).create(token, {"text": "x", "user_id": "nope"},
                                                    {"place_id": market.place.id}), NotFound),
                (lambda: service_for(State).update(token, market.state, {"name": 5}), Invalid),
                (lambda: service_for(State).create(Actor("visitor"), {"name": "S"}), Unauthorized)):
            with pytest.raises(error):
                change()
        assert not service_for(Place).link(token, market.place, market.wifi)
        models.storage.save()
        assert entries() == []

    def test_offering_amenities_has_an_entry_only_if_something_changes(self, market):
        places = service_for(Place)
        places.offer(OPERATOR, market.place, [market.wifi.id, market.pool.id])
        assert entries() == []
        places.offer(OPERATOR, market.place, [market.wifi.id])
        assert entries() == [("operator", "unlink", f"Place.{market.place.id}")]

    def test_tokens_and_own_accounts_of_admins_have_entries(self, storage):
        user = User(id="1", email="root@x.example", password="x")
        user.save()
        tokens.create("ops")
        tokens.revoke("ops")
        personal_tokens.create(OPERATOR, user, "phone")
        personal_tokens.revoke_named(OPERATOR, user, "phone")
        personal_tokens.create(Actor("user 1", "1"), user, "own")
        profile.update(ADMIN, {"first_name": "Ada"})
        found = [(action, name.partition(".")[0]) for _, action, name in entries()]
        assert found == [("create", "Token"), ("remove", "Token"), ("create", "PersonalToken"),
                         ("remove", "PersonalToken"), ("update", "User")]

    def test_imports_restored_backups_and_samples_have_none(self, storage, tmp_path):
        fill(Sample(places=5))
        with gzip.open(tmp_path / "listings.csv.gz", "wt") as file:
            file.write("id,name,host_id,host_name,latitude,longitude\n1,Loft,1,Ada,42.6,-73.7\n")
        import_file(str(tmp_path / "listings.csv.gz"), "New York", "Albany")
        backup.back_up(str(tmp_path / "b"))
        backup.restore(str(tmp_path / "b"), replace=True)
        assert entries() == []

    @pytest.mark.parametrize("cls", [State, User])
    def test_costs_one_insert_in_the_transaction_of_the_change(self, storage, sent, cls):
        data = {"name": "S"} if cls is State else {"email": "a@b.c", "password": "x"}

        def inserts(actor: Actor, data: dict[str, str]) -> list[str]:
            models.storage.close()
            sent.clear()
            service_for(cls).create(actor, data)
            return [sql.split()[2].strip("`") for sql in sent if sql.startswith("INSERT") and " changes " not in sql
                    and " versions " not in sql]
        inserts(Actor("token 5", is_operator=True), {**data, "email": "0@b.c"} if cls is User else data)
        assert inserts(DEVELOPER, data) == [cls.__tablename__]
        other = data if cls is State else data | {"email": "b@b.c"}
        assert sorted(inserts(Actor("token 5", is_operator=True), other)) == ["audit_entries", cls.__tablename__]


class TestList:
    def test_is_paged_the_newest_first_and_names_actors(self, storage):
        user = User(id="1", email="root@x.example", password="x")
        user.save()
        token = Actor(f"token {tokens.verify(tokens.create('ops'))}", is_operator=True)
        for actor in (ADMIN, token, Actor("token gone", is_operator=True)):
            service_for(Amenity).create(actor, {"name": "A"})
        models.storage.close()
        assert [each["actor"] for each in audit.list(OPERATOR, 3)] == [
            "token gone", "token ops", "user root@x.example"]
        assert [each["action"] for each in audit.list(OPERATOR, 1, 3)] == ["create"]
        assert audit.list(OPERATOR, 0) == audit.list(OPERATOR, offset=4) == []
        assert audit.count(OPERATOR) == 4
        models.storage.delete(models.storage.get(User, "1"))
        models.storage.save()
        assert audit.list(OPERATOR, 1, 2)[0]["actor"] == "user 1"

    def test_the_classic_output_does_not_show_the_entries(self, market):
        service_for(State).create(OPERATOR, {"name": "S"})
        assert models.storage.count(AuditEntry) == 1
        assert models.storage.count() == 9
        assert not any(key.startswith("AuditEntry") for key in models.storage.all())


def test_the_api_records_the_token_that_wrote(market):
    text = tokens.create("ops")
    client = ready_app(env="staging", rate_limit="none").test_client()
    answer = client.post("/api/v1/states", json={"name": "S"}, headers={
        "Authorization": f"Bearer {text}", "Idempotency-Key": "5"})
    again = client.post("/api/v1/states", json={"name": "S"}, headers={
        "Authorization": f"Bearer {text}", "Idempotency-Key": "5"})
    assert (answer.status_code, again.json) == (201, answer.json)
    assert entries()[1:] == [("token ops", "create", f"State.{answer.json['id']}")]
