"""The search for places."""
from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Generator, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import orjson
from sqlalchemy import ColumnElement, false, func, or_, select

import models
from errors import Invalid
from models.amenity import Amenity, place_amenity
from models.base_model import BaseModel
from models.city import City
from models.engine.autocommit import Prepared, Rows
from models.place import Place
from models.state import State
from services import market, plan, words
from services.listing import Listing

IDS: dict[str, type[BaseModel]] = {"states": State, "cities": City, "amenities": Amenity}
AT_LEAST = {"price_min": "price_by_night", "guests": "max_guest", "rooms": "number_rooms",
            "bathrooms": "number_bathrooms"}
SORTS = {"price": ("price_by_night",), "newest": ("-created_at",), "name": ("name",), "distance": ()}
KEYS = {*IDS, *AT_LEAST, "price_max", "text", "bbox", "near", "sort", "limit", "offset", "facets"}
MOST_IDS = 10_000
MOST = 2**31 - 1    # the largest number that is asked for
TRIES = 3           # to read a page and what is known of the market at the same version
EARTH = 6371.0      # its radius, in kilometres


def search(wanted: Mapping[str, Any], sort: Sequence[str] = (), fields: Sequence[str] = (),
           include: Sequence[str] = (), private: bool = True) -> Search:
    """Places in any of some states and cities that have all of some amenities.

    Args:
        wanted: all optional; `None` counts as absent. `states`, `cities`, `amenities`: lists of ids; an unknown
            state or city adds nothing, an unknown amenity no place has. `text`: words, each of which the name or
            description of a place holds, or the name of its city, its state or one of its amenities. `price_min`,
            `price_max`, `guests`, `rooms`, `bathrooms`: whole numbers. `bbox`: [west, south, east, north] in
            degrees; east may lie beyond the date line. `near`: `latitude` and `longitude` in degrees, and `km`.
            `sort`: `price`, `newest`, `name` or `distance`. `limit`, `offset`: whole numbers.
        sort, fields, include, private: as `Listing` takes them.
    Returns: the places, oldest first where no order is asked; every place where nothing is.
    Raises:
        Invalid: names the first that is unknown or does not fit.
    """
    for name in wanted:
        if name not in KEYS:
            raise Invalid(f"Unknown attribute: {name}", name)
    wanted = {name: value for name, value in wanted.items() if value is not None}
    if not isinstance(wanted.get("facets", False), bool):
        raise Invalid("facets must be true or false", "facets")
    by = wanted.get("sort")
    if by is not None and (not isinstance(by, str) or by not in SORTS):
        raise Invalid(f"sort must be one of {', '.join(SORTS)}", "sort")
    distance = _distance(wanted)
    if by == "distance" and distance is None:
        raise Invalid("sort by distance needs near", "sort")
    where = [*_bounds(wanted), *_box(wanted)]
    if distance is not None:
        where.append(distance <= _degrees(wanted["near"], "km", 0, 20_100, "near"))
    return Search(Place, where, SORTS.get(by or "", ()) or sort, whole(wanted, "limit"), whole(wanted, "offset") or 0,
                  fields, include, distance if by == "distance" else None, private=private, wanted=wanted)


@dataclass
class Search(Listing):
    """Places to list, by what a search asks.

    Args:
        wanted: what is asked, as `search` takes it; all but `states`, `cities`, `amenities` and `text` stand in
            `where`.
    """

    wanted: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        super().__post_init__()
        self._asked = {name: _ids(name, self.wanted.get(name, [])) for name in IDS}
        self._words = words.split(self.wanted.get("text", ""))
        counted = {name: value for name, value in self.wanted.items() if name not in ("limit", "offset", "sort")}
        self._market: market.Market | None = None
        # A digest, as what is asked may be long, and many keys are remembered.
        self._key = hashlib.blake2b(orjson.dumps(counted, option=orjson.OPT_SORT_KEYS), digest_size=16).digest()

    def _now(self) -> market.Market:
        """The market, as it was when the first statement of this search was sent."""
        if self._market is None:
            self._market = market.at(models.storage.version())
        return self._market

    def conditions(self) -> list[ColumnElement[bool]]:
        now = self._now()
        found = self._found(now)
        if found is None:
            return [false()]
        return [*self.where, *plan.conditions(found, now.counts), *(words.shown(each, now) for each in self._words)]

    def total(self) -> int:
        now = self._now()
        if self._key not in now.totals:
            now.remember(self._key, super().total())
        return now.totals[self._key]

    def facets(self) -> dict[str, list[dict[str, Any]]]:
        """How many of the places have each amenity, and are in each state and city."""
        # Distinct, so that a database looks for the places first, and for each of them once.
        found = select(Place.id, Place.city_id).where(*self.conditions()).distinct().subquery()
        offered = select(Amenity.id, Amenity.name, func.count()).join(
            place_amenity, place_amenity.c.amenity_id == Amenity.id).join(found, found.c.id == place_amenity.c.place_id)
        there = select(City.id, City.name, State.id, State.name, func.count()).join(
            found, found.c.city_id == City.id).outerjoin(State, State.id == City.state_id)
        amenities = models.storage.rows(offered.group_by(Amenity.id, Amenity.name))
        cities = models.storage.rows(there.group_by(City.id, City.name, State.id, State.name))
        states: Counter[tuple[str, str]] = Counter()
        for _, _, state, name, count in cities:
            if state is not None:
                states[state, name] += count
        return {"amenities": _counted(amenities), "states": _counted((*each, states[each]) for each in states),
                "cities": _counted((id, name, count) for id, name, _, _, count in cities)}

    def prepared(self) -> tuple[Prepared, dict[str, Any]] | None:
        if self._is_special():
            return None
        now = self._now()
        found = self._found(now)
        return plan.statement(found, now.counts, self.limit, self.offset, self.private) if found else None

    def rows(self) -> Generator[Rows, None, None]:
        """The places themselves, in parts.

        A page is read by what was known of the market at last: the same statement tells whether that still holds.
        """
        if self.limit is None or self._is_special():
            yield from super().rows()
            return
        self._market = market.latest()
        for _ in range(TRIES):
            prepared = self.prepared()
            rows, version = models.storage.versioned(*prepared) if prepared else ([], models.storage.version())
            if version == self._market.version:
                break
            self._market = market.at(version)
        if prepared:
            yield rows
        else:
            yield from super().rows()

    def _is_special(self) -> bool:
        return bool(self.sort or self._words) or super()._is_special()

    def _found(self, known: market.Market) -> plan.Wanted | None:
        """What to look for in a market; nothing, where it has no such place."""
        states, cities, amenities = (self._asked[name] for name in IDS)
        if not amenities <= known.amenities.keys():
            return None
        somewhere = sorted({city for state in states for city in known.states.get(state, ())}
                           | (cities & known.cities.keys()))
        if (states or cities) and not somewhere:
            return None
        rarest_first = sorted(amenities, key=lambda id: (known.counts.amenities.get(id, 0), id))
        return plan.Wanted(somewhere if states or cities else None, rarest_first)


