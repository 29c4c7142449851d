"""The search for places."""
from __future__ import annotations

from collections.abc import Generator, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, NamedTuple

from pyroaring import BitMap
from sqlalchemy import Select, bindparam, select

import models
from errors import Invalid, Unavailable
from models.family import chunks
from models.place import Place
from services import permissions, query, schema
from services.actor import VISITOR, Actor
from services.listing import Listing, Objects
from services.search import facets, indexing
from services.search.facets import Facets
from services.search.filters import FILTERS
from services.search.index import Index
from services.search.matching import find, nearest
from services.search.value_types import EXCLUSIVE, SORTS

LISTED = 1000       # ids that a statement lists in order; for more it reads those of all places
TRIES = 20          # attempts to answer before the storage changes again
# Ids are filled up to one of these numbers by repeating the last one, so that there are few statements to compile.
LENGTHS = (1, 2, 3, 4, 5, 6, 8, 10, 12, 16, 20, 24, 32, 48, 64, 96, 128, 192, 256, 384, 512, 768, 1000)


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


def clusters(wanted: Mapping[str, Any], zoom: int) -> list[dict[str, Any]]:
    """The places that match a search, grouped by cells of a map; see `search` and `facets.clusters`."""
    listing, index = search(wanted), indexing.fresh()
    with index.lock:
        return facets.clusters(index, find(index, listing.criteria), zoom)


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
        self._facets = self.criteria.get("facets", False)
        self._known: tuple[Any, Answer] | None = None

    @property
    def view(self) -> str:
        return "public"     # as the index, which has only places that are listed

    def total(self) -> int:
        return self._answer().total

    def facets(self) -> Facets:
        """The facets: those of `facets.exclusive` if the filter `facets` asks for them, otherwise of `facets.count`."""
        self._facets = self._facets or True
        return self._answer().facets

    def rows(self) -> Generator[Objects, None, None]:
        """Yield the matching places in batches."""
        if self.limit is None and not self.offset and not self.criteria.keys() - {"sort", "limit", "offset"}:
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
        page = self.limit, self.offset, self._facets
        if self._known is None or self._known[0] != page:
            self._known = page, self._new_answer()
        return self._known[1]

    def _new_answer(self) -> Answer:
        index = indexing.current()
        for _ in range(TRIES):
            with index.lock:
                version = index.version
                found = find(index, self.criteria)
                total, counts = len(found), self._count(index, found)
                ids: Sequence[str] = [index.id(number) for number in self._numbers(index, found)]
            if self._order_name is None:
                ids = self._sorted(ids)     # without the lock, because it may take long
            first, later = ids[:LENGTHS[-1]], ids[LENGTHS[-1]:]
            if first:
                rows, now = models.storage.read(*self._prepared(first)).versioned()
            else:
                rows, now = [], models.storage.version()
            if now == version:
                by_id = {row["id"]: row for row in rows}
                return Answer([by_id[id] for id in first], later, total, counts)
            # Inside a transaction there is no version, because other threads must not see its changes.
            index = indexing.build() if now is None else indexing.refresh(index)
        raise Unavailable("The places change too fast to be searched: try again later")

    def _count(self, index: Index, found: BitMap) -> Facets:
        if self._facets == EXCLUSIVE:
            return facets.exclusive(index, self.criteria)
        return facets.count(index, found) if self._facets else {}

    @property
    def _order_name(self) -> str | None:
        """The name of the order in the index; `None` if only the storage knows it."""
        if self.criteria.get("sort") == "distance":
            return "distance"
        return "" if not self.sort else next((
            name for name, attributes in SORTS.items() if attributes == tuple(self.sort)), None)

    def _numbers(self, index: Index, found: BitMap) -> Iterable[int]:
        """The numbers of the places of the page or, if only the storage knows their order, of all matching places."""
        if self._order_name is None:
            return found
        if self._order_name == "distance":
            return nearest(index, found, self.criteria["near"], self.limit, self.offset)
        return index.orders[self._order_name].page(found, self.limit, self.offset)

    def _sorted(self, found: Sequence[str]) -> Sequence[str]:
        """The ids of the page, given those of all matching places, in an order that only the storage knows."""
        ids, wanted = select(Place.id).order_by(*query.order(Place, self.sort)), {*found}
        if len(wanted) <= LISTED:
            ids = ids.where(Place.id.in_(wanted))
        ordered = [id for id in models.storage.read(ids).scalars() if id in wanted]
        return ordered[self.offset:None if self.limit is None else self.offset + self.limit]

    def _prepared(self, ids: Sequence[str]) -> tuple[Select[Any], dict[str, Any]]:
        """A prepared statement for the places with these ids, and its values."""
        length = next(each for each in LENGTHS if each >= len(ids))
        values = {f"id{number}": ids[min(number, len(ids) - 1)] for number in range(length)}
        return _by_ids(length, self.hidden), values


@lru_cache(maxsize=100)
def _by_ids(length: int, hidden: frozenset[str]) -> Select[Any]:
    binds: list[Any] = [bindparam(f"id{number}") for number in range(length)]
    # A place of a later part may have been unlisted since the index was searched.
    return select(*schema.form(Place, hidden)).where(Place.id.in_(binds), *permissions.visible(Place, "public"))
