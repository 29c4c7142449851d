"""What a program does with the database's schema when it starts."""
from __future__ import annotations

from sqlalchemy import Connection

import migrations
from config import Settings
from errors import Outdated
from migrations import tables


def judge(connection: Connection, settings: Settings) -> None:
    """See that this HBNB can use the tables.

    Raises:
        Outdated: they are another HBNB's, or none; says what to do.
    """
    found = migrations.stamped(connection)
    if found is None or not found.fits:
        raise Outdated(migrations.refusal(found, found is None and tables.is_empty(connection), settings.mysql_db))
    if gone := tables.missing(connection):
        raise Outdated(f"The database {settings.mysql_db} lacks {', '.join(gone)}: `flask --app wsgi db status` says "
                       "what to do")


def make(connection: Connection, settings: Settings) -> None:
    """Make the tables that this HBNB needs, if that harms nothing; for a test, make all tables anew.

    Raises:
        Outdated: they are another HBNB's, and a command must change them.
    """
    if settings.env == "test":
        tables.recreate(connection)
        return
    try:
        judge(connection, settings)
    except Outdated:
        if migrations.stamped(connection) is None and tables.is_empty(connection):
            tables.create(connection)
        elif not _upgraded(connection):
            raise


def _upgraded(connection: Connection) -> bool:
    """Bring tables of an older HBNB up to date, if that changes no row and no column of theirs."""
    try:
        from migrations.runner import Migrations  # Alembic may be missing, and is slow to import
    except ModuleNotFoundError:
        return False
    runner = Migrations(connection.engine)
    plan = runner.plan_on(connection)
    if not plan.lines or plan.stops or plan.changed:
        return False
    runner.upgrade_on(connection)
    return True
