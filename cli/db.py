"""`flask --app wsgi db`: commands that migrate the database's schema."""
from __future__ import annotations

import json
import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import click

import models
from config import Settings
from errors import HBNBError

if TYPE_CHECKING:
    from migrations.runner import Migrations, Step


@click.group()
def db() -> None:
    """Migrate the database's schema."""


@db.command()
@click.option("--dry-run", is_flag=True, help="Only show what would happen.")
def upgrade(dry_run: bool) -> None:
    """Migrate the schema to the revision that this HBNB needs. Converts the tables of an older HBNB too.

    First stop all programs that use the database, and back it up. If an upgrade is interrupted, run it again: it
    continues.
    """
    with _migrations() as migrations:
        if dry_run:
            plan = migrations.plan()
            for line in plan.lines or ["Nothing to do: the schema is up to date"]:
                click.echo(line)
            for stop in plan.stops:
                click.echo(f"The upgrade cannot run until this is corrected: {stop}", err=True)
            sys.exit(bool(plan.stops))
        if not migrations.upgrade():
            click.echo("Nothing to do: the schema is up to date")


@db.command()
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def status(as_json: bool) -> None:
    """Show the schema's revision and the pending migrations. Exit status 1 if there are any."""
    with _migrations(as_json) as migrations:
        found = migrations.status()
        if as_json:
            click.echo(json.dumps(found._asdict() | {"pending": [step._asdict() for step in found.pending],
                                                     "up_to_date": found.is_up_to_date}))
        else:
            current = f"revision {found.current}" if found.current else "no revision"
            click.echo(f"The schema has {current}; this HBNB needs revision {found.head}")
            for step in found.pending:
                click.echo(_described(step))
            if found.trouble:
                click.echo(found.trouble)
        sys.exit(not found.is_up_to_date)


@db.command()
@click.argument("revision", required=False)
def downgrade(revision: str | None) -> None:
    """Undo all migrations after REVISION. Without REVISION, undo the last one.

    Rows are kept, but the values in columns that these migrations added are lost.
    """
    with _migrations() as migrations:
        migrations.downgrade(revision)


@db.command()
@click.option("--yes", is_flag=True, help="Do not ask for confirmation.")
def recreate(yes: bool) -> None:
    """Drop all tables, and create them empty; only in dev and test."""
    settings = Settings.from_environ()
    if settings.guarded:
        raise click.ClickException(f"HBNB_ENV is {settings.env}, and db recreate works only in dev and test. Nothing "
                                   "was changed")
    with _migrations() as migrations:
        yes or click.confirm(f"Remove everything in {settings.mysql_db}?", abort=True)
        migrations.recreate()
        click.echo("All tables were dropped and created again")


@contextmanager
def _migrations(as_json: bool = False) -> Iterator[Migrations]:
    """The migrations of the storage. Prints their log messages, and reports an error without a traceback."""
    log = logging.getLogger("hbnb.migrations")
    handler = _Echo()
    log.addHandler(handler)
    log.setLevel(logging.INFO)
    try:
        migrations = models.storage.migrations()
        if migrations is None:
            status: dict[str, Any] = dict.fromkeys(("current", "head", "trouble")) | {
                "pending": [], "up_to_date": True}
            click.echo(json.dumps(status) if as_json else "The store is a file, which has no schema: nothing to do")
            sys.exit(0)
        yield migrations
    except HBNBError as error:
        raise click.ClickException(str(error)) from None
    except KeyboardInterrupt:
        raise click.ClickException("Interrupted. To complete the schema, run `flask --app wsgi db upgrade`, or "
                                   "repeat your fab command") from None
    finally:
        log.removeHandler(handler)
        models.storage.close()


class _Echo(logging.Handler):
    def emit(self, record: logging.LogRecord) -> None:
        click.echo(record.getMessage())


def _described(step: Step) -> str:
    return f"{step.revision}: {step.about} ({'' if step.backward_compatible else 'not '}backward compatible)"
