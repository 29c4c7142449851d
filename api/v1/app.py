"""The API alone: `python -m api.v1.app`."""
from __future__ import annotations

from flask import Flask

import guard
import models
import monitoring
import proxies
from api import v1


def create_app() -> Flask:
    models.check()
    models.storage.hurry()
    app = Flask(__name__, static_folder=None)
    v1.init_app(app)
    proxies.init_app(app)
    guard.init_app(app)
    monitoring.init_app(app)
    return app


app = create_app()

if __name__ == "__main__":
    from config import Settings
    from server import serve
    settings = Settings.from_environ()
    serve("api.v1.app:app", settings.api_host, int(settings.api_port))
