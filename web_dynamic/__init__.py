"""The pages that a browser brings to life: drawn here, filled through the API."""
from __future__ import annotations

import hashlib
from functools import cache
from pathlib import Path
from typing import Any

import xstatic.pkg.jquery
from flask import Blueprint, Flask, Response, abort, current_app, render_template, request, send_from_directory, url_for

from errors import HBNBError
from models.amenity import Amenity
from models.city import City
from models.state import State
from services import objects

_HERE = Path(__file__).parent
# Folders whose files are served, by the first part of their address.
_STATIC = {
    "images": _HERE.parent / "web_static" / "images",
    "styles": _HERE.parent / "web_static" / "styles",
    "scripts": _HERE / "scripts",
    "jquery": Path(xstatic.pkg.jquery.BASE_DIR),
}
_POLICY = "; ".join((
    "default-src 'none'", "script-src 'self'", "style-src 'self'", "img-src 'self'", "connect-src 'self'",
    "base-uri 'none'", "form-action 'self'", "frame-ancestors 'none'"))

pages = Blueprint("web_dynamic", __name__, template_folder="templates")


def init_app(app: Flask) -> None:
    """Add the pages to an application that has the API."""
    app.register_blueprint(pages)
    app.jinja_env.globals["static"] = static


@pages.get("/")
@pages.get("/100-hbnb")
def search() -> str:
    cities: dict[str, list[dict[str, Any]]] = {}
    for city in objects.list(City, sort=["name"]):
        cities.setdefault(city["state_id"], []).append(city)
    return render_template("search.html", states=objects.list(State, sort=["name"]), cities=cities,
                           amenities=objects.list(Amenity, sort=["name"]))


@pages.get("/static/<version>/<folder>/<path:name>")
def static_file(version: str, folder: str, name: str) -> Response:
    if folder not in _STATIC:
        abort(404)
    response = send_from_directory(_STATIC[folder], name)
    if version == _version(folder, name):
        response.cache_control.public, response.cache_control.max_age = True, 31_536_000
        response.cache_control.immutable = True
    return response


@pages.errorhandler(HBNBError)
def unavailable(error: HBNBError) -> tuple[str, int]:
    current_app.logger.error("%s: %s", request.path, error)
    return render_template("unavailable.html"), 503


@pages.after_app_request
def _protect(response: Response) -> Response:
    if response.mimetype == "application/json":     # which no browser takes for a page
        return response
    response.headers.setdefault("Content-Security-Policy", _POLICY)
    response.headers.setdefault("X-Content-Type-Options", "nosniff")
    response.headers.setdefault("Referrer-Policy", "same-origin")
    return response


def static(folder: str, name: str) -> str:
    """The address of a static file, which changes with its content."""
    return url_for("web_dynamic.static_file", version=_version(folder, name), folder=folder, name=name)


@cache
def _version(folder: str, name: str) -> str:
    return hashlib.sha256((_STATIC[folder] / name).read_bytes()).hexdigest()[:12]
