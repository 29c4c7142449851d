"""The application that serves only the API: `python -m api.v1.app`."""
from __future__ import annotations

from flask import Flask

import models
import serving
from api import v1
from api.v1.http.errors import json_error
from config import Settings
from web import session


def create_app(settings: Settings) -> Flask:
    """Create the application.

    Raises:
        Misconfigured: a setting is invalid.
    """
    models.open_storage(settings)
    app = serving.Application(__name__, static_folder=None)
    session.init_app(app, settings)
    v1.init_app(app, settings)
    serving.init_app(app, settings, json=json_error)
    return app


_settings = Settings.from_environ()
app = create_app(_settings)

if __name__ == "__main__":
    from server import serve
    serving.concurrency.start(app)
    serve("api.v1.app:app", _settings.api_host, int(_settings.api_port))
