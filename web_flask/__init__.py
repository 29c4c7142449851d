"""The pages that are drawn whole on the server, all on the blueprint `pages`."""
from __future__ import annotations

from flask import Blueprint, Flask

pages = Blueprint("web_flask", __name__, template_folder="templates")

from web_flask import account, accounts, admin, classic, hosting, lists, place, search  # noqa: E402, F401  (their routes are on `pages`)


def init_app(app: Flask) -> None:
    """Add the pages to an application that has the look."""
    app.url_map.converters["number"] = classic.Number
    app.register_blueprint(pages)
