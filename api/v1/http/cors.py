"""Which pages of other sites may use the API."""
from __future__ import annotations

from flask import Flask, Response, request
from flask_cors import CORS

from config import Settings

# What such a page may read of an answer.
EXPOSED = ["ETag", "Idempotency-Replayed", "Link", "Location", "Retry-After", "WWW-Authenticate", "X-Request-Id",
           "X-Total-Count"]


def init_app(app: Flask, settings: Settings) -> None:
    """Share an application whose routes are all there."""
    everywhere = settings.origins == "*"
    CORS(app, resources={"/api/v1/*": {"origins": settings.origins}}, send_wildcard=everywhere, expose_headers=EXPOSED,
         methods=sorted({method for rule in app.url_map.iter_rules() for method in rule.methods or ()}))
    share = app.after_request_funcs[None].pop()

    @app.after_request
    def _share(response: Response) -> Response:
        """Ask Flask-CORS where a page asks; it takes as long as a small answer."""
        environ = request.environ
        if "HTTP_ORIGIN" in environ or environ["REQUEST_METHOD"] == "OPTIONS":
            response = app.ensure_sync(share)(response)
        if request.path.startswith("/api/v1"):      # for caches, which may give the answer to a page of another site
            if everywhere:
                response.headers["Access-Control-Allow-Origin"] = "*"
            else:
                response.vary.add("Origin")
        return response
