"""Groups of commands for the command line: `flask --app wsgi GROUP COMMAND`."""
from __future__ import annotations

import click
from flask import Flask
from flask.cli import FlaskGroup


def init_app(app: Flask) -> None:
    """Add the groups to an application."""
    from commands.db import db
    app.cli.add_command(db)


def at_work() -> bool:
    """Whether the application is made because `flask` looks for one of these commands in it, and not to serve."""
    context = click.get_current_context(silent=True)
    return context is not None and isinstance(context.command, FlaskGroup)
