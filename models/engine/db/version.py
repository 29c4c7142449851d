"""The storage's version, and the log of changes, by which other processes learn what changed between two versions.

The version is a number in the only row of the table `versions`. Each transaction that changes the data of searches
writes another one. By comparing it, a worker knows whether its caches are up to date.

The table `changes` lists the objects that the transactions changed: all rows of a transaction have the version that it
wrote, and the first one also has the version before it. So the transactions form a chain. It is interrupted wherever a
transaction is not logged: because too much changed, because an SQL text does not say what changed, or because an older
HBNB, which has no log, or another program wrote the version.
"""
from __future__ import annotations

import secrets
from collections.abc import Iterable
from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Connection,
    Engine,
    MetaData,
    String,
    Table,
    event,
    func,
    select,
    text,
)
from sqlalchemy.exc import DBAPIError

from models.columns import KeyType
from models.engine.db import changed
from models.engine.db.errors import DEADLOCK, code

KEPT = 200_000      # rows of the log
PRUNED_AFTER = 1000     # new rows

_metadata = MetaData()
_versions = Table("versions", _metadata, Column("only_row", Boolean, primary_key=True),
                  Column("version", BigInteger, nullable=False))
Table("changes", _metadata, Column("number", BigInteger, primary_key=True, autoincrement=True),
      Column("version", BigInteger, nullable=False), Column("former", BigInteger, index=True),
      Column("class", String(60), nullable=False), Column("object_id", KeyType, nullable=False))
# 0 before the first change, which also has 0 as its former version.
VERSION = func.coalesce(select(_versions.c.version).where(_versions.c.only_row).scalar_subquery(), 0).label("_version")
CHANGE = text("UPDATE versions SET version = FLOOR(RAND() * 1000000000000)")
# The version, and the log from the first transaction after `since` on, in one statement: so they fit together.
CHANGES = text(
    "SELECT 0 AS number, COALESCE(MAX(version), 0) AS version, NULL AS former, NULL AS class, NULL AS object_id "
    "FROM versions UNION ALL "
    "SELECT number, version, former, class, object_id FROM changes "
    "WHERE number >= (SELECT MIN(number) FROM changes WHERE former = :since) ORDER BY number")
# LAST_INSERT_ID(x) makes x, the former version, the statement's `lastrowid`, which is 0 if there was no row.
_WRITE = ("INSERT INTO versions (only_row, version) VALUES (1, %s) "
          "ON DUPLICATE KEY UPDATE version = %s + 0 * LAST_INSERT_ID(version)")
_LOG = "INSERT INTO changes (version, former, class, object_id) VALUES (%s, %s, %s, %s)"
_PRUNE = "DELETE FROM changes WHERE number < %s ORDER BY number LIMIT %s"


def prepare(connection: Connection) -> None:
    """Create the tables. The first change inserts the only row of `versions`."""
    _metadata.create_all(connection)


def mark_changed(connection: Connection) -> None:
    """Make the transaction change the version when it commits, and log that anything may have changed."""
    changed.of(connection).add_everything()


def track(engine: Engine) -> None:
    """Change the version, and log the changes, in every transaction that changes one of the tables.

    These are the last statements before the commit, so a transaction that waits for the row's lock has its other locks
    already, and no deadlock arises.
    """
    event.listen(engine, "before_execute", changed.before)
    event.listen(engine, "after_execute", changed.after)
    event.listen(engine, "commit", _change)
    event.listen(engine, "rollback", _forget)


def collected(rows: Iterable[tuple[Any, ...]], since: int) -> tuple[int, list[tuple[str, str]]] | None:
    """Return the current version, and the objects that were changed since a version; `None` if they are not known.

    Args:
        rows: the result of the statement `CHANGES`.
    """
    current, at, objects = None, since, list[tuple[str, str]]()
    for number, version, former, name, id in rows:
        if number == 0:
            current = version
            continue
        if former is not None and former == at:
            at = version
        if version != at:
            return None
        objects.append((name, id))
    return (at, objects) if current == at else None


def _change(connection: Connection) -> None:
    found = changed.take(connection)
    if found is None:
        return
    # Random, not counted up: after a restore of the database, a counter would repeat numbers of other content.
    version = secrets.randbits(62)
    # Locks the row until the commit. So only one transaction at a time is between here and its end, and the numbers of
    # the log are in the order of the commits.
    former = connection.exec_driver_sql(_WRITE, (version, version)).lastrowid
    rows = [(version, None if number else former, *each) for number, each in enumerate(found.objects)]
    if rows:    # the driver sends many rows in one INSERT
        _prune(connection, connection.exec_driver_sql(_LOG, rows).lastrowid, len(rows))


def _prune(connection: Connection, number: int, count: int) -> None:
    """Remove old rows, now and then. No other transaction locks them, so this does not wait.

    Args:
        number: the number of a new row.
        count: how many rows are new.
    """
    if (number - 1) // PRUNED_AFTER == (number - 1 + count) // PRUNED_AFTER:    # no new number is a multiple of it
        return
    try:
        connection.exec_driver_sql(_PRUNE, (number - KEPT, count + 10 * PRUNED_AFTER))
    except DBAPIError as error:     # the transaction goes on, unless the server has rolled it back
        if error.connection_invalidated or code(error) == DEADLOCK:
            raise


def _forget(connection: Connection) -> None:
    if not connection.invalidated:      # a closed connection has lost its `info`
        changed.take(connection)
