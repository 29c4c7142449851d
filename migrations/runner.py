"""Running migrations, by Alembic's own means."""
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
_DENIED = {1044, 1142, 1143, 1227}
_LOOK = ". See that it runs and that no other program uses it, and "
_CUT_OFF = f"{_LOOK}try again: what was cut off is gone on with"
_HALF_BACK = f"{_LOOK}see `db status`: what is half way back is brought up by `db upgrade`, and can be taken back then"


class Step(NamedTuple):
    """A migration.

    Args:
        revision: the schema's name after it.
        about: what it brings.
        backward_compatible: whether the version before can live with it.
    """

    revision: str
    about: str
    backward_compatible: bool


class Status(NamedTuple):
    """Where the schema is.

    Args:
        current: its revision; none where no migration made it.
        head: the one that this HBNB needs.
        pending: the migrations that lead there.
        trouble: what no migration mends, and what to do.
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
        engine: whose connections commit each statement by themselves.
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
        """What `upgrade` would do."""
        with self._connected() as connection:
            return self.plan_on(connection)

    def upgrade(self) -> list[str]:
        """Bring the schema to the head. Returns: the revisions that were gone through.

        Raises:
            Conflict: something stops it; nothing was changed.
            Unavailable: another process is at it.
        """
        with self._alone() as connection:
            return self.upgrade_on(connection)

    def downgrade(self, revision: str | None = None) -> list[str]:
        """Take the schema back. Returns: the revisions that were undone.

        Args:
            revision: to which one; none = one back.
        Raises:
            NotFound: there is no such revision.
            Invalid: it is not one before.
        """
        with self._alone(_HALF_BACK) as connection:
            current, _, _, trouble = self._status(connection)
            if current is None:
                raise Conflict("No migration made these tables: there is nothing to go back to")
            if trouble or current not in self._revisions:
                raise Conflict(trouble or f"The schema is {current}: only a newer HBNB can take it back")
            before = self._script(current).down_revision
            target = revision or (str(before) if before else None)
            if target is None:
                raise Conflict(f"There is nothing before {current}: to be rid of the tables, drop the database")
            if self._script(target).revision >= current:
                raise Invalid(f"The schema is {current}, and {target} is none before it")
            undone = [each for each in reversed(self._revisions) if target < each <= current]
            with Operations.context(MigrationContext.configure(connection)):
                for revision in undone:
                    # Noted first: what is cut off half way is not what it was, and the next upgrade mends it.
                    connection.execute(text("UPDATE alembic_version SET version_num = :before"),
                                       {"before": self._script(revision).down_revision})
                    self._note(connection)
                    self._script(revision).module.downgrade()
                    ddl.say(f"{revision} is undone")
            return undone

    def recreate(self) -> None:
        """Make all tables anew, empty."""
        with self._alone() as connection:
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
        made = self.plan_on(connection)     # before the first step, as the last one might be stopped
        if made.stops:
            raise Conflict(database.stopped(made))
        if (self._status(connection).current or "") > migrations.HEAD:      # and this HBNB can use it
            return []
        migrations.prepare(connection)
        done: list[str] = []

        def applied(step: Any, **_: Any) -> None:
            self._note(connection)
            done.append(step.up_revision_id)
            ddl.say(f"{step.up_revision_id} is done")

        config = Config(attributes={"connection": connection, "on_version_apply": applied})
        config.set_main_option("script_location", self._scripts.dir)
        command.upgrade(config, "head")
        self._note(connection)      # once more, for who was ended just before
        return done

    def _note(self, connection: Connection) -> None:
        """Say in the database which programs can use it."""
        current = self._status(connection).current
        since = current
        while since and (script := self._script(since)).module.backward_compatible and script.down_revision:
            since = str(script.down_revision)
        connection.execute(text("UPDATE alembic_version SET since = :since"), {"since": since})

    def _status(self, connection: Connection) -> Status:
        stamp = migrations.stamped(connection)
        current = stamp.revision if stamp else None
        steps = [Step(each.revision, each.doc.rstrip("."), each.module.backward_compatible)
                 for each in self._revisions.values() if current is None or each.revision > current]
        trouble = None
        if stamp and stamp.revision not in self._revisions and not stamp.fits:
            trouble = migrations.unknown(stamp)
        elif missing := tables.missing(connection) if stamp and stamp.fits else []:
            trouble = (f"The tables {', '.join(missing)} are gone: keep what there is by mysqldump, drop the others "
                       f"and alembic_version, too, run `{migrations.COMMAND}`, and restore a backup")
        return Status(current, migrations.HEAD, steps, trouble)

    def _script(self, revision: str) -> Script:
        if revision not in self._revisions:
            raise NotFound(f"There is no revision {revision}: there are {', '.join(self._revisions)}")
        return self._revisions[revision]

    @contextmanager
    def _alone(self, advice: str = _CUT_OFF) -> Iterator[Connection]:
        with self._connected(advice) as connection, server.only_one(connection):
            yield connection

    @contextmanager
    def _connected(self, advice: str = "") -> Iterator[Connection]:
        try:
            with self._engine.connect() as connection:
                # Who still uses a table is not waited for until tomorrow.
                connection.execute(text(f"SET SESSION lock_wait_timeout = {LOCK_TIMEOUT}"))
                yield connection
        except DBAPIError as error:
            if errors.code(error) in _DENIED:
                advice = ". Give the user the rights that docs/database.md lists, and try again"
            raise Unavailable(f"The database {self._engine.url.database} cannot be used: {errors.text(error)}"
                              f"{advice}") from error
