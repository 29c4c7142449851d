"""The index of each storage: built from its rows, and kept up to date by its change log."""
from __future__ import annotations

import logging
import os
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Executor, Future, ProcessPoolExecutor
from typing import TYPE_CHECKING, Any, TypeVar
from weakref import WeakKeyDictionary

from sqlalchemy import Select, bindparam, select

import models
from errors import Unavailable
from models.amenity import Amenity, place_amenity
from models.city import City
from models.family import chunks
from models.place import Place
from models.state import State
from services import permissions
from services.search.filters import COMPARED
from services.search.index import COLUMNS, Index

if TYPE_CHECKING:
    from models.engine.base import Storage

PART = 10_000       # rows read at once
PATIENCE = 2.0      # seconds between messages about the progress

T = TypeVar("T")

_NAMED = {cls.__name__: cls for cls in (State, City, Amenity)}
_ATTRIBUTES = ("id", "city_id", "created_at", "name", "description", *dict.fromkeys((*COLUMNS, *COMPARED)))
_PLACES: Select[Any] = select(*(Place.__table__.c[name] for name in _ATTRIBUTES)).where(
    *permissions.visible(Place, "public"))
_LINKED = select(place_amenity.c.place_id).where(place_amenity.c.amenity_id == bindparam("amenity"))

indexes: WeakKeyDictionary[Storage, Index] = WeakKeyDictionary()
_building = threading.Lock()


def current(forks: bool = False) -> Index:
    """The index of the storage as it is, which may be outdated. It is built if it is missing.

    Args:
        forks: see `build`.
    """
    found = indexes.get(models.storage)
    if found is None:
        with _building:
            found = indexes.get(models.storage)
            if found is None:
                found = build(forks)
                if found.version is not None:       # not inside a transaction, whose changes others must not see
                    indexes[models.storage] = found
    return found


def refresh(index: Index) -> Index:
    """Bring an index up to date.

    Returns: the index; another one if its changes are no longer known, such as after a restore.
    Raises:
        Unavailable: the storage cannot be reached.
    """
    with index.lock:
        if index is not (latest := indexes.get(models.storage)) and latest is not None:
            return refresh(latest)      # another thread has built it meanwhile
        changes = models.storage.changes(index.version)
        if changes is None:
            found = indexes[models.storage] = build()
            return found
        _take_over(index, changes.objects)
        index.version = changes.version
        return index


def prepare() -> None:
    """Build the index of the storage if it is missing. A server does this before it starts its workers, which then
    share the memory.
    """
    try:
        current(forks=threading.active_count() == 1)
    except Unavailable as error:    # the first search, or check of the server's health, will build it
        logging.getLogger("hbnb").warning("The search index could not be built: %s", error)


def fresh() -> Index:
    """The index of the storage, up to date."""
    index, version = current(), models.storage.version()
    if version is None:     # inside a transaction, whose changes other threads must not see
        return build()
    return index if version == index.version else refresh(index)


def build(forks: bool = False) -> Index:
    """Build an index from the storage; inside a transaction, one with its changes.

    Changes during the building are taken over afterwards, so the rows need not be those of one moment.

    Args:
        forks: whether to use other processes, which is only safe without other threads.
    """
    start, report = time.monotonic(), _Report()
    version = models.storage.version()
    index = Index(COMPARED)
    for cls in _NAMED.values():
        for row in models.storage.read(select(cls.__table__)):
            index.put_named(cls, row["id"], row)
    places = models.storage.read(_PLACES.order_by(Place.id)).batches(PART)
    with _Splitter(forks) as splitter:
        index.fill(([dict(zip(_ATTRIBUTES, row, strict=True)) for row in part] for part in places),
                   _links(), report, splitter)
    index.version = version
    report.end(f"The search index was built in {time.monotonic() - start:.1f} s: {len(index.all):,} places, "
               f"{len(index.words):,} words")
    return index


def _links() -> Iterator[tuple[str, Iterable[Sequence[str]]]]:
    # A file may have links to an amenity that it lacks, and gets it later.
    for amenity in models.storage.read(select(place_amenity.c.amenity_id).distinct()).scalars():
        parts = models.storage.read(_LINKED, {"amenity": amenity}).batches(PART)
        yield amenity, ([id for id, in part] for part in parts)


def _take_over(index: Index, changes: Sequence[tuple[str, str]]) -> None:
    """Read objects again that were changed."""
    for name, cls in _NAMED.items():
        for part in chunks([id for kind, id in changes if kind == name]):
            rows = _rows(select(cls.__table__).where(cls.__table__.c.id.in_(part)))
            for id in part:
                index.put_named(cls, id, rows.get(id))
    for part in chunks([id for kind, id in changes if kind == Place.__name__]):
        places = _rows(_PLACES.where(Place.id.in_(part)))
        offered: dict[str, list[str]] = {}
        for place, amenity in models.storage.read(
                select(place_amenity.c.place_id, place_amenity.c.amenity_id).where(
                    place_amenity.c.place_id.in_(part))).tuples():
            offered.setdefault(place, []).append(amenity)
        for id in part:
            index.put(id, places.get(id), offered.get(id, ()))


def _rows(statement: Select[Any]) -> Mapping[str, Mapping[str, Any]]:
    return {row["id"]: row for row in models.storage.read(statement)}


class _Splitter(Executor):
    """Runs functions at once in this process or, from the second one on, in other processes.

    Args:
        forks: whether to use other processes, which is only safe without other threads.
    """

    def __init__(self, forks: bool) -> None:
        self._forks, self._runs = forks and (os.cpu_count() or 1) > 1, 0
        self._processes: ProcessPoolExecutor | None = None

    def submit(self, function: Callable[..., T], /, *arguments: Any, **options: Any) -> Future[T]:
        self._runs += 1
        if self._forks and self._runs > 1:
            self._processes = self._processes or ProcessPoolExecutor()
            return self._processes.submit(function, *arguments, **options)
        future: Future[T] = Future()
        future.set_result(function(*arguments, **options))
        return future

    def shutdown(self, *arguments: Any, **options: Any) -> None:
        if self._processes:
            self._processes.shutdown(*arguments, **options)


class _Report:
    """Logs the progress of building, if it takes long."""

    def __init__(self) -> None:
        self._next = time.monotonic() + PATIENCE
        self._is_long = False

    def __call__(self, progress: str) -> None:
        if time.monotonic() >= self._next:
            self._next, self._is_long = time.monotonic() + PATIENCE, True
            logging.getLogger("hbnb").info("Building the search index: %s", progress)

    def end(self, result: str) -> None:
        if self._is_long:
            logging.getLogger("hbnb").info("%s", result)
