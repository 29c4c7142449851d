"""Reference of the file engine's benchmarks: Python's `json` module on the same file, in a fresh process."""
from __future__ import annotations

import json
import re
import time


def load(path: str) -> tuple[float, float]:
    """Load a file with `json.load`; return the time in seconds, and the peak memory of the process in MB."""
    start = time.perf_counter()
    objects = _load(path)
    taken = time.perf_counter() - start
    assert objects
    return taken, peak()


def dump(path: str, to: str) -> float:
    """Write the objects of a file into another one, on a single line; return the time of `json.dump` in seconds."""
    objects = _load(path)
    start = time.perf_counter()
    with open(to, "w", encoding="utf-8") as file:
        json.dump(objects, file)
    return time.perf_counter() - start


def peak() -> float:
    """Return the peak memory of this process in MB; `ru_maxrss` would include that of its parent."""
    with open("/proc/self/status", encoding="ascii") as status:
        found = re.search(r"VmHWM:\s*(\d+) kB", status.read())
    assert found
    return int(found[1]) / 1024


def _load(path: str) -> object:
    with open(path, encoding="utf-8") as file:
        return json.load(file)
