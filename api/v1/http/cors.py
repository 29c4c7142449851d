"""CORS headers: the origins whose pages may use the API."""
from __future__ import annotations

from flask import Flask, Response, request
from flask_cors.core import get_cors_options, set_cors_headers

from config import Settings

# The response headers that such a page may read.
EXPOSED = ["ETag", "Idempotency-Replayed", "Link", "Location", "Retry-After", "WWW-Authenticate", "X-Request-Id",
           "X-Total-Count"]


def init_app(app: Flask, settings: Settings) -> None:
    """Add CORS headers to an application, after all of its routes were registered."""
    any_origin = settings.origins == "*"
    options = get_cors_options(app, {
        "origins": settings.origins, "send_wildcard": any_origin, "expose_headers": EXPOSED,
        "methods": sorted({method for rule in app.url_map.iter_rules() for method in rule.methods or ()})})

    @app.after_request
    def add_headers(response: Response) -> Response:
        if request.path.startswith("/api/v1"):
            if "HTTP_ORIGIN" in request.environ or request.method == "OPTIONS":
                set_cors_headers(response, options)
            # A cache may return this response to a page of another origin.
            if any_origin:
                response.headers["Access-Control-Allow-Origin"] = "*"
            else:
                response.vary.add("Origin")
        return response
