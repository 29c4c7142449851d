"""Search of 10,000 places by a state and two amenities, with the file engine, in milliseconds."""
from __future__ import annotations

import random
from collections.abc import Callable
from functools import partial
from operator import itemgetter
from pathlib import Path
from statistics import mean, median

import models
from bench import naive, stores
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
    """Compare `services.search.search` with loops over `storage.all()`, of HBNB's storage and of a naive program's."""
    path = stores.sample(folder, PLACES)
    storage = models.storage = FileStorage(path)
    storage.reload()
    naive_storage = naive.Storage.open(path)
    choose = random.Random(1)
    states, amenities = ([obj.id for obj in storage.all(cls).values()] for cls in (State, Amenity))
    queries = [(choose.choice(states), choose.sample(amenities, 2)) for _ in range(QUERIES)]

    def hbnb(query: Query) -> naive.Objects:
        found = search({"states": [query[0]], "amenities": query[1]}).all()
        storage.close()     # as at the end of each request
        return found

    def loops(query: Query) -> naive.Objects:
        found = naive.search(storage, (State, Place, Amenity), *query)
        storage.close()
        return found

    def naive_loops(query: Query) -> naive.Objects:
        return naive.search(naive_storage, (naive.State, naive.Place, naive.Amenity), *query)

    for query in queries:
        found = [sorted(each(query), key=itemgetter("id")) for each in (hbnb, loops, naive_loops)]
        assert found[0] == found[1] == found[2]
        assert found[0] or QUICK

    def timed(run: Callable[[Query], object], times: int = 1) -> Callable[[], float]:
        return lambda: 1000 * mean(median(seconds(partial(run, query)) for _ in range(times)) for query in queries)

    fast, looped, slow = map(median, alternate(TURNS, timed(hbnb, 20), timed(loops), timed(naive_loops)))
    name = f"search of {PLACES:,} places: a state, two amenities"
    return [
        Row(name, fast, slow, "ms", "loops over a naive program's all()", at_least=300),
        Row(name, fast, looped, "ms", "the same loops over HBNB's storage.all()"),
    ]
