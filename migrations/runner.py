"""The migrations of a database: status, plan, upgrade and downgrade, by means of Alembic."""
from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from alembic import command
from alembic.config import Config
from alembic.operations import Operations
from alembic.runtime.migration import MigrationContext
from alembic.script import Script, ScriptDirectory
from sqlalchemy import Connection, Engine, text
from sqlalchemy.exc import DBAPIError

import migrations
from errors import Conflict, Invalid, NotFound, Unavailable
from legacy import database
from legacy.database import Plan
from migrations import tables
from models.engine.db import ddl, errors, server

LOCK_TIMEOUT = 60       # seconds
_DENIED = {1044, 1142, 1143, 1227}      # the user lacks a right
_CHECK = (". Make sure that it is running, that the password is right, and that no other program holds a lock "
          "(SHOW PROCESSLIST)")
_INTERRUPTED = f"{_CHECK}, and try again. An interrupted upgrade continues where it stopped"
_HALF_UNDONE = (f"{_CHECK}, and try again. If a downgrade was interrupted, first run `{migrations.COMMAND}`, and then "
                "the downgrade again")


class Step(NamedTuple):
    """A migration.

    Args:
        revision: the schema's revision after it.
        about: a description.
        backward_compatible: whether the previous release can use the schema after it.
    """

    revision: str
    about: str
    backward_compatible: bool


class Status(NamedTuple):
    """The state of the schema.

    Args:
        current: its revision; `None` if no migration made it.
        head: the revision that this HBNB needs.
        pending: the migrations that are to be run.
        trouble: a fault that no migration repairs, and what to do; `None` if there is no such fault.
    """

    current: str | None
    head: str
    pending: list[Step]
    trouble: str | None = None

    @property
    def is_up_to_date(self) -> bool:
        return self.current == self.head and not self.trouble


