"""The one database that the tests use, as a user who may do nothing beside it."""
from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import MySQLdb

from config import Settings
from models.columns import Base
from models.engine.base import Storage
from models.engine.db.connection import Engines, reached

GIVEN = tuple(f"HBNB_TEST_MYSQL_{each}" for each in ("USER", "PWD", "HOST", "DB"))


def given(environ: Mapping[str, str]) -> Settings | None:
    """The database that the environment names; none where it names none.

    Raises:
        ValueError: it is named by halves, or its name does not say that it may be emptied.
    """
    if not any(environ.get(name) for name in GIVEN):
        return None
    if missing := [name for name in GIVEN if name not in environ]:
        raise ValueError(f"{', '.join(missing)} must be set too")
    settings = replace(Settings(), type_storage="db", **{
        name.removeprefix("HBNB_TEST_").lower(): environ[name] for name in GIVEN})
    if not settings.is_for_tests:
        raise ValueError(f"HBNB_TEST_MYSQL_DB is {settings.mysql_db}, and would be emptied: its name must have the "
                         "word test")
    return settings


class Database:
    """A database for the tests alone.

    Args:
        settings: where it is, and who uses it.
    """

    def __init__(self, settings: Settings) -> None:
        self.settings = settings

    def connect(self, **options: object) -> MySQLdb.Connection:
        return MySQLdb.connect(user=self.settings.mysql_user, password=self.settings.mysql_pwd, charset="utf8mb4",
                               database=self.settings.mysql_db, **reached(self.settings), **options)

    def empty(self) -> None:
        """Remove all rows."""
        connection = self.connect()
        cursor = connection.cursor()
        for table in reversed(Base.metadata.sorted_tables):
            cursor.execute(f"DELETE FROM {table.name}")
        cursor.execute("UPDATE versions SET version = version + 1")
        connection.commit()
        connection.close()

    def clear(self) -> None:
        """Remove all tables, whoever is in the middle of something."""
        self.disconnect()
        connection = self.connect()
        cursor = connection.cursor()
        cursor.execute("SET foreign_key_checks = 0")
        cursor.execute("SELECT table_name FROM information_schema.tables WHERE table_schema = DATABASE()")
        for name, in cursor.fetchall():
            cursor.execute(f"DROP TABLE `{name}`")
        connection.close()

    def disconnect(self) -> None:
        """End everybody's connections."""
        connection = self.connect()
        cursor = connection.cursor()
        cursor.execute("SELECT id FROM information_schema.processlist WHERE db = DATABASE() AND id <> CONNECTION_ID()")
        for id, in cursor.fetchall():
            try:
                cursor.execute(f"KILL {id}")
            except MySQLdb.OperationalError:    # it went by itself
                pass
        connection.close()


def engines_of(storage: Storage) -> Engines:
    """The engines of SQLAlchemy that a storage uses, each with its connections, to listen to or to break."""
    return Engines(storage._engine, storage._autocommit.engine, storage._autocommit.streams)
