"""Client addresses behind proxies; see `HBNB_PROXIES`."""
from __future__ import annotations

import re
from collections.abc import Iterable
from typing import TYPE_CHECKING

from flask import Flask
from werkzeug.middleware.proxy_fix import ProxyFix

from config import Settings

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

_BRACKETS = re.compile(r'"?\[([^\]]*)\](?::\d*)?"?')
_PORT = re.compile(r'"?([^":]*):\d*"?')


def init_app(app: Flask, settings: Settings) -> None:
    """Use the client address that the outermost proxy saw, for rate limits and the log."""
    if proxies := int(settings.proxies):
        app.wsgi_app = ProxyFix(       # type: ignore[method-assign]
            _without_port(app.wsgi_app), x_for=proxies, x_proto=0, x_host=0)


def _without_port(app: WSGIApplication) -> WSGIApplication:
    """Wrap an application: remove the port, brackets, quotes and zone that some proxies add to the address."""
    def call(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        environ["REMOTE_ADDR"] = bare(environ.get("REMOTE_ADDR", ""))
        return app(environ, start_response)
    return call


def bare(address: str) -> str:
    """Return `192.0.2.1` for `192.0.2.1:4711`, and `2001:db8::1` for `"[2001:db8::1]:4711"`."""
    found = _BRACKETS.fullmatch(address) or _PORT.fullmatch(address)
    return found[1].partition("%")[0] if found else address.partition("%")[0]
