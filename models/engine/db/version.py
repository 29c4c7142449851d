"""The storage's version: a number in the database that changes whenever the data of searches changes.

By comparing it, a worker knows whether its caches are up to date, even if another process made the change.
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
    """Create the table. The first change inserts its only row."""
    _versions.metadata.create_all(connection)


def mark_changed(connection: Connection) -> None:
    """Make the transaction change the version when it commits."""
    connection.info["changed"] = True


def track(engine: Engine) -> None:
    """Change the version in every transaction that changes one of the tables.

    This is the last statement before the commit, so a transaction that waits for the row's lock has its other locks
    already, and no deadlock arises.
    """
    event.listen(engine, "after_execute", _note)
    event.listen(engine, "commit", _change)
    event.listen(engine, "rollback", _forget)


def _note(connection: Connection, statement: Any, *_: Any) -> None:
    changing = str(statement.table) in TABLES if isinstance(statement, UpdateBase) else (
        isinstance(statement, TextClause) and not statement.text.lstrip().upper().startswith("SELECT"))
    if changing:
        mark_changed(connection)


def _change(connection: Connection) -> None:
    if connection.info.pop("changed", False):
        # Random, not counted up: after a restore of the database, a counter would repeat numbers of other content.
        row = insert(_versions).values(only_row=True, version=secrets.randbits(62))
        connection.execute(row.on_duplicate_key_update(version=row.inserted.version))


def _forget(connection: Connection) -> None:
    if not connection.invalidated:      # a closed connection has lost its `info`
        connection.info.pop("changed", None)
