"""A number in the database that is another one after each change of what searches look at.

With it, what a worker remembers of the market is known to hold, or known to be old, whoever changed it.
"""
from __future__ import annotations

import secrets
from typing import Any

from sqlalchemy import BigInteger, Boolean, Column, Connection, Engine, MetaData, Table, TextClause, event, select, text
from sqlalchemy.dialects.mysql import insert
from sqlalchemy.sql.dml import UpdateBase

TABLES = ("states", "cities", "amenities", "places", "place_amenity")

_versions = Table("versions", MetaData(), Column("only_row", Boolean, primary_key=True),
                  Column("version", BigInteger, nullable=False))
VERSION = select(_versions.c.version).where(_versions.c.only_row).scalar_subquery().label("_version")
CHANGE = text("UPDATE versions SET version = FLOOR(RAND() * 1000000000000)")


def prepare(connection: Connection) -> None:
    """Make the table; its only row comes with the first change."""
    _versions.metadata.create_all(connection)


def change(connection: Connection) -> None:
    """Have the transaction change the version, whatever else it does."""
    connection.info["changed"] = True


def keep(engine: Engine) -> None:
    """Give the database another number with every transaction that changes one of the tables.

    As the last thing before the commit: whoever waits for the number's row holds no lock that others want next.
    """
    event.listen(engine, "after_execute", _note)
    event.listen(engine, "commit", _change)
    event.listen(engine, "rollback", _forget)


def _note(connection: Connection, statement: Any, *_: Any) -> None:
    changing = str(statement.table) in TABLES if isinstance(statement, UpdateBase) else (
        isinstance(statement, TextClause) and not statement.text.lstrip().upper().startswith("SELECT"))
    if changing:
        change(connection)


def _change(connection: Connection) -> None:
    if connection.info.pop("changed", False):
        # By chance, not counted: after a restore, no number stands for another state of things.
        row = insert(_versions).values(only_row=True, version=secrets.randbits(62))
        connection.execute(row.on_duplicate_key_update(version=row.inserted.version))


def _forget(connection: Connection) -> None:
    if not connection.invalidated:      # else nothing of it is left
        connection.info.pop("changed", None)
