"""What the database's schema is, and what this HBNB needs it to be.

`versions` holds the migrations; only who migrates needs Alembic. The table `alembic_version` says which
revision the schema has, and in `since` the oldest one whose programs can use it, for those that are older.
"""
from __future__ import annotations

from typing import NamedTuple

from sqlalchemy import Connection, inspect, text
from sqlalchemy.exc import DBAPIError

HEAD = "0004"       # the revision that the models are; revisions sort by age
SINCE = "0002"      # the oldest revision whose programs can use the head: all later ones are backward compatible
COMMAND = "flask --app wsgi db upgrade"
_NO_TABLE = 1146


class Stamp(NamedTuple):
    """What the database says of its schema."""

    revision: str
    since: str

    @property
    def fits(self) -> bool:
        """Whether this HBNB can use it."""
        return self.since <= HEAD <= self.revision


def stamped(connection: Connection) -> Stamp | None:
    """The stamp of the schema; none where no migration made it."""
    try:
        row = connection.execute(text("SELECT * FROM alembic_version")).mappings().first()
    except DBAPIError as error:
        if error.orig and error.orig.args[0] == _NO_TABLE:
            return None
        raise
    # Alembic's own table has no `since`.
    return Stamp(row["version_num"], row.get("since") or row["version_num"]) if row else None


def prepare(connection: Connection) -> None:
    """Make the table of the stamp: Alembic's, with a column more."""
    if not inspect(connection).has_table("alembic_version"):
        connection.execute(text("CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL PRIMARY KEY, "
                                "since VARCHAR(32)) ENGINE=InnoDB CHARSET=utf8mb4"))
    elif "since" not in {column["name"] for column in inspect(connection).get_columns("alembic_version")}:
        connection.execute(text("ALTER TABLE alembic_version ADD since VARCHAR(32)"))


def stamp(connection: Connection) -> None:
    """Say that the schema is just what the models are."""
    prepare(connection)
    connection.execute(text("REPLACE INTO alembic_version VALUES (:head, :since)"), {"head": HEAD, "since": SINCE})
    connection.execute(text("DELETE FROM alembic_version WHERE version_num <> :head"), {"head": HEAD})


def unknown(found: Stamp) -> str:
    """The sentence for who comes to a schema that another HBNB made, and this one knows nothing of."""
    return (f"The schema is {found.revision}, which this HBNB, of {HEAD}, does not know: start the one that made it, "
            "or have that one go back with `flask --app wsgi db downgrade`")


def refusal(found: Stamp | None, empty: bool, database: str) -> str:
    """The sentence for who comes to a schema that is not ours."""
    if found and found.revision > HEAD:
        return f"The database {database} cannot be used: {unknown(found)}"
    what = "has no tables yet" if empty else (
        f"has the schema {found.revision}, and this HBNB needs {HEAD}" if found else
        "has the tables of an older HBNB")
    return f"The database {database} {what}: stop all programs that use it, back it up, and run `{COMMAND}`" if (
        not empty) else f"The database {database} {what}: run `{COMMAND}`"
