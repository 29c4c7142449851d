"""Importing reviews into MariaDB, in rows a second: reviews, and the users who wrote them."""
from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from statistics import median

import models
from bench import albany
from bench.measure import alternate, seconds
from bench.row import Row
from bench.size import size
from config import Settings
from models.columns import Base
from services.transfer.files import import_file
from tests.mariadb import MariaDB

TURNS = size(5, 1)
TABLES = [table.name for table in Base.metadata.sorted_tables]


def rows(folder: Path) -> list[Row]:
    """`import_file` against `LOAD DATA LOCAL INFILE` of the very rows that it makes."""
    files = albany.files(folder)
    server = MariaDB()
    try:
        _listings(server, files, "base")
        _listings(server, files, "ours")
        import_file(files.reviews)
        limit = _Limit(server, folder)

        def ours() -> float:
            _listings(server, files, "ours")
            return seconds(lambda: import_file(files.reviews))

        taken, loading = map(median, alternate(TURNS, ours, limit.load))
        what = f"import of {limit.counts['reviews']:,} reviews" + (
            "" if files.real else " (made up: no ../shared/data)")
        return [Row(what, limit.total / taken, limit.total / loading, "rows/s",
                    f"LOAD DATA of the same {limit.total:,}", at_least=0.2)]
    finally:
        server.remove()


def _listings(server: MariaDB, files: albany.Files, database: str) -> None:
    """Make a database with the listings, and the storage that uses it."""
    server.execute(f"DROP DATABASE IF EXISTS {database}; CREATE DATABASE {database}")
    models.storage = models.make_storage(replace(
        Settings(), type_storage="db", mysql_user="root", mysql_host=server.socket, mysql_db=database))
    import_file(files.listings, state="New York", city="Albany")


def _columns(table: str) -> str:
    """The columns of a table that are stored; the database computes the others."""
    return ", ".join(column.key for column in Base.metadata.tables[table].c)


class _Limit:
    """What the database itself does with the rows by which `ours` has more than `base`."""

    def __init__(self, server: MariaDB, folder: Path) -> None:
        self._server = server
        self._files = {name: folder / f"{name}.txt" for name in ("users", "reviews")}
        cursor = server.connect("ours").cursor()
        self.counts = {name: cursor.execute(
            f"SELECT {_columns(name)} FROM {name} WHERE id NOT IN (SELECT id FROM base.{name}) "
            f"INTO OUTFILE '{path}' CHARACTER SET utf8mb4") for name, path in self._files.items()}
        self.total = sum(self.counts.values())
        self._definitions = []
        for name in TABLES:
            cursor.execute(f"SHOW CREATE TABLE {name}")
            self._definitions.append(cursor.fetchone()[1])

    def load(self) -> float:
        """The seconds for all rows, in one transaction, into the same tables, which hold the same listings."""
        self._server.execute("DROP DATABASE IF EXISTS bare; CREATE DATABASE bare")
        copies = [f"INSERT INTO {name} ({_columns(name)}) SELECT {_columns(name)} FROM base.{name}" for name in TABLES]
        self._server.execute(";".join([*self._definitions, *copies]), "bare")
        connection = self._server.connect("bare", local_infile=1)
        cursor = connection.cursor()

        def load() -> None:
            for name, path in self._files.items():
                loaded = cursor.execute(f"LOAD DATA LOCAL INFILE '{path}' INTO TABLE {name} "
                                        f"CHARACTER SET utf8mb4 ({_columns(name)})")
                assert loaded == self.counts[name], f"{loaded} {name}, not {self.counts[name]}"
            connection.commit()

        taken = seconds(load)
        connection.close()
        return taken
