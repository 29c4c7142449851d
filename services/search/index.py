"""The search index: the places of the store in memory, as bitmaps and columns.

Each place has a number. A filter gives the bitmap of the numbers of its places, a search intersects these bitmaps, and
the storage is asked only for the rows of the page. The storage's change log tells which places to read again, so an
index costs little to keep up to date. It is built again only if the log does not tell, such as after a restore.
"""
from __future__ import annotations

import threading
from array import array
from bisect import bisect_left
from collections import Counter, OrderedDict, deque
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from concurrent.futures import Executor, Future
from datetime import datetime
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from pyroaring import BitMap

from models.amenity import Amenity
from models.city import City
from models.place import Place
from models.state import State
from services.search.columns import Column, Texts, true_numbers
from services.search.orders import Order
from services.search.words import Words, inverted, tokens

MOST_KEPT = 50          # bitmaps of values of filters that are kept
MOST_SPLIT = 4          # parts of rows whose words are waited for
MOST_DEAD = 10_000      # numbers of former texts that are kept at least
COLUMNS = ("price_by_night", "latitude", "longitude")   # besides those of the table of filters
EPOCH = datetime(1970, 1, 1)
MICROSECOND = EPOCH.resolution

Row = Mapping[str, Any]


class Named(NamedTuple):
    """A state, a city or an amenity.

    Args:
        name: its name.
        parent: the id of a city's state; empty for others.
        number: its number among the named objects.
    """

    name: str
    parent: str
    number: int


