"""What the database's server must be, and what of it a program asks for itself."""
from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import Connection, text

from errors import Misconfigured, Unavailable
from models.columns import Base


def check(connection: Connection) -> None:
    """See that the server keeps what it is given.

    Raises:
        Misconfigured: it does not.
    """
    mode, charset = connection.execute(text("SELECT @@sql_mode, @@character_set_connection")).one()
    if "STRICT_ALL_TABLES" not in mode:
        raise Misconfigured("The server does not keep to strict mode, so it would cut texts silently: "
                            f"allow sql_mode STRICT_ALL_TABLES (it is {mode or 'empty'})")
    if charset != "utf8mb4":
        raise Misconfigured(f"The connection speaks {charset}, so names would be damaged: allow utf8mb4")


def keep_keys(connection: Connection) -> bool:
    """Tell whether the database itself refuses ids that name nothing, in all tables."""
    there = {tuple(row) for row in connection.execute(text(
        "SELECT table_name, column_name FROM information_schema.key_column_usage "
        "WHERE table_schema = DATABASE() AND referenced_table_name IS NOT NULL"))}
    return all((table.name, key.parent.name) in there for table in Base.metadata.sorted_tables
               for key in table.foreign_keys)


@contextmanager
def only_one(connection: Connection) -> Iterator[None]:
    """Of all processes that start at the same time, one makes the tables."""
    name = "CONCAT('hbnb.', LEFT(DATABASE(), 50))"
    if connection.scalar(text(f"SELECT GET_LOCK({name}, 60)")) != 1:
        raise Unavailable("Another process is making the tables, and does not end: try again")
    try:
        yield
    finally:
        if not connection.invalidated:      # else the lock has gone with it
            connection.execute(text(f"SELECT RELEASE_LOCK({name})"))
