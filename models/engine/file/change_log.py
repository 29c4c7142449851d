"""The version of a store in memory, and which objects its last commits changed."""
from __future__ import annotations

import threading
from collections import deque
from collections.abc import Iterable
from itertools import islice

CLASSES = {"State", "City", "Amenity", "Place"}
KEPT = 200_000      # objects and commits


class ChangeLog:
    """Counts the commits, and lists the objects that each of the last ones changed."""

    def __init__(self) -> None:
        self.version = 0
        self._mutex = threading.Lock()      # not that of the storage, which a commit holds while it writes the file
        self._commits: deque[list[tuple[str, str]]] = deque()   # the last one made the current version
        self._size = 0

    def add(self, keys: Iterable[str]) -> None:
        """Add a commit.

        Args:
            keys: the changed objects, as `Class.id`.
        """
        named = (key.partition(".") for key in keys)
        objects = [(name, id) for name, _, id in named if name in CLASSES]
        with self._mutex:
            self.version += 1
            self._commits.append(objects)
            self._size += len(objects) + 1
            while self._size > KEPT:
                self._size -= len(self._commits.popleft()) + 1

    def clear(self) -> None:
        """Add a commit after which nothing is known about any change."""
        with self._mutex:
            self.version += 1
            self._commits.clear()
            self._size = 0

    def since(self, version: int) -> tuple[int, list[tuple[str, str]]] | None:
        """Return the version, and the objects that were changed after a version; `None` if they are not known."""
        with self._mutex:
            current, count = self.version, self.version - version
            if not 0 <= count <= len(self._commits):
                return None
            commits = [*islice(reversed(self._commits), count)]
        return current, [each for commit in reversed(commits) for each in commit]
