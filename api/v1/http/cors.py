"""Which pages of other sites may use the API."""
from __future__ import annotations

from flask import Flask, Response, request
from flask_cors.core import get_cors_options, set_cors_headers

from config import Settings

# What such a page may read of an answer.
EXPOSED = ["ETag", "Idempotency-Replayed", "Link", "Location", "Retry-After", "WWW-Authenticate", "X-Request-Id",
           "X-Total-Count"]


def init_app(app: Flask, settings: Settings) -> None:
    """Share an application whose routes are all there."""
    everywhere = settings.origins == "*"
    options = get_cors_options(app, {
        "origins": settings.origins, "send_wildcard": everywhere, "expose_headers": EXPOSED,
        "methods": sorted({method for rule in app.url_map.iter_rules() for method in rule.methods or ()})})

    @app.after_request
    def share(response: Response) -> Response:
        if request.path.startswith("/api/v1"):
            if "HTTP_ORIGIN" in request.environ or request.method == "OPTIONS":
                set_cors_headers(response, options)
            # For caches, which may give the answer to a page of another site.
            if everywhere:
                response.headers["Access-Control-Allow-Origin"] = "*"
            else:
                response.vary.add("Origin")
        return response
