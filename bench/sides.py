"""The REST API of markets of several sizes: ours and the limit, on MariaDB, and ours on a file."""
from __future__ import annotations

from contextlib import ExitStack
from functools import cached_property
from pathlib import Path
from typing import NamedTuple

from bench import market, tables
from bench.asked import Asked, asked
from bench.served import Served
from bench.size import size
from sample import Sample
from tests.mariadb import MariaDB

SMALL, MIDDLE, LARGE = size((1_000, 10_000, 100_000), (100, 100, 100))
STATES, CITIES = size((50, 5), (5, 2))


class Sides(NamedTuple):
    """Both, on the same database, and what they are asked."""

    ours: Served
    limit: Served
    asked: Asked


class Markets:
    """Databases and servers, made when they are first wanted, and gone with the stack.

    Args:
        folder: for files that may stay there.
    """

    def __init__(self, folder: Path, stack: ExitStack) -> None:
        self._folder, self._stack = folder, stack
        self._made: dict[int, Sides] = {}

    def __getitem__(self, places: int) -> Sides:
        if places not in self._made:
            self._made[places] = self._make(places)
        return self._made[places]

    @cached_property
    def file(self) -> Served:
        """Ours on a file, with the objects of the database of `MIDDLE`."""
        return self._ours(HBNB_FILE_PATH=market.sample(self._folder, MIDDLE, STATES, CITIES))

    @cached_property
    def _server(self) -> MariaDB:
        # Its commits are durable, as nothing here says otherwise.
        server = MariaDB(*size(("--innodb-buffer-pool-size=1G", "--innodb-log-file-size=256M"), ()))
        self._stack.callback(server.remove)
        return server

    def _make(self, places: int) -> Sides:
        server, name = self._server, f"market{places}"
        tables.fill(server, name, Sample(places=places, states=STATES, cities=CITIES), self._folder)
        return Sides(
            self._ours(HBNB_TYPE_STORAGE="db", HBNB_MYSQL_USER="root", HBNB_MYSQL_PWD="",
                       HBNB_MYSQL_HOST=server.socket, HBNB_MYSQL_DB=name),
            self._served("bench.limit:app", BENCH_SOCKET=server.socket, BENCH_DATABASE=name),
            asked(server, name))

    def _ours(self, **settings: str) -> Served:
        return self._served("wsgi:app", HBNB_ENV="dev", **settings)

    def _served(self, target: str, **settings: str) -> Served:
        return self._stack.enter_context(Served(target, settings, self._folder))
