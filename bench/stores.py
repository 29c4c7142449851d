"""Stores of generated objects, written by the file engine."""
from __future__ import annotations

from itertools import islice
from pathlib import Path

from bench.measure import child
from bench.size import size

MANY, FEW = size(100_000, 400), 100
# The number of places whose sample has a little more objects than that.
_PLACES = {MANY: size(17_000, 80), FEW: 3}


def store(folder: Path, objects: int) -> str:
    """Create a store of exactly `MANY` or `FEW` objects, if necessary; return its path."""
    return _store(folder / f"{objects}.json", _PLACES[objects], objects, states=2 if objects == FEW else 12)


def one_line(folder: Path, objects: int) -> str:
    """Create the same store as a single line, as `json.dump` writes it; return its path."""
    path = folder / f"{objects}-one-line.json"
    if not path.exists():
        child("bench.json_module:dump", store(folder, objects), str(path))
    return str(path)


def sample(folder: Path, places: int, states: int = 12, cities: int = 3) -> str:
    """Create a store of the sample, if necessary; return its path.

    Args:
        places, states: their numbers.
        cities: the number of cities per state.
    """
    return _store(folder / f"{places}-places-{states}-states.json", places, None, states, cities)


def fill(path: str, places: int, objects: int | None, states: int, cities: int) -> int:
    """Fill a new store, as `python -m sample` does; return the number of its objects."""
    import models
    from models.engine.file_storage import FileStorage
    from sample import Sample
    from sample.fill import fill as fill_storage

    models.storage = FileStorage(path)
    models.storage.reload()
    fill_storage(islice(Sample(places=places, states=states, cities=cities), objects))
    return models.storage.count()


def _store(path: Path, places: int, objects: int | None, states: int, cities: int = 3) -> str:
    if not path.exists():
        count = child("bench.stores:fill", str(path), places, objects, states, cities)
        assert objects in (None, count), f"{count} objects, not {objects}"
    return str(path)
