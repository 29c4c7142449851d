"""A fast path for `GET` of one object, which responds without Flask: dispatching costs more than the read itself.

All other requests go to Flask. So do errors, so that Flask's error handler makes the response.
"""
from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from typing import TYPE_CHECKING

import models
from api.v1.http.responses import JSON, body_etag, to_json
from api.v1.views.resource import id_name
from config import Settings
from errors import HBNBError
from monitoring.metrics import ROUTE
from services import permissions
from services.actor import DEVELOPER, VISITOR
from services.registry import service_for
from serving.concurrency import REFUSAL

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

_PATH = re.compile(r"/api/v1/(\w+)/([\w-]+)", re.ASCII)


class FastPath:
    """A WSGI middleware for applications without a rate limit, which it would bypass.

    Args:
        app: Flask's WSGI application.
        settings: in a guarded environment, classes with private attributes are left to Flask.
        fixed: paths that do not name an object, such as `/api/v1/places/clusters`.
    """

    def __init__(self, app: WSGIApplication, settings: Settings, fixed: Collection[str]) -> None:
        self._app, self._fixed = app, fixed
        self._cors_header = ("Access-Control-Allow-Origin", "*") if settings.origins == "*" else ("Vary", "Origin")
        self._actor = VISITOR if settings.guarded else DEVELOPER
        self._classes = {cls.__tablename__: cls for cls in models.classes.values()
                         if not settings.guarded or not permissions.private(cls)}

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        path = environ["PATH_INFO"].removesuffix("/")
        match = _PATH.fullmatch(path) if _is_plain(environ) and path not in self._fixed else None
        if match is None or (cls := self._classes.get(match[1])) is None:
            return self._app(environ, start_response)
        try:
            body = to_json(service_for(cls).show(self._actor, match[2]))
        except HBNBError as error:
            environ[REFUSAL] = error
            return self._app(environ, start_response)
        headers, known = [("ETag", body_etag(body)), self._cors_header], environ.get("HTTP_IF_NONE_MATCH")
        if known not in (None, headers[0][1]):      # another tag, or a list, which Flask compares
            return self._app(environ, start_response)
        environ[ROUTE] = f"/api/v1/{match[1]}/<{id_name(cls)}>"
        if known:
            start_response("304 NOT MODIFIED", headers)
            return []
        start_response("200 OK", [("Content-Type", JSON), ("Content-Length", str(len(body))), *headers])
        return [body]


def _is_plain(environ: WSGIEnvironment) -> bool:
    """Whether the path alone determines the response: no query, no CORS request, and not refused already."""
    return (environ["REQUEST_METHOD"] == "GET" and not environ.get("QUERY_STRING") and "HTTP_ORIGIN" not in environ
            and REFUSAL not in environ and "HTTP_COOKIE" not in environ and "HTTP_AUTHORIZATION" not in environ)
