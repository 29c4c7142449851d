"""Databases of generated objects: HBNB's storage creates the tables, and `LOAD DATA` fills them."""
from __future__ import annotations

from collections.abc import Iterable
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

from sqlalchemy import Table

import models
from config import Settings
from models.codec import stored_blank
from models.columns import Base, links
from tests.mariadb import MariaDB


def fill(server: MariaDB, database: str, objects: Iterable[dict[str, Any]], folder: Path) -> None:
    """Create a database and fill it.

    Args:
        objects: as returned by `to_dict(save_fs=1)`.
        folder: a folder for temporary files.
    """
    server.execute(f"CREATE DATABASE {database}")
    storage = models.make_storage(replace(
        Settings(), type_storage="db", mysql_user="root", mysql_host=server.socket, mysql_db=database))
    storage.reload()
    storage.close()
    files = {table.name: folder / f"{database}-{table.name}.txt" for table in Base.metadata.sorted_tables}
    _write(objects, files)
    connection = server.connect(database, local_infile=1)
    cursor = connection.cursor()
    # The objects are consistent, so checks are not needed. Rows are inserted with their indexes, so no index is sorted.
    cursor.execute("SET foreign_key_checks = 0, unique_checks = 0")
    for table in Base.metadata.sorted_tables:
        cursor.execute(f"LOAD DATA LOCAL INFILE '{files[table.name]}' INTO TABLE {table.name} CHARACTER SET utf8mb4 "
                       f"({', '.join(table.c.keys())})")
        files[table.name].unlink()
    connection.commit()
    connection.close()
    server.execute(f"ANALYZE TABLE {', '.join(files)}", database)


def _write(objects: Iterable[dict[str, Any]], files: dict[str, Path]) -> None:
    """Write one file per table, in the default format of `LOAD DATA`."""
    tables: dict[str, tuple[Table, dict[str, Table]]] = {
        name: (cls.__table__, links(cls.__table__)) for name, cls in models.classes.items()}
    columns = {table.name: {column.key: stored_blank(column) for column in table.c} for table, _ in tables.values()}
    with ExitStack() as stack:
        out = {name: stack.enter_context(open(path, "w", encoding="utf-8")) for name, path in files.items()}
        for obj in objects:
            table, pairs = tables[obj["__class__"]]
            out[table.name].write("\t".join(_cell(obj.get(*each)) for each in columns[table.name].items()) + "\n")
            for name, pair in pairs.items():
                out[pair.name].writelines(f"{obj['id']}\t{other}\n" for other in obj[name])


def _cell(value: Any) -> str:
    if value is None:
        return "\\N"
    return str(value).replace("\\", "\\\\").replace("\t", "\\t").replace("\n", "\\n")
