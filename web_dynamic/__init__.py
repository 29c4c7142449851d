"""The pages that a browser brings to life: drawn here, filled through the API."""
from __future__ import annotations

from pathlib import Path

import xstatic.pkg.jquery
from flask import Blueprint, Flask

from look import errors, static
from web_flask import search as drawn

_HERE = Path(__file__).parent

pages = Blueprint("web_dynamic", __name__, template_folder="templates")
errors.watch(pages)


def init_app(app: Flask) -> None:
    """Add the pages to an application that has the look, the API, and the pages of `web_flask`."""
    static.add(app, "scripts", _HERE / "scripts")
    static.add(app, "jquery", Path(xstatic.pkg.jquery.BASE_DIR), "jquery.min.js")
    app.register_blueprint(pages)
    app.jinja_env.globals["home"] = "web_dynamic.search"


@pages.get("/")
@pages.get("/100-hbnb")
def search() -> tuple[str, int]:
    return drawn.draw("web_dynamic/search.html")
