"""`flask --app wsgi db …`: the database's schema."""
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
    """Migrate the database's schema, or take over an old database."""


@db.command()
@click.option("--dry-run", is_flag=True, help="Only tell what would happen.")
def upgrade(dry_run: bool) -> None:
    """Bring the schema to what this HBNB needs; an old database is taken over.

    Stop all programs that use the database, and back it up. What is cut off half way is finished by the next one.
    """
    with _migrations() as migrations:
        if dry_run:
            plan = migrations.plan()
            for line in plan.lines or ["Nothing would happen: the schema is what this HBNB needs"]:
                click.echo(line)
            for stop in plan.stops:
                click.echo(f"This stops it: {stop}", err=True)
            sys.exit(bool(plan.stops))
        if not migrations.upgrade():
            click.echo("There was nothing to do: the schema is what this HBNB needs")


@db.command()
@click.option("--json", "as_json", is_flag=True, help="As one JSON object.")
def status(as_json: bool) -> None:
    """Say which revision the schema has, and what an upgrade would bring; the exit status is 1 if there is any."""
    with _migrations(as_json) as migrations:
        found = migrations.status()
        if as_json:
            click.echo(json.dumps(found._asdict() | {"pending": [each._asdict() for each in found.pending],
                                                     "up_to_date": found.is_up_to_date}))
        else:
            click.echo(f"The schema is {found.current or 'of no migration'}, and this HBNB needs {found.head}")
            for step in found.pending:
                click.echo(_described(step))
            if found.trouble:
                click.echo(found.trouble)
        sys.exit(not found.is_up_to_date)


@db.command()
@click.argument("revision", required=False)
def downgrade(revision: str | None) -> None:
    """Take the schema back to REVISION, or one back, with all rows in place."""
    with _migrations() as migrations:
        migrations.downgrade(revision)


@db.command()
@click.option("--yes", is_flag=True, help="Do not ask.")
def recreate(yes: bool) -> None:
    """Make all tables anew, empty; in dev and test only."""
    settings = Settings.from_environ()
    if settings.guarded:
        raise click.ClickException(f"HBNB_ENV is {settings.env}: tables are made anew in dev and test only")
    with _migrations() as migrations:
        yes or click.confirm(f"Remove all that is in {settings.mysql_db}?", abort=True)
        migrations.recreate()
        click.echo("All tables were made anew")


@contextmanager
def _migrations(as_json: bool = False) -> Iterator[Migrations]:
    """The migrations of the storage; what they say is printed, and what goes wrong in one sentence."""
    log = logging.getLogger("hbnb.migrations")
    handler = _Echo()
    log.addHandler(handler)
    log.setLevel(logging.INFO)
    try:
        migrations = models.storage.migrations()
        if migrations is None:
            nothing: dict[str, Any] = dict.fromkeys(("current", "head", "trouble")) | {
                "pending": [], "up_to_date": True}
            click.echo(json.dumps(nothing) if as_json else
                       "The store is a file, which is kept up by whoever opens it: there is nothing to migrate")
            sys.exit(0)
        yield migrations
    except HBNBError as error:
        raise click.ClickException(str(error)) from None
    except KeyboardInterrupt:
        raise click.ClickException("Cut off; the same command goes on with it") from None
    finally:
        log.removeHandler(handler)
        models.storage.close()


class _Echo(logging.Handler):
    def emit(self, record: logging.LogRecord) -> None:
        click.echo(record.getMessage())


def _described(step: Step) -> str:
    can = "can" if step.backward_compatible else "cannot"
    return f"{step.revision}: {step.about} (the version before {can} live with it)"
