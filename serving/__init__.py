"""Serving: error handlers, client addresses, overload protection and monitoring of an application."""
from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flask import Flask

import models
import monitoring
from config import Settings
from serving import concurrency, errors, proxies


class Application(Flask):
    """A Flask application that has only synchronous view functions."""

    def ensure_sync(self, func: Callable[..., Any]) -> Callable[..., Any]:
        """Return the function unchanged.

        Flask checks on each request whether each function is asynchronous, which takes a tenth of the time of a small
        response.
        """
        return func


def init_app(app: Flask, settings: Settings, json: errors.Render | None = None,
             page: errors.Render | None = None) -> None:
    """Add what serving needs to an application whose routes are registered.

    Args:
        json, page: render errors; see `errors.init_app`.

    Raises:
        Misconfigured: a setting is invalid or lacks another one.
    """
    app.teardown_appcontext(lambda _: models.storage.close())
    errors.init_app(app, json, page)
    proxies.init_app(app, settings)
    concurrency.init_app(app)
    monitoring.init_app(app, settings)
