"""What is read once, and kept until the storage's version says that it is old."""
from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import TYPE_CHECKING, Any, TypeVar
from weakref import WeakKeyDictionary

import models

if TYPE_CHECKING:
    from models.engine.base import Storage

T = TypeVar("T")


def kept(read: Callable[[], T]) -> Callable[[], T]:
    """Have a function read only what changed since: states, cities, amenities, places, and what these offer.

    Args:
        read: gives the same for the same version; what it gives nobody changes.
    """
    known: WeakKeyDictionary[Storage, tuple[Any, T]] = WeakKeyDictionary()

    @wraps(read)
    def latest() -> T:
        # First, as what changes from here on makes this old; what a transaction sees has a version of its own.
        version = models.storage.version()
        if version is None:
            return read()
        found = known.get(models.storage)
        if found is None or found[0] != version:
            found = known[models.storage] = version, read()
        return found[1]
    return latest
