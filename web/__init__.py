"""Shared parts of all pages: frame, card of a place, static files, security headers, error pages."""
from __future__ import annotations

from pathlib import Path

from flask import Flask

from config import Settings
from web import formatting, forms, headers, static

_WEB_STATIC = Path(__file__).parent.parent / "web_static"


def init_app(app: Flask, settings: Settings) -> None:
    """Prepare an application to render pages."""
    # A URL with an additional slash is not redirected: it is not found.
    app.url_map.strict_slashes = app.url_map.merge_slashes = False
    app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True
    app.jinja_env.filters |= {
        each.__name__: each for each in (
            formatting.browser, formatting.counted, formatting.day, formatting.price, formatting.written)}
    app.jinja_env.globals |= {"home": "web_flask.hbnb", "has_accounts": True}
    forms.init_app(app)
    static.init_app(app)
    for folder in ("images", "styles"):
        static.add(app, folder, _WEB_STATIC / folder)
    headers.init_app(app, images=settings.tiles_origin)
