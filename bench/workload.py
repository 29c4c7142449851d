"""Workload of the REST benchmarks: some dozens of requests of each kind, chosen by a seeded random generator."""
from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any, NamedTuple

from bench.servers import Request
from bench.size import size
from tests.mariadb import MariaDB

EACH, PAGE, MIX = size(48, 4), 20, "a mix of these"
COMMON, RARE = slice(10), slice(-15, None)      # of the amenities, the most frequent first


class Workload(NamedTuple):
    """Requests by kind.

    Args:
        pages: searches for the first page of results, by description.
        full_searches: searches for all results, by description.
        reads: reads of objects and lists, by description.
        objects: reads of single objects.
        reviews: requests that create reviews.
    """

    pages: dict[str, list[Request]]
    full_searches: dict[str, list[Request]]
    reads: dict[str, list[Request]]
    objects: list[Request]
    reviews: list[Request]


def workload(server: MariaDB, database: str) -> Workload:
    """Choose requests for objects of a database that holds the sample."""
    choose = random.Random(1)
    states, users = (_ids(server, database, f"SELECT id FROM {name} ORDER BY id") for name in ("states", "users"))
    places = choose.sample(_ids(server, database, "SELECT id FROM places ORDER BY id"), EACH)
    amenities = _ids(server, database, "SELECT amenity_id FROM place_amenity GROUP BY 1 ORDER BY COUNT(*) DESC, 1")

    def searches(**wanted: Callable[[], Any]) -> list[Request]:
        bodies = ({name: value() for name, value in wanted.items()} for _ in range(EACH if wanted else 1))
        return [Request("POST", "/places_search", {"limit": PAGE} | body) for body in bodies]

    def state() -> list[str]:
        return [choose.choice(states)]

    pages = {
        "no filter": searches(),
        "one state": searches(states=state),
        "one state, two amenities": searches(states=state, amenities=lambda: choose.sample(amenities, 2)),
        "three common amenities": searches(amenities=lambda: choose.sample(amenities[COMMON], 3)),
        "three rare amenities": searches(amenities=lambda: choose.sample(amenities[RARE], 3)),
    }
    pages[MIX] = [each for kind in pages.values() for each in kind * (EACH // len(kind))]
    choose.shuffle(pages[MIX])
    objects = [Request("GET", f"/places/{id}") for id in places]
    return Workload(
        pages, {name: [each._replace(body={key: value for key, value in (each.body or {}).items() if key != "limit"})
                       for each in pages[name]] for name in ("no filter", "one state")},
        {"GET of a place": objects, "GET of the states": [Request("GET", "/states")]}, objects,
        [Request("POST", f"/places/{id}/reviews", {"user_id": choose.choice(users), "text": "Quiet, as described."})
         for id in places])


def _ids(server: MariaDB, database: str, statement: str) -> list[str]:
    connection = server.connect(database)
    cursor = connection.cursor()
    cursor.execute(statement)
    found = [id for id, *_ in cursor.fetchall()]
    connection.close()
    return found
