"""Databases of large markets: rows are loaded without secondary keys, which are added afterwards."""
from __future__ import annotations

import re
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import models
from bench.scale.generator import Market
from bench.scale.statements import COLUMNS as LIMIT_COLUMNS
from bench.scale.statements import INDEXES, PAIRED, PAIRS
from config import Settings
from models.state import State
from tests.mariadb import MariaDB

COLUMNS = {
    "amenities": "id, created_at, updated_at, name",
    "states": "id, created_at, updated_at, name",
    "users": "id, created_at, updated_at, email, password, first_name, last_name",
    "cities": "id, created_at, updated_at, state_id, name",
    "places": "id, created_at, updated_at, city_id, user_id, name, description, number_rooms, number_bathrooms, "
              "max_guest, price_by_night, latitude, longitude",
    "place_amenity": "place_id, amenity_id",
    "reviews": "id, created_at, updated_at, place_id, user_id, text",
}


class Loaded(NamedTuple):
    """The rows of HBNB's tables, and the seconds that loading them and preparing the limit's table took."""

    rows: int
    seconds: float
    limit_seconds: float


def fill(server: MariaDB, name: str, market: Market, folder: Path) -> Loaded:
    """Create a database for HBNB and fill it; add the table and the indexes of the limit.

    Args:
        folder: a folder for temporary files.
    """
    server.execute(f"CREATE DATABASE {name}")
    storage = models.make_storage(replace(
        Settings(), type_storage="db", mysql_user="root", mysql_host=server.socket, mysql_db=name))
    storage.reload()
    files = market.write(folder)
    start = time.monotonic()
    rows = _load(server, name, files)
    models.storage = storage
    state = State(name="Elsewhere")     # any change of the storage marks its content as changed
    state.save()
    state.delete()
    storage.save()
    storage.close()
    loaded = time.monotonic()
    _prepare_limit(server, name, files["places"])
    for path in files.values():
        path.unlink()
    return Loaded(rows, loaded - start, time.monotonic() - loaded)


def _load(server: MariaDB, name: str, files: dict[str, Path]) -> int:
    """Load files into HBNB's tables, and return the number of rows."""
    connection = server.connect(name, local_infile=1)
    cursor = connection.cursor()
    cursor.execute("SET foreign_key_checks = 0, unique_checks = 0")
    rows = 0
    definitions = {}
    for table in COLUMNS:
        cursor.execute(f"SHOW CREATE TABLE {table}")
        definitions[table] = [*_keys(cursor.fetchone()[1])]
        if drops := [drop for drop, _ in definitions[table]]:
            cursor.execute(f"ALTER TABLE {table} {', '.join(drops)}")
    for table, columns in COLUMNS.items():
        rows += cursor.execute(f"LOAD DATA LOCAL INFILE '{files[table]}' INTO TABLE {table} "
                               f"CHARACTER SET utf8mb4 ({columns})")
    connection.commit()
    for table, keys in definitions.items():
        if keys:
            cursor.execute(f"ALTER TABLE {table} {', '.join(add for _, add in keys)}")
    cursor.execute(f"ANALYZE TABLE {', '.join(COLUMNS)}")
    cursor.fetchall()
    connection.close()
    return rows


def _prepare_limit(server: MariaDB, name: str, places: Path) -> None:
    connection = server.connect(name, local_infile=1)
    cursor = connection.cursor()
    cursor.execute("CREATE TABLE limit_places LIKE places")
    cursor.execute("SHOW CREATE TABLE limit_places")
    for drop, _ in _keys(cursor.fetchone()[1]):
        cursor.execute(f"ALTER TABLE limit_places {drop}")
    for statement in LIMIT_COLUMNS:
        cursor.execute(statement)
    cursor.execute(f"LOAD DATA LOCAL INFILE '{places}' INTO TABLE limit_places CHARACTER SET utf8mb4 "
                   f"({COLUMNS['places']}) SET spot = POINT(longitude, latitude)")
    connection.commit()
    for statement in INDEXES:
        cursor.execute(statement)
    if not cursor.execute(PAIRED):
        cursor.execute(PAIRS)
    cursor.execute("ANALYZE TABLE limit_places")
    cursor.fetchall()
    connection.close()


def _keys(definition: str) -> Iterator[tuple[str, str]]:
    """Yield how to drop and how to add each secondary and foreign key of a table, given its definition."""
    for line in definition.splitlines():
        line = line.strip().removesuffix(",")
        if found := re.match(r"CONSTRAINT (`\w+`) FOREIGN KEY", line):
            yield f"DROP FOREIGN KEY {found[1]}", f"ADD {line}"
        elif found := re.match(r"(?:UNIQUE )?KEY (`\w+`)", line):
            yield f"DROP KEY {found[1]}", f"ADD {line}"
