"""The check of the database's schema when a program starts, and the creation of tables in an empty database."""
from __future__ import annotations

from sqlalchemy import Connection

import migrations
from config import Settings
from errors import Outdated
from migrations import tables


def check_schema(connection: Connection, settings: Settings) -> None:
    """Check that this HBNB can use the schema.

    Raises:
        Outdated: the schema is that of another release, or tables are missing; the message says what to do.
    """
    found = migrations.read_stamp(connection)
    if found is None or not found.fits:
        raise Outdated(migrations.wrong_schema(found, found is None and tables.is_empty(connection), settings.mysql_db))
    if missing := tables.missing(connection):
        raise Outdated(f"The database {settings.mysql_db} cannot be used. {migrations.missing_tables(missing)}")


def prepare_schema(connection: Connection, settings: Settings) -> None:
    """Create missing tables if that changes no data. If `env` is `test`, drop all tables and create them again.

    Raises:
        Outdated: the schema is that of another release, and the operator must migrate it.
    """
    if settings.env == "test":
        tables.recreate(connection)
        return
    try:
        check_schema(connection, settings)
    except Outdated:
        if migrations.read_stamp(connection) is None and tables.is_empty(connection):
            tables.create(connection)
        elif not _upgraded(connection):
            raise


def _upgraded(connection: Connection) -> bool:
    """Upgrade the tables of an older HBNB if no row and no column changes. Returns whether it was done."""
    try:
        from migrations.runner import Migrations  # imported here: Alembic may be missing, and is slow to import
    except ModuleNotFoundError:
        return False
    runner = Migrations(connection.engine)
    plan = runner.plan_on(connection)
    if not plan.lines or plan.stops or plan.changed:
        return False
    runner.upgrade_on(connection)
    return True
