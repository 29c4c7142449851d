"""Random operations on both engines and on a model of dicts, which must always have the same content."""
from __future__ import annotations

import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    consumes,
    invariant,
    multiple,
    rule,
    run_state_machine_as_test,
)

import models
from config import Settings
from errors import Conflict, Invalid
from models.base_model import BaseModel, utc_now
from models.engine.file import json_file
from services.query import Filter
from services.search import search
from tests.objects import list as list_objects
from tests.objects import stats

OWNERS = {"State": [], "User": [], "Amenity": [], "City": ["state_id"], "Place": ["city_id", "user_id"],
          "Review": ["place_id", "user_id"]}
OWNER_CLASS = {"state_id": "State", "city_id": "City", "user_id": "User", "place_id": "Place"}
texts = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=20)
counts = st.integers(0, 2**31 - 1)
coordinates = st.none() | st.floats(-90, 90)


class Machine(RuleBasedStateMachine):
    """The expected content is in `objects`, by class and id, and in `links`, pairs of place and amenity."""

    stores: Any = ()
    make_stores: Any = None

    states, users, amenities = Bundle("states"), Bundle("users"), Bundle("amenities")
    cities, places, reviews = Bundle("cities"), Bundle("places"), Bundle("reviews")

    def __init__(self) -> None:
        super().__init__()
        self.objects: dict[str, dict[str, dict[str, Any]]] = {name: {} for name in OWNERS}
        self.links: set[tuple[str, str]] = set()
        self.stores = type(self).make_stores()

    # Operations

    @rule(target=states, name=texts)
    def make_state(self, name):
        return self.make("State", name=name)

    @rule(target=amenities, name=texts)
    def make_amenity(self, name):
        return self.make("Amenity", name=name)

    @rule(target=users, email=st.emails().filter(lambda email: len(email) <= 128), first_name=texts)
    def make_user(self, email, first_name):
        return self.make("User", email=email, password="x", first_name=first_name, last_name="")

    @rule(target=cities, name=texts, state=states)
    def make_city(self, name, state):
        return self.make("City", state_id=state, name=name)

    @rule(target=places, name=texts, city=cities, user=users, guests=counts, latitude=coordinates,
          description=st.none() | texts)
    def make_place(self, name, city, user, guests, latitude, description):
        return self.make("Place", city_id=city, user_id=user, name=name, max_guest=guests, latitude=latitude,
                         description=description, longitude=None, number_rooms=0, number_bathrooms=0, price_by_night=0)

    @rule(target=reviews, text=texts, place=places, user=users)
    def make_review(self, text, place, user):
        return self.make("Review", place_id=place, user_id=user, text=text)

    @rule(id=states | cities | amenities | places, name=texts)
    def rename(self, id, name):
        self.change(id, "name", name)

    @rule(id=places, price=st.none() | counts)
    def reprice(self, id, price):
        self.change(id, "price_by_night", price)

    @rule(id=places, price=st.integers(-5, -1) | st.integers(2**31) | st.text(max_size=3))
    def reprice_badly(self, id, price):
        for obj in self.each("Place", id):
            obj.price_by_night = price
            with pytest.raises(Invalid):
                obj.save()

    @rule(place=places, amenity=amenities)
    def link(self, place, amenity):
        self.relink(place, amenity, (self.links - {(place, amenity)}) | self.possible(place, amenity))

    @rule(place=places, amenity=amenities)
    def unlink(self, place, amenity):
        self.relink(place, amenity, self.links - {(place, amenity)})

    @rule(id=consumes(states) | consumes(cities) | consumes(places) | consumes(users) | consumes(amenities)
          | consumes(reviews))
    def remove(self, id):
        for name in OWNERS:
            for obj in self.each(name, id):
                obj.delete()
                models.storage.save()
        self.forget(id)

    @rule()
    def open_again(self):
        for store in self.stores:
            store.close()
            store.reload()

    @rule(data=st.data(), states_=st.lists(states, max_size=2), cities_=st.lists(cities, max_size=2),
          amenities_=st.lists(amenities, max_size=2))
    def look_for(self, data, states_, cities_, amenities_):
        expected = self.matching(set(states_), set(cities_), set(amenities_))
        for store in self.stores:
            models.storage = store
            found = search_all({"states": states_, "cities": cities_, "amenities": amenities_})
            assert [place["id"] for place in found] == expected
            store.close()

    @rule(guests=counts, sort=st.sampled_from(["-max_guest", "max_guest", "price_by_night", "-price_by_night"]),
          limit=st.integers(0, 3))
    def filter_and_sort(self, guests, sort, limit):
        answers = []
        for store in self.stores:
            models.storage = store
            answers.append(list_objects(models.classes["Place"], [Filter("max_guest", "<=", guests)], [sort], limit))
            store.close()
        assert answers[0] == answers[1]
        wanted = [obj for obj in self.objects["Place"].values() if obj["max_guest"] <= guests]
        key, turned = sort.removeprefix("-"), sort.startswith("-")
        wanted.sort(key=lambda obj: (obj[key] is None, (obj[key] or 0) * (-1 if turned else 1), obj["created_at"],
                                     obj["id"]))
        assert [obj["id"] for obj in answers[0]] == [obj["id"] for obj in wanted[:limit]]

    # Comparison

    @invariant()
    def all_show_the_same(self):
        expected = {f"{name}.{id}": obj for name, objects in self.objects.items() for id, obj in objects.items()}
        for store in self.stores:
            models.storage = store
            found = store.all()
            assert {key: obj.to_dict() for key, obj in found.items()} == expected
            assert {(place.id, amenity.id) for place in store.all("Place").values() for amenity in place.amenities} == (
                self.links)
            for state in store.all("State").values():
                assert {city.id for city in state.cities} == {
                    id for id, city in self.objects["City"].items() if city["state_id"] == state.id}
            assert sum(stats().values()) == store.count() == len(expected)
            store.close()

    # Helpers

    def make(self, name, /, **values):
        owners = {key: values[key] for key in OWNERS[name]}
        if any(id not in self.objects[OWNER_CLASS[key]] for key, id in owners.items()):
            return multiple()    # its owner was removed together with another object
        first = models.classes[name](**values)
        taken = name == "User" and values["email"].lower() in {
            user["email"].lower() for user in self.objects["User"].values()}
        for store in self.stores:
            models.storage = store
            obj = models.classes[name](**first.to_dict(), **({"password": first.password} if name == "User" else {}))
            store.new(obj)
            if taken:
                with pytest.raises(Conflict):
                    store.save()
            else:
                store.save()
            store.close()
        if taken:
            return multiple()
        self.objects[name][first.id] = first.to_dict()
        return first.id

    def each(self, name, id):
        if id in self.objects[name]:
            for store in self.stores:
                models.storage = store
                obj = store.get(name, id)
                assert isinstance(obj, BaseModel)
                yield obj
                store.close()

    def change(self, id, attribute, value):
        now = utc_now()
        for name, objects in self.objects.items():
            for obj in self.each(name, id):
                setattr(obj, attribute, value)
                obj.updated_at = now
                models.storage.save()
                objects[id] = {**objects[id], attribute: value, "updated_at": obj.to_dict()["updated_at"]}

    def possible(self, place, amenity):
        there = place in self.objects["Place"] and amenity in self.objects["Amenity"]
        return {(place, amenity)} if there else set()

    def relink(self, place, amenity, links):
        for obj in self.each("Place", place):
            if amenity in self.objects["Amenity"]:
                wanted = {other for one, other in links if one == place}
                obj.amenity_ids = sorted(wanted)
                models.storage.save()
        self.links = links

    def forget(self, id):
        for name, objects in self.objects.items():
            objects.pop(id, None)
            for other, obj in list(objects.items()):
                if any(obj[key] == id for key in OWNERS[name]):
                    self.forget(other)
        self.links = {pair for pair in self.links if id not in pair}

    def matching(self, states, cities, amenities):
        known = {id for name in ("State", "City") for id in self.objects[name]} & (states | cities)
        found = []
        for id, place in self.objects["Place"].items():
            city = self.objects["City"][place["city_id"]]
            somewhere = not (states or cities) or {place["city_id"], city["state_id"]} & known
            if somewhere and all((id, amenity) in self.links for amenity in amenities):
                found.append(place)
        return [place["id"] for place in sorted(found, key=lambda place: (place["created_at"], place["id"]))]


@pytest.mark.parametrize("small", [json_file.SMALL, 0], ids=["rewritten", "journal"])
def test_both_engines_agree_with_a_model_of_dicts(database, db_settings, monkeypatch, small):
    monkeypatch.setattr(json_file, "SMALL", small)
    monkeypatch.setattr(models, "storage", models.storage)
    storage = models.make_storage(db_settings)
    storage.reload()

    def make_stores():
        storage.close()
        database.empty()
        folder = tempfile.TemporaryDirectory()
        file = models.make_storage(replace(Settings(), file_path=str(Path(folder.name) / "file.json")))
        file.folder = folder    # kept as long as the store
        return [file, storage]
    monkeypatch.setattr(Machine, "make_stores", staticmethod(make_stores))
    run_state_machine_as_test(Machine, settings=settings(
        max_examples=7, stateful_step_count=25, deadline=None, suppress_health_check=list(HealthCheck)))


def search_all(wanted: dict) -> list[dict]:
    return search(wanted).all()
