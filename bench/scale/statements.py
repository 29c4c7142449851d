"""SQL of the limit: the fastest known statement for each kind of search, on a table with an index for each kind."""
from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from itertools import accumulate
from math import cos, radians
from operator import mul
from typing import Any

from bench.plans import PLACE, Statistics

# `limit_places` has the rows of `places`, and `limit_texts` their words.
COLUMNS = ("ALTER TABLE limit_places ADD COLUMN spot POINT NOT NULL", "CREATE TABLE limit_texts (FTS_DOC_ID BIGINT "
           "UNSIGNED AUTO_INCREMENT PRIMARY KEY, id VARCHAR(60) CHARACTER SET ascii COLLATE ascii_bin NOT NULL, "
           "created_at DATETIME(6) NOT NULL, words TEXT NOT NULL) CHARACTER SET utf8mb4 COLLATE utf8mb4_general_ci")
INDEXES = (
    "ALTER TABLE limit_places ADD INDEX by_time (created_at, id, city_id), "
    "ADD INDEX by_city (city_id, created_at, id, price_by_night, max_guest), "
    "ADD INDEX by_price (price_by_night, created_at, id), "
    "ADD INDEX by_city_and_price (city_id, price_by_night, created_at, id), "
    "ADD INDEX by_guests (price_by_night, max_guest, created_at, id), ADD INDEX by_name (name, created_at, id)",
    "ALTER TABLE limit_places ADD SPATIAL INDEX by_spot (spot)",
    "INSERT INTO limit_texts (id, created_at, words) "
    "SELECT id, created_at, CONCAT_WS(' ', name, description) FROM limit_places",
    "ALTER TABLE limit_texts ADD FULLTEXT INDEX by_word (words)")
# The index of links by amenity: HBNB's own, or if it has none, the one that PAIRS adds.
PAIRED = ("SELECT index_name FROM information_schema.statistics WHERE table_schema = DATABASE() "
          "AND table_name = 'place_amenity' GROUP BY index_name "
          "HAVING GROUP_CONCAT(column_name ORDER BY seq_in_index) = 'amenity_id,place_id'")
PAIRS = "ALTER TABLE place_amenity ADD INDEX limit_by_amenity (amenity_id, place_id)"
TABLE, ORDER = "limit_places p", "ORDER BY created_at, id"
SORTS = {"price": ("by_price", "p.price_by_night, p.created_at, p.id"),
         "name": ("by_name", "p.name, p.created_at, p.id"), "newest": ("by_time", "p.created_at DESC, p.id DESC")}
ENTRY, LOOK = 0.1, 1.0      # the costs of an entry of an index, and of finding a row by its key
SAMPLE, COMMON = 2000, 0.02     # texts that are read for the frequency of words; the share that makes a word common
_AWAY = ("2 * 6371.0 * ASIN(SQRT(POW(SIN((RADIANS(p.latitude) - RADIANS({latitude})) / 2), 2) "
         "+ COS(RADIANS({latitude})) * COS(RADIANS(p.latitude)) "
         "* POW(SIN((RADIANS(p.longitude) - RADIANS({longitude})) / 2), 2)))")


