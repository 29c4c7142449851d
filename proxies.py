"""Whose address a request has, where proxies stand in front; see `HBNB_PROXIES`."""
from __future__ import annotations

from flask import Flask
from werkzeug.middleware.proxy_fix import ProxyFix

from config import Settings


def init_app(app: Flask) -> None:
    """Have requests come from the address that the outermost proxy saw, for limits and the log alike."""
    if proxies := int(Settings.from_environ().proxies):
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=proxies, x_proto=0, x_host=0)  # type: ignore[method-assign]
