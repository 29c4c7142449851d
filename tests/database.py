"""The test database, used by an account that has rights on this database only."""
from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import MySQLdb

from config import Settings
from models.columns import Base
from models.engine.base import Storage
from models.engine.db.connection import Engines, address_options

VARIABLES = tuple(f"HBNB_TEST_MYSQL_{each}" for each in ("USER", "PWD", "HOST", "DB"))


def settings_from(environ: Mapping[str, str]) -> Settings | None:
    """Return the settings of the test database that the environment names, or None if it names none.

    Raises:
        ValueError: a variable is missing, or the database's name does not contain the word "test".
    """
    if not any(environ.get(name) for name in VARIABLES):
        return None
    if missing := [name for name in VARIABLES if name not in environ]:
        raise ValueError(f"{', '.join(missing)} must be set too")
    settings = replace(Settings(), type_storage="db", **{
        name.removeprefix("HBNB_TEST_").lower(): environ[name] for name in VARIABLES})
    if not settings.is_for_tests:
        raise ValueError(f"HBNB_TEST_MYSQL_DB is {settings.mysql_db}: the tests delete everything in it, so its name "
                         "must contain the word test")
    return settings


class Database:
    """A database that only the tests use.

    Args:
        settings: its address and account.
    """

    def __init__(self, settings: Settings) -> None:
        self.settings = settings

    def connect(self, **options: object) -> MySQLdb.Connection:
        return MySQLdb.connect(user=self.settings.mysql_user, password=self.settings.mysql_pwd, charset="utf8mb4",
                               database=self.settings.mysql_db, **address_options(self.settings), **options)

    def empty(self) -> None:
        """Delete all rows."""
        connection = self.connect()
        cursor = connection.cursor()
        for table in reversed(Base.metadata.sorted_tables):
            cursor.execute(f"DELETE FROM {table.name}")
        cursor.execute("UPDATE versions SET version = version + 1")
        connection.commit()
        connection.close()

    def clear(self) -> None:
        """Close all other connections, and drop all tables."""
        self.disconnect()
        connection = self.connect()
        cursor = connection.cursor()
        cursor.execute("SET foreign_key_checks = 0")
        cursor.execute("SELECT table_name FROM information_schema.tables WHERE table_schema = DATABASE()")
        for name, in cursor.fetchall():
            cursor.execute(f"DROP TABLE `{name}`")
        connection.close()

    def disconnect(self) -> None:
        """Close all other connections to the database."""
        connection = self.connect()
        cursor = connection.cursor()
        cursor.execute("SELECT id FROM information_schema.processlist WHERE db = DATABASE() AND id <> CONNECTION_ID()")
        for id, in cursor.fetchall():
            try:
                cursor.execute(f"KILL {id}")
            except MySQLdb.OperationalError:    # the client closed it meanwhile
                pass
        connection.close()


def engines_of(storage: Storage) -> Engines:
    """Return the SQLAlchemy engines of a storage, so that a test can listen to their connections or break them."""
    return Engines(storage._engine, storage._autocommit.engine, storage._autocommit.streams)
