"""Security headers of pages: the Content-Security-Policy and others."""
from __future__ import annotations

from flask import Flask, Response

_POLICY = (
    "default-src 'none'", "script-src 'self'", "style-src 'self'", "connect-src 'self'",
    "base-uri 'none'", "form-action 'self'", "frame-ancestors 'none'",
    # Scripts cannot turn text into HTML, except through the policy named `default` (trusted.js).
    "require-trusted-types-for 'script'", "trusted-types default")
_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Permissions-Policy": ", ".join(f"{name}=()" for name in (
        "camera", "display-capture", "geolocation", "microphone", "payment", "publickey-credentials-get", "usb")),
}


def init_app(app: Flask, images: str) -> None:
    """Add the security headers to every response that is not JSON.

    Args:
        images: another origin that images may come from, or an empty string.
    """
    policy = "; ".join((*_POLICY, f"img-src 'self' {images}".strip()))
    headers = {"Content-Security-Policy": policy, **_HEADERS}

    @app.after_request
    def protect(response: Response) -> Response:
        if response.mimetype != "application/json":     # browsers do not render JSON as a page
            for name, value in headers.items():
                response.headers.setdefault(name, value)
        return response
