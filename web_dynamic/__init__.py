"""The pages that a browser brings to life: drawn here, filled through the API."""
from __future__ import annotations

from pathlib import Path

import xstatic.pkg.jquery
import xstatic.pkg.leaflet
from flask import Blueprint, Flask

from config import Settings
from web import static
from web_flask import search as drawn

_HERE = Path(__file__).parent

pages = Blueprint("web_dynamic", __name__, template_folder="templates")


def init_app(app: Flask, settings: Settings) -> None:
    """Add the pages to an application that has the look, the API, and the pages of `web_flask`."""
    static.add(app, "scripts", _HERE / "scripts")
    static.add(app, "jquery", Path(xstatic.pkg.jquery.BASE_DIR), "jquery.min.js")
    static.add(app, "leaflet", Path(xstatic.pkg.leaflet.BASE_DIR), "leaflet.css", "leaflet.js")
    app.register_blueprint(pages)
    app.jinja_env.globals |= {
        "home": "web_dynamic.search", "tiles": settings.tiles, "tiles_credit": settings.tiles_credit}


@pages.get("/100-hbnb")
@pages.get("/")     # below, as links lead to the one that is added first
def search() -> tuple[str, int]:
    return drawn.draw("web_dynamic/search.html")
