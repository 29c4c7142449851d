"""What a database must be, and how its tables come to be there."""
from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Connection, text
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.schema import CreateTable

import models
from config import Settings
from errors import Misconfigured, Unavailable
from models.columns import Base
from models.engine import version


def make(connection: Connection, settings: Settings) -> None:
    """Make the tables and indexes that are not there; for a test, all tables anew.

    Raises:
        Misconfigured: the server does not keep what it is given.
    """
    _check(connection, settings)
    if settings.env == "test":
        Base.metadata.drop_all(connection)
    Base.metadata.create_all(connection)
    _create_indexes(connection)
    version.prepare(connection)
    if settings.env == "test":
        version.change(connection)


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
        connection.execute(text(f"SELECT RELEASE_LOCK({name})"))


def _check(connection: Connection, settings: Settings) -> None:
    mode, charset = connection.execute(text("SELECT @@sql_mode, @@character_set_connection")).one()
    if "STRICT_ALL_TABLES" not in mode:
        raise Misconfigured("The server does not keep to strict mode, so it would cut texts silently: "
                            f"allow sql_mode STRICT_ALL_TABLES (it is {mode or 'empty'})")
    if charset != "utf8mb4":
        raise Misconfigured(f"The connection speaks {charset}, so names would be damaged: allow utf8mb4")
    found = connection.scalars(text(
        "SELECT DISTINCT table_name FROM information_schema.columns WHERE table_schema = DATABASE() "
        "AND column_name IN ('name', 'text', 'email') AND character_set_name <> 'utf8mb4'")).all()
    old = [cls.__tablename__ for cls in models.classes.values() if cls.__tablename__ in found]
    if old:
        logging.getLogger("hbnb").warning(
            "%s of %s cannot hold every character, as they are not utf8mb4: names such as Hawai\u02bbi will be "
            "refused. To be rid of that, export this database and import that into a new one",
            ", ".join(old), settings.mysql_db)


def _create_indexes(connection: Connection) -> None:
    """Add the indexes that a database of an older HBNB lacks."""
    there = {tuple(row) for row in connection.execute(text(
        "SELECT table_name, index_name FROM information_schema.statistics WHERE table_schema = DATABASE()"))}
    for table in Base.metadata.sorted_tables:
        for index in table.indexes:
            if (table.name, index.name) not in there:
                index.create(connection)


@compiles(CreateTable, "mysql", "mariadb")
def _create_table(element: CreateTable, compiler: Any, **options: Any) -> str:
    """Whatever the database's defaults are: all characters, compared exactly, and transactions."""
    return f"{compiler.visit_create_table(element, **options)} ENGINE=InnoDB CHARSET=utf8mb4 COLLATE=utf8mb4_bin"
