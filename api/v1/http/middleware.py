"""Objects that the client has already, and that did not change: answered before Flask begins its work.

Half of such an answer would be that work. Whatever is not this simple goes the usual way.
"""
from __future__ import annotations

import re
from collections.abc import Iterable
from typing import TYPE_CHECKING

import models
from api.v1.http.responses import tag
from api.v1.views.resource import id_of
from config import Settings
from errors import HBNBError
from monitoring.metrics import ROUTE
from services import permissions
from services.actor import DEVELOPER, VISITOR
from services.registry import service_for

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

_PATH = re.compile(r"/api/v1/(\w+)/([\w-]+)/?", re.ASCII)


class Unchanged:
    """A WSGI application before another, where nobody counts requests.

    Args:
        app: the other.
        settings: where what is shown depends on who asks, the other answers.
    """

    def __init__(self, app: WSGIApplication, settings: Settings) -> None:
        self._app = app
        self._shared = ("Access-Control-Allow-Origin", "*") if settings.origins == "*" else ("Vary", "Origin")
        self._actor = VISITOR if settings.guarded else DEVELOPER
        self._classes = {cls.__tablename__: cls for cls in models.classes.values()
                         if not settings.guarded or not permissions.private(cls)}

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        known = environ.get("HTTP_IF_NONE_MATCH")
        if known and environ["REQUEST_METHOD"] == "GET" and not environ.get("QUERY_STRING") and (
                "HTTP_ORIGIN" not in environ and self._tag(environ["PATH_INFO"]) == known):
            name = environ["PATH_INFO"].split("/")[3]
            environ[ROUTE] = f"/api/v1/{name}/<{id_of(self._classes[name])}>"
            start_response("304 NOT MODIFIED", [("ETag", known), self._shared])
            return []
        return self._app(environ, start_response)

    def _tag(self, path: str) -> str | None:
        """The tag of the object at a path."""
        found = _PATH.fullmatch(path)
        cls = self._classes.get(found[1]) if found else None
        if not found or cls is None:
            return None
        try:
            return tag(service_for(cls).show(self._actor, found[2]))
        except HBNBError:
            return None
