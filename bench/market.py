"""Stores of made-up objects, written by the file engine itself."""
from __future__ import annotations

from itertools import islice
from pathlib import Path

from bench.measure import child
from bench.size import size

MANY, FEW = size(100_000, 400), 100
# Places that make a little more objects than that.
_PLACES = {MANY: size(17_000, 80), FEW: 3}


def store(folder: Path, objects: int) -> str:
    """A store of just so many objects, `MANY` or `FEW`."""
    return _store(folder / f"{objects}.json", _PLACES[objects], objects, states=2 if objects == FEW else 12)


def one_line(folder: Path, objects: int) -> str:
    """The same, as `json.dump` writes it."""
    path = folder / f"{objects}-one-line.json"
    if not path.exists():
        child("bench.plain:dump", store(folder, objects), str(path))
    return str(path)


def sample(folder: Path, places: int, states: int = 12, cities: int = 3) -> str:
    """A store of so many places and all that goes with them, in so many states, of so many cities each."""
    return _store(folder / f"{places}-places-{states}-states.json", places, None, states, cities)


def fill(path: str, places: int, objects: int | None, states: int, cities: int) -> int:
    """Fill a new store, as `python -m sample` does. Returns: how many objects it holds."""
    import models
    from models.engine.file_storage import FileStorage
    from sample import Sample
    from sample.fill import fill as take

    models.storage = FileStorage(path)
    models.storage.reload()
    take(islice(Sample(places=places, states=states, cities=cities), objects))
    return models.storage.count()


def _store(path: Path, places: int, objects: int | None, states: int, cities: int = 3) -> str:
    if not path.exists():
        made = child("bench.market:fill", str(path), places, objects, states, cities)
        assert objects in (None, made), f"{made} objects, not {objects}"
    return str(path)
