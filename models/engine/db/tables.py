"""What a database must be, and how its tables come to be there."""
from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Connection, inspect, text
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.schema import CreateTable

import migrations
from config import Settings
from errors import Misconfigured, Outdated, Unavailable
from models.columns import Base, key_definition, unique, unique_key
from models.engine import version


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


def judge(connection: Connection, settings: Settings) -> None:
    """See that the tables are such as this HBNB can use.

    Raises:
        Outdated: they are another HBNB's, or none; says what to do.
    """
    found = migrations.stamped(connection)
    if found is None or not found.fits:
        raise Outdated(migrations.refusal(found, found is None and _is_empty(connection), settings.mysql_db))
    if gone := missing(connection):
        raise Outdated(f"The database {settings.mysql_db} lacks {', '.join(gone)}: `flask --app wsgi db status` says "
                       "what to do")


def make(connection: Connection, settings: Settings) -> None:
    """Have the tables that this HBNB needs, where that harms nothing; for a test, all tables anew.

    Raises:
        Outdated: they are another HBNB's, and to be changed by a command.
    """
    if settings.env == "test":
        recreate(connection)
        return
    try:
        judge(connection, settings)
    except Outdated:
        if migrations.stamped(connection) is None and _is_empty(connection):
            _create(connection)
        elif not _upgraded(connection):
            raise


def recreate(connection: Connection) -> None:
    """Make all tables anew, empty."""
    Base.metadata.drop_all(connection)
    _create(connection)
    connection.execute(version.CHANGE)


def missing(connection: Connection) -> list[str]:
    """The tables that are not there."""
    return sorted({*Base.metadata.tables} - {*inspect(connection).get_table_names()})


def _is_empty(connection: Connection) -> bool:
    return len(missing(connection)) == len(Base.metadata.tables)


def _create(connection: Connection) -> None:
    Base.metadata.create_all(connection)
    for column in (column for table in Base.metadata.sorted_tables for column in unique(table)):
        if unique_key(column) is not column:
            connection.execute(text(
                f"ALTER TABLE {column.table.name} ADD COLUMN {key_definition(column)}, "
                f"ADD UNIQUE INDEX uq_{column.table.name}_{column.key} ({unique_key(column).key})"))
    version.prepare(connection)
    migrations.stamp(connection)


def _upgraded(connection: Connection) -> bool:
    """Bring tables of an older HBNB up to date, if that changes no row and no column of theirs."""
    try:
        from migrations.runner import Migrations
    except ModuleNotFoundError:
        return False
    runner = Migrations(connection.engine)
    plan = runner.plan_on(connection)
    if not plan.lines or plan.stops or plan.changed:
        return False
    runner.upgrade_on(connection)
    return True


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


@compiles(CreateTable, "mysql", "mariadb")
def _create_table(element: CreateTable, compiler: Any, **options: Any) -> str:
    """Whatever the database's defaults are: all characters, compared exactly, and transactions."""
    return f"{compiler.visit_create_table(element, **options)} ENGINE=InnoDB CHARSET=utf8mb4 COLLATE=utf8mb4_bin"
