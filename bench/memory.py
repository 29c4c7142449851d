"""Memory growth of a worker: after twenty thousand requests of all kinds, compared with the first two thousand."""
from __future__ import annotations

import random
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from itertools import cycle, islice
from pathlib import Path

from bench.markets import SMALL, Markets
from bench.row import Row
from bench.servers import CONNECTIONS, WORKERS, Request
from bench.size import size
from bench.workload import MIX, Workload
from tests.processes import family, memory

REQUESTS, FIRST = size((20_000, 2_000), (60, 20))    # approximate numbers per worker, because workers share them


def rows(folder: Path) -> list[Row]:
    """Measure the worker whose memory grew most, on MariaDB."""
    with ExitStack() as stack:
        hbnb, _, workload = Markets(folder, stack)[SMALL]
        requests = mixed(workload)
        # The workers are larger than their parent process.
        workers = sorted(family(hbnb.process.pid), key=memory)[-WORKERS:]
        sizes = []
        with ThreadPoolExecutor(CONNECTIONS) as clients:
            for count in (FIRST, REQUESTS - FIRST):
                for answer in clients.map(hbnb.get, islice(cycle(requests), WORKERS * count)):
                    assert answer.status < 400, answer
                sizes.append([memory(worker) / 1000 for worker in workers])
    before, after = max(zip(*sizes, strict=True), key=lambda each: each[1] - each[0])
    return [Row(f"memory of a worker after {REQUESTS:,} mixed requests", after, before, "MB",
                f"after {FIRST:,}", at_most=1.15)]


def mixed(workload: Workload) -> list[Request]:
    """Return searches, reads of lists and objects, and creations of reviews, in random order."""
    requests = [*workload.pages[MIX], *(each for kind in workload.reads.values() for each in kind),
                *workload.objects, *workload.reviews, Request("GET", "/stats"),
                Request("GET", "/places?limit=20&include=amenities,reviews.user"),
                Request("POST", "/places_search", {"text": "river", "limit": 20, "facets": True})]
    random.Random(1).shuffle(requests)
    return requests
