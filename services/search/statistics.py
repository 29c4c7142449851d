"""Market statistics: the cities of each state, the amenities, and the number of places for each of them.

They are cached between searches, and valid as long as the storage's version does not change.
"""
from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

from sqlalchemy import func, select

import models
from models.amenity import Amenity, place_amenity
from models.city import City
from models.collation import lower
from models.place import Place
from models.state import State

if TYPE_CHECKING:
    from models.engine.base import Storage

PATIENCE = 100      # counting again waits so many times as long as it took: it may cost a hundredth of the time
MOST_TOTALS = 10_000


@dataclass(frozen=True)
class Counts:
    """Approximate numbers of places, from which the planner estimates costs.

    Args:
        cities: the number of places by the id of their city.
        amenities: the number of places by the id of an amenity.
        places: the number of all places.
        until: the time of the next count, by the monotonic clock.
    """

    cities: Mapping[str, int]
    amenities: Mapping[str, int]
    places: int
    until: float


@dataclass(frozen=True)
class Market:
    """The statistics of one version of the storage.

    Args:
        version: that version; `None` inside a transaction.
        states: the ids of each state's cities.
        cities, amenities: their names by id, in lower case; the name of a city is followed by that of its state.
        counts: the numbers of places.
        totals: the cached totals of searches, by a digest of their criteria.
    """

    version: Any
    states: Mapping[str, list[str]]
    cities: Mapping[str, str]
    amenities: Mapping[str, str]
    counts: Counts
    totals: dict[bytes, int] = field(default_factory=dict)

    def remember(self, key: bytes, total: int) -> None:
        if len(self.totals) >= MOST_TOTALS:
            self.totals.clear()
        self.totals[key] = total


_markets: WeakKeyDictionary[Storage, Market] = WeakKeyDictionary()


def latest() -> Market:
    """The cached statistics, which may be outdated."""
    return _markets.get(models.storage) or at(models.storage.version())


def at(version: Any) -> Market:
    """The statistics of that version of the storage, or of a later one."""
    known = _markets.get(models.storage)
    if known is None or known.version != version:
        known = _read(version, known)
        if version is not None:     # else inside a transaction, whose changes other threads must not see
            _markets[models.storage] = known
    return known


def _read(version: Any, before: Market | None) -> Market:
    # The version was read first: what changes from here on makes this old.
    states: dict[str, list[str]] = {}
    cities: dict[str, str] = {}
    named = select(City.id, City.name, City.state_id, State.name.label("state")).outerjoin(
        State, State.id == City.state_id)
    for city, name, state, of in models.storage.read(named).tuples():
        states.setdefault(state, []).append(city)
        cities[city] = lower(f"{name}\n{of or ''}")
    amenities = {id: lower(name) for id, name in models.storage.read(select(Amenity.id, Amenity.name)).tuples()}
    counts = before.counts if before and time.monotonic() < before.counts.until else _count()
    return Market(version, states, cities, amenities, counts)


def _count() -> Counts:
    start = time.monotonic()
    cities = dict(models.storage.read(select(Place.city_id, func.count()).group_by(Place.city_id)).tuples())
    amenities = dict(models.storage.read(
        select(place_amenity.c.amenity_id, func.count()).group_by(place_amenity.c.amenity_id)).tuples())
    end = time.monotonic()
    return Counts(cities, amenities, sum(cities.values()), end + PATIENCE * (end - start))
