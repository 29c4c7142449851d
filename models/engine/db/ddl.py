"""Schema changes in steps. Each step first checks whether it was done, because MySQL cannot roll back a change."""
from __future__ import annotations

import logging
from typing import Any

from sqlalchemy import Connection, MetaData, Table, UniqueConstraint, text
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.schema import AddConstraint, CreateTable

Shape = tuple[Any, ...]
_log = logging.getLogger("hbnb.migrations")


def report(sentence: str) -> None:
    """Report the progress of a migration to the operator."""
    _log.info(sentence)


def create_all(connection: Connection, metadata: MetaData) -> None:
    """Create the missing tables."""
    metadata.create_all(connection)


def keys_and_indexes(connection: Connection, metadata: MetaData) -> None:
    """Add missing foreign keys and indexes to existing tables, and drop all others."""
    keys = {name: _keys(connection, name) for name in metadata.tables}
    for name, table in metadata.tables.items():
        wanted = {str(key.name): _key_shape(key) for key in table.foreign_key_constraints}
        for key, shape in keys[name].items():
            if wanted.get(key) != shape:
                connection.execute(text(f"ALTER TABLE `{name}` DROP FOREIGN KEY `{key}`"))
    for table in metadata.tables.values():
        _indexes(connection, table)
    for name, table in metadata.tables.items():
        for constraint in sorted(table.foreign_key_constraints, key=lambda each: str(each.name)):
            if keys[name].get(str(constraint.name)) != _key_shape(constraint):
                connection.execute(AddConstraint(constraint))


def _keys(connection: Connection, table: str) -> dict[str, Shape]:
    return {name: (column, owner, rule == "CASCADE") for name, column, owner, rule in connection.execute(text(
        "SELECT k.constraint_name, k.column_name, k.referenced_table_name, r.delete_rule "
        "FROM information_schema.key_column_usage k JOIN information_schema.referential_constraints r "
        "ON r.constraint_schema = k.constraint_schema AND r.constraint_name = k.constraint_name "
        "AND r.table_name = k.table_name "
        "WHERE k.table_schema = DATABASE() AND k.table_name = :table"), {"table": table})}


def _key_shape(key: Any) -> Shape:
    [column] = key.elements
    owner, _, _ = column.target_fullname.partition(".")
    return column.parent.name, owner, key.ondelete == "CASCADE"


def dropped_indexes(connection: Connection, table: Table) -> list[str]:
    """Return a sentence about the indexes that `keys_and_indexes` drops, except the automatic ones of foreign keys."""
    wanted = _wanted_indexes(table)
    keys = [[*key.column_keys] for key in table.foreign_key_constraints]
    others = [name for name, (unique, columns) in _existing_indexes(connection, table).items()
              if name not in (*wanted, "uq_users_email") and (unique or columns not in keys)]    # 0003 makes that one
    return [f"{table.name}: these indexes are not HBNB's and are dropped: {', '.join(others)}; create them again later "
            "if you need them"] if others else []


def _indexes(connection: Connection, table: Table) -> None:
    there, wanted = _existing_indexes(connection, table), _wanted_indexes(table)
    changes = [f"DROP INDEX `{name}`" for name, shape in there.items() if wanted.get(name) != shape]
    changes += [f"ADD {'UNIQUE ' if unique else ''}INDEX `{name}` ({', '.join(columns)})"
                for name, (unique, columns) in wanted.items() if there.get(name) != (unique, columns)]
    if changes:     # in one statement, so that a foreign key is never without its index
        connection.execute(text(f"ALTER TABLE `{table.name}` {', '.join(changes)}"))


def _existing_indexes(connection: Connection, table: Table) -> dict[str, tuple[bool, list[str]]]:
    there: dict[str, tuple[bool, list[str]]] = {}
    for name, column, repeats in connection.execute(text(
            "SELECT index_name, column_name, non_unique FROM information_schema.statistics WHERE index_name <> "
            "'PRIMARY' AND table_schema = DATABASE() AND table_name = :table ORDER BY index_name, seq_in_index"),
            {"table": table.name}):
        there.setdefault(name, (not repeats, []))[1].append(column)
    return there


def _wanted_indexes(table: Table) -> dict[str, tuple[bool, list[str]]]:
    return {str(each.name): (each.unique is True, [column.name for column in each.columns])
            for each in table.indexes} | {
            str(each.name): (True, [column.name for column in each.columns])
            for each in table.constraints if isinstance(each, UniqueConstraint)}


@compiles(CreateTable, "mysql", "mariadb")
def _create_table(element: CreateTable, compiler: Any, **options: Any) -> str:
    """Set character set, collation and engine explicitly, because the defaults of databases differ."""
    return f"{compiler.visit_create_table(element, **options)} ENGINE=InnoDB CHARSET=utf8mb4 COLLATE=utf8mb4_bin"
