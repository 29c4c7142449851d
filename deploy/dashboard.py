"""Dashboard: a local web page with the releases, the history, and a button for a rollback.

It is for the operator of this machine only. Three checks protect it:

- Other users of this machine can connect to its port, so its URL contains a secret that only the terminal shows.
- Pages of other sites could send a form to it, so a POST must have its own Origin and a token from its own page.
- Another site's name could resolve to 127.0.0.1 (DNS rebinding), so the Host header must be its own address.
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
from deploy.config import DeployError, Environment
from deploy.transaction import HostState, echo

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

POLICY = "default-src 'none'; style-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"


class RequestHandler(WSGIRequestHandler):
    """Times out soon, because the server handles one request at a time."""

    timeout = 2     # seconds

    def log_request(self, *_: Any) -> None:
        """Log nothing: the request line contains the secret."""


class SecretPrefix:
    """WSGI middleware: serves the application below a secret part of the path, and 404 elsewhere."""

    def __init__(self, app: WSGIApplication, secret: str) -> None:
        self._app, self._secret = app, secret.encode()

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        _, prefix, *rest = f"{environ['PATH_INFO']}/".split("/", 2)
        if not secrets.compare_digest(prefix.encode(), self._secret):
            return NotFound()(environ, start_response)
        environ |= {"SCRIPT_NAME": f"/{prefix}", "PATH_INFO": f"/{''.join(rest)}".removesuffix("/") or "/"}
        return self._app(environ, start_response)


def create_app(environment: Environment, port: int, secret: str) -> Flask:
    app = Flask(__name__, template_folder=".", static_folder=None)
    app.wsgi_app = SecretPrefix(app.wsgi_app, secret)  # type: ignore[method-assign]
    csrf_token = secrets.token_urlsafe(32)
    _protect(app, port, csrf_token)

    @app.get("/")
    def overview() -> str:
        return _page(environment, csrf_token)

    @app.get("/style.css")
    def style() -> Response:
        return app.response_class(render_template("dashboard.css"), mimetype="text/css")

    @app.post("/rollback")
    def rollback() -> Response | tuple[str, int]:
        try:
            release.rollback(environment, request.form.get("to", "") or abort(400, "Choose a release"))
        except DeployError as error:
            return _page(environment, csrf_token, str(error)), 409
        return redirect(url_for("overview"), 303)

    return app


def _protect(app: Flask, port: int, csrf_token: str) -> None:
    own_hosts = {f"127.0.0.1:{port}", f"localhost:{port}"}

    @app.before_request
    def check_origin() -> None:
        if request.host not in own_hosts:
            abort(421, "The dashboard is available at http://127.0.0.1 only")
        if request.method == "POST" and not (
                request.headers.get("Origin") == f"http://{request.host}"
                and secrets.compare_digest(request.form.get("csrf_token", "").encode(), csrf_token.encode())):
            abort(403, "This form does not come from the dashboard: reload the page, and try again")

    @app.after_request
    def add_headers(response: Response) -> Response:
        response.headers |= {"Content-Security-Policy": POLICY, "Cache-Control": "no-store", "X-Frame-Options": "DENY",
                             "X-Content-Type-Options": "nosniff", "Referrer-Policy": "strict-origin"}
        return response


def _page(environment: Environment, csrf_token: str, error: str = "") -> str:
    unreachable: dict[str, str] = {}
    try:
        states = release.status(environment, unreachable)
        entries = release.history(environment, unreachable=unreachable)[::-1]
    except DeployError as failure:
        states, entries, unreachable[""] = {}, [], str(failure)
    error = "\n".join(filter(None, [error, *unreachable.values()]))
    return render_template("dashboard.html", environment=environment, states=states, entries=entries, error=error,
                           csrf_token=csrf_token, releases=_rollback_targets(states))


def _rollback_targets(states: dict[str, HostState]) -> list[str]:
    """The releases that all hosts have, and that are not current on all of them."""
    names = {name for state in states.values() for name in state.releases}
    return sorted(name for name in names if all(name in state.releases for state in states.values())
                  and any(name != state.current for state in states.values()))


def serve(environment: Environment, port: int) -> None:
    """Serve the dashboard until Ctrl-C. Requests run one at a time in the main thread, so Ctrl-C interrupts a rollback
    as it does in `fab rollback`."""
    secret = secrets.token_urlsafe(32)
    echo(f"http://127.0.0.1:{port}/{secret}/ is the dashboard of {environment.name}. Press Ctrl-C to stop it. Do not "
         "share this address: it allows a rollback")
    create_app(environment, port, secret).run("127.0.0.1", port, threaded=False, request_handler=RequestHandler)
