"""The places that match the filters of a search, and those nearest to a point."""
from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np
from pyroaring import BitMap

from services.search.columns import numbers_of
from services.search.filters import FILTERS, LISTS, distance
from services.search.index import Index


def find(index: Index, criteria: Mapping[str, Any]) -> BitMap:
    """The numbers of the places that match a search."""
    parts = [index.matching((name, repr(value)), partial(FILTERS[name].meets, value=value))
             for name, value in criteria.items() if FILTERS[name].compares]
    parts += [index.containing(word) for word in criteria.get("text", ())]
    states, cities, amenities = (set(criteria.get(name, ())) for name in LISTS)
    if states or cities:
        parts.append(index.in_regions(states, cities))
    for id in amenities:
        parts.append(index.with_amenity.get(id, BitMap()) if id in index.amenities else BitMap())
    return BitMap.intersection(*sorted(parts, key=len)) if len(parts) > 1 else parts[0] if parts else index.all


def nearest(index: Index, found: BitMap, near: Mapping[str, float], limit: int | None, offset: int) -> Sequence[int]:
    """The numbers of a page of places, the nearest first."""
    numbers = numbers_of(found)
    distances = distance({name: values[numbers] for name, values in index.values().items()}, near)
    wanted = len(numbers) if limit is None else offset + limit
    if wanted < len(numbers):
        close = distances <= np.partition(distances, wanted)[wanted]
        numbers, distances = numbers[close], distances[close]
    oldest = index.orders[""].key
    ordered = sorted(zip(distances.tolist(), numbers.tolist(), strict=True),
                     key=lambda each: (each[0], oldest(each[1])))
    return [number for _, number in ordered[offset:wanted]]
