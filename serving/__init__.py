"""Serving: error handlers, client addresses, overload protection and monitoring of an application."""
from __future__ import annotations

import re
from collections.abc import Callable, Collection
from typing import Any

from flask import Flask
from werkzeug import routing

import models
import monitoring
from config import Settings
from serving import concurrency, errors, proxies


class Rule(routing.Rule):
    """A rule of a URL.

    Args:
        reserved: texts that the argument does not match, because they have rules of their own.
        options: see `werkzeug.routing.Rule`.
    """

    def __init__(self, *arguments: Any, reserved: Collection[str] = (), **options: Any) -> None:
        self._reserved = reserved
        super().__init__(*arguments, **options)

    def get_converter(self, *arguments: Any) -> routing.BaseConverter:
        converter = super().get_converter(*arguments)
        if self._reserved:
            converter.regex = rf"(?!(?:{'|'.join(map(re.escape, self._reserved))})/?\Z){converter.regex}"
        return converter


class Application(Flask):
    """A Flask application that has only synchronous view functions."""

    url_rule_class = Rule

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
