"""SQL of the reference: the fastest known statement for each search, chosen by the numbers of matching places."""
from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from typing import Any

_TIME = "DATE_FORMAT(p.{0}, '%Y-%m-%dT%H:%i:%s.%f') AS {0}"
_TIMES = f"{_TIME.format('created_at')}, {_TIME.format('updated_at')}"
PLACE = (f"p.id, {_TIMES}, p.city_id, p.user_id, p.name, p.description, p.number_rooms, p.number_bathrooms, "
         "p.max_guest, p.price_by_night, p.latitude, p.longitude, 'Place' AS __class__")
STATE = f"p.id, {_TIMES}, p.name, 'State' AS __class__"
ORDER = "ORDER BY p.created_at, p.id"
# Up to this number of places in the cities, sorting all of them is faster than merging the first ones of each city.
SORTED = 1000


class Statistics:
    """Counts that are taken once: places per amenity and city, cities per state.

    Args:
        query: runs a statement, and returns its rows.
    """

    def __init__(self, query: Callable[[str], Iterable[tuple[Any, ...]]]) -> None:
        self._having = dict(query("SELECT amenity_id, COUNT(*) FROM place_amenity GROUP BY amenity_id"))
        self._inside = dict(query("SELECT city_id, COUNT(*) FROM places GROUP BY city_id"))
        self._total = sum(self._inside.values())
        self._cities: dict[str, list[str]] = {}
        for state, city in query("SELECT state_id, id FROM cities"):
            self._cities.setdefault(state, []).append(city)


class Plans(Statistics):
    """Statements for searches, based on statistics."""

    def __init__(self, query: Callable[[str], Iterable[tuple[Any, ...]]]) -> None:
        super().__init__(query)
        indexes = {columns: name for name, columns in query(
            "SELECT index_name, GROUP_CONCAT(column_name ORDER BY seq_in_index) FROM information_schema.statistics "
            "WHERE table_schema = DATABASE() AND table_name IN ('places', 'place_amenity') "
            "GROUP BY table_name, index_name")}
        self._by_time, self._by_city, self._by_amenity = (
            f"FORCE INDEX ({indexes[columns]})"
            for columns in ("created_at,id,city_id", "city_id,created_at,id", "amenity_id,place_id"))

    def search(self, states: Collection[str], amenities: Collection[str], limit: int | None) -> str:
        """Return the statement for the places in any of the states that have all of the amenities."""
        cities = [city for state in states for city in self._cities.get(state, ())]
        if (states and not cities) or not self._having.keys() >= {*amenities}:
            return f"SELECT {PLACE} FROM places p WHERE FALSE"
        page = f"{ORDER} LIMIT {limit}" if limit is not None else ORDER
        rarest = sorted(amenities, key=self._having.__getitem__)
        if cities:
            return self._somewhere(cities, rarest, page, limit)
        if rarest and self._is_rare(rarest, limit):
            # Read all places of the rarest amenity, and look each up in the next one's index, in the same order.
            first, others = rarest[0], self._joins(rarest[1:], "l.place_id", self._by_amenity)
            ids = (f"SELECT p.id FROM place_amenity l {self._by_amenity} {others} "
                   f"STRAIGHT_JOIN places p ON p.id = l.place_id WHERE l.amenity_id = '{first}' {page}")
            return _whole(ids)
        # Read the places from the oldest on, until the page is full.
        return f"SELECT {PLACE} FROM places p {self._by_time} {self._joins(rarest, 'p.id')} {page}"

    def _somewhere(self, cities: list[str], rarest: list[str], page: str, limit: int | None) -> str:
        listed = ", ".join(f"'{city}'" for city in cities)
        found = (f"FROM places p {self._by_city} {self._joins(rarest, 'p.id', self._by_amenity)} "
                 f"WHERE p.city_id IN ({listed}) {page}")
        if sum(self._inside.get(city, 0) for city in cities) <= SORTED or (limit is None and not rarest):
            return f"SELECT {PLACE} {found}"
        if rarest:
            # The index returns the ids in order; read them until the page is full.
            return _whole(f"SELECT p.id {found}")
        firsts = " UNION ALL ".join(
            f"(SELECT p.id, p.created_at FROM places p {self._by_city} WHERE p.city_id = '{city}' {page})"
            for city in cities)
        return _whole(f"{firsts} ORDER BY created_at, id LIMIT {limit}")

    def _is_rare(self, rarest: list[str], limit: int | None) -> bool:
        """Whether the rarest amenity has fewer places than a scan would read until the page is full."""
        share = 1.0
        for amenity in rarest:
            share *= self._having[amenity] / self._total
        return limit is None or self._having[rarest[0]] < limit / share

    @staticmethod
    def _joins(amenities: list[str], place: str, index: str = "") -> str:
        return " ".join(
            f"STRAIGHT_JOIN place_amenity l{number} {index} "
            f"ON l{number}.place_id = {place} AND l{number}.amenity_id = '{amenity}'"
            for number, amenity in enumerate(amenities))


def _whole(ids: str) -> str:
    """Return the statement for the places with the ids that a subquery finds."""
    return f"SELECT {PLACE} FROM ({ids}) found STRAIGHT_JOIN places p USING (id) {ORDER}"
