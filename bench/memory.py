"""The memory of a worker that serves: after twenty thousand requests of all kinds, and after the first of them."""
from __future__ import annotations

import random
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from itertools import cycle, islice
from pathlib import Path

from bench.asked import MIX, Asked
from bench.row import Row
from bench.served import CONNECTIONS, WORKERS, Request
from bench.sides import SMALL, Markets
from bench.size import size
from tests.processes import family, memory

REQUESTS, FIRST = size((20_000, 2_000), (60, 20))    # to each worker, about: they share what comes


def rows(folder: Path) -> list[Row]:
    """The worker that has grown most, on MariaDB: it is to keep what it had after the first requests."""
    with ExitStack() as stack:
        ours, _, asked = Markets(folder, stack)[SMALL]
        requests = mixed(asked)
        # The largest are the workers; beside them runs who watches them.
        workers = sorted(family(ours.process.pid), key=memory)[-WORKERS:]
        found = []
        with ThreadPoolExecutor(CONNECTIONS) as clients:
            for count in (FIRST, REQUESTS - FIRST):
                asking = islice(cycle(requests), WORKERS * count)
                for answer in clients.map(ours.get, asking):
                    assert answer.status < 400, answer
                found.append([memory(worker) / 1000 for worker in workers])
    before, after = max(zip(*found, strict=True), key=lambda each: each[1] - each[0])
    return [Row(f"memory of a worker after {REQUESTS:,} mixed requests", after, before, "MB",
                f"after {FIRST:,}", at_most=1.15)]


def mixed(asked: Asked) -> list[Request]:
    """Searches, lists, objects and reviews that are made, in no order."""
    found = [*asked.pages[MIX], *(each for kind in asked.reads.values() for each in kind), *asked.objects,
             *asked.reviews, Request("GET", "/stats"),
             Request("GET", "/places?limit=20&include=amenities,reviews.user"),
             Request("POST", "/places_search", {"text": "river", "limit": 20, "facets": True})]
    random.Random(1).shuffle(found)
    return found
