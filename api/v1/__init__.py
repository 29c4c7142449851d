"""The REST API: reads HTTP, calls a service, and says the answer in JSON."""
from __future__ import annotations

from flask import Flask
from flask_cors import CORS

import models
from api.v1 import access, docs, errors, identity, limits
from api.v1.views import views
from config import Settings

# What a page of another site may read of an answer.
EXPOSED = ["ETag", "Idempotency-Replayed", "Link", "Location", "Retry-After", "WWW-Authenticate", "X-Request-Id",
           "X-Total-Count"]


def init_app(app: Flask) -> None:
    """Add the API to an application.

    Raises:
        Misconfigured: the settings cannot work, or nobody could write.
    """
    settings = Settings.from_environ()
    app.config["MAX_CONTENT_LENGTH"] = int(settings.body_limit)
    app.url_map.strict_slashes = False
    app.register_blueprint(views, url_prefix="/api/v1")
    CORS(app, resources={"/api/v1/*": {"origins": settings.origins}}, send_wildcard=settings.origins == "*",
         expose_headers=EXPOSED,
         methods=sorted({method for rule in app.url_map.iter_rules() for method in rule.methods or ()}))
    identity.init_app(app)
    limits.init_app(app, settings)
    access.init_app(app, settings)
    errors.init_app(app)
    docs.init_app(app)
    app.teardown_appcontext(lambda _: models.storage.close())
