"""States with their cities, and how many places there are in each."""
from __future__ import annotations

from typing import Any

from sqlalchemy import func, select

import models
from models.city import City
from models.place import Place
from models.state import State
from services import objects


def regions(counted: bool = True) -> list[dict[str, Any]]:
    """Every state by name, with `cities` by name: three statements, however many there are.

    Args:
        counted: whether to count; each of both then has `places`.
    """
    counts: dict[str, int] = dict(map(tuple, models.storage.rows(
        select(Place.city_id, func.count()).group_by(Place.city_id)))) if counted else {}
    cities: dict[str, list[dict[str, Any]]] = {}
    for city in objects.list(City, sort=["name"]):
        cities.setdefault(city["state_id"], []).append({**city, "places": counts.get(city["id"], 0)})
    return [{**state, "cities": (own := cities.get(state["id"], [])), "places": sum(city["places"] for city in own)}
            for state in objects.list(State, sort=["name"])]
