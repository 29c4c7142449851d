"""The servers of a large market: HBNB and the limit on one database, and the memory of their processes."""
from __future__ import annotations

import re
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from bench.servers import Request, Served
from bench.size import size
from tests.mariadb import MariaDB
from tests.processes import family, memory

MB = 1000       # KiB, about


class Start(NamedTuple):
    """The start of a server.

    Args:
        ready: seconds until it was ready.
        answered: seconds until it had answered the first search.
    """

    ready: float
    answered: float


class Memory(NamedTuple):
    """Memory in MB.

    Args:
        parent, peak: resident memory of the server's first process, at present and at most.
        private: memory of each worker that it does not share with other processes.
        total: memory of all processes, in which shared memory counts once.
    """

    parent: float
    peak: float
    private: list[float]
    total: float


def installed(name: str = "MemTotal") -> int:
    """Return the machine's memory in KiB."""
    [found] = re.findall(rf"^{name}: +(\d+) kB$", Path("/proc/meminfo").read_text(), re.MULTILINE)
    return int(found)


@contextmanager
def database_server() -> Iterator[MariaDB]:
    """Run a MariaDB server with a buffer pool of 8 GB, or 40 % of the free memory if that is less."""
    pool = min(8192, installed("MemAvailable") // 1024 * 2 // 5)
    # No option turns off durable commits, so that writes are measured realistically.
    server = MariaDB(*size((f"--innodb-buffer-pool-size={pool}M", "--innodb-log-file-size=1G",
                            "--innodb-sort-buffer-size=64M"), ()))
    try:
        yield server
    finally:
        server.remove()


@contextmanager
def hbnb(server: MariaDB, database: str, folder: Path) -> Iterator[tuple[Served, Start]]:
    """Run HBNB, and wait until it has answered a search."""
    start = time.monotonic()
    with Served("wsgi:app", {
            "HBNB_ENV": "dev", "HBNB_TYPE_STORAGE": "db", "HBNB_MYSQL_USER": "root", "HBNB_MYSQL_PWD": "",
            "HBNB_MYSQL_HOST": server.socket, "HBNB_MYSQL_DB": database}, folder) as served:
        while not _is_ready(served.address):
            time.sleep(0.02)
        ready = time.monotonic() - start
        while served.get(Request("POST", "/places_search", {"limit": 1})).status != 200:
            time.sleep(0.02)
        yield served, Start(ready, time.monotonic() - start)


@contextmanager
def limit(server: MariaDB, database: str, folder: Path) -> Iterator[Served]:
    with Served("bench.scale.limit:app", {"BENCH_SOCKET": server.socket, "BENCH_DATABASE": database}, folder) as served:
        yield served


def memory_of(served: Served, workers: int) -> Memory:
    """Return the memory that a server uses at present."""
    processes = family(served.process.pid)
    shares = [_rollup(each) for each in processes]
    # Workers are the processes with the most private memory besides the first one.
    private = sorted((each["Private_Clean"] + each["Private_Dirty"] for each in shares[1:]), reverse=True)[:workers]
    return Memory(memory(processes[0]) / MB, memory(processes[0], "VmHWM") / MB, [each / MB for each in private],
                  sum(each["Pss"] for each in shares) / MB)


def _rollup(pid: int) -> dict[str, int]:
    text = Path(f"/proc/{pid}/smaps_rollup").read_text()
    return {name: int(size) for name, size in re.findall(r"^(\w+): +(\d+) kB$", text, re.MULTILINE)}


def _is_ready(address: str) -> bool:
    try:
        with urllib.request.urlopen(f"{address}/health/ready", timeout=5):
            return True
    except OSError:
        return False
