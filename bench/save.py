"""Creating and saving one object with the file engine, in milliseconds."""
from __future__ import annotations

import shutil
from pathlib import Path
from statistics import median

import models
from bench import stores
from bench.measure import alternate, child, seconds
from bench.row import Row
from bench.size import size
from models.engine.file_storage import FileStorage
from models.state import State

TURNS, SAVES = size((9, 25), (1, 2))


def rows(folder: Path) -> list[Row]:
    """Compare a save with 100,000 objects in the file with 100 objects, and with writing the file by `json.dump`."""
    whole = stores.store(folder, stores.MANY)
    few = _opened(stores.store(folder, stores.FEW))
    many = _opened(whole)
    line = _opened(stores.one_line(folder, stores.MANY))
    own, dumped, small, dump = map(median, alternate(
        TURNS, lambda: _save(many), lambda: _save(line), lambda: _save(few),
        lambda: 1000 * child("bench.json_module:dump", whole, str(folder / "dumped.json"))))
    name = f"create + save, {stores.MANY:,} objects in the file"
    return [
        Row(name, own, small, "ms", f"with {stores.FEW}", at_most=3),
        Row(f"{name} by json.dump", dumped, small, "ms", f"with {stores.FEW}", at_most=3),
        Row(name, own, dump, "ms", "json.dump of them all", at_least=100),
        Row(f"{name} by json.dump", dumped, dump, "ms", "json.dump of them all", at_least=100),
    ]


def _opened(path: str) -> FileStorage:
    own = f"{path}.save"    # a copy, because other groups measure the original file
    shutil.copy(path, own)
    storage = FileStorage(own)
    storage.reload()
    return storage


def _save(storage: FileStorage) -> float:
    """Return the median time of some saves. Each object is removed again, so that the size of the store is constant."""
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
