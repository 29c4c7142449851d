"""The search for places."""
from __future__ import annotations

from typing import Any

from sqlalchemy import Select, and_, literal, or_, select, union_all

import models
import schema
from errors import Invalid
from models.amenity import Amenity, place_amenity
from models.base_model import BaseModel
from models.city import City
from models.place import Place
from models.state import State

WANTED: dict[str, type[BaseModel]] = {"states": State, "cities": City, "amenities": Amenity}


def search(wanted: dict[str, Any]) -> list[dict[str, Any]]:
    """Places in any of some states and cities that have all of some amenities, oldest first.

    Two statements, whatever is asked and found.

    Args:
        wanted: lists of ids under `states`, `cities` and `amenities`, each optional. An unknown
            state or city adds nothing; an unknown amenity no place has.
    Returns: places in their JSON form; every place where nothing is asked.
    Raises:
        Invalid: what is asked is not a list of ids.
    """
    asked = {name: _ids(name, wanted.get(name, [])) for name in WANTED}
    known = _known(asked)
    if known["amenities"] != asked["amenities"]:
        return []
    statement = select(*schema.selected(Place)).order_by(Place.created_at, Place.id)
    if asked["states"] or asked["cities"]:
        if not known["states"] and not known["cities"]:
            return []
        statement = statement.where(_somewhere(known["states"], known["cities"]))
    statement = _with_all(statement, known["amenities"])
    return [*schema.dump(Place, models.storage.rows(statement))]


def _ids(name: str, value: Any) -> set[str]:
    if not isinstance(value, list) or not all(isinstance(each, str) for each in value):
        raise Invalid(f"{name} must be a list of ids", name)
    return set(value)


def _known(asked: dict[str, set[str]]) -> dict[str, set[str]]:
    """Those of the ids that something has; compared here once more, as a database may be less exact."""
    parts = []
    for name, cls in WANTED.items():
        # What is not ASCII is no id, and would cost MySQL the index.
        ids, id = [each for each in asked[name] if each.isascii()], cls.__table__.c.id
        if ids:
            parts.append(select(literal(name).label("name"), id).where(id.in_(ids)))
    found: dict[str, set[str]] = {name: set() for name in WANTED}
    for name, id in models.storage.rows(union_all(*parts)) if parts else ():
        found[name].add(id)
    return {name: found[name] & asked[name] for name in WANTED}


def _somewhere(states: set[str], cities: set[str]) -> Any:
    conditions = []
    if states:
        conditions.append(Place.city_id.in_(select(City.id).where(City.state_id.in_(states))))
    if cities:
        conditions.append(Place.city_id.in_(cities))
    return or_(*conditions)


def _with_all(statement: Select[Any], amenities: set[str]) -> Select[Any]:
    pairs = place_amenity.c
    return statement.where(and_(True, *(
        select(pairs.place_id).where(pairs.place_id == Place.id, pairs.amenity_id == amenity).exists()
        for amenity in sorted(amenities))))
