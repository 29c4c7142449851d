"""Authentication: the actor of a request, and the check of its permissions."""
from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from typing import Any

from flask import Flask, Response, current_app, g, request

import models
from api.v1.openapi.operations import SAFE, operation_of
from config import Settings
from errors import Misconfigured, Unauthorized, Unavailable
from models.base_model import BaseModel
from services import permissions, personal_tokens, tokens
from services.actor import DEVELOPER, VISITOR, Actor
from serving import concurrency
from web import session


def init_app(app: Flask, settings: Settings) -> None:
    """Require tokens in a guarded environment; in production, refuse to start until there is a token."""
    app.config["GUARDED"] = settings.guarded
    app.before_request(_guard)
    app.after_request(_vary)
    if settings.env == "production":
        concurrency.before_start(app, _require_token)


def actor() -> Actor:
    """The actor of the request. The response then gets `Vary: Authorization`."""
    g.depends_on_token = True
    if "actor" not in g:
        g.actor = _identified() or (VISITOR if current_app.config["GUARDED"] else DEVELOPER)
    found: Actor = g.actor
    return found


def reader(cls: type[BaseModel], include: Sequence[str]) -> Actor:
    """The actor of a request that reads objects: `VISITOR` if every actor is shown the same.

    Not looking at the token keeps such a response cacheable for all clients.
    """
    depends = include or permissions.private(cls) or (cls.__name__ in permissions.VISIBLE and _has_credentials())
    return actor() if depends else VISITOR


def require_user() -> Actor:
    """The actor of a request that only a user can make.

    Raises:
        Unauthorized: the request has neither a session nor a personal token.
    """
    found = actor()
    if found.user_id is None:
        raise _unauthorized("Log in with POST /sessions, or send a personal token as Authorization: Bearer <token>")
    return found


def _has_credentials() -> bool:
    return "Authorization" in request.headers or session.has_cookie()


def _identified() -> Actor | None:
    """The actor by the request's token or, without one, by its session."""
    if session.has_token():
        text = (request.authorization and request.authorization.token) or ""
        if text.startswith(personal_tokens.PREFIX):
            return personal_tokens.verify(text)
        id = tokens.verify(text)
        return None if id is None else Actor(f"token {id}", is_operator=True)
    found = session.current()
    return found.actor if found else None


def _guard() -> None:
    """Reject a write that the actor has no permission for, before anything else of the request is checked."""
    if request.method in SAFE or not request.path.startswith("/api/"):
        return
    operation = operation_of(current_app, request.endpoint)
    if operation is None:
        allowed = actor() is not VISITOR
    else:
        allowed = operation.permission is None or permissions.allows(actor(), *operation.permission)
    if not allowed:
        raise _refusal(operation and operation.permission)


def _refusal(permission: Any) -> Exception:
    found = actor()
    if found.user_id is None:
        return _unauthorized(permissions.TOKEN_NEEDED)
    return permissions.forbidden(found, *permission)


def _unauthorized(message: str) -> Unauthorized:
    has_token = session.has_token()
    return Unauthorized("Invalid or revoked token" if has_token else message, has_token)


def _vary(response: Response) -> Response:
    # In dev, clients without a token are shown the same as most others, so caches may serve them all.
    if g.get("depends_on_token") and (current_app.config["GUARDED"] or session.has_token()):
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