class Statements(Statistics):
    """Statements for searches, chosen by statistics."""

    def __init__(self, query: Callable[[str], Iterable[tuple[Any, ...]]]) -> None:
        super().__init__(query)
        (index,), *_ = query(f"{PAIRED} LIMIT 1")
        self._hint = f"FORCE INDEX ({index})"
        words: Counter[str] = Counter()
        for text, in query(f"SELECT words FROM limit_texts LIMIT {SAMPLE}"):
            words.update({word.strip(".").lower() for word in text.split()})
        self._common = {word for word, count in words.items() if count > SAMPLE * COMMON}

    def page(self, wanted: Mapping[str, Any]) -> str:
        """Return the statement for a page of the places that match."""
        page = f"LIMIT {wanted['limit']}"
        if "text" in wanted:
            return self._words(wanted["text"], page)
        if "near" in wanted:
            return _nearest(wanted["near"], page)
        if "bbox" in wanted:
            return _whole(f"SELECT p.id, p.created_at FROM {TABLE} WHERE {_inside(*wanted['bbox'])} {ORDER} {page}")
        cities, more = self._places_in(wanted), ""
        if "price_min" in wanted:
            more = (f"p.price_by_night BETWEEN {wanted['price_min']} AND {wanted['price_max']} "
                    f"AND p.max_guest >= {wanted['guests']}")
            if cities is None:
                return _whole(f"SELECT p.id, p.created_at FROM {TABLE} FORCE INDEX (by_guests) WHERE {more} "
                              f"{ORDER} {page}")
        if wanted.get("sort") and cities:
            return _cheapest(cities, page)
        if wanted.get("sort"):
            index, order = SORTS[wanted["sort"]]
            return f"SELECT {PLACE} FROM {TABLE} FORCE INDEX ({index}) ORDER BY {order} {page}"
        if wanted.get("offset"):
            return _whole(f"SELECT p.id, p.created_at FROM {TABLE} FORCE INDEX (by_time) {ORDER} {page} "
                          f"OFFSET {wanted['offset']}")
        if not self._having.keys() >= {*wanted.get("amenities", ())}:
            return f"SELECT {PLACE} FROM {TABLE} WHERE FALSE"
        rarest = sorted(wanted.get("amenities", ()), key=self._having.__getitem__)
        return self._listed(cities, rarest, wanted["limit"], more)

    def facets(self, wanted: Mapping[str, Any]) -> tuple[str, str]:
        """Return the statements that count the places with each amenity, and in each city."""
        cities = self._places_in(wanted)
        if cities is None:
            return ("SELECT amenity_id, COUNT(*) FROM place_amenity GROUP BY amenity_id",
                    "SELECT city_id, COUNT(*) FROM limit_places FORCE INDEX (by_city) GROUP BY city_id")
        found = f"FORCE INDEX (by_city) {{}} WHERE city_id IN ({_listed(cities)}) GROUP BY 1"
        return (f"SELECT amenity_id, COUNT(*) FROM {TABLE} "
                + found.format("STRAIGHT_JOIN place_amenity l ON l.place_id = p.id"),
                f"SELECT city_id, COUNT(*) FROM {TABLE} {found.format('')}")

    @staticmethod
    def clusters(west: float, south: float, east: float, north: float) -> str:
        """Return the statement that counts the places in each of 16 x 16 cells of an area."""
        column, row = (f"FLOOR((p.{name} - {low}) / {(high - low) / 16})"
                       for name, low, high in (("longitude", west, east), ("latitude", south, north)))
        return (f"SELECT {column} AS x, {row} AS y, COUNT(*) AS count, AVG(p.longitude) AS longitude, AVG(p.latitude) "
                f"AS latitude FROM {TABLE} WHERE {_inside(west, south, east, north)} GROUP BY x, y")

    def _places_in(self, wanted: Mapping[str, Any]) -> list[str] | None:
        return [city for state in wanted["states"] for city in self._cities[state]] if "states" in wanted else None

    def _listed(self, cities: list[str] | None, rarest: list[str], limit: int, more: str) -> str:
        """Return the cheapest statement for the oldest places in the cities that have the amenities.

        Args:
            more: another condition, on columns of the index of cities; about every second place meets it.
        """
        somewhere = self._total if cities is None else sum(self._inside.get(city, 0) for city in cities)
        left = [1.0, *accumulate((self._having[each] / self._total for each in rarest), mul)]
        looks, needed = LOOK * sum(left[:-1]) if rarest else 0, limit / left[-1] * (2 if more else 1)
        costs = {self._oldest: min(self._total, needed * self._total / max(somewhere, 1)) * (
            ENTRY + LOOK * bool(more) + looks * somewhere / self._total)}
        if cities is not None:
            costs[self._by_city] = sum(min(self._inside.get(each, 0), needed) * (ENTRY + looks) for each in cities)
        if rarest:
            costs[self._by_amenity] = self._having[rarest[0]] * (ENTRY + LOOK * sum(left[1:]) / left[1])
        return min(costs, key=lambda way: costs[way])(cities, rarest, more or "TRUE", f"{ORDER} LIMIT {limit}")

    @staticmethod
    def _oldest(cities: list[str] | None, rarest: list[str], more: str, page: str) -> str:
        """Read the places from the oldest on, until the page is full."""
        where = "" if cities is None else f"AND p.city_id IN ({_listed(cities)})"
        return _whole(f"SELECT p.id, p.created_at FROM {TABLE} FORCE INDEX (by_time) {_joins(rarest, 'p.id')} "
                      f"WHERE {more} {where} {page}")

    def _by_city(self, cities: list[str] | None, rarest: list[str], more: str, page: str) -> str:
        """Read the places of each city from the oldest on, until a page is full, and merge the pages."""
        return _whole(" UNION ALL ".join(
            f"(SELECT p.id, p.created_at FROM {TABLE} FORCE INDEX (by_city) {_joins(rarest, 'p.id', self._hint)} "
            f"WHERE p.city_id = '{city}' AND {more} {page})" for city in cities or ()) + f" {page}")

    def _by_amenity(self, cities: list[str] | None, rarest: list[str], more: str, page: str) -> str:
        """Read all places of the rarest amenity, and look each up in the next one's index, in the same order."""
        where = "" if cities is None else f"AND p.city_id IN ({_listed(cities)})"
        joins = _joins(rarest[1:], "l.place_id", self._hint)
        return _whole(f"SELECT p.id, p.created_at FROM place_amenity l {self._hint} {joins} STRAIGHT_JOIN {TABLE} "
                      f"ON p.id = l.place_id WHERE l.amenity_id = '{rarest[0]}' AND {more} {where} {page}")

    def _words(self, word: str, page: str) -> str:
        """Read from the oldest on for a common word; use the full-text index for any other."""
        if word in self._common:
            like = f"COLLATE utf8mb4_general_ci LIKE '%{word}%'"
            return _whole(f"SELECT p.id, p.created_at FROM {TABLE} FORCE INDEX (by_time) WHERE p.description {like} "
                          f"OR p.name {like} {ORDER} {page}")
        return _whole(f"SELECT id, created_at FROM limit_texts WHERE MATCH (words) AGAINST ('+{word}' IN BOOLEAN MODE) "
                      f"{ORDER} {page}")


