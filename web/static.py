"""Static files, each at a URL that changes with its content, so that clients can cache it forever."""
from __future__ import annotations

import gzip
import hashlib
import mimetypes
from pathlib import Path
from typing import NamedTuple

from flask import Blueprint, Flask, Response, abort, current_app, request, url_for

from web import picture

look = Blueprint("look", __name__, template_folder="templates")


class File(NamedTuple):
    """A static file in memory.

    Args:
        compressed: the content, gzipped.
        version: a hash of the content, which is part of the URL.
    """

    content: bytes
    compressed: bytes
    type: str
    version: str


def init_app(app: Flask) -> None:
    app.extensions["look"] = {}
    app.register_blueprint(look)
    app.jinja_env.globals["static"] = static


def add(app: Flask, folder: str, path: Path, *names: str) -> None:
    """Serve the named files of a folder, or all of them.

    The files are read once, so that no other file can be requested, and pages and files come from the same release.

    Args:
        folder: the name of the folder in URLs.
    """
    files = map(path.joinpath, names) if names else filter(Path.is_file, path.rglob("*"))
    app.extensions["look"] |= {(folder, each.relative_to(path).as_posix()): _read(each) for each in files}


def static(folder: str, name: str) -> str:
    """The URL of a file."""
    return url_for("look.file", version=_files()[folder, name].version, folder=folder, name=name)


@look.get("/static/<version>/<folder>/<path:name>")
def file(version: str, folder: str, name: str) -> Response:
    found = _files().get((folder, name))
    if found is None:
        abort(404)
    small = bool(request.accept_encodings["gzip"]) and len(found.compressed) < len(found.content)
    response = Response(found.compressed if small else found.content, mimetype=found.type)
    response.vary.add("Accept-Encoding")
    if small:
        response.content_encoding = "gzip"
    response.set_etag(f"{found.version}{'-gzip' * small}")
    return _kept(response, version == found.version)


@look.app_template_global("picture")
def address(id: str) -> str:
    """The URL of the placeholder picture of a place."""
    return url_for("look.drawn", version=picture.VERSION, id=id)


@look.get("/pictures/<version>/<id>.svg")
def drawn(version: str, id: str) -> Response:
    return _kept(Response(picture.draw(id), mimetype="image/svg+xml"), version == picture.VERSION)


def _files() -> dict[tuple[str, str], File]:
    found: dict[tuple[str, str], File] = current_app.extensions["look"]
    return found


def _read(path: Path) -> File:
    content = path.read_bytes()
    return File(content, gzip.compress(content, mtime=0),
                mimetypes.guess_type(path.name)[0] or "application/octet-stream",
                hashlib.sha256(content).hexdigest()[:12])


def _kept(response: Response, forever: bool) -> Response:
    if forever:
        response.cache_control.public, response.cache_control.max_age = True, 31_536_000
        response.cache_control.immutable = True
    return response.make_conditional(request)   # type: ignore[return-value]
