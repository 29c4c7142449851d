"""The measurements of one market: each kind of request, writes, facets, memory and start-up."""
from __future__ import annotations

import json
import sys
import time
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any

from bench.measure import alternate, child
from bench.scale import database, servers
from bench.scale.client import latencies
from bench.scale.generator import Market
from bench.scale.kinds import Kind, kinds
from bench.scale.writes import Writer
from bench.servers import TURNS, WORKERS, Request, Served
from bench.size import size
from tests.mariadb import MariaDB

SECONDS = size(2.0, 0.02)
WRITES = size((0, 1, 5, 50), (0, 5))      # a second
WRITE_SECONDS = size(5.0, 0.1)
SLOW = 100      # milliseconds; slower kinds are not measured again with wrk
VERY_SLOW = 2   # seconds; slower kinds are not warmed up
COMPARED = size(4, 1)       # requests of a kind whose responses are compared
PLOTTED = ("no filter", "one state", "one state, two amenities")      # with markets of all sizes

Result = dict[str, Any]


def market(server: MariaDB, places: int, folder: Path, everything: bool, reviews: int = 0) -> Result:
    """Measure a market of this size.

    Args:
        folder: a folder for temporary files.
        everything: whether to measure all kinds of requests and the writes, or only what the plots show.
    """
    name, made = f"scale{places}", Market(places, reviews)
    _say(f"{places:,} places: loading")
    loaded = database.fill(server, name, made, folder)
    result: Result = {"places": places, "load": {**loaded._asdict(), "rate": loaded.rows / loaded.seconds}}
    with servers.hbnb(server, name, folder) as (hbnb, start), servers.limit(server, name, folder) as limit:
        result |= {"start": start._asdict(), "memory_at_start": servers.memory_of(hbnb, WORKERS)._asdict()}
        found = [each for each in kinds(made) if everything or each.name in PLOTTED]
        result["kinds"] = [row for each in found if (row := _kind(each, hbnb, limit))]
        if everything:
            result["writes"] = _writes(hbnb, made, found)
        result["memory"] = servers.memory_of(hbnb, WORKERS)._asdict()
    server.execute(f"DROP DATABASE {name}")
    _say(f"{places:,} places: a naive program")
    result["naive"] = {name: {"rate": rate, "is_bound": is_bound}
                       for name, (rate, is_bound) in child("bench.scale.usual:rates", places).items()}
    return result


def _kind(kind: Kind, hbnb: Served, limit: Served) -> Result | None:
    """Measure one kind of request at HBNB and the limit; `None` if HBNB has no such route."""
    _say(f"    {kind.name}")
    start = time.perf_counter()
    if hbnb.get(kind.requests[0]).status in (400, 404):
        return None
    is_slow = time.perf_counter() - start > VERY_SLOW
    same = _compare(kind._replace(requests=kind.requests[:1 if is_slow else COMPARED]), hbnb, limit)
    both: list[Result] = []
    for each in (hbnb, limit):
        if not is_slow:
            latencies(each.address, kind.requests, SECONDS / 4)     # warms up
        both.append(latencies(each.address, kind.requests, SECONDS)._asdict())
    if all(each["p50"] < SLOW and not each["failed"] for each in both):
        rates = alternate(TURNS, *(partial(each.rate, kind.requests) for each in (hbnb, limit)))
        for found, turns in zip(both, rates, strict=True):
            found["rate"] = median(turns)
    return {"name": kind.name, "target": kind.at_least, "page": kind.page, "same": same,
            "hbnb": both[0], "limit": both[1]}


def _compare(kind: Kind, hbnb: Served, limit: Served) -> bool | None:
    """Whether both servers return the same places; `None` if HBNB returns an error."""
    for request in kind.requests:
        one, other = hbnb.get(request), limit.get(request)
        if one.status != 200:
            return None
        if _places(one.body) != _places(other.body):
            _say(f"    {request}: HBNB and the limit return different places")
            return False
    return True


def _places(body: bytes) -> Any:
    found = json.loads(body)
    return found["places"] if isinstance(found, dict) and "places" in found else found


def _writes(hbnb: Served, made: Market, found: Sequence[Kind]) -> Result:
    writer = Writer(hbnb, made)
    result: Result = {"rates": {}}
    requests: dict[str, list[Request]] = {each.name: each.requests for each in found}
    for name in PLOTTED[:2]:
        result["rates"][name] = {}
        for writes in WRITES:
            _say(f"    {name}, {writes} writes a second")
            with writer.writing(writes):
                latencies(hbnb.address, requests[name], WRITE_SECONDS / 5)
                result["rates"][name][str(writes)] = latencies(hbnb.address, requests[name], WRITE_SECONDS)._asdict()
    result["taken_over"] = {name: writer.taken_over(requests[name]) for name in PLOTTED[:2]}
    return result


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)
