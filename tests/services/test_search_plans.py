"""The cache and the planner of searches: neither may change the results."""
from __future__ import annotations

import random

import pytest
from sqlalchemy import insert

from models.amenity import Amenity
from models.city import City
from models.place import Place
from models.state import State
from models.user import User
from services.search import planner, search, statistics
from tests.market import Market
from tests.processes import finish, start

WAYS = ["oldest", "city", "amenity"]
HEAD = """
from models.city import City
from models.place import Place
from models.amenity import Amenity
from tests import objects
"""
CHANGES = {
    "a place": "Place(name='New', city_id=ids['city'], user_id=ids['host']).save()",
    "a place with an amenity": "place = Place(name='New', city_id=ids['city'], user_id=ids['host']);"
                               "place.amenity_ids = [ids['wifi']]; place.save()",
    "a link": "objects.link(models.storage.get(Place, ids['bare']), models.storage.get(Amenity, ids['wifi']))",
    "an unlink": "objects.unlink(models.storage.get(Place, ids['place']), models.storage.get(Amenity, ids['wifi']))",
    "no place": "objects.remove(models.storage.get(Place, ids['place']))",
    "no city": "objects.remove(models.storage.get(City, ids['city']))",
    "no amenity": "objects.remove(models.storage.get(Amenity, ids['wifi']))",
    "a city with a place": "city = City(name='C', state_id=ids['state']); city.save();"
                           "Place(name='New', city_id=city.id, user_id=ids['host']).save()",
}


class TestCache:
    @pytest.mark.parametrize("elsewhere", [False, True])
    @pytest.mark.parametrize("change", CHANGES)
    def test_the_next_search_sees_changes_of_any_process(self, storage, environ, change, elsewhere):
        known = Market()
        bare = Place(name="Bare", city_id=known.city.id, user_id=known.host.id)
        bare.save()
        ids = {name: obj.id for name, obj in vars(known).items()} | {"bare": bare.id}
        searches = [{}, {"states": [ids["state"]]}, {"cities": [ids["city"]]}, {"amenities": [ids["wifi"]]},
                    {"states": [ids["state"]], "amenities": [ids["wifi"]]}]
        before = [found(wanted) for wanted in searches]
        code = f"{HEAD}ids = {ids!r}\n{CHANGES[change]}"
        if elsewhere:
            finish(start(code, environ))
        else:
            exec(f"import models\n{code}", {})
        after = [found(wanted) for wanted in searches]
        assert after == [expected(storage, wanted) for wanted in searches]
        assert after != before

    def test_a_transaction_sees_its_own_changes(self, storage):
        known = Market()
        assert found({"cities": [known.city.id]}) == [known.place.id]
        with storage.transaction(dry_run=True):
            row = {column.key: getattr(known.place, column.key) for column in Place.__table__.c}
            storage.write(insert(Place.__table__), {**row, "id": "new"})
            assert found({"cities": [known.city.id]}) == [known.place.id, "new"]
        assert found({"cities": [known.city.id]}) == [known.place.id]

    def test_a_rolled_back_change_is_not_visible(self, storage):
        known = Market()
        version = storage.version()
        with storage.transaction(dry_run=True):
            objects = [State(name="S"), City(name="C", state_id=known.state.id)]
            for obj in objects:
                storage.new(obj)
        assert storage.version() == version

    @pytest.mark.parametrize("engine", ["db"], indirect=True)
    def test_changes_irrelevant_to_searches_keep_the_version(self, storage):
        known = Market()
        version = storage.version()
        User(email="a@b.c", password="x").save()
        known.review.text = "Changed"
        known.review.save()
        assert storage.version() == version
        known.place.name = "Changed"
        known.place.save()
        assert storage.version() != version

    def test_statistics_read_in_a_transaction_are_not_cached(self, storage):
        known, before = Market(), statistics.latest()
        with storage.transaction(dry_run=True):
            row = {column.key: getattr(known.city, column.key) for column in City.__table__.c}
            storage.write(insert(City.__table__), {**row, "id": "new"})
            assert "new" in statistics.at(storage.version()).cities
        assert statistics.latest() is before


