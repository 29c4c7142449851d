"""The REST API: reads HTTP, calls a service, and says the answer in JSON."""
from __future__ import annotations

from flask import Flask

import models
from api.v1.http import auth, cors, errors, rate_limits
from api.v1.http.middleware import FastPath
from api.v1.openapi import swagger_ui
from api.v1.openapi.operations import OPERATIONS, SAFE
from api.v1.views import app_views
from config import Settings


def init_app(app: Flask, settings: Settings) -> None:
    """Add the API to an application.

    Raises:
        Misconfigured: the settings cannot work.
    """
    app.config["MAX_CONTENT_LENGTH"] = int(settings.body_limit)
    # A redirected preflight fails, so nothing is redirected: neither for one slash more nor for one less.
    app.url_map.strict_slashes = app.url_map.merge_slashes = False
    app.register_blueprint(app_views, url_prefix="/api/v1")
    reads = {f"api_v1.{name}" for name, each in OPERATIONS.items() if each.reads}
    # The paths at which nothing is changed, though the method may change something elsewhere.
    app.extensions["reads"] = {rule.rule for rule in app.url_map.iter_rules()
                               if rule.endpoint in reads and not (rule.methods or set()) <= {*SAFE}}
    cors.init_app(app, settings)
    rate_limits.init_app(app, settings)
    auth.init_app(app, settings)
    errors.init_app(app)
    swagger_ui.init_app(app)
    if settings.rate is None:   # it comes before requests are counted
        app.wsgi_app = FastPath(app.wsgi_app, settings)    # type: ignore[method-assign]
    # No function of ours is asynchronous, and Flask would ask each one of them on every request.
    app.ensure_sync = lambda func: func                 # type: ignore[method-assign]
    app.teardown_appcontext(lambda _: models.storage.close())
