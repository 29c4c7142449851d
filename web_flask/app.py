"""The pages alone, with the classic greeting at `/`: `python -m web_flask.app`."""
from __future__ import annotations

from flask import Flask, Response

import models
import serving
import web
import web_flask
from config import Settings
from web import session
from web.errors import error_page


def create_app(settings: Settings) -> Flask:
    """Make the application.

    Raises:
        Misconfigured: the settings cannot work.
    """
    models.open_storage(settings)
    app = serving.Application(__name__, static_folder=None, template_folder=None)
    session.init_app(app, settings)
    web.init_app(app, settings)
    web_flask.init_app(app)

    @app.get("/")
    def hello() -> Response:
        return Response("Hello HBNB!", mimetype="text/plain")

    serving.init_app(app, settings, page=error_page)
    return app


app = create_app(Settings.from_environ())

if __name__ == "__main__":
    import argparse

    from server import serve
    parser = argparse.ArgumentParser(description="Serve the pages that are drawn on the server.")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=5000)
    options = parser.parse_args()
    serving.concurrency.start(app)
    serve("web_flask.app:app", options.host, options.port)
