"""Making one object and saving it, on the file engine, in milliseconds."""
from __future__ import annotations

import shutil
from pathlib import Path
from statistics import median

import models
from bench import market
from bench.measure import alternate, child, seconds
from bench.row import Row
from bench.size import size
from models.engine.file_storage import FileStorage
from models.state import State

TURNS, SAVES = size((9, 25), (1, 2))


def rows(folder: Path) -> list[Row]:
    """A save with 100,000 objects in the file, against one with 100 and against writing the file with `json.dump`."""
    whole = market.store(folder, market.MANY)
    few = _opened(market.store(folder, market.FEW))
    many = _opened(whole)
    line = _opened(market.one_line(folder, market.MANY))
    ours, dumped, small, dump = map(median, alternate(
        TURNS, lambda: _save(many), lambda: _save(line), lambda: _save(few),
        lambda: 1000 * child("bench.plain:dump", whole, str(folder / "dumped.json"))))
    name = f"create + save, {market.MANY:,} objects in the file"
    return [
        Row(name, ours, small, "ms", f"with {market.FEW}", at_most=3),
        Row(f"{name} by json.dump", dumped, small, "ms", f"with {market.FEW}", at_most=3),
        Row(name, ours, dump, "ms", "json.dump of them all", at_least=100),
        Row(f"{name} by json.dump", dumped, dump, "ms", "json.dump of them all", at_least=100),
    ]


def _opened(path: str) -> FileStorage:
    own = f"{path}.save"    # others measure the file as it was written
    shutil.copy(path, own)
    storage = FileStorage(own)
    storage.reload()
    return storage


def _save(storage: FileStorage) -> float:
    """The median of some saves; each object goes again, so that the number of objects stays what it is."""
    models.storage = storage
    taken, made = [], []

    def create() -> None:
        made.append(State(name="Alderland"))
        made[-1].save()

    for _ in range(SAVES):
        taken.append(1000 * seconds(create))
        made.pop().delete()
        storage.save()
    return median(taken)
