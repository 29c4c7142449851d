"""The REST API, in requests a second: ours against a bare WSGI callable with picked SQL, served alike."""
from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from statistics import geometric_mean, median

from bench.asked import MIX
from bench.measure import alternate
from bench.row import Row
from bench.served import CONNECTIONS, TURNS, Request, Served, compared
from bench.sides import LARGE, MIDDLE, SMALL, Markets

LIMIT = "bare WSGI, raw cursor"
# How much of the limit is to be reached.
PAGES, MEAN, WHOLES, READS, REVIEWS = 0.6, 0.7, 0.75, 0.6, 0.6
UNCHANGED, GROWTH, FILE = 1, 2, 1


def rows(folder: Path, *parts: str) -> list[Row]:
    """The parts that are named, or all; reviews are made when everything else has been read."""
    if unknown := {*parts} - {*_PARTS}:
        raise ValueError(f"rest has no part {', '.join(sorted(unknown))}; it has {', '.join(_PARTS)}")
    with ExitStack() as stack:
        markets = Markets(folder, stack)
        return [row for name, part in _PARTS.items() if name in (parts or _PARTS) for row in part(markets)]


def _pages(markets: Markets) -> Iterator[Row]:
    """Searches for a page of 20."""
    for places in (MIDDLE, LARGE):
        ours, limit, asked = markets[places]
        name = f"{places:,} places: page"
        found = [_compared(f"{name}, {kind}", ours, limit, requests, PAGES) for kind, requests in asked.pages.items()]
        yield from found
        yield Row(f"{name}, geometric mean", geometric_mean(row.ours for row in found),
                  geometric_mean(row.limit for row in found), "requests/s", LIMIT, at_least=MEAN)


def _wholes(markets: Markets) -> Iterator[Row]:
    """Searches for all there is: 10,000 places, and 2,000."""
    for places, kind in ((MIDDLE, "no filter"), (LARGE, "one state")):
        ours, limit, asked = markets[places]
        yield _compared(f"{places:,} places: everything, {kind}", ours, limit, asked.wholes[kind], WHOLES)


def _reads(markets: Markets) -> Iterator[Row]:
    for places in (MIDDLE, LARGE):
        ours, limit, asked = markets[places]
        for kind, requests in asked.reads.items():
            yield _compared(f"{places:,} places: {kind}", ours, limit, requests, READS)


def _unchanged(markets: Markets) -> Iterator[Row]:
    """Objects that the client has already, against the same objects sent."""
    for places in (MIDDLE, LARGE):
        ours, _, asked = markets[places]
        known = [each._replace(headers={"If-None-Match": ours.get(each).tag or ""}) for each in asked.objects]
        assert all(ours.get(each)[:2] == (304, b"") for each in known)
        with_tag, without = map(median, alternate(TURNS, *(
            partial(ours.rate, requests) for requests in (known, asked.objects))))
        yield Row(f"{places:,} places: 304 for a place", with_tag, without, "requests/s", "our 200", at_least=UNCHANGED)


def _growth(markets: Markets) -> Iterator[Row]:
    """What a page costs when there are a hundred times as many places."""
    for kind in ("no filter", "one state"):
        large, small = (1000 * CONNECTIONS / median(rates) for rates in alternate(TURNS, *(
            partial(each.ours.rate, each.asked.pages[kind]) for each in (markets[LARGE], markets[SMALL]))))
        yield Row(f"{LARGE:,} places: time of a page, {kind}", large, small, "ms", f"with {SMALL:,}", at_most=GROWTH)


def _file(markets: Markets) -> Iterator[Row]:
    ours, _, asked = markets[MIDDLE]
    yield _compared(f"{MIDDLE:,} places in a file: page, {MIX}", markets.file, ours, asked.pages[MIX], FILE,
                    "the same in MariaDB")


def _reviews(markets: Markets) -> Iterator[Row]:
    for places in (MIDDLE, LARGE):
        ours, limit, asked = markets[places]
        _same(ours, limit, asked.reviews[:1], "id", "created_at", "updated_at")
        yield compared(f"{places:,} places: POST of a review", ours, limit, asked.reviews, REVIEWS, LIMIT)


def _compared(what: str, ours: Served, limit: Served, requests: Sequence[Request], at_least: float,
              against: str = LIMIT) -> Row:
    """The same answers, from both."""
    _same(ours, limit, requests)
    return compared(what, ours, limit, requests, at_least, against)


def _same(ours: Served, limit: Served, requests: Sequence[Request], *but: str) -> None:
    """Assert that both give the same JSON, in the same order.

    Args:
        but: attributes that differ.
    """
    for request in requests:
        mine, theirs = ours.get(request), limit.get(request)
        assert mine.status == theirs.status < 300, f"{request}: {mine.status} and {theirs.status}"
        one, other = json.loads(mine.body), json.loads(theirs.body)
        for name in but:
            assert one.pop(name) != other.pop(name), name
        assert one == other, f"{request}: {mine.body[:2000]!r} and {theirs.body[:2000]!r}"


_PARTS = {"pages": _pages, "wholes": _wholes, "reads": _reads, "unchanged": _unchanged, "growth": _growth,
          "file": _file, "reviews": _reviews}
