"""The application with API and pages: run `python wsgi.py`, or use `wsgi:app` in any WSGI server."""
from __future__ import annotations

from flask import Flask

import cli
import models
import serving
import web
import web_dynamic
import web_flask
from api import v1
from api.v1.http.errors import json_error
from config import Settings
from services.search import indexing
from web import session
from web.errors import error_page


def create_app(settings: Settings) -> Flask:
    """Create the application. It neither reads the storage nor connects to it until the first use.

    Raises:
        Misconfigured: a setting is invalid or lacks another one.
    """
    models.open_storage(settings)
    app = serving.Application(__name__, static_folder=None)
    session.init_app(app, settings)
    v1.init_app(app, settings)
    web.init_app(app, settings)
    web_flask.init_app(app)
    web_dynamic.init_app(app, settings)
    cli.init_app(app)
    serving.init_app(app, settings, json_error, error_page)
    serving.concurrency.before_start(app, indexing.prepare)
    return app


app = create_app(Settings.from_environ())

if __name__ == "__main__":
    import argparse
    from contextlib import nullcontext
    from pathlib import Path

    from cli.work import beside
    from server import serve, serve_socket
    parser = argparse.ArgumentParser(description="Serve API and pages.")
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (default: %(default)s)")
    parser.add_argument("--port", type=int, default=5000, help="port to listen on (default: %(default)s)")
    parser.add_argument("--socket", type=Path, help="listen on this Unix socket, instead of an address and a port")
    parser.add_argument("--workers", type=int, default=1, help="number of worker processes (default: %(default)s)")
    parser.add_argument("--work", action="store_true", help="run the worker too, which sends mails")
    options = parser.parse_args()
    if options.workers < 1:
        parser.error(f"argument --workers: {options.workers} is less than 1")
    serving.concurrency.start(app)
    with beside(__file__) if options.work else nullcontext():
        if options.socket:
            serve_socket("wsgi:app", options.socket, options.workers)
        else:
            serve("wsgi:app", options.host, options.port, options.workers)
