"""Conversion of an older HBNB's tables.

Each table whose columns or rows change is copied to a new table, such as `users__new`. One statement then renames all
old tables to `users__old` and all copies to `users`. The old tables are dropped after their content was compared with
the new ones. An interruption before the RENAME has changed nothing; after it, the next run continues.
"""
from __future__ import annotations

import itertools
from collections.abc import Generator, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection, MetaData, Table, insert, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.schema import CreateTable

from errors import Conflict
from legacy.table import PART, Findings, OldTable
from models import passwords
from models.engine.db import ddl, errors, version

NEW, OLD = "__new", "__old"
APART = "__apart"   # followed by a number: copies that were set aside after a failure, for the operator to drop
MARK = "HBNB copies this table"     # the table comment of a copy until the upgrade has finished


@dataclass
class Plan:
    """What a migration would do.

    Args:
        lines: the changes, for the operator to read.
        stops: the reasons why it cannot run; empty = it can.
        changed: the tables whose columns or rows it changes.
    """

    lines: list[str] = field(default_factory=list)
    stops: list[str] = field(default_factory=list)
    changed: list[str] = field(default_factory=list)


def plan(connection: Connection, metadata: MetaData, names: Sequence[str]) -> Plan:
    """Return what `run` would do, and change nothing.

    Args:
        metadata: the new tables.
        names: the tables to convert, owners first.
    """
    if _existing(connection, metadata, OLD):
        return Plan(["The upgrade was interrupted after the tables were replaced: it will be completed"],
                    [*_leftovers(connection, metadata)], [*names])
    made = Plan(stops=[*_foreign_additions(connection, names), *_foreign_copies(connection, metadata)])
    there = _existing(connection, metadata, "")
    owners: dict[str, set[str] | None] = {}
    for name in names:
        if there and name not in there:
            made.lines.append(f"{name} does not exist, and will be created")
        differing = _differing(connection, metadata.tables[name], name) if name in there else []
        found = OldTable(connection, metadata.tables[name], name, differing).survey(connection, owners)
        owners[name] = found.ids
        changes = [f"{what}: {count}" for what, count in sorted(found.changes.items()) if count]
        if differing or changes:
            made.changed.append(name)
        columns = [f"new column types: {', '.join(differing)}"] if differing else []
        if found.rows or columns:
            made.lines.append(f"{name}: {_counted(found.rows)}; {'; '.join(columns + changes) or 'no changes'}")
        made.lines += ddl.dropped_indexes(connection, metadata.tables[name])
        made.stops += [f"{reason}. Rows: {', '.join(rows)}" if rows else reason for reason, rows in found.stops.items()]
    return made


def run(connection: Connection, metadata: MetaData, names: Sequence[str]) -> None:
    """Convert the tables, and create the missing ones.

    Args:
        connection: a connection in autocommit mode.
        metadata: the new tables.
        names: the tables to convert, owners first.
    Raises:
        Conflict: rows cannot be converted, or were changed meanwhile; nothing was changed.
    """
    with _without_key_checks(connection):
        made = plan(connection, metadata, names)
        if made.stops:
            raise Conflict(stop_message(made))
        for line in made.lines:
            ddl.report(line)
        if not _existing(connection, metadata, OLD):
            _copy(connection, metadata, made.changed)
        _swap(connection, metadata)
        _compare(connection, metadata)
        for name in _existing(connection, metadata, OLD):
            connection.execute(text(f"DROP TABLE `{name}{OLD}`"))
        for name in _unfinished(connection):
            connection.execute(text(f"ALTER TABLE `{name}` COMMENT = ''"))
        ddl.create_all(connection, metadata)
    ddl.keys_and_indexes(connection, metadata)
    # Invalidates the caches of all processes.
    connection.execute(version.CHANGE)


def stop_message(made: Plan) -> str:
    """Return the error message for a plan that cannot run."""
    return "\n".join(["The upgrade cannot run. Nothing was changed. Correct this first:",
                      *(f"- {each}" for each in made.stops)])


def _counted(rows: int) -> str:
    return f"{rows} row{'s' * (rows != 1)}"


@contextmanager
def _without_key_checks(connection: Connection) -> Iterator[None]:
    """Allow tables to be renamed and dropped although foreign keys refer to them."""
    connection.execute(text("SET FOREIGN_KEY_CHECKS = 0"))
    try:
        yield
    finally:
        if not connection.invalidated:
            connection.execute(text("SET FOREIGN_KEY_CHECKS = 1"))


