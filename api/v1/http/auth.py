"""Authentication: the actor of a request, and the check of its permissions."""
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
    """Require tokens in a guarded environment; in production, refuse to start until there is a token."""
    app.config["GUARDED"] = settings.guarded
    if settings.guarded:
        app.before_request(_guard)
        app.after_request(_vary)
    if settings.env == "production":
        concurrency.before_start(app, _require_token)


def token_id() -> str | None:
    """The id of the request's bearer token, or `None` if it has none or an invalid one."""
    if "token_id" not in g:
        header = request.authorization
        g.token_id = tokens.verify(header.token) if header and header.type == "bearer" and header.token else None
    id: str | None = g.token_id
    return id


def actor() -> Actor:
    """The actor of the request. In a guarded environment, the response then gets `Vary: Authorization`."""
    if not current_app.config["GUARDED"]:
        return DEVELOPER
    g.depends_on_token = True
    id = token_id()
    return VISITOR if id is None else Actor(f"token {id}", is_operator=True)


def reader(cls: type[BaseModel], include: Sequence[str]) -> Actor:
    """The actor of a request that reads objects: `VISITOR` if every actor is shown the same attributes.

    Not looking at the token keeps such a response cacheable for all clients.
    """
    return actor() if include or permissions.private(cls) else VISITOR


def _guard() -> None:
    """Reject a write that the actor has no permission for, before anything else of the request is checked."""
    if request.method in SAFE or not request.path.startswith("/api/"):
        return
    operation = operation_of(current_app, request.endpoint)
    if operation is None:
        allowed = token_id() is not None
    else:
        allowed = operation.permission is None or permissions.allows(actor(), *operation.permission)
    if not allowed:
        has_token = request.authorization is not None and request.authorization.type == "bearer"
        raise Unauthorized("Invalid or revoked token" if has_token else permissions.TOKEN_NEEDED, has_token)


def _vary(response: Response) -> Response:
    if g.get("depends_on_token"):
        response.vary.add("Authorization")
    return response


def _require_token() -> None:
    # A storage that is away does not prevent the start: requests report it, and writes still require a token.
    with suppress(Unavailable):
        if not tokens.count():
            raise Misconfigured("HBNB_ENV is production, where writing requires a token, and there is no token yet: "
                                "create one with `console.py token create NAME`, or on a site that fab set up with "
                                "`fab ENV deploy --token NAME`")
    models.storage.close()