def _counted(rows: Iterable[Any]) -> list[dict[str, Any]]:
    """The most frequent first, then by name."""
    return [{"id": id, "name": name, "count": count}
            for id, name, count in sorted(rows, key=lambda row: (-row[2], row[1], row[0]))]


def whole(wanted: Mapping[str, Any], name: str) -> int | None:
    """A whole number that is asked for, from 0 to MOST."""
    value = wanted.get(name)
    if isinstance(value, float) and value.is_integer():
        value = int(value)      # in JSON, 2.0 is a whole number
    if value is not None and (not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= MOST):
        raise Invalid(f"{name} must be a whole number from 0 to {MOST}", name)
    return value


def _bounds(wanted: Mapping[str, Any]) -> list[ColumnElement[bool]]:
    columns = Place.__table__.c
    least = [columns[column] >= value for name, column in AT_LEAST.items()
             if (value := whole(wanted, name)) is not None]
    most = whole(wanted, "price_max")
    return [*least, *([] if most is None else [columns.price_by_night <= most])]


def _box(wanted: Mapping[str, Any]) -> list[ColumnElement[bool]]:
    box = wanted.get("bbox")
    if box is None:
        return []
    if not isinstance(box, list) or len(box) != 4:
        raise Invalid("bbox must be [west, south, east, north], in degrees", "bbox")
    sides = dict(zip(("west", "south", "east", "north"), box, strict=True))
    west, east = (_degrees(sides, name, -180, 180, "bbox") for name in ("west", "east"))
    south, north = (_degrees(sides, name, -90, 90, "bbox") for name in ("south", "north"))
    across = Place.longitude.between(west, east) if west <= east else or_(
        Place.longitude >= west, Place.longitude <= east)
    return [Place.latitude.between(south, north), across]


def _distance(wanted: Mapping[str, Any]) -> ColumnElement[float] | None:
    """How far a place is from where somebody is, in kilometres, by the haversine formula."""
    near = wanted.get("near")
    if near is None:
        return None
    if not isinstance(near, dict) or {*near} != {"latitude", "longitude", "km"}:
        raise Invalid("near must be {latitude, longitude, km}", "near")
    latitude = func.radians(_degrees(near, "latitude", -90, 90, "near"))
    longitude = func.radians(_degrees(near, "longitude", -180, 180, "near"))
    across = func.sin((func.radians(Place.latitude) - latitude) / 2)
    along = func.sin((func.radians(Place.longitude) - longitude) / 2)
    square = across * across + func.cos(latitude) * func.cos(func.radians(Place.latitude)) * along * along
    distance: ColumnElement[float] = 2 * EARTH * func.asin(func.sqrt(square))
    return distance


def _degrees(values: Mapping[str, Any], name: str, least: float, most: float, key: str) -> float:
    value = values[name]
    if not isinstance(value, (int, float)) or isinstance(value, bool) or not least <= value <= most:
        raise Invalid(f"{key}: {name} must be a number from {least} to {most}", key)
    return float(value)


def _ids(name: str, value: Any) -> set[str]:
    if not isinstance(value, list) or not all(isinstance(each, str) for each in value):
        raise Invalid(f"{name} must be a list of ids", name)
    if len(value) > MOST_IDS:
        raise Invalid(f"{name} must have at most {MOST_IDS} ids", name)
    return set(value)