def _copy(connection: Connection, metadata: MetaData, names: Sequence[str]) -> None:
    for name in _existing(connection, metadata, NEW):      # left by an interrupted copy
        connection.execute(text(f"DROP TABLE `{name}{NEW}`"))
    for name in names:
        table = metadata.tables[name]
        new = table.to_metadata(MetaData(), name=f"{name}{NEW}")
        new.comment = MARK
        connection.execute(CreateTable(new, include_foreign_key_constraints=[]))
        with closing(_parts(connection, _old_table(connection, table, name))) as parts:
            for part in parts:
                try:
                    connection.execute(insert(new), part)
                except DBAPIError as error:     # a case that `plan` does not know; only the copy has changed
                    if error.connection_invalidated:
                        raise
                    raise Conflict(f"The table {name} cannot be converted: {errors.text(error)}. Nothing was changed"
                                   ) from error


def _parts(connection: Connection, old: OldTable) -> Generator[list[dict[str, Any]], None, None]:
    with connection.engine.connect() as reading:
        rows = old.rows(reading, Findings())
        while part := [*itertools.islice(rows, PART)]:
            if "password" in part[0]:
                kept = passwords.all_protected([row["password"] for row in part])
                for row, password in zip(part, kept, strict=True):
                    row["password"] = password
            yield part


def _swap(connection: Connection, metadata: MetaData) -> None:
    # All copies; or, after an interruption on a server whose RENAME is not atomic, the remaining ones.
    there = _existing(connection, metadata, "")
    renames = [rename for name in _existing(connection, metadata, NEW) for rename in (
        [f"`{name}` TO `{name}{OLD}`"] if name in there else []) + [f"`{name}{NEW}` TO `{name}`"]]
    if renames:
        connection.execute(text(f"RENAME TABLE {', '.join(renames)}"))


def _compare(connection: Connection, metadata: MetaData) -> None:
    """Check that the new tables have the content of the old ones; otherwise rename the old ones back."""
    names = _existing(connection, metadata, OLD)
    for name in names:
        before, after = Findings(), Findings()
        old = _old_table(connection, metadata.tables[name], f"{name}{OLD}")
        new = OldTable(connection, metadata.tables[name], name, differing=[])
        for table, found in ((old, before), (new, after)):
            for _ in table.rows(connection, found):
                pass
        if (before.rows, before.digest) != (after.rows, after.digest):
            apart = _free_suffix(connection, metadata)
            put = ", ".join(f"{each}{apart}" for each in names)
            connection.execute(text("RENAME TABLE " + ", ".join(
                f"`{each}` TO `{each}{apart}`, `{each}{OLD}` TO `{each}`" for each in names)))
            raise Conflict(f"The old and the new table {name} do not have the same content: {_counted(before.rows)} "
                           f"with checksum {before.digest:016x}, and {_counted(after.rows)} with checksum "
                           f"{after.digest:016x}. Another program wrote meanwhile, or a row was converted wrongly. The "
                           "old tables are back in place. Stop all programs that use the database, and run the upgrade "
                           "again. The new tables were kept under other names. When you no longer need them: DROP "
                           f"TABLE {put}")
        ddl.report(f"{name}: {_counted(before.rows)} before and after, checksum {before.digest:016x}")


def _leftovers(connection: Connection, metadata: MetaData) -> Iterator[str]:
    """Yield the stops for old tables whose replacement the upgrade did not make, as after the restore of a backup."""
    there, marked = _existing(connection, metadata, ""), _unfinished(connection)
    for name in _existing(connection, metadata, OLD):
        # The copy either has replaced the table, or, if RENAME was interrupted, still has its own name.
        if (name in marked) is (f"{name}{NEW}" in marked) or (name in there) is not (name in marked):
            yield (f"{name}{OLD} is left over from an earlier upgrade, but that upgrade did not make the present "
                   f"{name}. If {name} has all your data, drop {name}{OLD}, or rename it")


def _foreign_copies(connection: Connection, metadata: MetaData) -> Iterator[str]:
    marked = _unfinished(connection)
    for name in _existing(connection, metadata, NEW):
        if f"{name}{NEW}" not in marked:
            yield f"{name}{NEW} exists, but was not made by an upgrade: drop it, or rename it"


