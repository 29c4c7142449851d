"""The limit's SQL: for each search the quickest way to its places that was found, chosen by counts."""
from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from typing import Any

_TIME = "DATE_FORMAT(p.{0}, '%Y-%m-%dT%H:%i:%s.%f') AS {0}"
_TIMES = f"{_TIME.format('created_at')}, {_TIME.format('updated_at')}"
PLACE = (f"p.id, {_TIMES}, p.city_id, p.user_id, p.name, p.description, p.number_rooms, p.number_bathrooms, "
         "p.max_guest, p.price_by_night, p.latitude, p.longitude, 'Place' AS __class__")
STATE = f"p.id, {_TIMES}, p.name, 'State' AS __class__"
ORDER = "ORDER BY p.created_at, p.id"
# Of the places of some cities so many are sorted sooner than the first of each city are put together.
SORTED = 1000


class Plans:
    """What is counted once, and never again: which amenities are rare, and which cities are in a state.

    Args:
        query: gives the rows of a statement.
    """

    def __init__(self, query: Callable[[str], Iterable[tuple[Any, ...]]]) -> None:
        self._having = dict(query("SELECT amenity_id, COUNT(*) FROM place_amenity GROUP BY amenity_id"))
        self._inside = dict(query("SELECT city_id, COUNT(*) FROM places GROUP BY city_id"))
        self._total = sum(self._inside.values())
        self._cities: dict[str, list[str]] = {}
        for state, city in query("SELECT state_id, id FROM cities"):
            self._cities.setdefault(state, []).append(city)
        indexes = {columns: name for name, columns in query(
            "SELECT index_name, GROUP_CONCAT(column_name ORDER BY seq_in_index) FROM information_schema.statistics "
            "WHERE table_schema = DATABASE() AND table_name IN ('places', 'place_amenity') "
            "GROUP BY table_name, index_name")}
        self._by_time, self._by_city, self._by_amenity = (
            f"FORCE INDEX ({indexes[columns]})"
            for columns in ("created_at,id,city_id", "city_id,created_at,id", "amenity_id,place_id"))

    def search(self, states: Collection[str], amenities: Collection[str], limit: int | None) -> str:
        """The statement that finds the places in any of the states which have all of the amenities."""
        cities = [city for state in states for city in self._cities.get(state, ())]
        if (states and not cities) or not self._having.keys() >= {*amenities}:
            return f"SELECT {PLACE} FROM places p WHERE FALSE"
        page = f"{ORDER} LIMIT {limit}" if limit is not None else ORDER
        rarest = sorted(amenities, key=self._having.__getitem__)
        if cities:
            return self._somewhere(cities, rarest, page, limit)
        if rarest and self._is_rare(rarest, limit):
            # All places of the rarest amenity, each looked up in the list of the next, which is in the same order.
            first, others = rarest[0], self._joins(rarest[1:], "l.place_id", self._by_amenity)
            ids = (f"SELECT p.id FROM place_amenity l {self._by_amenity} {others} "
                   f"STRAIGHT_JOIN places p ON p.id = l.place_id WHERE l.amenity_id = '{first}' {page}")
            return _whole(ids)
        # The oldest places, one by one, until a page is full.
        return f"SELECT {PLACE} FROM places p {self._by_time} {self._joins(rarest, 'p.id')} {page}"

    def _somewhere(self, cities: list[str], rarest: list[str], page: str, limit: int | None) -> str:
        listed = ", ".join(f"'{city}'" for city in cities)
        found = (f"FROM places p {self._by_city} {self._joins(rarest, 'p.id', self._by_amenity)} "
                 f"WHERE p.city_id IN ({listed}) {page}")
        if sum(self._inside.get(city, 0) for city in cities) <= SORTED or (limit is None and not rarest):
            return f"SELECT {PLACE} {found}"
        if rarest:
            # The ids are sorted as the index has them, and looked at one by one until a page is full.
            return _whole(f"SELECT p.id {found}")
        firsts = " UNION ALL ".join(
            f"(SELECT p.id, p.created_at FROM places p {self._by_city} WHERE p.city_id = '{city}' {page})"
            for city in cities)
        return _whole(f"{firsts} ORDER BY created_at, id LIMIT {limit}")

    def _is_rare(self, rarest: list[str], limit: int | None) -> bool:
        """Tell whether the rarest amenity has fewer places than are passed until a page is full."""
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
    """The places of some ids."""
    return f"SELECT {PLACE} FROM ({ids}) found STRAIGHT_JOIN places p USING (id) {ORDER}"
