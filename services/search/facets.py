"""Facets: the number of places of a search for each amenity, state, city, range of prices, or cell of a map."""
from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping
from typing import Any

import numpy as np
from pyroaring import BitMap

from services.search.columns import numbers_of
from services.search.index import Index, Named
from services.search.matching import find

REGIONS, AMENITIES, PRICES = ("states", "cities"), ("amenities",), ("price_min", "price_max")
MOST_PRICES = 20        # ranges of prices
MOST_CLUSTERS = 1000
ZOOM, ZOOMS = 8, 20     # the default zoom of a map, and the largest

Facets = dict[str, list[dict[str, Any]]]


def count(index: Index, found: BitMap) -> Facets:
    """The number of places for each amenity, state and city that has any, the largest number first."""
    return {"amenities": _amenities(index, found), **_regions(index, found)}


def _amenities(index: Index, found: BitMap) -> list[dict[str, Any]]:
    return _sorted(index.amenities, {
        id: found.intersection_cardinality(places) for id, places in index.with_amenity.items()})


def _regions(index: Index, found: BitMap) -> Facets:
    cities = index.places_by_city(numbers_of(found))
    states: Counter[str] = Counter()
    for id, number in cities.items():
        if id in index.cities:
            states[index.cities[id].parent] += number
    return {"states": _sorted(index.states, states), "cities": _sorted(index.cities, cities)}


def exclusive(index: Index, criteria: Mapping[str, Any]) -> Facets:
    """The facets of a search, each without its own filter: what a visitor would find after another choice there.

    Besides those of `count`, `prices` is the number of places in each range of prices.
    """
    def without(names: Collection[str]) -> BitMap:
        return find(index, {name: value for name, value in criteria.items() if name not in names})
    return {"amenities": _amenities(index, without(AMENITIES)), **_regions(index, without(REGIONS)),
            "prices": histogram(index, without(PRICES))}


def histogram(index: Index, found: BitMap) -> list[dict[str, Any]]:
    """The number of places in ranges of prices of equal width, from 0 on.

    Returns: `from` and `to`, the lowest and the highest price of a range, and its `count`. Nineteen of twenty places
        are in a range with an end; the last range has none, and its `to` is null.
    """
    prices = index.columns["price_by_night"].values[numbers_of(found)]
    prices = prices[~np.isnan(prices)]
    if not len(prices):
        return []
    width = _rounded_up(float(np.percentile(prices, 95)) / MOST_PRICES)
    ranges = np.clip(prices // width, 0, MOST_PRICES).astype(np.int64)      # a file may hold negative prices
    counts = np.bincount(ranges).tolist()
    return [{"from": number * width, "to": None if number == MOST_PRICES else (number + 1) * width - 1, "count": count}
            for number, count in enumerate(counts)]


def _rounded_up(number: float) -> int:
    """The smallest whole number of at least `number` that is 1, 2 or 5 times a power of ten."""
    power = 1
    while True:
        for each in (1, 2, 5):
            if each * power >= number:
                return each * power
        power *= 10


def clusters(index: Index, found: BitMap, zoom: int) -> list[dict[str, Any]]:
    """The places of a search, grouped by cells of a map.

    Args:
        zoom: the zoom of the map: the world is 4 cells wide at 0, and twice as many at each next number.
    Returns: for each cell the `count` of its places, their mean `latitude` and `longitude`, and, of a single place, its
        `id`; the largest first, at most MOST_CLUSTERS.
    """
    numbers = numbers_of(found)
    latitudes, longitudes = (index.columns[name].values[numbers] for name in ("latitude", "longitude"))
    known = ~(np.isnan(latitudes) | np.isnan(longitudes))
    numbers, latitudes, longitudes = numbers[known], latitudes[known], longitudes[known]
    size = 90 / 2 ** zoom
    cells = np.floor((latitudes + 90) / size).astype(np.int64) * (1 << 32) + np.floor((longitudes + 180) / size).astype(
        np.int64)
    _, first, inverse, counts = np.unique(cells, return_index=True, return_inverse=True, return_counts=True)
    means = [np.bincount(inverse, values) / counts for values in (latitudes, longitudes)]
    largest = np.lexsort((first, -counts))[:MOST_CLUSTERS].tolist()
    return [{"latitude": float(means[0][cell]), "longitude": float(means[1][cell]), "count": int(counts[cell]),
             "id": index.id(int(numbers[first[cell]])) if counts[cell] == 1 else None} for cell in largest]


def _sorted(named: Mapping[str, Named], counts: Mapping[str, int]) -> list[dict[str, Any]]:
    rows = [(named[id].name, id, number) for id, number in counts.items() if number and id in named]
    return [{"id": id, "name": name, "count": number}
            for name, id, number in sorted(rows, key=lambda row: (-row[2], row[0], row[1]))]
