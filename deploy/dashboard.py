"""A page for who ships: which release runs where, what was done, and a button that takes a release back.

It is for the operator who started it alone. Other users of this machine reach its port too; so its address begins with
a secret, which only that operator's terminal shows. A page of another site could post to it, and a name of another
site could be made to lead to it; so the name that it was asked by, where a post comes from, and a word that stands in
its own page alone, are all looked at.
"""
from __future__ import annotations

import secrets
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from flask import Flask, abort, redirect, render_template, request, url_for
from werkzeug.exceptions import NotFound
from werkzeug.serving import WSGIRequestHandler
from werkzeug.wrappers import Response

from deploy import release
from deploy.config import Environment, Refused
from deploy.work import say

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

POLICY = "default-src 'none'; style-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"


class Prompt(WSGIRequestHandler):
    """As requests are served one at a time, a connection that says nothing has to end."""

    timeout = 2     # seconds

    def log_request(self, *_: Any) -> None:
        """Log nothing: the line would hold the secret."""


class Below:
    """An application below a secret part of the path; there is nothing elsewhere."""

    def __init__(self, app: WSGIApplication, secret: str) -> None:
        self._app, self._secret = app, secret.encode()

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        _, given, *rest = f"{environ['PATH_INFO']}/".split("/", 2)
        if not secrets.compare_digest(given.encode(), self._secret):
            return NotFound()(environ, start_response)
        environ |= {"SCRIPT_NAME": f"/{given}", "PATH_INFO": f"/{''.join(rest)}".removesuffix("/") or "/"}
        return self._app(environ, start_response)


def create_app(environment: Environment, port: int, secret: str) -> Flask:
    app = Flask(__name__, template_folder=".", static_folder=None)
    app.wsgi_app = Below(app.wsgi_app, secret)  # type: ignore[method-assign]
    word = secrets.token_urlsafe(32)
    own = {f"127.0.0.1:{port}", f"localhost:{port}"}

    @app.before_request
    def guard() -> None:
        if request.host not in own:
            abort(421, "This page is at http://127.0.0.1 alone")
        if request.method == "POST" and not (
                request.headers.get("Origin") == f"http://{request.host}"
                and secrets.compare_digest(request.form.get("word", "").encode(), word.encode())):
            abort(403, "This did not come from the page itself: open it anew, and try again")

    @app.after_request
    def protect(response: Response) -> Response:
        response.headers |= {"Content-Security-Policy": POLICY, "Cache-Control": "no-store", "X-Frame-Options": "DENY",
                             "X-Content-Type-Options": "nosniff", "Referrer-Policy": "strict-origin"}
        return response

    @app.get("/")
    def overview() -> str:
        return page()

    @app.get("/style.css")
    def style() -> Response:
        return app.response_class(render_template("dashboard.css"), mimetype="text/css")

    @app.post("/rollback")
    def rollback() -> Response | tuple[str, int]:
        try:
            release.rollback(environment, request.form.get("to", "") or abort(400, "Say which release"))
        except Refused as error:
            return page(str(error)), 409
        return redirect(url_for("overview"), 303)

    def page(error: str = "") -> str:
        away: dict[str, str] = {}
        try:
            states, done = release.status(environment, away), release.history(environment, away=away)[::-1]
        except Refused as refused:
            states, done, away[""] = {}, [], str(refused)
        error = "\n".join(filter(None, [error, *away.values()]))
        known = {name for state in states.values() for name in state.releases}
        everywhere = sorted(name for name in known if all(name in state.releases for state in states.values())
                            and any(name != state.current for state in states.values()))
        return render_template("dashboard.html", environment=environment, states=states, done=done, error=error,
                               word=word, releases=everywhere)

    return app


def serve(environment: Environment, port: int) -> None:
    """Serve it until Ctrl-C; a request at a time, so that each can be interrupted as `fab rollback` can."""
    secret = secrets.token_urlsafe(32)
    say(f"http://127.0.0.1:{port}/{secret}/ shows {environment.name}; Ctrl-C ends it. Keep this address to yourself: "
        "it is all that a rollback takes")
    create_app(environment, port, secret).run("127.0.0.1", port, threaded=False, request_handler=Prompt)
