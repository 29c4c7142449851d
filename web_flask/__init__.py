"""The pages that are drawn whole on the server."""
from __future__ import annotations

from flask import Blueprint, Flask

from web import errors
from web_flask import classic, lists, place, search


def init_app(app: Flask) -> None:
    """Add the pages to an application that has the look."""
    pages = Blueprint("web_flask", __name__, template_folder="templates")
    errors.watch(pages)
    for module in (classic, lists, place, search):
        module.add_routes(app, pages)
    app.register_blueprint(pages)
