"""The headers that keep a page from doing what is not ours."""
from __future__ import annotations

from flask import Flask, Response

_POLICY = (
    "default-src 'none'", "script-src 'self'", "style-src 'self'", "connect-src 'self'",
    "base-uri 'none'", "form-action 'self'", "frame-ancestors 'none'",
    # No text becomes HTML, but for what a policy of that name lets through.
    "require-trusted-types-for 'script'", "trusted-types default")
_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Permissions-Policy": ", ".join(f"{name}=()" for name in (
        "camera", "display-capture", "geolocation", "microphone", "payment", "publickey-credentials-get", "usb")),
}


def init_app(app: Flask, images: str) -> None:
    """Have every page say what it may do.

    Args:
        images: another host that pictures may come from; empty = none.
    """
    policy = "; ".join((*_POLICY, f"img-src 'self' {images}".strip()))
    headers = {"Content-Security-Policy": policy, **_HEADERS}

    @app.after_request
    def protect(response: Response) -> Response:
        if response.mimetype != "application/json":     # which no browser takes for a page
            for name, value in headers.items():
                response.headers.setdefault(name, value)
        return response
