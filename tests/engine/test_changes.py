"""Tests of the version's log: which objects were changed since a version, on both engines."""
from __future__ import annotations

from typing import Any

import models
from models.engine.base import Storage
from models.state import State
from tests.market import Market


class Reader:
    """Remembers a version, and asks what was changed since then."""

    def __init__(self, storage: Storage) -> None:
        self.storage, self.version = storage, storage.version()

    def poll(self) -> list[tuple[str, str]] | None:
        self.storage.close()
        found = self.storage.changes(self.version)
        assert found is None or found.version == self.storage.version()
        self.version = self.storage.version() if found is None else found.version
        return None if found is None else found.objects

    def seen(self, *expected: Any) -> bool:
        """Return whether exactly these objects were changed since the last call."""
        found = self.poll()
        return found is not None and sorted(found) == sorted((type(obj).__name__, obj.id) for obj in expected)


def test_basic(storage: Storage) -> None:
    m = Market()
    reader = Reader(storage)
    assert reader.poll() == []
    state = State(name="S")
    state.save()
    assert reader.seen(state)
    m.place.name = "x"
    m.place.save()
    assert reader.poll() == [("Place", m.place.id)]
    models.storage.delete(m.state)
    models.storage.save()
    assert reader.seen(m.state, m.city, m.place)