class TestStatements:
    @pytest.fixture
    def places(self, storage) -> list[Place]:
        """Places such that every combination of criteria finds some."""
        choose = random.Random(7)
        host = User(email="a@b.c", password="x")
        states = [State(name=f"S{number}") for number in range(4)]
        cities = [City(name=f"C{number}", state_id=states[number % 3].id) for number in range(9)]
        amenities = [Amenity(name=f"A{number}") for number in range(8)]
        places = [Place(name=f"P{number}", city_id=choose.choice(cities).id, user_id=host.id) for number in range(120)]
        for place in places:
            place.amenities = [each for rank, each in enumerate(amenities) if choose.random() < 0.9 - rank / 10]
        for obj in [host, *states, *cities, *amenities, *places]:
            storage.new(obj)
        storage.save()
        storage.close()
        return places

    @pytest.mark.parametrize("way", WAYS)
    def test_every_statement_finds_the_same_places(self, storage, places, monkeypatch, way):
        costs = planner._costs
        monkeypatch.setattr(planner, "_costs", lambda *of: {
            each: 0 if each == way else cost for each, cost in costs(*of).items()})
        self.compare(storage)

    @pytest.mark.parametrize("grouped", [True, False])
    def test_results_and_totals_do_not_depend_on_the_condition_on_amenities(
            self, storage, places, monkeypatch, grouped):
        monkeypatch.setattr(planner, "_grouping", lambda *_: 0 if grouped else 10**9)
        self.compare(storage)

    def compare(self, storage) -> None:
        choose = random.Random(3)
        states, cities, amenities = (list(storage.all(cls).values()) for cls in (State, City, Amenity))
        storage.close()
        for _ in range(40):
            wanted = {"states": [each.id for each in choose.sample(states, choose.randrange(3))],
                      "cities": [each.id for each in choose.sample(cities, choose.randrange(6))],
                      "amenities": [each.id for each in choose.sample(amenities, choose.randrange(7))]}
            right = expected(storage, wanted)
            assert found(wanted) == right
            limit, offset = choose.randrange(1, 30), choose.randrange(20)
            page = search({**wanted, "limit": limit, "offset": offset})
            assert [place["id"] for place in page.all()] == right[offset:offset + limit]
            assert page.total() == len(right)

    def test_the_statement_with_the_lowest_cost_is_chosen(self, storage):
        counts = statistics.Counts({"small": 10, "large": 99_990}, {"rare": 100, "common": 90_000}, 100_000, 0)

        def chosen(cities: list[str] | None, amenities: list[str], needed: int = 20) -> str:
            costs = planner._costs(planner.Wanted(cities, amenities), counts, needed)
            return min(costs, key=lambda way: costs[way])
        assert chosen(None, []) == "oldest"
        assert chosen(["large"], []) == "oldest"
        assert chosen(["small"], []) == "city"
        assert chosen(None, ["common"]) == "oldest"
        assert chosen(None, ["rare", "common"]) == "amenity"
        assert chosen(["small"], ["rare"]) == "city"
        assert chosen(["large"], ["rare", "common"]) == "amenity"


def found(wanted: dict) -> list[str]:
    """The results of a search; checks a page and the total as well."""
    whole = [place["id"] for place in search(wanted).all()]
    page = search({**wanted, "limit": 1000})
    assert [place["id"] for place in page.all()] == whole
    assert page.total() == search(wanted).total() == len(whole)
    return whole


def expected(storage, wanted: dict) -> list[str]:
    """The results of the same search, found by loops over all places."""
    cities = {city.id for city in storage.all(City).values()
              if city.state_id in wanted.get("states", ()) or city.id in wanted.get("cities", ())}
    anywhere = not wanted.get("states") and not wanted.get("cities")
    amenities = set(wanted.get("amenities", ()))
    right = [place.id for place in storage.all(Place).values()
             if (anywhere or place.city_id in cities) and amenities <= set(place.amenity_ids)]
    storage.close()
    return right
