"""A program of the usual kind: loops over all objects in memory, for each request; see `bench.naive`."""
from __future__ import annotations

import json
import random
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

from bench import naive
from bench.scale.database import COLUMNS
from bench.scale.generator import Market
from bench.servers import WORKERS
from bench.size import size

SEARCHES, LONGEST = size(20, 2), 10     # searches of a kind; seconds after which no other one begins
PATIENCE = 60       # seconds after which a search is given up
CLASSES = {"amenities": "Amenity", "states": "State", "cities": "City", "places": "Place"}


class Rate(NamedTuple):
    """Searches a second, or if `is_bound`, a number that they are below."""

    value: float
    is_bound: bool = False


def rates(places: int) -> dict[str, Rate]:
    """Return the searches a second by kind: two workers that do nothing else, not even HTTP."""
    market = Market(places)
    with tempfile.TemporaryDirectory(prefix="hbnb-bench-") as folder:
        storage = naive.Storage(_objects(market.write(Path(folder))))
    choose, amenities = random.Random(1), market.common_amenities
    found: dict[str, Callable[[], naive.Objects]] = {}
    found["no filter"] = lambda: [each.to_dict() for each in storage.all(naive.Place).values()][:20]
    for name, count in (("one state", 0), ("one state, two amenities", 2)):
        found[name] = lambda count=count: naive.search(
            storage, (naive.State, naive.Place, naive.Amenity), str(choose.choice(market.states)),
            choose.sample(amenities, count))[:20]
    return {name: _rate(search) for name, search in found.items()}


def _rate(search: Callable[[], naive.Objects]) -> Rate:
    start, done = time.perf_counter(), 0
    signal.signal(signal.SIGALRM, _give_up)
    signal.alarm(PATIENCE)
    try:
        while done < SEARCHES and time.perf_counter() < start + LONGEST:
            json.dumps(search())
            done += 1
    except TimeoutError:
        if not done:
            return Rate(WORKERS / PATIENCE, is_bound=True)
    finally:
        signal.alarm(0)
    return Rate(WORKERS * done / (time.perf_counter() - start))


def _give_up(*_: object) -> None:
    raise TimeoutError


def _objects(files: dict[str, Path]) -> Iterator[dict[str, Any]]:
    """Yield the objects of a market in the form of `to_dict(save_fs=1)`."""
    offered: dict[str, list[str]] = {}
    for line in _lines(files["place_amenity"]):
        place, amenity = line.split()
        offered.setdefault(place, []).append(sys.intern(amenity))
    for table, cls in CLASSES.items():
        names = COLUMNS[table].split(", ")
        for line in _lines(files[table]):
            values: dict[str, Any] = dict(zip(names, line.rstrip("\n").split("\t"), strict=True))
            if cls == "Place":
                values["amenity_ids"] = offered.get(values["id"], [])
            yield values | {"__class__": cls}


def _lines(path: Path) -> Iterator[str]:
    with open(path, encoding="utf-8") as file:
        yield from file
