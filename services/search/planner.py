"""The query planner of the search: chooses the SQL statement that finds the places of a search with the least cost.

No statement is best for all searches: reading the places from the oldest on is fast if many match, and slow if few
do. The planner estimates the costs from the number of places in each city and with each amenity.
"""
from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from itertools import accumulate
from operator import mul
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Select, bindparam, func, literal_column, select
from sqlalchemy.orm import aliased

from models.amenity import place_amenity
from models.columns import unindexed
from models.place import Place
from services import schema
from services.search.statistics import Counts

# What each costs, in any unit: an entry of an index, the look at another table by its key.
ENTRY, LOOK = 0.1, 1.0
LOOKED_UP = 5       # amenities that are looked up each by itself; a database takes only so many
# Lists are filled up to one of these lengths by repeating an id, so that there are few statements to compile.
LENGTHS = (1, 2, 3, 4, 5, 6, 8, 10, 12, 16, 20, 24, 32, 48, 64, 96, 128, 192, 256)

_pairs = place_amenity.c


class Wanted(NamedTuple):
    """The cities and amenities of a search.

    Args:
        cities: ids; a place must be in one of them. `None` for all cities.
        amenities: ids, the rarest first; a place must have all of them.
    """

    cities: Sequence[str] | None
    amenities: Sequence[str]


def conditions(wanted: Wanted, counts: Counts) -> list[ColumnElement[bool]]:
    """The SQL conditions that a place must meet."""
    somewhere = [] if wanted.cities is None else [Place.city_id.in_(wanted.cities)]
    looks = len(wanted.amenities) <= LOOKED_UP and _looking(wanted, counts) < _grouping(wanted, counts)
    return [*somewhere, *_having(wanted.amenities, looks)]


def statement(wanted: Wanted, counts: Counts, limit: int | None, offset: int,
              hidden: frozenset[str]) -> tuple[Select[Any], dict[str, Any]] | None:
    """A prepared statement for a page or all of the places, oldest first, and its values, or `None`."""
    cities, amenities = wanted
    if len(amenities) > LOOKED_UP or len(cities or ()) > LENGTHS[-1]:
        return None
    values: dict[str, Any] = {f"amenity{number}": each for number, each in enumerate(amenities)}
    length = None
    if cities is not None:
        length = next(each for each in LENGTHS if each >= len(cities))
        values |= {f"city{number}": cities[min(number, len(cities) - 1)] for number in range(length)}
    if limit is None:
        return _everything(length, len(amenities), _looking(wanted, counts) < _grouping(wanted, counts),
                           hidden), values
    costs = _costs(wanted, counts, offset + limit)
    values |= {"limit": limit, "offset": offset}
    return _page(min(costs, key=lambda way: costs[way]), length, len(amenities), bool(offset), hidden), values


def _costs(wanted: Wanted, counts: Counts, needed: int) -> dict[str, float]:
    """The estimated cost of each statement that finds `needed` places."""
    everywhere, somewhere, left = _estimates(wanted, counts)
    matches = max(somewhere * left[-1], 0.5)
    looks = LOOK * sum(left[:-1])
    costs = {"oldest": everywhere * min(1, needed / matches) * (ENTRY + somewhere / everywhere * looks)}
    if wanted.cities is not None:
        costs["city"] = somewhere * 2 * ENTRY + min(somewhere, needed / max(left[-1], 1e-9)) * looks
    if wanted.amenities:
        costs["amenity"] = everywhere * (left[1] * ENTRY + sum(left[1:]) * LOOK / 2)    # the looks go along an index
    return costs


def _looking(wanted: Wanted, counts: Counts) -> float:
    """The estimated cost of looking up the amenities of each place in the cities."""
    _, somewhere, left = _estimates(wanted, counts)
    return somewhere * (2 * ENTRY + LOOK * sum(left[:-1]))


def _grouping(wanted: Wanted, counts: Counts) -> float:
    """The estimated cost of counting the amenities of each place that has at least one of them."""
    return LOOK / 2 * sum(counts.amenities.get(each, 0) for each in wanted.amenities)


def _estimates(wanted: Wanted, counts: Counts) -> tuple[int, int, list[float]]:
    """The number of places, the number in the cities, and the share that has the first 0, 1, 2 … amenities."""
    everywhere = max(counts.places, 1)
    somewhere = everywhere if wanted.cities is None else sum(counts.cities.get(each, 0) for each in wanted.cities)
    shares = [counts.amenities.get(each, 0) / everywhere for each in wanted.amenities]
    return everywhere, somewhere, [1.0, *accumulate(shares, mul)]


