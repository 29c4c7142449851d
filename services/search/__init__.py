"""The search for places."""
from __future__ import annotations

from collections import Counter
from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from pyroaring import BitMap
from sqlalchemy import Select, bindparam, select

import models
from errors import Invalid, Unavailable
from models.family import chunks
from models.place import Place
from services import schema
from services.actor import VISITOR, Actor
from services.listing import Listing, Objects
from services.query import order
from services.search import indexing
from services.search.filters import FILTERS, LISTS, distance
from services.search.index import Index
from services.search.value_types import SORTS

TRIES = 20          # attempts to answer before the storage changes again
# Ids are filled up to one of these numbers by repeating the last one, so that there are few statements to compile.
LENGTHS = (1, 2, 3, 4, 5, 6, 8, 10, 12, 16, 20, 24, 32, 48, 64, 96, 128, 192, 256, 384, 512, 768, 1000)

Facets = dict[str, list[dict[str, Any]]]


def search(wanted: Mapping[str, Any], sort: Sequence[str] = (), fields: Sequence[str] = (),
           include: Sequence[str] = (), actor: Actor = VISITOR) -> Search:
    """Search for places.

    Args:
        wanted: values by the names in `FILTERS`, all optional; `None` counts as absent. A place matches if it is in one
            of the `states` or `cities`, has all `amenities`, has each word of `text`, and meets all other filters.
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
    return Search(Place, (), SORTS.get(by) or sort, criteria.get("limit"), criteria.get("offset", 0), fields,
                  include, actor=actor, criteria=criteria)


class Answer(NamedTuple):
    """The answer to a search, at one version of the storage.

    Args:
        rows: the places of the page, in their JSON form; without a limit, those of the first part.
        later: the ids of the other parts.
        total: the number of matching places.
        facets: the facets; empty if they are not wanted.
    """

    rows: Objects
    later: Sequence[str]
    total: int
    facets: Facets


@dataclass
class Search(Listing):
    """The list of places that match a search.

    Args:
        criteria: the checked values by the names of their filters.
    """

    criteria: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        super().__post_init__()
        self._has_facets = bool(self.criteria.get("facets"))
        self._known: tuple[Any, Answer] | None = None

    def total(self) -> int:
        return self._answer().total

    def facets(self) -> Facets:
        """The number of matching places for each amenity, state and city that has any, the largest first."""
        self._has_facets = True
        return self._answer().facets

    def rows(self) -> Generator[Objects, None, None]:
        """Yield the matching places in batches."""
        if self.limit is None and not self.offset and not self.criteria.keys() - {"sort", "limit", "offset"} and (
                self.criteria.get("sort") != "distance"):
            yield from super().rows()       # the whole table, which is quickest to read in its order
            return
        answer = self._answer()
        yield answer.rows
        for part in chunks(answer.later):
            rows = {row["id"]: row for row in models.storage.read(*self._prepared(part))}
            yield [rows[id] for id in part if id in rows]

    # Private

    def _answer(self) -> Answer:
        """The answer for the present limit and offset.

        It is computed from the index, and the statement that reads its rows returns the storage's version, too: if that
        is another one than the index has, the index is brought up to date, and the answer computed again.
        """
        page = self.limit, self.offset, self._has_facets
        if self._known is None or self._known[0] != page:
            self._known = page, self._new_answer()
        return self._known[1]

    def _new_answer(self) -> Answer:
        index = indexing.current()
        for _ in range(TRIES):
            with index.lock:
                version = index.version
                found = find(index, self.criteria)
                total, facets = len(found), count(index, found) if self._has_facets else {}
                ids = [index.id(number) for number in self._page(index, found)]
            first, later = ids[:LENGTHS[-1]], ids[LENGTHS[-1]:]
            if first:
                rows, now = models.storage.read(*self._prepared(first)).versioned()
            else:
                rows, now = [], models.storage.version()
            if now == version:
                by_id = {row["id"]: row for row in rows}
                return Answer([by_id[id] for id in first], later, total, facets)
            # Inside a transaction there is no version, because other threads must not see its changes.
            index = indexing.build() if now is None else indexing.refresh(index)
        raise Unavailable("The places change too fast to be searched: try again later")

    def _page(self, index: Index, found: BitMap) -> Sequence[int]:
        """The numbers of the places of the page."""
        if self.criteria.get("sort") == "distance":
            return nearest(index, found, self.criteria["near"], self.limit, self.offset)
        name = next((name for name, attributes in SORTS.items() if attributes == tuple(self.sort) and attributes), "")
        if name or not self.sort:
            return index.orders[name].page(found, self.limit, self.offset)
        return self._sorted(index, found)

    def _sorted(self, index: Index, found: BitMap) -> Sequence[int]:
        """The numbers of the places of the page in an order that only the storage knows."""
        ids = select(Place.id).order_by(*order(Place, self.sort, self.hidden))
        if len(found) <= LENGTHS[-1]:
            ids = ids.where(Place.id.in_([index.id(number) for number in found]))
        numbers = (index.number(id) for id in models.storage.read(ids).scalars())
        ordered = [number for number in numbers if number in found]
        return ordered[self.offset:None if self.limit is None else self.offset + self.limit]

    def _prepared(self, ids: Sequence[str]) -> tuple[Select[Any], dict[str, Any]]:
        """A prepared statement for the places with these ids, and its values."""
        length = next(each for each in LENGTHS if each >= len(ids))
        values = {f"id{number}": ids[min(number, len(ids) - 1)] for number in range(length)}
        return _by_ids(length, self.hidden), values


@lru_cache(maxsize=100)
def _by_ids(length: int, hidden: frozenset[str]) -> Select[Any]:
    binds = [bindparam(f"id{number}") for number in range(length)]
    return select(*schema.form(Place, hidden)).where(Place.id.in_(binds))


def find(index: Index, criteria: Mapping[str, Any]) -> BitMap:
    """The numbers of the places that match a search."""
    parts = [index.matching((name, repr(value)), lambda columns, each=FILTERS[name], value=value: each.meets(
        columns, value)) for name, value in criteria.items() if FILTERS[name].compares]
    parts += [index.containing(word) for word in criteria.get("text", ())]
    states, cities, amenities = (set(criteria.get(name, ())) for name in LISTS)
    if states or cities:
        parts.append(BitMap.union(BitMap(), *(
            places for id, places in index.in_city.items() if (city := index.cities.get(id)) and (
                id in cities or city.parent in states))))
    for id in amenities:
        parts.append(index.with_amenity.get(id, BitMap()) if id in index.amenities else BitMap())
    return BitMap.intersection(*sorted(parts, key=len)) if len(parts) > 1 else parts[0] if parts else index.all


def nearest(index: Index, found: BitMap, near: Mapping[str, float], limit: int | None, offset: int) -> Sequence[int]:
    """The numbers of a page of places, the nearest first."""
    numbers = _array(found)
    distances = distance({name: values[numbers] for name, values in index.values().items()}, near)
    wanted = len(numbers) if limit is None else offset + limit
    if wanted < len(numbers):
        close = distances <= np.partition(distances, wanted)[wanted]
        numbers, distances = numbers[close], distances[close]
    oldest = index.orders[""].key
    ordered = sorted(zip(distances.tolist(), numbers.tolist(), strict=True), key=lambda each: (each[0], oldest(each[1])))
    return [number for _, number in ordered[offset:wanted]]


def count(index: Index, found: BitMap) -> Facets:
    """The facets of a search: the number of places for each amenity, state and city that has any."""
    def counted(names: Mapping[str, Any], counts: Mapping[str, int]) -> list[dict[str, Any]]:
        rows = [(names[id].name, id, number) for id, number in counts.items() if number and id in names]
        return [{"id": id, "name": name, "count": number}
                for name, id, number in sorted(rows, key=lambda row: (-row[2], row[0], row[1]))]

    cities = index.places_by_city(_array(found))
    amenities = {id: found.intersection_cardinality(places) for id, places in index.with_amenity.items()}
    states: Counter[str] = Counter()
    for id, number in cities.items():
        if id in index.cities:
            states[index.cities[id].parent] += number
    return {"amenities": counted(index.amenities, amenities),
            "states": counted(index.states, states), "cities": counted(index.cities, cities)}


def _array(numbers: BitMap) -> NDArray[np.uint32]:
    return np.frombuffer(numbers.to_array(), np.uint32)
