"""Import of reviews and their authors into MariaDB, in rows a second."""
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
    """Compare `import_file` with `LOAD DATA LOCAL INFILE` of the same rows."""
    files = albany.files(folder)
    server = MariaDB()
    try:
        _listings(server, files, "base")
        _listings(server, files, "hbnb")
        import_file(files.reviews)
        reference = _Reference(server, folder)

        def hbnb() -> float:
            _listings(server, files, "hbnb")
            return seconds(lambda: import_file(files.reviews))

        imported, loaded = map(median, alternate(TURNS, hbnb, reference.load))
        name = f"import of {reference.counts['reviews']:,} reviews" + (
            "" if files.real else " (generated: no ../shared/data)")
        return [Row(name, reference.total / imported, reference.total / loaded, "rows/s",
                    f"LOAD DATA of the same {reference.total:,}", at_least=0.2)]
    finally:
        server.remove()


def _listings(server: MariaDB, files: albany.Files, database: str) -> None:
    """Create a database with the listings, and make it `models.storage`."""
    server.execute(f"DROP DATABASE IF EXISTS {database}; CREATE DATABASE {database}")
    models.storage = models.make_storage(replace(
        Settings(), type_storage="db", mysql_user="root", mysql_host=server.socket, mysql_db=database))
    import_file(files.listings, state="New York", city="Albany")


def _columns(table: str) -> str:
    """Return the stored columns of a table; the database computes the others."""
    return ", ".join(column.key for column in Base.metadata.tables[table].c)


class _Reference:
    """`LOAD DATA` of the rows that the database `hbnb` has in addition to `base`."""

    def __init__(self, server: MariaDB, folder: Path) -> None:
        self._server = server
        self._files = {name: folder / f"{name}.txt" for name in ("users", "reviews")}
        cursor = server.connect("hbnb").cursor()
        self.counts = {name: cursor.execute(
            f"SELECT {_columns(name)} FROM {name} WHERE id NOT IN (SELECT id FROM base.{name}) "
            f"INTO OUTFILE '{path}' CHARACTER SET utf8mb4") for name, path in self._files.items()}
        self.total = sum(self.counts.values())
        self._definitions = []
        for name in TABLES:
            cursor.execute(f"SHOW CREATE TABLE {name}")
            self._definitions.append(cursor.fetchone()[1])

    def load(self) -> float:
        """Load all rows in one transaction, into the same tables with the same listings; return the seconds."""
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
