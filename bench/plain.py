"""The limits of the file engine: what Python's own `json` does with the same file, each in a fresh process."""
from __future__ import annotations

import json
import re
import time


def load(path: str) -> tuple[float, float]:
    """Returns: the seconds that `json.load` takes, and the peak memory of the process in MB."""
    start = time.perf_counter()
    objects = _load(path)
    taken = time.perf_counter() - start
    assert objects
    return taken, peak()


def dump(path: str, to: str) -> float:
    """Write the objects of a file into another, on a single line. Returns: the seconds that `json.dump` takes."""
    objects = _load(path)
    start = time.perf_counter()
    with open(to, "w", encoding="utf-8") as file:
        json.dump(objects, file)
    return time.perf_counter() - start


def peak() -> float:
    """The most memory that this process ever had, in MB; `ru_maxrss` would count that of its parent too."""
    with open("/proc/self/status", encoding="ascii") as status:
        found = re.search(r"VmHWM:\s*(\d+) kB", status.read())
    assert found
    return int(found[1]) / 1024


def _load(path: str) -> object:
    with open(path, encoding="utf-8") as file:
        return json.load(file)
