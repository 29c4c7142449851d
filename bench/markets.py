"""Servers of the REST benchmarks, for several market sizes: HBNB and the reference on MariaDB, and HBNB on a file."""
from __future__ import annotations

from contextlib import ExitStack
from functools import cached_property
from pathlib import Path
from typing import NamedTuple

from bench import stores, tables
from bench.servers import Served
from bench.size import size
from bench.workload import Workload, workload
from sample import Sample
from tests.mariadb import MariaDB

SMALL, MIDDLE, LARGE = size((1_000, 10_000, 100_000), (100, 100, 100))
STATES, CITIES = size((50, 5), (5, 2))


class Comparison(NamedTuple):
    """HBNB and the reference on the same database, and the requests for them."""

    hbnb: Served
    reference: Served
    workload: Workload


class Markets:
    """Databases and their servers by number of places; they are created at first use.

    Args:
        folder: a folder for temporary files.
        stack: stops the servers when it is closed.
    """

    def __init__(self, folder: Path, stack: ExitStack) -> None:
        self._folder, self._stack = folder, stack
        self._comparisons: dict[int, Comparison] = {}

    def __getitem__(self, places: int) -> Comparison:
        if places not in self._comparisons:
            self._comparisons[places] = self._make(places)
        return self._comparisons[places]

    @cached_property
    def file(self) -> Served:
        """HBNB with the file engine, on the same objects as the database of `MIDDLE` places."""
        return self._hbnb(HBNB_FILE_PATH=stores.sample(self._folder, MIDDLE, STATES, CITIES))

    @cached_property
    def _server(self) -> MariaDB:
        # No option turns off durable commits, so that writes are measured realistically.
        server = MariaDB(*size(("--innodb-buffer-pool-size=1G", "--innodb-log-file-size=256M"), ()))
        self._stack.callback(server.remove)
        return server

    def _make(self, places: int) -> Comparison:
        server, name = self._server, f"market{places}"
        tables.fill(server, name, Sample(places=places, states=STATES, cities=CITIES), self._folder)
        return Comparison(
            self._hbnb(HBNB_TYPE_STORAGE="db", HBNB_MYSQL_USER="root", HBNB_MYSQL_PWD="",
                       HBNB_MYSQL_HOST=server.socket, HBNB_MYSQL_DB=name),
            self._served("bench.bare_wsgi:app", BENCH_SOCKET=server.socket, BENCH_DATABASE=name),
            workload(server, name))

    def _hbnb(self, **settings: str) -> Served:
        return self._served("wsgi:app", HBNB_ENV="dev", **settings)

    def _served(self, target: str, **settings: str) -> Served:
        return self._stack.enter_context(Served(target, settings, self._folder))
