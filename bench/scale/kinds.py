"""The kinds of requests that are measured, each with many requests that a seeded random generator chooses."""
from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any, NamedTuple

from bench.scale.generator import Market
from bench.scale.vocabulary import WORDS
from bench.servers import Request
from bench.size import size

EACH, PAGE = size(500, 5), 20
FACETS = 10         # the largest cost of facets: the cost of that many pages
# The targets, as shares of the limit's rate, although the limit returns no total.
PLAIN, COMBINED = 0.6, 1.5


class Kind(NamedTuple):
    """Requests of one kind.

    Args:
        at_least: the target: a share of the limit's rate; 0 for none.
        page: the kind that finds the same places, if this one also counts facets.
    """

    name: str
    requests: list[Request]
    at_least: float = 0
    page: str = ""


def kinds(market: Market) -> list[Kind]:
    """Choose the requests of each kind for a market."""
    choose = random.Random(1)
    common, states = market.common_amenities, [str(each) for each in market.states]

    def kind(name: str, target: float, page: str = "", **wanted: Callable[[], Any]) -> Kind:
        bodies = [{"limit": PAGE} | {key: value() for key, value in wanted.items()} for _ in range(EACH)]
        return Kind(name, [Request("POST", "/places_search", body) for body in bodies], target, page)

    def state() -> list[str]:
        return [choose.choice(states)]

    def center() -> list[float]:
        return [round(float(each), 4) for each in choose.choice(market.centers)]

    def near() -> dict[str, float]:
        latitude, longitude = center()
        return {"latitude": latitude, "longitude": longitude, "km": 3}

    def box() -> list[float]:
        latitude, longitude = center()
        return [round(each, 4) for each in (longitude - 0.05, latitude - 0.04, longitude + 0.05, latitude + 0.04)]

    def word(start: int, end: int) -> Callable[[], str]:
        words = market.vocabulary.ranked(start, end)
        return lambda: choose.choice(words)

    def price_and_guests() -> list[Kind]:
        found = kind("narrow price, guests", COMBINED, price_min=lambda: choose.randint(250, 600),
                     guests=lambda: choose.choice([6, 8, 10]))
        bodies = [(each.body or {}) for each in found.requests]
        return [found._replace(requests=[each._replace(body={**body, "price_max": body["price_min"] + 2})
                                         for each, body in zip(found.requests, bodies, strict=True)])]

    return [
        kind("no filter", PLAIN),
        kind("one state", PLAIN, states=state),
        kind("one state, two amenities", COMBINED, states=state, amenities=lambda: choose.sample(common, 2)),
        kind("three common amenities", COMBINED, amenities=lambda: choose.sample(common[:10], 3)),
        kind("state, amenity, price, guests", COMBINED, states=state, amenities=lambda: choose.sample(common[:20], 1),
             price_min=lambda: choose.randrange(20, 60), price_max=lambda: choose.randrange(120, 200),
             guests=lambda: choose.choice([1, 2, 4])),
        *price_and_guests(),
        kind("one state, by price", COMBINED, states=state, sort=lambda: "price"),
        *(kind(name, COMBINED, sort=lambda sort=sort: sort) for name, sort in (
            ("by price", "price"), ("by name", "name"), ("newest first", "newest"))),
        kind("nearest within 3 km", COMBINED, near=near, sort=lambda: "distance"),
        kind("a part of the map", PLAIN, bbox=box),
        kind("a rare word", COMBINED, text=word(2 * WORDS // 5, 2 * WORDS // 5 + 1000)),
        kind("a common word", COMBINED, text=word(5, 60)),
        kind("a word of no place", COMBINED, text=lambda: f"xq{choose.randrange(10**6):06}"),
        kind("facets of all places", 0, "no filter", facets=lambda: True),
        kind("facets of one state", 0, "one state", states=state, facets=lambda: True),
        kind(f"offset {market.places // 2:,}", 0, offset=lambda: market.places // 2),
        Kind("clusters of a map", [Request("GET", f"/places/clusters?bbox={','.join(map(str, box()))}")
                                   for _ in range(EACH)]),
    ]