def _unfinished(connection: Connection) -> set[str]:
    """Return the tables that an unfinished upgrade made."""
    return {*connection.scalars(text("SELECT table_name FROM information_schema.tables WHERE table_schema = "
                                     "DATABASE() AND table_comment = :mark"), {"mark": MARK})}


def _free_suffix(connection: Connection, metadata: MetaData) -> str:
    """Return a suffix of table names that is not in use."""
    ends = (f"{APART}{number}" for number in itertools.count(1))
    return next(end for end in ends if not _existing(connection, metadata, end))


def _existing(connection: Connection, metadata: MetaData, end: str) -> list[str]:
    """Return the tables that exist with this suffix, without the suffix, owners first."""
    there = {*connection.scalars(text("SELECT table_name FROM information_schema.tables "
                                      "WHERE table_schema = DATABASE()"))}
    return [table.name for table in metadata.sorted_tables if f"{table.name}{end}" in there]


def _old_table(connection: Connection, table: Table, name: str) -> OldTable:
    return OldTable(connection, table, name, _differing(connection, table, name))


def _differing(connection: Connection, table: Table, name: str) -> list[str]:
    """Return the columns whose definition, as the server shows it, differs from the new table's.

    Args:
        table: the new table.
        name: the name of the existing table.
    Returns: the columns' names; the table's name, if only its engine, its collation or the order of columns differs.
    """
    like = table.to_metadata(MetaData(), name=f"{table.name}__like")
    create = str(CreateTable(like, include_foreign_key_constraints=[]).compile(connection))
    # A temporary table is visible to this connection only, and is dropped when it closes.
    connection.execute(text(create.replace("CREATE TABLE", "CREATE TEMPORARY TABLE", 1)))
    wanted = _columns(connection, like.name)
    connection.execute(text(f"DROP TEMPORARY TABLE `{like.name}`"))
    there = _columns(connection, name)
    engine, collation = connection.execute(text(
        "SELECT engine, table_collation FROM information_schema.tables WHERE table_schema = DATABASE() "
        "AND table_name = :name"), {"name": name}).one()
    differing = [column for column in wanted if wanted[column] != there.get(column)]
    if not differing and ([*wanted] != [*there] or (engine, collation) != ("InnoDB", "utf8mb4_bin")):
        return [table.name]
    return differing


def _columns(connection: Connection, name: str) -> dict[str, tuple[Any, ...]]:
    rows = connection.execute(text(f"SHOW FULL COLUMNS FROM `{name}`"))
    return {row[0]: (row[1], row[2], row[3], row[5], row[6]) for row in rows}   # type, collation, null, default, extra


def _foreign_additions(connection: Connection, names: Sequence[str]) -> Iterator[str]:
    """Yield the stops for keys, checks and triggers that are not HBNB's, and would be lost with the old tables."""
    values = {f"n{number}": name for number, name in enumerate(names)}
    listed = ", ".join(f":{each}" for each in values)
    for name, key in connection.execute(text(
            "SELECT CASE table_schema WHEN DATABASE() THEN table_name ELSE CONCAT(table_schema, '.', table_name) END, "
            "constraint_name FROM information_schema.key_column_usage WHERE referenced_table_schema = DATABASE() AND "
            f"referenced_table_name IN ({listed}) AND (table_schema <> DATABASE() OR table_name NOT IN ({listed}))"),
            values):
        yield (f"{name}, which is not HBNB's, has a foreign key to a table of HBNB: drop the key ({key}), and create "
               "it again afterwards")
    for name, key in connection.execute(text(
            "SELECT table_name, constraint_name FROM information_schema.key_column_usage WHERE table_schema = "
            f"DATABASE() AND table_name IN ({listed}) AND referenced_table_name NOT IN ({listed})"), values):
        yield (f"{name} has a foreign key to a table that is not HBNB's: drop the key ({key}), and create it again "
               "afterwards")
    for name, check in connection.execute(text(
            "SELECT table_name, constraint_name FROM information_schema.table_constraints WHERE table_schema = "
            f"DATABASE() AND constraint_type = 'CHECK' AND table_name IN ({listed})"), values):
        yield f"{name} has a check constraint: drop it ({check}), and create it again afterwards"
    for trigger, name in connection.execute(text(
            "SELECT trigger_name, event_object_table FROM information_schema.triggers WHERE trigger_schema = "
            f"DATABASE() AND event_object_table IN ({listed})"), values):
        yield f"{name} has a trigger: drop it ({trigger}), and create it again afterwards"
