"""The documentation page `/apidocs`: Swagger UI for the generated OpenAPI document, served by flasgger.

flasgger only serves files: the document comes from `document()`, and Swagger UI from `flask_swagger_ui`, which is newer
than flasgger's own copy.
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
    """Add the documentation to an application, after all of its API routes were registered."""
    app.register_blueprint(docs)
    Swagger(app, template=document(app), config={
        "openapi": "3.1.0", "headers": [], "auth": {}, "swagger_ui": True, "specs_route": "/apidocs",
        "oauth_redirect": "/apidocs",    # flasgger requires one; the page never uses it
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
