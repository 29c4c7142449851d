"""The API alone: `python -m api.v1.app`."""
from __future__ import annotations

from flask import Flask

import models
import monitoring
from api import v1
from config import Settings
from serving import concurrency, proxies


def create_app(settings: Settings) -> Flask:
    """Make the application.

    Raises:
        Misconfigured: the settings cannot work.
    """
    models.open_storage(settings)
    app = Flask(__name__, static_folder=None)
    v1.init_app(app, settings)
    proxies.init_app(app, settings)
    concurrency.init_app(app)
    monitoring.init_app(app, settings)
    return app


_settings = Settings.from_environ()
app = create_app(_settings)

if __name__ == "__main__":
    from server import serve
    concurrency.start(app)
    serve("api.v1.app:app", _settings.api_host, int(_settings.api_port))
