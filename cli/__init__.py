"""The command line: `flask --app wsgi` commands, and what `console.py` consists of."""
from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:   # importing Flask would take a quarter of the console's start
    from flask import Flask


def init_app(app: Flask) -> None:
    """Add the commands `flask --app wsgi db …` and `flask --app wsgi work` to an application."""
    from cli.db import db
    from cli.work import work
    app.cli.add_command(db)
    app.cli.add_command(work)
