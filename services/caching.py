"""A cache that lasts until the choices of the search form change."""
from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import TypeVar
from weakref import WeakKeyDictionary

from services.search import indexing
from services.search.index import Index

T = TypeVar("T")


def cached_by_edition(read: Callable[[], T]) -> Callable[[], T]:
    """Decorator that caches a function's result until the `edition` of the search index changes.

    Args:
        read: a function whose result depends only on states, cities, amenities, and on which cities have places;
            callers must not change the result.
    """
    cache: WeakKeyDictionary[Index, tuple[int, T]] = WeakKeyDictionary()

    @wraps(read)
    def latest() -> T:
        index = indexing.fresh()
        edition = index.edition     # first: a change during `read` then makes the cached result outdated
        entry = cache.get(index)
        if entry is None or entry[0] != edition:
            entry = cache[index] = edition, read()
        return entry[1]
    return latest
