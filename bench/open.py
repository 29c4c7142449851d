"""Opening a file of 100,000 objects: time in seconds, and peak memory of the process in MB."""
from __future__ import annotations

import time
from pathlib import Path
from statistics import median

from bench import stores
from bench.json_module import peak
from bench.measure import alternate, child
from bench.row import Row
from bench.size import size

TURNS = size(7, 1)


def rows(folder: Path) -> list[Row]:
    """Compare the file engine with `json.load`, in fresh processes, on its own file and on a file of `json.dump`."""
    own, line = stores.store(folder, stores.MANY), stores.one_line(folder, stores.MANY)
    results = alternate(TURNS, *(lambda name=name, path=path: child(name, path)
                                 for path in (own, line) for name in ("bench.open:hbnb", "bench.json_module:load")))
    (a, am), (b, bm), (c, cm), (d, dm) = (map(median, zip(*each, strict=True)) for each in results)
    name, memory = f"open {stores.MANY:,} objects", f"peak memory, {stores.MANY:,} objects"
    return [
        Row(f"{name}, file by HBNB", a, b, "s", "json.load of it", at_most=4),
        Row(f"{name}, file by json.dump", c, d, "s", "json.load of it", at_most=4),
        Row(f"{memory}, file by HBNB", am, bm, "MB", "json.load of it", at_most=2),
        Row(f"{memory}, file by json.dump", cm, dm, "MB", "json.load of it", at_most=2),
    ]


def hbnb(path: str) -> tuple[float, float]:
    """Open a store; return the time in seconds, and the peak memory of the process in MB."""
    from models.engine.file_storage import FileStorage

    start = time.perf_counter()
    storage = FileStorage(path)
    storage.reload()
    taken = time.perf_counter() - start
    assert storage.count() == stores.MANY
    return taken, peak()
