"""The REST API: parses HTTP requests, calls the services and returns JSON responses."""
from __future__ import annotations

from flask import Flask

from api.v1.http import auth, cors, rate_limits
from api.v1.http.middleware import FastPath
from api.v1.openapi import swagger_ui
from api.v1.openapi.operations import SAFE, operation_of
from api.v1.views import app_views
from config import Settings


def init_app(app: Flask, settings: Settings) -> None:
    """Register the API on an application.

    Raises:
        Misconfigured: a setting is invalid.
    """
    app.config["MAX_CONTENT_LENGTH"] = int(settings.body_limit)
    # Browsers do not follow the redirect of a CORS preflight, so missing and extra slashes must not redirect.
    app.url_map.strict_slashes = app.url_map.merge_slashes = False
    app.register_blueprint(app_views, url_prefix="/api/v1")
    # Routes that only read although their method is not a safe one, such as POST /places_search.
    app.extensions["reads"] = {
        rule.rule for rule in app.url_map.iter_rules() if not (rule.methods or set()) <= {*SAFE}
        and (operation := operation_of(app, rule.endpoint)) and operation.reads}
    cors.init_app(app, settings)
    rate_limits.init_app(app, settings)
    auth.init_app(app, settings)
    swagger_ui.init_app(app)
    if settings.rate is None:   # the fast path bypasses the rate limiter
        fixed = {rule.rule for rule in app.url_map.iter_rules() if not rule.arguments}
        app.wsgi_app = FastPath(app.wsgi_app, settings, fixed)    # type: ignore[method-assign]
