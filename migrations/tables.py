"""Creation of all tables from the models, with the same result as running all migrations."""
from __future__ import annotations

from sqlalchemy import Connection, inspect, text

import migrations
from models.columns import Base, key_definition, unique, unique_key
from models.engine.db import ddl, version


def recreate(connection: Connection) -> None:
    """Drop all tables, and create them empty."""
    Base.metadata.drop_all(connection)
    create(connection)
    connection.execute(version.CHANGE)


def missing(connection: Connection) -> list[str]:
    """Return the names of the tables that do not exist."""
    return sorted({*Base.metadata.tables} - {*inspect(connection).get_table_names()})


def is_empty(connection: Connection) -> bool:
    """Return whether none of the tables exists."""
    return len(missing(connection)) == len(Base.metadata.tables)


def create(connection: Connection) -> None:
    """Create all tables in an empty database."""
    ddl.create_all(connection, Base.metadata)
    for column in (column for table in Base.metadata.sorted_tables for column in unique(table)):
        if unique_key(column) is not column:
            connection.execute(text(
                f"ALTER TABLE {column.table.name} ADD COLUMN {key_definition(column)}, "
                f"ADD UNIQUE INDEX uq_{column.table.name}_{column.key} ({unique_key(column).key})"))
    version.prepare(connection)
    migrations.stamp(connection)
