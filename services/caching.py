"""A cache that lasts until the storage's version changes."""
from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import TYPE_CHECKING, Any, TypeVar
from weakref import WeakKeyDictionary

import models

if TYPE_CHECKING:
    from models.engine.base import Storage

T = TypeVar("T")


def cached_by_version(read: Callable[[], T]) -> Callable[[], T]:
    """Decorator that caches a function's result for each storage until the storage's version changes.

    The version covers states, cities, amenities, places and their links.

    Args:
        read: a function whose result depends only on that data; callers must not change the result.
    """
    cache: WeakKeyDictionary[Storage, tuple[Any, T]] = WeakKeyDictionary()

    @wraps(read)
    def latest() -> T:
        # Read the version first: a change during `read` then makes the cached result outdated. Inside a
        # transaction there is no version, because other threads must not see its uncommitted changes.
        version = models.storage.version()
        if version is None:
            return read()
        entry = cache.get(models.storage)
        if entry is None or entry[0] != version:
            entry = cache[models.storage] = version, read()
        return entry[1]
    return latest
