"""Searching 10,000 places for those of one state with two amenities, on the file engine, in milliseconds."""
from __future__ import annotations

import random
from collections.abc import Callable
from functools import partial
from operator import itemgetter
from pathlib import Path
from statistics import mean, median

import models
from bench import market, usual
from bench.measure import alternate, seconds
from bench.row import Row
from bench.size import QUICK, size
from models.amenity import Amenity
from models.engine.file_storage import FileStorage
from models.place import Place
from models.state import State
from services.search import search

PLACES, TURNS, QUERIES = size((10_000, 5, 3), (200, 1, 1))

Query = tuple[str, list[str]]


def rows(folder: Path) -> list[Row]:
    """`services.search.search` against loops over `storage.all()`: our storage's, and a usual program's."""
    path = market.sample(folder, PLACES)
    storage = models.storage = FileStorage(path)
    storage.reload()
    program = usual.Storage(path)
    choose = random.Random(1)
    states, amenities = ([obj.id for obj in storage.all(cls).values()] for cls in (State, Amenity))
    queries = [(choose.choice(states), choose.sample(amenities, 2)) for _ in range(QUERIES)]

    def ours(query: Query) -> usual.Found:
        found = search({"states": [query[0]], "amenities": query[1]}).all()
        storage.close()     # as at the end of each request
        return found

    def loops(query: Query) -> usual.Found:
        found = usual.search(storage, (State, Place, Amenity), *query)
        storage.close()
        return found

    def usually(query: Query) -> usual.Found:
        return usual.search(program, (usual.State, usual.Place, usual.Amenity), *query)

    for query in queries:
        found = [sorted(each(query), key=itemgetter("id")) for each in (ours, loops, usually)]
        assert found[0] == found[1] == found[2]
        assert found[0] or QUICK

    def timed(way: Callable[[Query], object], again: int = 1) -> Callable[[], float]:
        return lambda: 1000 * mean(median(seconds(partial(way, query)) for _ in range(again)) for query in queries)

    fast, looped, slow = map(median, alternate(TURNS, timed(ours, 20), timed(loops), timed(usually)))
    name = f"search of {PLACES:,} places: a state, two amenities"
    return [
        Row(name, fast, slow, "ms", "loops over a usual program's all()", at_least=300),
        Row(name, fast, looped, "ms", "the same loops over our own storage.all()"),
    ]
