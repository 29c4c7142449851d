"""Groups of commands for the command line: `flask --app wsgi GROUP COMMAND`."""
from __future__ import annotations

from flask import Flask


def init_app(app: Flask) -> None:
    """Add the groups to an application."""
    from cli.db import db
    app.cli.add_command(db)
