"""Opening a file of 100,000 objects: seconds, and the peak memory of the process in MB."""
from __future__ import annotations

import time
from pathlib import Path
from statistics import median

from bench import market
from bench.measure import alternate, child
from bench.plain import peak
from bench.row import Row
from bench.size import size

TURNS = size(7, 1)


def rows(folder: Path) -> list[Row]:
    """The file engine against `json.load`, in fresh processes, with a file of its own and one by `json.dump`."""
    own, line = market.store(folder, market.MANY), market.one_line(folder, market.MANY)
    found = alternate(TURNS, *(lambda name=name, path=path: child(name, path)
                               for path in (own, line) for name in ("bench.open:ours", "bench.plain:load")))
    (a, am), (b, bm), (c, cm), (d, dm) = (map(median, zip(*each, strict=True)) for each in found)
    what, memory = f"open {market.MANY:,} objects", f"peak memory, {market.MANY:,} objects"
    return [
        Row(f"{what}, our own file", a, b, "s", "json.load of it", at_most=4),
        Row(f"{what}, file by json.dump", c, d, "s", "json.load of it", at_most=4),
        Row(f"{memory}, our own file", am, bm, "MB", "json.load of it", at_most=2),
        Row(f"{memory}, file by json.dump", cm, dm, "MB", "json.load of it", at_most=2),
    ]


def ours(path: str) -> tuple[float, float]:
    """Returns: the seconds that opening a store takes, and the peak memory of the process in MB."""
    from models.engine.file_storage import FileStorage

    start = time.perf_counter()
    storage = FileStorage(path)
    storage.reload()
    taken = time.perf_counter() - start
    assert storage.count() == market.MANY
    return taken, peak()
