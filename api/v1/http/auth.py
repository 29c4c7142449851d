"""Authentication: the actor of a request, and what it may do."""
from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress

from flask import Flask, Response, current_app, g, request

import models
from api.v1.openapi.operations import SAFE, operation_of
from config import Settings
from errors import Misconfigured, Unauthorized, Unavailable
from models.base_model import BaseModel
from services import permissions, tokens
from services.actor import DEVELOPER, VISITOR, Actor
from serving import concurrency


def init_app(app: Flask, settings: Settings) -> None:
    """Ask for tokens if the environment is a guarded one; in production, refuse to start until there is a token."""
    app.config["GUARDED"] = settings.guarded
    if settings.guarded:
        app.before_request(_guard)
        app.after_request(_vary)
    if settings.env == "production":
        concurrency.before_start(app, _need_token)


def caller() -> str | None:
    """The id of the token that was shown; none where none was, or none that counts."""
    if "caller" not in g:
        shown = request.authorization
        g.caller = tokens.verify(shown.token) if shown and shown.type == "bearer" and shown.token else None
    found: str | None = g.caller
    return found


def actor() -> Actor:
    """The actor of the request; in a guarded environment the answer depends on it, and says so."""
    if not current_app.config["GUARDED"]:
        return DEVELOPER
    g.varies = True
    token = caller()
    return VISITOR if token is None else Actor(f"token {token}", is_operator=True)


def reader(cls: type[BaseModel], include: Sequence[str]) -> Actor:
    """The actor of a request that reads, or any visitor if all are shown the same."""
    return actor() if include or permissions.private(cls) else VISITOR


def _guard() -> None:
    """Refuse a change that the actor may not make, before anything else is looked at."""
    if request.method in SAFE or not request.path.startswith("/api/"):
        return
    operation = operation_of(current_app, request.endpoint)
    if operation is None:
        allowed = caller() is not None
    else:
        allowed = operation.permission is None or permissions.allows(actor(), *operation.permission)
    if not allowed:
        shown = request.authorization is not None and request.authorization.type == "bearer"
        raise Unauthorized("This token does not count, or no longer" if shown else permissions.TOKEN_NEEDED, shown)


def _vary(response: Response) -> Response:
    if g.get("varies"):
        response.vary.add("Authorization")
    return response


def _need_token() -> None:
    with suppress(Unavailable):     # each request reports it, and a write needs a token all the same
        if not tokens.count():
            raise Misconfigured("HBNB_ENV is production, where writing takes a token, and there is no token yet: "
                                "make one with `console.py token create NAME`")
    models.storage.close()
