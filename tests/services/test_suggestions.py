"""Suggestions of states, cities and places."""
from __future__ import annotations

import pytest

from models.amenity import Amenity
from models.city import City
from models.engine.base import Storage
from models.place import Place
from models.state import State
from services.search.suggestions import MOST, suggest
from tests import objects
from tests.apps import ready_app
from tests.market import Market


@pytest.fixture(autouse=True)
def market(storage: Storage) -> Market:
    """Places in Albany and in Düsseldorf, of which Düsseldorf has more, and a city without any."""
    market = Market("Albany")
    objects.update(market.state, {"name": "New York"})
    other = objects.create(State, {"name": "Nordrhein-Westfalen"})
    city = objects.create(City, {"name": "Düsseldorf", "state_id": other.id})
    objects.create(City, {"name": "Albuquerque", "state_id": other.id})
    objects.create(Amenity, {"name": "Alarm"})
    for name in ("Altstadt home", "River loft"):
        objects.create(Place, {"name": name, "city_id": city.id, "user_id": market.host.id, "description": "Alone"})
    return market


@pytest.mark.parametrize(("text", "expected"), [
    ("alb", ["City Albany", "Place Loft in Albany"]),
    ("al", ["City Albany", "Place Loft in Albany", "Place Altstadt home"]),
    ("ALBANY", ["City Albany", "Place Loft in Albany"]), ("new y", ["State New York"]), ("york", ["State New York"]),
    ("dus", ["City Düsseldorf"]), ("DÜSS", ["City Düsseldorf"]), ("westf", ["State Nordrhein-Westfalen"]),
    ("loft riv", ["Place River loft"]), ("n", ["State Nordrhein-Westfalen", "State New York"]),
    # mistyped: a wrong, a missing, an added and two swapped letters
    ("albxny", ["City Albany"]), ("albny", ["City Albany"]), ("alllbany", ["City Albany"]), ("ablany", ["City Albany"]),
    ("new yrok", ["State New York"]), ("dusledorf", ["City Düsseldorf"]), ("yrok", ["State New York"]),
    ("", []), ("?", []), ("xyz", []), ("albuq", []), ("alone", [])])
def test_the_first_letters_of_a_name_suggest_it(text: str, expected: list[str]):
    assert [f"{each['type']} {each['name']}" for each in suggest(text)] == expected


def test_suggestions_are_limited_and_count_places(storage: Storage, market: Market):
    for number in range(MOST):
        objects.create(Place, {"name": f"Albany {number}", "city_id": market.city.id, "user_id": market.host.id})
    found = suggest("albany")
    assert len(found) == MOST
    assert found[0] == {"type": "City", "id": market.city.id, "name": "Albany", "places": MOST + 1}


def test_the_api_returns_them(market: Market):
    client = ready_app().test_client()
    assert client.get("/api/v1/places/suggestions?text=albny").json == [
        {"type": "City", "id": market.city.id, "name": "Albany", "places": 1}]
    assert client.get("/api/v1/places/suggestions").json == []
    assert client.get("/api/v1/places/suggestions?text=" + "a " * 2000).status_code == 400
