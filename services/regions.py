"""States and their cities, with the number of places in each."""
from __future__ import annotations

from typing import Any

from models.city import City
from models.state import State
from services.actor import VISITOR
from services.registry import service_for
from services.search import indexing


def regions() -> list[dict[str, Any]]:
    """All states sorted by name, each with its `cities` sorted by name.

    Each state and each city has `places`, the number of its places.
    """
    index = indexing.fresh()
    with index.lock:
        counts = index.places_by_region()
    cities: dict[str, list[dict[str, Any]]] = {}
    for city in service_for(City).list(VISITOR, sort=["name"]):
        cities.setdefault(city["state_id"], []).append({**city, "places": counts[City, city["id"]]})
    return [{**state, "cities": cities.get(state["id"], []), "places": counts[State, state["id"]]}
            for state in service_for(State).list(VISITOR, sort=["name"])]


def regions_with_places() -> list[dict[str, Any]]:
    """The states and cities that the search form offers: those with a name and at least one place."""
    def is_offered(region: dict[str, Any]) -> bool:
        return bool(region["places"] and region["name"].strip())
    return [{**state, "cities": [city for city in state["cities"] if is_offered(city)]}
            for state in regions() if is_offered(state)]
