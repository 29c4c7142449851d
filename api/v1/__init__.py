"""The REST API: reads HTTP, calls a service, and says the answer in JSON."""
from __future__ import annotations

from flask import Flask
from flask_cors import CORS

import models
from api.v1 import docs, errors
from api.v1.views import views

BODY_LIMIT = 1_000_000      # bytes


def init_app(app: Flask) -> None:
    """Add the API to an application."""
    app.config["MAX_CONTENT_LENGTH"] = BODY_LIMIT
    app.url_map.strict_slashes = False
    app.register_blueprint(views, url_prefix="/api/v1")
    CORS(app, resources={"/api/v1/*": {"origins": "*"}}, send_wildcard=True)
    errors.init_app(app)
    docs.init_app(app)
    app.teardown_appcontext(lambda _: models.storage.close())