class Migrations:
    """The migrations of a database.

    Args:
        engine: an engine whose connections are in autocommit mode.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._scripts = ScriptDirectory(Path(__file__).parent)
        self._revisions: dict[str, Script] = {
            each.revision: each for each in reversed([*self._scripts.walk_revisions()])}

    def status(self) -> Status:
        with self._connected() as connection:
            return self._status(connection)

    def plan(self) -> Plan:
        """Return what `upgrade` would do."""
        with self._connected() as connection:
            return self.plan_on(connection)

    def upgrade(self) -> list[str]:
        """Upgrade the schema to the revision of this HBNB.

        Returns: the revisions of the migrations that were run.
        Raises:
            Conflict: the plan has stops; nothing was changed.
            Unavailable: another process is migrating, or the database cannot be used.
        """
        with self._exclusive() as connection:
            return self.upgrade_on(connection)

    def downgrade(self, revision: str | None = None) -> list[str]:
        """Downgrade the schema.

        Args:
            revision: the revision to go back to; `None` = the previous one.
        Returns: the revisions of the migrations that were undone.
        Raises:
            NotFound: there is no such revision.
            Invalid: the revision is not an earlier one.
            Conflict: the schema cannot be downgraded.
            Unavailable: another process is migrating, or the database cannot be used.
        """
        with self._exclusive(_HALF_UNDONE) as connection:
            current, _, _, trouble = self._status(connection)
            if current is None:
                raise Conflict("No migration was run on this database yet, so there is no migration to undo")
            if trouble or current not in self._revisions:
                raise Conflict(trouble or f"The schema has the revision {current}, which this HBNB does not know. Run "
                               "`flask --app wsgi db downgrade` with the newer HBNB that made it")
            before = self._script(current).down_revision
            target = revision or (str(before) if before else None)
            if target is None:
                raise Conflict(f"There is no revision before {current}. To remove the tables, drop the database")
            if self._script(target).revision >= current:
                raise Invalid(f"The schema has the revision {current}, and {target} is not an earlier revision. To "
                              f"upgrade, run `{migrations.COMMAND}`")
            undone = [each for each in reversed(self._revisions) if target < each <= current]
            with Operations.context(MigrationContext.configure(connection)):
                for revision in undone:
                    # The stamp is changed first: if the downgrade is interrupted, the next upgrade runs this migration.
                    connection.execute(text("UPDATE alembic_version SET version_num = :before"),
                                       {"before": self._script(revision).down_revision})
                    self._note(connection)
                    self._script(revision).module.downgrade()
                    ddl.report(f"{revision}: undone")
            return undone

    def recreate(self) -> None:
        """Drop all tables, and create them empty."""
        with self._exclusive() as connection:
            tables.recreate(connection)

    def plan_on(self, connection: Connection) -> Plan:
        made = Plan()
        status = self._status(connection)
        if status.trouble:
            made.stops.append(status.trouble)
        for step in status.pending:
            made.lines.append(f"{step.revision}: {step.about}")
            preview = getattr(self._script(step.revision).module, "preview", None)
            if preview is not None:
                found = preview(connection)
                made.lines += found.lines
                made.stops += found.stops
                made.changed += found.changed
        return made

    def upgrade_on(self, connection: Connection) -> list[str]:
        made = self.plan_on(connection)     # of all steps, so that none is run if a later one cannot be
        if made.stops:
            raise Conflict(database.stop_message(made))
        if (self._status(connection).current or "") > migrations.HEAD:      # newer, but this HBNB can use it
            return []
        migrations.prepare(connection)
        done: list[str] = []

        def applied(step: Any, **_: Any) -> None:
            self._note(connection)
            done.append(step.up_revision_id)
            ddl.report(f"{step.up_revision_id}: done")

        config = Config(attributes={"connection": connection, "on_version_apply": applied})
        config.set_main_option("script_location", self._scripts.dir)
        command.upgrade(config, "head")
        self._note(connection)      # an earlier run may have been interrupted before its note
        return done

    def _note(self, connection: Connection) -> None:
        """Store in the database the oldest revision whose release can use its schema."""
        current = self._status(connection).current
        since = current
        while since and (script := self._script(since)).module.backward_compatible and script.down_revision:
            since = str(script.down_revision)
        connection.execute(text("UPDATE alembic_version SET since = :since"), {"since": since})

    def _status(self, connection: Connection) -> Status:
        stamp = migrations.read_stamp(connection)
        current = stamp.revision if stamp else None
        steps = [Step(each.revision, each.doc.rstrip("."), each.module.backward_compatible)
                 for each in self._revisions.values() if current is None or each.revision > current]
        trouble = None
        if stamp and stamp.revision not in self._revisions and not stamp.fits:
            trouble = migrations.unknown_schema(stamp)
        elif missing := tables.missing(connection) if stamp and stamp.fits else []:
            trouble = migrations.missing_tables(missing)
        return Status(current, migrations.HEAD, steps, trouble)

    def _script(self, revision: str) -> Script:
        if revision not in self._revisions:
            raise NotFound(f"There is no revision {revision}: choose one of {', '.join(self._revisions)}")
        return self._revisions[revision]

    @contextmanager
    def _exclusive(self, advice: str = _INTERRUPTED) -> Iterator[Connection]:
        with self._connected(advice) as connection, server.exclusive(connection):
            yield connection

    @contextmanager
    def _connected(self, advice: str = "") -> Iterator[Connection]:
        try:
            with self._engine.connect() as connection:
                # The server's default would wait a day for a program that uses a table.
                connection.execute(text(f"SET SESSION lock_wait_timeout = {LOCK_TIMEOUT}"))
                yield connection
        except DBAPIError as error:
            if errors.code(error) in _DENIED:
                advice = ". Give the user the rights that docs/database.md lists, and try again"
            raise Unavailable(f"The database {self._engine.url.database} cannot be used: {errors.text(error)}"
                              f"{advice}") from error