class Index:
    """The index of one store. Use it with its `lock` held.

    Args:
        numeric: the columns of places by which filters compare.

    Attributes:
        version: the version of the storage that it shows.
        all: the numbers of all places.
        states, cities, amenities: by id.
        named_words: the numbers of states, cities and amenities by the words of their names.
        named_keys: the class and the id of a state, a city or an amenity by its number.
        in_city, with_amenity: the numbers of places by the id of their city or of an amenity.
        orders: by the names of `value_types.SORTS`; an empty name for the oldest first.
        changes: the number of changes applied since it was built.
        edition: changes if a state, a city or an amenity does, or if a city gets its first or loses its last place.
    """

    def __init__(self, numeric: Iterable[str]) -> None:
        self.lock = threading.RLock()
        self.version: Any = None
        self.all = BitMap()
        self.states: dict[str, Named] = {}
        self.cities: dict[str, Named] = {}
        self.amenities: dict[str, Named] = {}
        self.words = Words()
        self.in_city: dict[str, BitMap] = {}
        self.with_amenity: dict[str, BitMap] = {}
        self.columns = {name: Column(np.float64) for name in (*COLUMNS, *numeric)}
        self._named: dict[type, dict[str, Named]] = {
            State: self.states, City: self.cities, Amenity: self.amenities}
        self.changes = self.edition = 0
        self.named_words, self.named_keys = Words(), list[tuple[type, str]]()
        self._ids, self._names, self._created, self._texts = Texts(), Texts(), Column(np.int64), Column(np.int64)
        self._city = Column(np.uint32)          # indexes of `_city_ids`
        self._city_ids: list[str] = []
        self._city_numbers: dict[str, int] = {}
        self._sorted = 0                        # so many numbers, from 0 on, are in the order of their ids
        self._numbers: dict[str, int] = {}      # the others by id
        self._dead = BitMap()                   # numbers of removed places and former texts, still in `words`
        self._free = BitMap()                   # numbers that can be used again
        self._kept: OrderedDict[Any, tuple[BitMap, Callable[[Mapping[str, NDArray[Any]]], Any]]] = OrderedDict()
        self.orders = {"": Order(self._age), "newest": Order(self._youth), "name": Order(self._name_key),
                       "price": Order(self._price_key)}

    # Reading

    def id(self, number: int) -> str:
        return self._ids[number].decode()

    def name(self, number: int) -> str:
        return self._names[number].decode()

    def number(self, id: str) -> int | None:
        """The number of a place; `None` if it is not in the index."""
        found = self._numbers.get(id)
        if found is None:
            key = id.encode()
            found = bisect_left(range(self._sorted), key, key=self._ids.__getitem__)
            if found == self._sorted or self._ids[found] != key:
                return None
        return found if found in self.all else None

    def places_by_city(self, numbers: NDArray[np.uint32]) -> dict[str, int]:
        """Of places with these numbers, the number in each city, by its id."""
        counts = np.bincount(self._city.values[numbers], minlength=len(self._city_ids))
        return dict(zip(self._city_ids, counts.tolist(), strict=True))

    def values(self) -> dict[str, NDArray[Any]]:
        """The columns as arrays, in which each number has a value."""
        return {name: column.values for name, column in self.columns.items()}

    def matching(self, key: Any, mask: Callable[[Mapping[str, NDArray[Any]]], Any]) -> BitMap:
        """The numbers of the places whose columns meet a condition.

        Args:
            key: identifies the condition, of which the result is kept, and kept up to date.
            mask: returns for each place whether it meets the condition, given `values` or a part of them.
        """
        kept = self._kept.get(key)
        if kept is None:
            kept = self._kept[key] = true_numbers(mask(self.values())) & self.all, mask
            if len(self._kept) > MOST_KEPT:
                self._kept.popitem(last=False)
        else:
            self._kept.move_to_end(key)
        return kept[0]

    def containing(self, word: Iterable[Iterable[str]]) -> BitMap:
        """The numbers of the places that contain a word, or whose city, state or amenities do.

        Args:
            word: from `words.split`.
        """
        return BitMap.union(BitMap(), *(
            BitMap.intersection(*map(self.starting_with, way)) if way else BitMap() for way in word))

    def starting_with(self, prefix: str) -> BitMap:
        """The numbers of the places that have a word with this beginning, or whose city, state or amenities have."""
        named = [self.named_keys[number] for number in self.named_words.starting_with(prefix)]
        parts = [self.words.starting_with(prefix), *(self.places_of(cls, id) for cls, id in named if cls is not State)]
        if states := {id for cls, id in named if cls is State}:
            parts.append(self.in_regions(states))
        return BitMap.union(*parts) & self.all

    def places_of(self, cls: type, id: str) -> BitMap:
        """The numbers of the places in a state or a city, or with an amenity."""
        if cls is State:
            return self.in_regions({id})
        return (self.in_city if cls is City else self.with_amenity).get(id, BitMap())

    def named(self, cls: type) -> Mapping[str, Named]:
        """The states, cities or amenities, by id."""
        return self._named[cls]

    def places_by_region(self) -> Counter[tuple[type, str]]:
        """The number of places in each state and city that has any, by its class and id."""
        counts: Counter[tuple[type, str]] = Counter()
        for id, places in self.in_city.items():
            if places and (city := self.cities.get(id)):
                counts[City, id] += len(places)
                counts[State, city.parent] += len(places)
        return counts

    def in_regions(self, states: Collection[str], cities: Collection[str] = ()) -> BitMap:
        """The numbers of the places in any of these states or cities."""
        return BitMap.union(BitMap(), *(
            places for id, places in self.in_city.items()
            if (city := self.cities.get(id)) and (id in cities or city.parent in states)))

    @property
    def size(self) -> int:
        """Approximate bytes in memory."""
        columns: list[Column | Texts] = [
            *self.columns.values(), self._ids, self._names, self._created, self._texts, self._city]
        bitmaps = [self.all, *self.in_city.values(), *self.with_amenity.values()]
        sizes = (each.get_statistics() for each in bitmaps)
        return self.words.size + sum(each.size for each in columns) + sum(
            each["n_bytes_array_containers"] + each["n_bytes_bitset_containers"] for each in sizes)

    def counts(self) -> dict[type, int]:
        """The number of objects of each class in the index."""
        return {Place: len(self.all), **{cls: len(named) for cls, named in self._named.items()}}

    # Building

    def fill(self, rows: Iterable[Sequence[Row]], links: Iterable[tuple[str, Iterable[Sequence[str]]]],
             report: Callable[[str], None], executor: Executor) -> None:
        """Fill the empty index.

        Args:
            rows: the places in parts, in the order of their ids.
            links: the ids of amenities, each with the ids of its places in parts.
            report: receives messages about the progress.
            executor: splits the texts into words.
        """
        split: deque[Future[dict[str, array[int]]]] = deque()
        for part in rows:
            split.append(executor.submit(inverted, self._sorted, [_texts(row) for row in part]))
            self._extend(part)
            if len(split) > MOST_SPLIT:
                self.words.merge(split.popleft().result())
            report(f"{self._sorted:,} places read")
        while split:
            self.words.merge(split.popleft().result())
        ids = np.array([self._ids[number] for number in range(self._sorted)])
        for count, (amenity, parts) in enumerate(links, 1):
            has = np.zeros(self._sorted, np.bool_)
            for places in parts if self._sorted else ():
                wanted = np.array([id.encode() for id in places], np.bytes_)
                numbers = np.searchsorted(ids, wanted) % self._sorted
                has[numbers[ids[numbers] == wanted]] = True
            self.with_amenity[amenity] = true_numbers(has)
            report(f"{self._sorted:,} places read, and the links to {count} amenities")
        self._sort()

    def _extend(self, part: Sequence[Row]) -> None:
        start = self._sorted
        self._sorted += len(part)
        self.all.add_range(start, self._sorted)
        self._ids.extend([row["id"].encode() for row in part])
        self._names.extend([row["name"].encode() for row in part])
        self._texts.extend([*map(_text_key, part)])
        self._created.extend([_microseconds(row["created_at"]) for row in part])
        for name, column in self.columns.items():
            column.extend([row[name] for row in part])
        self._city.extend([self._city_number(row["city_id"]) for row in part])
        for number, row in enumerate(part, start):
            self.in_city[row["city_id"]].add(number)

    def _sort(self) -> None:
        """Sort the filled index, whose numbers are in the order of ids, which are the last key of each order."""
        created, prices = self._created.values, self.columns["price_by_night"].values
        oldest = np.argsort(created, kind="stable").tolist()
        self.orders = {
            "": Order(self._age, oldest),
            "newest": Order(self._youth, np.argsort(-created, kind="stable").tolist()),
            "price": Order(self._price_key, np.lexsort((created, prices)).tolist()),    # NumPy sorts NaN last
            "name": Order(self._name_key, sorted(oldest, key=self._names.__getitem__))}

    # Taking over changes

    def put_named(self, cls: type, id: str, row: Row | None) -> None:
        """Take over a state, a city or an amenity; `row` is `None` if it was removed."""
        self.edition += 1
        known = self._named[cls]
        former, number = known.pop(id, None), len(self.named_keys)
        if former:
            number = former.number
            self.named_words.remove(number, tokens(former.name))
        if row is not None:
            known[id] = Named(row["name"], row.get("state_id") or "", number)
            self.named_words.add(number, tokens(row["name"]))
            if not former:
                self.named_keys.append((cls, id))
        elif cls is Amenity:
            self.with_amenity.pop(id, None)

    def put(self, id: str, row: Row | None, amenities: Iterable[str] = ()) -> None:
        """Take over a place.

        Args:
            row: its values; `None` if it was removed.
            amenities: the ids of its amenities.
        """
        self.changes += 1
        number, former = self.number(id), None
        if number is not None:
            former = self._remove(number)
            if row is None or self._texts[number] != _text_key(row):
                # Its former words are not known, so the number stays in `words` until many are removed at once.
                self._numbers.pop(id, None)
                self._dead.add(number)
                number = None
        new = None
        if row is not None:
            new = self._add(id, number, row, amenities)
        if new is not former:
            self.edition += (former is not None and not former) + (new is not None and len(new) == 1)

    def _add(self, id: str, number: int | None, row: Row, amenities: Iterable[str]) -> BitMap:
        """Add a place, with a new number if `number` is `None`. Returns: the numbers of the places in its city."""
        if number is None:
            number = self._free_number()
            self._ids[number] = id.encode()
            self._numbers[id] = number
            self._put_text(number, row)
        self._put_values(number, row)
        self.all.add(number)
        for amenity in amenities:
            self.with_amenity.setdefault(amenity, BitMap()).add(number)
        for order in self.orders.values():
            order.add(number)
        self._add_to_kept(number)
        return self.in_city[row["city_id"]]

    def _free_number(self) -> int:
        if len(self._dead) > max(MOST_DEAD, len(self.all) // 4):
            self.words.discard(self._dead)
            self._free |= self._dead
            self._free.remove_range(0, self._sorted)    # these stay in the order of their ids
            self._dead.clear()
        return self._free.pop() if self._free else len(self._created.values)

    def _remove(self, number: int) -> BitMap:
        """Remove a number from everything but the words. Returns: the other numbers of its city."""
        for order in self.orders.values():
            order.remove(number)
        self.all.remove(number)
        city = self.in_city[self._city_ids[self._city[number]]]
        city.discard(number)
        for bitmap in (*self.with_amenity.values(), *(bitmap for bitmap, _ in self._kept.values())):
            bitmap.discard(number)
        return city

    def _add_to_kept(self, number: int) -> None:
        """Add a number to the kept bitmaps whose conditions it meets."""
        values = {name: column[number:number + 1] for name, column in self.values().items()}
        for bitmap, mask in self._kept.values():
            if mask(values)[0]:
                bitmap.add(number)

    def _put_text(self, number: int, row: Row) -> None:
        self._names[number] = row["name"].encode()
        self._texts[number] = _text_key(row)
        self.words.add(number, tokens(*_texts(row)))

    def _put_values(self, number: int, row: Row) -> None:
        self._created[number] = _microseconds(row["created_at"])
        for name, column in self.columns.items():
            column[number] = np.nan if row[name] is None else row[name]
        self._city[number] = self._city_number(row["city_id"])
        self.in_city[row["city_id"]].add(number)

    def _city_number(self, id: str) -> int:
        if id not in self.in_city:
            self.in_city[id] = BitMap()
            self._city_numbers[id] = len(self._city_ids)
            self._city_ids.append(id)
        return self._city_numbers[id]

    # Keys of the orders

    def _age(self, number: int) -> tuple[Any, ...]:
        return self._created[number], self._ids[number]

    def _youth(self, number: int) -> tuple[Any, ...]:
        return -self._created[number], self._ids[number]

    def _name_key(self, number: int) -> tuple[Any, ...]:
        return self._names[number], self._created[number], self._ids[number]

    def _price_key(self, number: int) -> tuple[Any, ...]:
        price = self.columns["price_by_night"][number]
        unknown = bool(np.isnan(price))     # last, and NaN cannot be compared
        return unknown, 0 if unknown else price, self._created[number], self._ids[number]


def _texts(row: Row) -> tuple[str, str]:
    """The texts of a place whose words are searched."""
    return row["name"], row["description"] or ""


def _text_key(row: Row) -> int:
    """A number that tells whether the texts of a place have changed."""
    return hash(_texts(row))


def _microseconds(time: Any) -> int:
    """A time, as a database's driver or SQLite returns it, in microseconds since 1970."""
    return ((datetime.fromisoformat(time) if isinstance(time, str) else time) - EPOCH) // MICROSECOND
