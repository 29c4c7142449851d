"""A fast path for `GET` of one object: it is answered before Flask begins, whose work costs more than the read itself.

Every request that asks for more than that goes the usual way. So does an error, which Flask's handlers answer.
"""
from __future__ import annotations

import re
from collections.abc import Iterable
from typing import TYPE_CHECKING

import models
from api.v1.http.responses import JSON, body_tag, to_json
from api.v1.views.resource import id_of
from config import Settings
from errors import HBNBError
from monitoring.metrics import ROUTE
from services import permissions
from services.actor import DEVELOPER, VISITOR
from services.registry import service_for
from serving.concurrency import REFUSAL

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

_PATH = re.compile(r"/api/v1/(\w+)/([\w-]+)/?", re.ASCII)


class FastPath:
    """A WSGI application before Flask's, if requests are not counted.

    Args:
        app: Flask's.
        settings: if the environment is guarded, objects with private attributes go the usual way.
    """

    def __init__(self, app: WSGIApplication, settings: Settings) -> None:
        self._app = app
        self._shared = ("Access-Control-Allow-Origin", "*") if settings.origins == "*" else ("Vary", "Origin")
        self._actor = VISITOR if settings.guarded else DEVELOPER
        self._classes = {cls.__tablename__: cls for cls in models.classes.values()
                         if not settings.guarded or not permissions.private(cls)}

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        found = _PATH.fullmatch(environ["PATH_INFO"]) if _is_plain(environ) else None
        if found is None or (cls := self._classes.get(found[1])) is None:
            return self._app(environ, start_response)
        try:
            body = to_json(service_for(cls).show(self._actor, found[2]))
        except HBNBError as error:
            environ[REFUSAL] = error
            return self._app(environ, start_response)
        headers, known = [("ETag", body_tag(body)), self._shared], environ.get("HTTP_IF_NONE_MATCH")
        if known not in (None, headers[0][1]):      # a list of tags, or a weak one
            return self._app(environ, start_response)
        environ[ROUTE] = f"/api/v1/{found[1]}/<{id_of(cls)}>"
        if known:
            start_response("304 NOT MODIFIED", headers)
            return []
        start_response("200 OK", [("Content-Type", JSON), ("Content-Length", str(len(body))), *headers])
        return [body]


def _is_plain(environ: WSGIEnvironment) -> bool:
    """Whether nothing but the path matters: there is no query, and no header of CORS to answer."""
    return (environ["REQUEST_METHOD"] == "GET" and not environ.get("QUERY_STRING") and "HTTP_ORIGIN" not in environ
            and REFUSAL not in environ)
