"""The session of a request: its cookie, and the protection against cross-site requests (CSRF)."""
from __future__ import annotations

from urllib.parse import urlsplit

from flask import Flask, Response, abort, current_app, g, redirect, request, url_for

from config import Settings
from errors import Forbidden, Unavailable
from services import sessions
from services.sessions import LoggedIn

SAFE = ("GET", "HEAD", "OPTIONS")
CROSS_SITE = "This request came from another site. Open HBNB's own page, and try again there"


def init_app(app: Flask, settings: Settings) -> None:
    """Recognize sessions, and refuse requests of other sites that carry their cookie."""
    app.config["SESSION_NAME"] = "__Host-hbnb" if settings.is_https else "hbnb"
    app.config["SESSION_SECURE"] = settings.is_https
    app.config["OWN_ORIGIN"] = _origin(settings.address)
    app.before_request(_refuse_cross_site)
    app.after_request(_keep_private)
    app.jinja_env.globals["person"] = person


def has_cookie() -> bool:
    return current_app.config["SESSION_NAME"] in request.cookies


def has_token() -> bool:
    """Whether the request has a bearer token, also an empty or invalid one. Its session then does not count."""
    return request.authorization is not None and request.authorization.type == "bearer"


def current() -> LoggedIn | None:
    """The session of the request, or `None` if it has none, one that has ended, or a token, which counts instead."""
    if "session" not in g:
        text = None if has_token() else request.cookies.get(current_app.config["SESSION_NAME"])
        g.session = sessions.resume(text) if text else None
    found: LoggedIn | None = g.session
    return found


def required() -> LoggedIn:
    """The session of a request for a page of users. Without one, the client is sent to the log-in page."""
    found = current()
    if found is None:
        abort(redirect(url_for("web_flask.login", next=request.full_path.rstrip("?")), 303))
    return found


def person() -> LoggedIn | None:
    """The session whose user the frame of a page names. A page that says that the storage is away has none."""
    try:
        return current()
    except Unavailable:
        return None


def log_in(response: Response, secret: str) -> Response:
    """Set the cookie of a new session."""
    response.set_cookie(
        current_app.config["SESSION_NAME"], secret, max_age=int(sessions.LIFETIME.total_seconds()),
        secure=current_app.config["SESSION_SECURE"], httponly=True, samesite="Lax")
    return response


def log_out(response: Response) -> Response:
    """Remove the cookie."""
    response.delete_cookie(current_app.config["SESSION_NAME"], secure=current_app.config["SESSION_SECURE"],
                           httponly=True, samesite="Lax")
    return response


def _refuse_cross_site() -> None:
    """Refuse an unsafe request with the cookie, or one of a form, unless the browser says that it comes from here."""
    if request.method not in SAFE and (_is_form() or (has_cookie() and not has_token())) and not _is_own():
        raise Forbidden(CROSS_SITE)


def _is_own() -> bool:
    """Whether the request comes from a page of this site, or from a program without the cookie."""
    site, origin = request.headers.get("Sec-Fetch-Site"), request.headers.get("Origin")
    if site is not None:
        return site in ("same-origin", "none")
    if origin is not None:      # of a browser of before 2023
        return origin == (current_app.config["OWN_ORIGIN"] or _origin(request.host_url)) != ""
    return not has_cookie()


def _is_form() -> bool:
    return not request.path.startswith("/api/")


def _keep_private(response: Response) -> Response:
    """Keep a response that depends on a session out of shared caches."""
    if g.get("session"):
        response.cache_control.private, response.cache_control.no_store = True, True
    if has_cookie() or _is_form():
        response.vary.add("Cookie")
    return response


def _origin(address: str) -> str:
    """The origin of an address, in the form in which browsers send it; an empty string if it has none."""
    parts = urlsplit(address.lower())
    default = {"http": ":80", "https": ":443"}.get(parts.scheme, "")
    return f"{parts.scheme}://{parts.netloc.removesuffix(default)}" if parts.netloc else ""
