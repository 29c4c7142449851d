"""Listings and reviews of a city: real ones if `../shared/data` exists, otherwise generated ones of about that size."""
from __future__ import annotations

import csv
import gzip
import random
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

from bench.measure import ROOT
from bench.size import QUICK, size
from sample import vocabulary as words

_REAL = ROOT.parent / "shared" / "data"
LISTINGS, HOSTS, REVIEWS, REVIEWERS = size((421, 189, 25_313, 21_400), (20, 5, 50, 40))


class Files(NamedTuple):
    listings: str
    reviews: str
    real: bool


def files(folder: Path) -> Files:
    """Return the paths of the two files. Generated ones are written into the folder."""
    if not QUICK and (_REAL / "albany-reviews.csv.gz").exists():
        return Files(str(_REAL / "albany-listings.csv.gz"), str(_REAL / "albany-reviews.csv.gz"), True)
    choose = random.Random(1)
    return Files(
        _write(folder / "listings.csv.gz", "id,name,host_id,latitude,longitude", (
            (number, f"{choose.choice(words.ADJECTIVES)} {choose.choice(words.KINDS)}", number % HOSTS,
             42.65 + choose.gauss(0, 0.03), -73.75 + choose.gauss(0, 0.03)) for number in range(LISTINGS))),
        _write(folder / "reviews.csv.gz", "listing_id,id,date,reviewer_id,reviewer_name,comments", (
            (choose.randrange(LISTINGS), number, f"2024-{choose.randint(1, 12):02}-{choose.randint(1, 28):02}",
             HOSTS + number % REVIEWERS, choose.choice(words.FIRST_NAMES),
             " ".join(choose.sample(words.REVIEWS, choose.randint(1, 10)))) for number in range(REVIEWS))), False)


def _write(path: Path, heading: str, lines: Iterable[tuple[object, ...]]) -> str:
    with gzip.open(path, "wt", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([heading.split(","), *lines])
    return str(path)
