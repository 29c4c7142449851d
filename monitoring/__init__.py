"""Monitoring: health checks, the log, metrics and error reports."""
from __future__ import annotations

from flask import Flask
from flask.logging import default_handler

from config import Settings
from monitoring import health, logs, metrics, sentry
from monitoring.middleware import MonitoringMiddleware


def init_app(app: Flask, settings: Settings) -> None:
    """Add monitoring to an application. Call it after all other extensions.

    Raises:
        Misconfigured: a library that the settings need is not installed, or a setting is invalid.
    """
    health.init_app(app, settings)
    log = logs.init_app(settings)
    # An earlier use of `app.logger` added Flask's own handler, which would log everything a second time.
    app.logger.removeHandler(default_handler)
    count = metrics.init_app(app, settings)
    sentry.init_app(settings)
    observers = [log, count] if count else [log]
    app.wsgi_app = MonitoringMiddleware(app.wsgi_app, observers)    # type: ignore[method-assign]
