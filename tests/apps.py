"""Applications for tests. Their settings come from the test alone, not from the environment."""
from __future__ import annotations

from collections.abc import Callable

from flask import Flask

import wsgi
from config import Settings
from serving import concurrency


def ready_app(create_app: Callable[[Settings], Flask] = wsgi.create_app, **settings: str) -> Flask:
    """Create and start an application, as a worker does: `ready_app(env="staging")`.

    Args:
        create_app: the factory.
        settings: fields of `Settings`; the others have their defaults.
    """
    app = create_app(Settings(**settings))
    concurrency.start(app)
    return app