def _cheapest(cities: list[str], page: str) -> str:
    """Return the statement for the cheapest places: the first ones of each city, merged."""
    order = f"ORDER BY price_by_night, created_at, id {page}"
    found = " UNION ALL ".join(
        f"(SELECT p.id, p.price_by_night, p.created_at FROM {TABLE} FORCE INDEX (by_city_and_price) "
        f"WHERE p.city_id = '{city}' {order})" for city in cities)
    return (f"SELECT {PLACE} FROM ({found} {order}) found STRAIGHT_JOIN {TABLE} USING (id) "
            "ORDER BY found.price_by_night, found.created_at, p.id")


def _nearest(near: Mapping[str, float], page: str) -> str:
    high = near["km"] / 111.19      # degrees of latitude
    wide = high / cos(radians(near["latitude"]))
    area = _inside(near["longitude"] - wide, near["latitude"] - high, near["longitude"] + wide, near["latitude"] + high)
    found = (f"SELECT p.id, {_AWAY.format(**near)} AS away FROM {TABLE} WHERE {area} HAVING away <= {near['km']} "
             f"ORDER BY away {page}")
    return f"SELECT {PLACE} FROM ({found}) found STRAIGHT_JOIN {TABLE} USING (id) ORDER BY away"


def _inside(west: float, south: float, east: float, north: float) -> str:
    return (f"MBRContains(LINESTRING(POINT({west}, {south}), POINT({east}, {north})), p.spot) "
            f"AND p.latitude BETWEEN {south} AND {north} AND p.longitude BETWEEN {west} AND {east}")


def _joins(amenities: list[str], place: str, hint: str = "") -> str:
    return " ".join(f"STRAIGHT_JOIN place_amenity l{number} {hint} ON l{number}.place_id = {place} "
                    f"AND l{number}.amenity_id = '{amenity}'" for number, amenity in enumerate(amenities))


def _listed(ids: list[str]) -> str:
    return ", ".join(f"'{id}'" for id in ids)


def _whole(ids: str) -> str:
    """Return the statement for the places with the ids that a subquery finds."""
    return f"SELECT {PLACE} FROM ({ids}) found STRAIGHT_JOIN {TABLE} USING (id) ORDER BY found.created_at, p.id"
