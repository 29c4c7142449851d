"""The revision of the database's schema, and the revision that this HBNB needs.

`versions/` has the migrations; only running them needs Alembic. The table `alembic_version` has the revision of the
schema and, in `since`, the oldest revision whose release can use this schema, so that older releases can check it.
"""
from __future__ import annotations

from typing import NamedTuple

from sqlalchemy import Connection, inspect, text
from sqlalchemy.exc import DBAPIError

HEAD = "0006"       # the revision of the models; revisions sort by age
SINCE = "0002"      # the oldest revision whose release can use HEAD: all later migrations are backward compatible
COMMAND = "flask --app wsgi db upgrade"
# On web servers that `fab` set up, operators type fab's commands.
_UPGRADE = f"`{COMMAND}`. On a site that fab set up, run `fab ENV deploy` instead"
_DOWNGRADE = ("`flask --app wsgi db downgrade` with that HBNB. On a site that fab set up, follow “Undo a migration” in "
              "docs/deployment.md instead")
_NO_TABLE = 1146


class Stamp(NamedTuple):
    """The revision of a database's schema, and the oldest revision whose release can use it."""

    revision: str
    since: str

    @property
    def fits(self) -> bool:
        """Whether this HBNB can use the schema."""
        return self.since <= HEAD <= self.revision


def read_stamp(connection: Connection) -> Stamp | None:
    """Return the stamp of the schema; `None` if no migration made it."""
    try:
        row = connection.execute(text("SELECT * FROM alembic_version")).mappings().first()
    except DBAPIError as error:
        if error.orig and error.orig.args[0] == _NO_TABLE:
            return None
        raise
    # Alembic's own table has no `since`.
    return Stamp(row["version_num"], row.get("since") or row["version_num"]) if row else None


def prepare(connection: Connection) -> None:
    """Create the table of the stamp: Alembic's table with the additional column `since`."""
    if not inspect(connection).has_table("alembic_version"):
        connection.execute(text("CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL PRIMARY KEY, "
                                "since VARCHAR(32)) ENGINE=InnoDB CHARSET=utf8mb4"))
    elif "since" not in {column["name"] for column in inspect(connection).get_columns("alembic_version")}:
        connection.execute(text("ALTER TABLE alembic_version ADD since VARCHAR(32)"))


def stamp(connection: Connection) -> None:
    """Mark the schema as that of the models."""
    prepare(connection)
    connection.execute(text("REPLACE INTO alembic_version VALUES (:head, :since)"), {"head": HEAD, "since": SINCE})
    connection.execute(text("DELETE FROM alembic_version WHERE version_num <> :head"), {"head": HEAD})


def unknown_schema(found: Stamp) -> str:
    """Return the error message for a schema of a newer release that this one cannot use."""
    return (f"The schema has the revision {found.revision}, but this HBNB knows revisions up to {HEAD} only. Start the "
            f"newer HBNB that made it, or run {_DOWNGRADE}")


def missing_tables(missing: list[str]) -> str:
    """Return the error message for a schema that lacks tables."""
    return (f"These tables are missing: {', '.join(missing)}. Save the other tables with mysqldump, drop them and the "
            f"table alembic_version, run `{COMMAND}`, and restore a backup. On a site that fab set up, "
            "`fab ENV restore FILE` does the last two")


def wrong_schema(found: Stamp | None, empty: bool, database: str) -> str:
    """Return the error message for a schema that this HBNB cannot use.

    Args:
        found: the stamp of the schema, if it has one.
        empty: whether the database has none of HBNB's tables.
        database: the database's name.
    """
    if found and found.revision > HEAD:
        return f"The database {database} cannot be used: {unknown_schema(found)}"
    what = "has no tables yet" if empty else (
        f"has the revision {found.revision}, but this HBNB needs {HEAD}" if found else
        "has the tables of an older HBNB")
    return f"The database {database} {what}. Stop all programs that use it, back it up, and run {_UPGRADE}" if (
        not empty) else f"The database {database} {what}. Run {_UPGRADE}"
