"""Applications for tests, with explicit settings only: the environment is ignored."""
from __future__ import annotations

from collections.abc import Callable

from flask import Flask

import wsgi
from config import Settings
from serving import concurrency


def ready_app(make: Callable[[Settings], Flask] = wsgi.create_app, **settings: str) -> Flask:
    """Create and start an application as a worker does: `ready_app(env="staging")`.

    Args:
        make: the application factory.
        settings: fields of `Settings`; the others have their defaults.
    """
    app = make(Settings(**settings))
    concurrency.start(app)
    return app
