"""Applications for tests, with the settings that a test names and none of the environment's."""
from __future__ import annotations

from collections.abc import Callable

from flask import Flask

import wsgi
from config import Settings
from serving import concurrency


def ready_app(make: Callable[[Settings], Flask] = wsgi.create_app, **settings: str) -> Flask:
    """An application that has started, as a worker has one: `ready_app(env="staging")`.

    Args:
        make: the factory.
        settings: by their names in `Settings`; the others have their defaults.
    """
    app = make(Settings(**settings))
    concurrency.start(app)
    return app
