"""The documentation page: Swagger UI over the API's own description, served by flasgger.

flasgger is a shell here: it is handed one finished document and current files of Swagger UI.
"""
from __future__ import annotations

from pathlib import Path

import flask_swagger_ui
from flasgger import Swagger
from flask import Blueprint, Flask, Response

from api.v1.openapi.document import document

_HERE = Path(__file__).parent
_POLICY = "; ".join((
    "default-src 'none'", "script-src 'self'", "style-src 'self'", "img-src 'self' data:", "connect-src 'self'",
    "base-uri 'none'", "form-action 'none'", "frame-ancestors 'none'"))

docs = Blueprint("docs", __name__, static_folder="static", static_url_path="/apidocs/static")


def init_app(app: Flask) -> None:
    """Add the documentation to an application whose routes are all there."""
    app.register_blueprint(docs)
    Swagger(app, template=document(app), config={
        "openapi": "3.1.0", "headers": [], "auth": {}, "swagger_ui": True, "specs_route": "/apidocs",
        "oauth_redirect": "/apidocs",    # hidden by the page itself: there is no such log-in
        "static_url_path": "/flasgger_static", "static_folder": str(Path(flask_swagger_ui.__file__).parent / "dist"),
        "template_folder": str(_HERE / "templates"),
        "specs": [{"endpoint": "apispec_1", "route": "/apispec_1.json", "rule_filter": lambda _: False,
                   "model_filter": lambda _: False}],
    })
    for blueprint in (docs.name, "flasgger"):
        app.after_request_funcs.setdefault(blueprint, []).append(_protect)


def _protect(response: Response) -> Response:
    response.headers["Content-Security-Policy"] = _POLICY
    response.headers["X-Content-Type-Options"] = "nosniff"
    return response
