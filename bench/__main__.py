"""Measure some groups, or all: `python -m bench [GROUP ...]`. Exit status 1 if one could not be measured.

`rest:pages,file` are parts of a group that has some. With `BENCH_QUICK=1` in the environment the data are tiny and the
figures mean nothing: the tests see that way that every group still runs.
"""
from __future__ import annotations

import importlib
import signal
import sys
import tempfile
import time
import traceback
from pathlib import Path

from bench.row import Row, table

GROUPS = ("console", "save", "open", "reviews", "search", "rest", "pages", "memory", "deploy")


def main(names: list[str]) -> int:
    if unknown := {name.partition(":")[0] for name in names} - {*GROUPS}:
        print(f"No such group: {', '.join(sorted(unknown))}. There are: {', '.join(GROUPS)}", file=sys.stderr)
        return 2
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))   # or a server and folders would stay
    found: list[Row] = []
    broken: list[str] = []
    with tempfile.TemporaryDirectory(prefix="hbnb-bench-") as folder:
        for name in names or GROUPS:
            start = time.monotonic()
            print(f"{name} …", end=" ", file=sys.stderr, flush=True)
            group, _, parts = name.partition(":")
            try:
                found += importlib.import_module(f"bench.{group}").rows(Path(folder), *filter(None, parts.split(",")))
            except Exception:
                broken.append(name)
                traceback.print_exc()
            print(f"{time.monotonic() - start:.0f} s", file=sys.stderr)
    print(table(found))
    for name in broken:
        print(f"{name} could not be measured: see above.")
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
