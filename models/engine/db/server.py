"""Checks of the database server's settings, and the lock for creating tables."""
from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import Connection, text

from errors import Misconfigured, Unavailable
from models.columns import Base


def check(connection: Connection) -> None:
    """Check that the server does not change the values it stores.

    Raises:
        Misconfigured: it is not in strict mode, or the connection is not utf8mb4.
    """
    mode, charset = connection.execute(text("SELECT @@sql_mode, @@character_set_connection")).one()
    if "STRICT_ALL_TABLES" not in mode:
        raise Misconfigured("The database server is not in strict mode, so it would cut long texts without an error. "
                            f"Make it accept the sql_mode STRICT_ALL_TABLES. Its sql_mode is {mode or 'empty'}")
    if charset != "utf8mb4":
        raise Misconfigured(f"The connection to the database uses the character set {charset}, which cannot store all "
                            "texts. Make the server accept utf8mb4")


def has_foreign_keys(connection: Connection) -> bool:
    """Return whether the database has all foreign keys, so that it refuses ids of missing objects itself."""
    there = {tuple(row) for row in connection.execute(text(
        "SELECT table_name, column_name FROM information_schema.key_column_usage "
        "WHERE table_schema = DATABASE() AND referenced_table_name IS NOT NULL"))}
    return all((table.name, key.parent.name) in there for table in Base.metadata.sorted_tables
               for key in table.foreign_keys)


@contextmanager
def exclusive(connection: Connection) -> Iterator[None]:
    """Hold a lock of the database, so that only one process at a time changes its tables."""
    name = "CONCAT('hbnb.', LEFT(DATABASE(), 50))"
    if connection.scalar(text(f"SELECT GET_LOCK({name}, 60)")) != 1:
        raise Unavailable("Another process has been changing the tables for a minute. Nothing was changed. Try again "
                          "when it has finished")
    try:
        yield
    finally:
        if not connection.invalidated:      # the server releases the lock of a closed connection
            connection.execute(text(f"SELECT RELEASE_LOCK({name})"))
