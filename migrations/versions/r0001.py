"""The classic tables, as an older HBNB made them.

Existing tables are not changed. Missing tables are created with types that hold all values; the older HBNB can use
these types, too.
"""
from __future__ import annotations

from typing import Any

from alembic import op
from sqlalchemy import Column, Double, ForeignKeyConstraint, Index, Integer, MetaData, String, Table, inspect
from sqlalchemy import PrimaryKeyConstraint as PrimaryKey
from sqlalchemy.dialects.mysql import DATETIME, VARCHAR
from sqlalchemy.schema import CreateTable

from errors import Conflict
from models.engine.db import ddl

revision = "0001"
down_revision = None
backward_compatible = True


def key(name: str) -> Column[Any]:
    return Column(name, VARCHAR(60, charset="ascii", collation="ascii_bin"), nullable=False)


def of_all() -> list[Column[Any]]:
    return [key("id"), *(Column(name, DATETIME(fsp=6), nullable=False) for name in ("created_at", "updated_at"))]


def text(name: str, length: int = 128, **options: Any) -> Column[Any]:
    return Column(name, String(length), **{"nullable": False, **options})


def count(name: str) -> Column[Any]:
    return Column(name, Integer, nullable=False, info={"unset": 0})


COLUMNS: dict[str, Any] = {
    "amenities": lambda: [*of_all(), text("name")],
    "states": lambda: [*of_all(), text("name")],
    "users": lambda: [*of_all(), Column("email", String(128, collation="utf8mb4_general_ci"), nullable=False),
                      text("password"), *(text(name, info={"unset": ""}) for name in ("first_name", "last_name"))],
    "cities": lambda: [*of_all(), key("state_id"), text("name")],
    "places": lambda: [*of_all(), key("city_id"), key("user_id"), text("name"),
                       text("description", 1024, nullable=True),
                       *map(count, ("number_rooms", "number_bathrooms", "max_guest", "price_by_night")),
                       *(Column(name, Double) for name in ("latitude", "longitude"))],
    "reviews": lambda: [*of_all(), key("place_id"), key("user_id"), text("text", 1024)],
    "place_amenity": lambda: [key("place_id"), key("amenity_id")],
}
OWNERS = {"state_id": "states", "city_id": "cities", "user_id": "users", "place_id": "places",
          "amenity_id": "amenities"}


def tables() -> MetaData:
    """The classic tables with their classic keys and indexes."""
    metadata = MetaData()
    for name, columns in COLUMNS.items():
        made = columns()
        primary = [column.name for column in made if column.name == "id"] or [column.name for column in made]
        table = Table(name, metadata, *made, PrimaryKey(*primary))
        keys = [column.name for column in made if column.name in OWNERS]
        for number, column in enumerate(keys, 1):
            table.append_constraint(ForeignKeyConstraint(
                [column], [f"{OWNERS[column]}.id"], name=f"{name}_ibfk_{number}"))
            if column != primary[0]:
                Index(column, table.c[column])
    return metadata


def upgrade() -> None:
    connection, metadata = op.get_bind(), tables()
    missing = metadata.tables.keys() - {*inspect(connection).get_table_names()}
    if len(missing) == len(metadata.tables):
        metadata.create_all(connection)
        return
    for table in metadata.sorted_tables:
        if table.name in missing:
            # Without foreign keys: these would fail if the ids of older tables have another character set. 0002 adds
            # all of them.
            connection.execute(CreateTable(table, include_foreign_key_constraints=[]))
            ddl.report(f"{table.name} did not exist, and was created")


def downgrade() -> None:
    raise Conflict("There is no revision before 0001. To remove the tables, drop the database")
