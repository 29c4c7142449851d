"""Command line of the benchmarks: `python -m bench [GROUP ...]` runs some groups, or all of them.

`rest:pages,file` runs two parts of a group. With `BENCH_QUICK=1` in the environment, the data are tiny and the figures
meaningless; the tests use this to check that every group runs. The exit status is 1 if a group failed, and 2 if a group
does not exist.
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

GROUPS = ("console", "save", "open", "reviews", "search", "rest", "pages", "accounts", "memory", "deploy")


def main(names: list[str]) -> int:
    if unknown := {name.partition(":")[0] for name in names} - {*GROUPS}:
        print(f"No such group: {', '.join(sorted(unknown))}. There are: {', '.join(GROUPS)}", file=sys.stderr)
        return 2
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))   # so that servers are stopped and folders removed
    rows: list[Row] = []
    failed: list[str] = []
    with tempfile.TemporaryDirectory(prefix="hbnb-bench-") as folder:
        for name in names or GROUPS:
            start = time.monotonic()
            print(f"{name} …", end=" ", file=sys.stderr, flush=True)
            group, _, parts = name.partition(":")
            try:
                rows += importlib.import_module(f"bench.{group}").rows(Path(folder), *filter(None, parts.split(",")))
            except Exception:
                failed.append(name)
                traceback.print_exc()
            print(f"{time.monotonic() - start:.0f} s", file=sys.stderr)
    print(table(rows))
    for name in failed:
        print(f"{name} failed, see the traceback above.")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
