"""The search for places."""
from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Generator, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import orjson
from sqlalchemy import ColumnElement, Select, false, func, select

import models
from errors import Invalid
from models.amenity import Amenity, place_amenity
from models.city import City
from models.place import Place
from models.state import State
from services.actor import VISITOR, Actor
from services.listing import Listing, Objects
from services.search import planner, statistics, words
from services.search.filters import FILTERS, LISTS, distance
from services.search.value_types import SORTS

TRIES = 3           # attempts to read a page and the market statistics at the same version


def search(wanted: Mapping[str, Any], sort: Sequence[str] = (), fields: Sequence[str] = (),
           include: Sequence[str] = (), actor: Actor = VISITOR) -> Search:
    """Search for places.

    Args:
        wanted: values by the names in `FILTERS`, all optional; `None` counts as absent. A place matches if it is in one
            of the `states` or `cities`, has all `amenities`, contains each word of `text`, and meets all other filters.
            Unknown states and cities are ignored; an unknown amenity matches no place. A `bbox` may cross the date
            line.
        sort, fields, include, actor: see `Listing`.
    Returns: the matching places, by default the oldest first; all places without filters.
    Raises:
        Invalid: a filter is unknown, or its value is invalid; names the first one.
    """
    for name in wanted:
        if name not in FILTERS:
            raise Invalid(f"Unknown attribute: {name}", name)
    criteria = {name: FILTERS[name].kind.check(name, value) for name, value in wanted.items() if value is not None}
    by = criteria.get("sort", "")
    if by == "distance" and "near" not in criteria:
        raise Invalid("sort by distance requires near", "sort")
    where = [condition for name, value in criteria.items() for condition in FILTERS[name].conditions(value)]
    return Search(Place, where, SORTS.get(by) or sort, criteria.get("limit"), criteria.get("offset", 0), fields,
                  include, distance(criteria["near"]) if by == "distance" else None, actor=actor, criteria=criteria)


@dataclass
class Search(Listing):
    """The list of places that match a search.

    Args:
        criteria: the checked values by the names of their filters; `where` holds their conditions, except for those of
            `states`, `cities`, `amenities` and `text`.
    """

    criteria: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        super().__post_init__()
        self._words = self.criteria.get("text", ())
        counted = {name: value for name, value in self.criteria.items() if name not in ("limit", "offset", "sort")}
        self._market: statistics.Market | None = None
        # The key of the remembered total: a digest, because criteria may be long and many keys are kept.
        self._key = hashlib.blake2b(orjson.dumps(counted, option=orjson.OPT_SORT_KEYS), digest_size=16).digest()

    def _now(self) -> statistics.Market:
        """The market statistics at the time of this search's first statement."""
        if self._market is None:
            self._market = statistics.at(models.storage.version())
        return self._market

    def conditions(self) -> list[ColumnElement[bool]]:
        now = self._now()
        found = self._found(now)
        if found is None:
            return [false()]
        return [*self.where, *planner.conditions(found, now.counts),
                *(words.condition(each, now) for each in self._words)]

    def total(self) -> int:
        now = self._now()
        if self._key not in now.totals:
            now.remember(self._key, super().total())
        return now.totals[self._key]

    def facets(self) -> dict[str, list[dict[str, Any]]]:
        """The number of matching places for each amenity, state and city."""
        # DISTINCT makes the database find the places first, and join each of them once.
        found = select(Place.id, Place.city_id).where(*self.conditions()).distinct().subquery()
        offered = select(Amenity.id, Amenity.name, func.count()).join(
            place_amenity, place_amenity.c.amenity_id == Amenity.id).join(found, found.c.id == place_amenity.c.place_id)
        there = select(
            City.id, City.name, State.id.label("state_id"), State.name.label("state"), func.count()).join(
            found, found.c.city_id == City.id).outerjoin(State, State.id == City.state_id)
        amenities = models.storage.read(offered.group_by(Amenity.id, Amenity.name)).tuples()
        cities = models.storage.read(there.group_by(City.id, City.name, State.id, State.name)).tuples()
        states: Counter[tuple[str, str]] = Counter()
        for _, _, state, name, count in cities:
            if state is not None:
                states[state, name] += count
        return {"amenities": _counted(amenities), "states": _counted((*each, states[each]) for each in states),
                "cities": _counted((id, name, count) for id, name, _, _, count in cities)}

    def prepared(self) -> tuple[Select[Any], dict[str, Any]] | None:
        if self._is_special():
            return None
        now = self._now()
        found = self._found(now)
        return planner.statement(found, now.counts, self.limit, self.offset, self.hidden) if found else None

    def rows(self) -> Generator[Objects, None, None]:
        """Yield the matching places in batches.

        A page is read with the cached market statistics. The same statement returns the storage's version; if the
        statistics are outdated, they and the page are read again.
        """
        if self.limit is None or self._is_special():
            yield from super().rows()
            return
        self._market = statistics.latest()
        for _ in range(TRIES):
            prepared = self.prepared()
            rows, version = models.storage.read(*prepared).versioned() if prepared else (
                [], models.storage.version())
            if version == self._market.version:
                break
            self._market = statistics.at(version)
        if prepared:
            yield rows
        else:
            yield from super().rows()

    def _is_special(self) -> bool:
        return bool(self.sort or self._words) or super()._is_special()

    def _found(self, known: statistics.Market) -> planner.Wanted | None:
        """The cities and amenities to search for, or `None` if no place in the market can match."""
        states, cities, amenities = (set(self.criteria.get(name, ())) for name in LISTS)
        if not amenities <= known.amenities.keys():
            return None
        somewhere = sorted({city for state in states for city in known.states.get(state, ())}
                           | (cities & known.cities.keys()))
        if (states or cities) and not somewhere:
            return None
        rarest_first = sorted(amenities, key=lambda id: (known.counts.amenities.get(id, 0), id))
        return planner.Wanted(somewhere if states or cities else None, rarest_first)


def _counted(rows: Iterable[Any]) -> list[dict[str, Any]]:
    """Rows of id, name and count as facets, sorted by descending count, then by name."""
    return [{"id": id, "name": name, "count": count}
            for id, name, count in sorted(rows, key=lambda row: (-row[2], row[1], row[0]))]
