"""Generator of large markets: states, cities, amenities, users, places and reviews, written for `LOAD DATA`.

The same arguments give the same market. Ids are sorted, so the rows of a table are in the order of its primary key.
"""
from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from bench.scale.vocabulary import Vocabulary
from sample import vocabulary as names

STATES, CITIES, AMENITIES, LINKS = 50, 400, 60, 11.5
CHUNK = 50_000      # places that are generated at a time
START = np.datetime64("2020-01-01T00:00:00", "us")
Strings = Any       # an array of strings


class Market:
    """A market of generated objects.

    Args:
        places: the number of places.
        reviews: the average number of reviews of a place.
    """

    def __init__(self, places: int, reviews: int = 0) -> None:
        self.places, self._reviews = places, reviews
        self._random = np.random.default_rng(1)
        self.vocabulary = Vocabulary(self._random)
        self.amenities, self.states, self.cities = map(self._ids, (AMENITIES, STATES, CITIES))
        self.users, self.place_ids = self._ids(max(40, places // 5)), self._ids(places)
        self.state_of = np.arange(CITIES) % STATES      # the number of each city's state
        middle = self._random.uniform((31, -118), (47, -76), (STATES, 2))
        self.centers = middle[self.state_of] + self._random.normal(0, 1, (CITIES, 2))
        self._sizes = _shares(1 / np.arange(1, CITIES + 1) ** 0.7, self._random)
        self.frequencies = self._random.permutation(_frequencies())    # the share of places with each amenity

    @cached_property
    def common_amenities(self) -> list[str]:
        """The ids of the amenities, the most frequent first."""
        return [str(each) for each in self.amenities[np.argsort(-self.frequencies)]]

    def write(self, folder: Path) -> dict[str, Path]:
        """Write one file for each table, in the default format of `LOAD DATA`; return the files by table."""
        rows: dict[str, Iterator[bytes]] = {
            "amenities": self._rows(self.amenities, _numbered(names.AMENITIES, AMENITIES)),
            "states": self._rows(self.states, _numbered(names.STATES, STATES)),
            "users": self._rows(
                self.users, [f"user{number}@hbnb.example\t\tAda\tHale" for number in range(len(self.users))]),
            "cities": self._rows(self.cities, [f"{self.states[state]}\t{name}" for state, name in zip(
                self.state_of, _numbered(names.CITIES, CITIES), strict=True)]),
            "places": self._places(), "place_amenity": self._links(), "reviews": self._all_reviews()}
        files = {table: folder / f"{table}.txt" for table in rows}
        for table, parts in rows.items():
            with open(files[table], "wb") as file:
                file.writelines(parts)
        return files

    def _places(self) -> Iterator[bytes]:
        for ids, times in zip(_chunks(self.place_ids), _chunks(self._times(self.places)), strict=True):
            count = len(ids)
            cities = self._random.choice(CITIES, count, p=self._sizes)
            spots = np.round(self.centers[cities] + self._random.normal(0, (0.03, 0.04), (count, 2)), 6)
            guests = self._random.choice([1, 2, 2, 2, 3, 4, 4, 5, 6, 8, 10], count)
            rooms = np.maximum(1, np.round(guests / 2).astype(int))
            bathrooms = np.maximum(1, rooms - self._random.integers(0, 3, count))
            prices = (25 + guests * self._random.lognormal(3.2, 0.45, count)).astype(int)
            users = self._random.choice(self.users, count)
            called = (each.capitalize() for each in self.vocabulary.texts(count, 2, 4))
            described = (f"{each.capitalize()}." for each in self.vocabulary.texts(count, 30, 60))
            columns = (each.tolist() for each in (
                self.cities[cities], users, rooms, bathrooms, guests, prices, spots[:, 0], spots[:, 1]))
            yield from _lines(ids, times, [
                f"{city}\t{user}\t{name}\t{description}\t{rooms}\t{bathrooms}\t{guests}\t{price}\t{north}\t{east}"
                for name, description, city, user, rooms, bathrooms, guests, price, north, east in zip(
                    called, described, *columns, strict=True)])

    def _links(self) -> Iterator[bytes]:
        """Yield the amenities of each place; they are independent, because only their numbers matter to a search."""
        amenities = _letters(self.amenities)
        for ids in _chunks(self.place_ids):
            place, amenity = np.nonzero(self._random.random((len(ids), AMENITIES)) < self.frequencies)
            lines = np.full((len(place), 74), ord("\t"), np.uint8)
            lines[:, :36], lines[:, 37:73], lines[:, 73] = _letters(ids)[place], amenities[amenity], ord("\n")
            yield lines.tobytes()

    def _all_reviews(self) -> Iterator[bytes]:
        count = self.places * self._reviews
        for ids, times in zip(_chunks(self._ids(count)), _chunks(self._times(count)), strict=True):
            places, users = (self._random.choice(each, len(ids)).tolist() for each in (self.place_ids, self.users))
            yield from _lines(ids, times, [f"{place}\t{user}\t{text}" for place, user, text in zip(
                places, users, self.vocabulary.texts(len(ids), 5, 30), strict=True)])

    def _rows(self, ids: Strings, values: list[str]) -> Iterator[bytes]:
        yield from _lines(ids, self._times(len(ids)), values)

    def _times(self, count: int) -> Any:
        """Return distinct times in random order."""
        seconds = self._random.permutation(count) * 200 + self._random.integers(0, 200, count)
        return START + (seconds * 1_000_003).astype("timedelta64[us]")

    def _ids(self, count: int) -> Strings:
        """Return sorted random UUIDs."""
        values = np.frombuffer(self._random.bytes(16 * count), np.uint8)
        digits = np.frombuffer(b"0123456789abcdef", np.uint8)[np.stack([values >> 4, values & 15], 1).reshape(-1, 32)]
        digits[:, 12], digits[:, 16] = ord("4"), ord("a")
        parts = np.split(digits, [8, 12, 16, 20], 1)
        dash = np.full((count, 1), ord("-"), np.uint8)
        joined = np.concatenate([each for part in parts for each in (dash, part)][1:], 1)
        return np.sort(np.ascontiguousarray(joined).view("S36").ravel()).astype(str)


def _lines(ids: Strings, times: Any, values: list[str]) -> Iterator[bytes]:
    texts = np.datetime_as_string(times, "us").tolist()
    for id, time, rest in zip(ids.tolist(), texts, values, strict=True):
        yield f"{id}\t{time}\t{time}\t{rest}\n".encode()


def _letters(strings: Strings) -> Any:
    """Return ASCII strings of 36 characters as rows of bytes."""
    return strings.astype("S36").view(np.uint8).reshape(-1, 36)


def _chunks(values: Strings) -> Iterator[Strings]:
    for start in range(0, len(values), CHUNK):
        yield values[start:start + CHUNK]


def _shares(weights: Any, random: np.random.Generator) -> Any:
    return random.permutation(weights / weights.sum())


def _frequencies() -> Any:
    """Return the shares of places that have each amenity: from 0.9 down, in all `LINKS` for a place."""
    low, high = 0.5, 0.999
    for _ in range(50):
        ratio = (low + high) / 2
        shares = 0.9 * ratio ** np.arange(AMENITIES)
        low, high = (ratio, high) if shares.sum() < LINKS else (low, ratio)
    return shares


def _numbered(words: tuple[str, ...], count: int) -> list[str]:
    return [f"{words[number % len(words)]}{f' {number // len(words) + 1}' if number >= len(words) else ''}"
            for number in range(count)]
