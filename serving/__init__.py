"""Serving an application: its errors, the addresses of its clients, its load and its monitoring."""
from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flask import Flask

import models
import monitoring
from config import Settings
from serving import concurrency, errors, proxies


class Application(Flask):
    """A Flask application whose functions are all synchronous."""

    def ensure_sync(self, func: Callable[..., Any]) -> Callable[..., Any]:
        """Give the function as it is.

        Flask asks on each request whether each function is asynchronous: a tenth of all calls of a small answer.
        """
        return func


def init_app(app: Flask, settings: Settings, json: errors.Write | None = None,
             page: errors.Write | None = None) -> None:
    """Make an application that has its routes one that can be served.

    Args:
        json, page: write the answers to errors, see `errors.init_app`.
    Raises:
        Misconfigured: the settings cannot work.
    """
    app.teardown_appcontext(lambda _: models.storage.close())
    errors.init_app(app, json, page)
    proxies.init_app(app, settings)
    concurrency.init_app(app)
    monitoring.init_app(app, settings)
