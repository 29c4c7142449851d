"""Applications for tests. Their settings come from the test alone, not from the environment."""
from __future__ import annotations

from collections.abc import Callable

from flask import Flask

import models
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


_shared: dict[object, Flask] = {}


def shared_app(create_app: Callable[[Settings], Flask] = wsgi.create_app, **settings: str) -> Flask:
    """Return an application that other tests on the same engine use too, because creating one takes 50 ms.

    It is for tests that do not change the application itself and need nothing that it remembers, such as rate limits.

    Args:
        create_app, settings: see `ready_app`.
    """
    key = create_app, type(models.storage), *settings.items()
    if key not in _shared:
        _shared[key] = create_app(Settings(**settings))
    concurrency.start(_shared[key])
    return _shared[key]