@lru_cache(maxsize=500)
def _page(way: str, cities: int | None, amenities: int, skips: bool, hidden: frozenset[str]) -> Select[Any]:
    """The statement for a page: by the index of all places, of the cities, or of the rarest amenity.

    A subquery finds the ids of the page by the index alone; the outer query then reads only the places of the page.
    """
    if way == "oldest" and cities is None and not amenities and not skips:
        return _places(hidden).limit(bindparam("limit"))
    found = aliased(Place.__table__)
    statement = _joined(way, found, amenities).prefix_with("STRAIGHT_JOIN", dialect="mysql")
    if way != "amenity":
        index = "ix_places_created_at" if way == "oldest" else "ix_places_city_id"
        statement = statement.with_hint(found, f"FORCE INDEX ({index})", "mysql")
    if cities is not None:
        column = found.c.city_id if way == "city" else unindexed(found.c.city_id)
        statement = statement.where(column.in_(_binds("city", cities)))
    statement = statement.order_by(found.c.created_at, found.c.id).limit(bindparam("limit"))
    if skips:
        statement = statement.offset(bindparam("offset"))
    ids = statement.subquery()
    return select(*schema.form(Place, hidden)).join(ids, ids.c.id == Place.__table__.c.id).order_by(
        ids.c.created_at, ids.c.id)


def _joined(way: str, found: Any, amenities: int) -> Select[Any]:
    """Select the ids of places that have all amenities, with the joins in the order that the database must follow."""
    statement: Select[Any] = select(found.c.id, found.c.created_at)
    pairs = [aliased(place_amenity) for _ in range(amenities)]
    if way != "oldest":     # many are looked up: both sides then go through this index in the order of the places
        for each in pairs:
            statement = statement.with_hint(each, "FORCE INDEX (ix_place_amenity_amenity_id)", "mysql")
    binds = _binds("amenity", amenities)
    if way != "amenity":
        joined = found
        for each, amenity in zip(pairs, binds, strict=True):
            joined = joined.join(each, (each.c.place_id == found.c.id) & (unindexed(each.c.amenity_id) == amenity))
        return statement.select_from(joined)
    first, *others = pairs
    joined = first
    for each, amenity in zip(others, binds[1:], strict=True):
        joined = joined.join(each, (each.c.place_id == first.c.place_id) & (each.c.amenity_id == amenity))
    joined = joined.join(found, found.c.id == first.c.place_id)
    return statement.select_from(joined).where(first.c.amenity_id == binds[0])


@lru_cache(maxsize=500)
def _everything(cities: int | None, amenities: int, looks: bool, hidden: frozenset[str]) -> Select[Any]:
    statement = _places(hidden).where(*_having(_binds("amenity", amenities), looks))
    if cities is not None:
        statement = statement.where(Place.city_id.in_(_binds("city", cities)))
    elif not amenities:     # read as they come, instead of sorted first
        statement = statement.with_hint(Place.__table__, "FORCE INDEX (ix_places_created_at)", "mysql")
    return statement


def _places(hidden: frozenset[str]) -> Select[Any]:
    return select(*schema.form(Place, hidden)).order_by(Place.created_at, Place.id)


def _binds(name: str, count: int) -> list[Any]:
    return [bindparam(f"{name}{number}") for number in range(count)]


def _having(amenities: Sequence[Any], looks: bool) -> list[ColumnElement[bool]]:
    """The conditions that a place has all amenities: a lookup for each, or one count for all places."""
    if looks or not amenities:
        return [_has(Place.__table__.c.id, each) for each in amenities]
    counted = select(_pairs.place_id).where(_pairs.amenity_id.in_(amenities)).group_by(_pairs.place_id)
    return [Place.id.in_(counted.having(func.count() == literal_column(str(len(amenities)))))]


def _has(place: ColumnElement[str], amenity: Any) -> ColumnElement[bool]:
    """The condition that a place has an amenity, as a scalar subquery, which the database cannot turn into a join."""
    one: ColumnElement[int] = literal_column("1")
    return select(one).where(_pairs.place_id == place, _pairs.amenity_id == amenity).scalar_subquery() == one
