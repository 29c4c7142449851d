"""What operators see of a running HBNB: health, a line for each request, metrics, reports of errors."""
from __future__ import annotations

from flask import Flask
from flask.logging import default_handler

from config import Settings
from monitoring import health, logs, metrics, sentry
from monitoring.middleware import Watched


def init_app(app: Flask, settings: Settings) -> None:
    """Watch an application that has everything else already.

    Raises:
        Misconfigured: a library that the settings need is not installed, or they cannot work.
    """
    health.init_app(app, settings)
    write = logs.init_app(settings)
    # Who asked for the application's logger before was given Flask's own handler, which writes everything once more.
    app.logger.removeHandler(default_handler)
    count = metrics.init_app(app, settings)
    sentry.init_app(settings)
    app.wsgi_app = Watched(app.wsgi_app, [write, count] if count else [write])    # type: ignore[method-assign]
