"""Command line of the benchmark of large markets: `python -m bench.scale`.

It prints each figure with its reference and target; `--write` also writes docs/performance.md, its figures and plots.
With `BENCH_QUICK=1` in the environment, the markets are tiny and the figures meaningless.
"""
from __future__ import annotations

import argparse
import datetime
import os
import platform
import re
import signal
import sys
import tempfile
from contextlib import closing
from pathlib import Path

from bench.row import table
from bench.scale import measure, report
from bench.scale.servers import database_server, installed
from bench.size import size
from tests.mariadb import MariaDB

SIZES = size([1_000, 10_000, 100_000, 1_000_000], [100, 500])


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.scale", description="Measure searches of large markets.")
    parser.add_argument("--places", type=int, nargs="+", default=SIZES, metavar="N",
                        help="numbers of places; all searches are measured on the largest (default: %(default)s)")
    parser.add_argument("--reviews", type=int, default=0, metavar="N",
                        help="average number of reviews of a place (default: %(default)s)")
    parser.add_argument("--write", action="store_true", help="write docs/performance.md, its figures and its plots")
    options = parser.parse_args()
    if min(options.places) < 100 or options.reviews < 0:
        parser.error("--places must be at least 100, and --reviews not negative")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))   # so that servers are stopped and folders removed
    sizes = sorted({*options.places})
    load = os.getloadavg()[1]
    with tempfile.TemporaryDirectory(prefix="hbnb-bench-") as folder, database_server() as server:
        markets = [measure.market(server, places, Path(folder), places == sizes[-1], options.reviews)
                   for places in sizes]
        figures = {"date": datetime.date.today().isoformat(), "machine": _machine(server), "load": load,
                   "markets": markets}
    print(table([*report.rows(figures)]))
    if options.write:
        report.write(figures)


def _machine(server: MariaDB) -> str:
    """Describe the machine and the versions of the programs."""
    with closing(server.connect()) as connection, connection.cursor() as cursor:
        cursor.execute("SELECT VERSION()")
        version, _, _ = cursor.fetchone()[0].partition("-")
    cpu = re.search(r"^model name\s*: (.+)$", Path("/proc/cpuinfo").read_text(), re.MULTILINE)
    return (f"{os.cpu_count()} cores ({cpu[1] if cpu else platform.machine()}), "
            f"{installed() / 1024 ** 2:.0f} GB of memory, Python {platform.python_version()}, MariaDB {version}")


if __name__ == "__main__":
    main()
