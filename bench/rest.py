"""The REST API in requests a second, against a bare WSGI callable with hand-written SQL on the same kind of server."""
from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from statistics import geometric_mean, median

from bench.markets import LARGE, MIDDLE, SMALL, Markets
from bench.measure import alternate
from bench.row import Row
from bench.servers import CONNECTIONS, TURNS, Request, Served, compared
from bench.workload import MIX

REFERENCE = "bare WSGI, raw cursor"
# The targets, as shares of the reference's rate.
PAGES, MEAN, FULL_SEARCHES, READS, REVIEWS = 0.6, 0.7, 0.75, 0.6, 0.6
UNCHANGED, GROWTH, FILE = 1, 2, 1


def rows(folder: Path, *parts: str) -> list[Row]:
    """Measure the named parts, or all; the part that creates reviews is last, because it changes the data."""
    if unknown := {*parts} - {*_PARTS}:
        raise ValueError(f"rest has no part {', '.join(sorted(unknown))}; it has {', '.join(_PARTS)}")
    with ExitStack() as stack:
        markets = Markets(folder, stack)
        return [row for name, part in _PARTS.items() if name in (parts or _PARTS) for row in part(markets)]


def _pages(markets: Markets) -> Iterator[Row]:
    """Measure searches for a page of 20 places."""
    for places in (MIDDLE, LARGE):
        hbnb, reference, workload = markets[places]
        name = f"{places:,} places: page"
        rows = [_compared(f"{name}, {kind}", hbnb, reference, requests, PAGES)
                for kind, requests in workload.pages.items()]
        yield from rows
        yield Row(f"{name}, geometric mean", geometric_mean(row.hbnb for row in rows),
                  geometric_mean(row.reference for row in rows), "requests/s", REFERENCE, at_least=MEAN)


def _full_searches(markets: Markets) -> Iterator[Row]:
    """Measure searches for all results: 10,000 places, and 2,000."""
    for places, kind in ((MIDDLE, "no filter"), (LARGE, "one state")):
        hbnb, reference, workload = markets[places]
        yield _compared(f"{places:,} places: all results, {kind}", hbnb, reference, workload.full_searches[kind],
                        FULL_SEARCHES)


def _reads(markets: Markets) -> Iterator[Row]:
    for places in (MIDDLE, LARGE):
        hbnb, reference, workload = markets[places]
        for kind, requests in workload.reads.items():
            yield _compared(f"{places:,} places: {kind}", hbnb, reference, requests, READS)


def _unchanged(markets: Markets) -> Iterator[Row]:
    """Compare conditional requests for unchanged objects with requests that return the objects."""
    for places in (MIDDLE, LARGE):
        hbnb, _, workload = markets[places]
        conditional = [each._replace(headers={"If-None-Match": hbnb.get(each).tag or ""}) for each in workload.objects]
        assert all(hbnb.get(each)[:2] == (304, b"") for each in conditional)
        unchanged, returned = map(median, alternate(TURNS, *(
            partial(hbnb.rate, requests) for requests in (conditional, workload.objects))))
        yield Row(f"{places:,} places: 304 for a place", unchanged, returned, "requests/s", "HBNB's 200",
                  at_least=UNCHANGED)


def _growth(markets: Markets) -> Iterator[Row]:
    """Compare the time of a page with a hundred times as many places."""
    for kind in ("no filter", "one state"):
        large, small = (1000 * CONNECTIONS / median(rates) for rates in alternate(TURNS, *(
            partial(each.hbnb.rate, each.workload.pages[kind]) for each in (markets[LARGE], markets[SMALL]))))
        yield Row(f"{LARGE:,} places: time of a page, {kind}", large, small, "ms", f"with {SMALL:,}", at_most=GROWTH)


def _file(markets: Markets) -> Iterator[Row]:
    hbnb, _, workload = markets[MIDDLE]
    yield _compared(f"{MIDDLE:,} places in a file: page, {MIX}", markets.file, hbnb, workload.pages[MIX], FILE,
                    "the same in MariaDB")


def _reviews(markets: Markets) -> Iterator[Row]:
    for places in (MIDDLE, LARGE):
        hbnb, reference, workload = markets[places]
        _assert_same(hbnb, reference, workload.reviews[:1], "id", "created_at", "updated_at")
        yield compared(f"{places:,} places: POST of a review", hbnb, reference, workload.reviews, REVIEWS, REFERENCE)


def _compared(name: str, hbnb: Served, reference: Served, requests: Sequence[Request], at_least: float,
              against: str = REFERENCE) -> Row:
    """Assert that both servers return the same responses, and compare their rates."""
    _assert_same(hbnb, reference, requests)
    return compared(name, hbnb, reference, requests, at_least, against)


def _assert_same(hbnb: Served, reference: Served, requests: Sequence[Request], *different: str) -> None:
    """Assert that both servers return the same JSON, in the same order.

    Args:
        different: attributes that must differ.
    """
    for request in requests:
        one, other = hbnb.get(request), reference.get(request)
        assert one.status == other.status < 300, f"{request}: {one.status} and {other.status}"
        one_json, other_json = json.loads(one.body), json.loads(other.body)
        for name in different:
            assert one_json.pop(name) != other_json.pop(name), name
        assert one_json == other_json, f"{request}: {one.body[:2000]!r} and {other.body[:2000]!r}"


_PARTS = {"pages": _pages, "full_searches": _full_searches, "reads": _reads, "unchanged": _unchanged, "growth": _growth,
          "file": _file, "reviews": _reviews}
