"""Reference of the page benchmarks: a bare Flask application that renders the same search page from memory.

It reads no storage, checks no version, searches nothing and adds no headers. `app` renders HBNB's template for each
request, with the cached HTML of the filters, as HBNB does; `finished` sends HTML that was rendered once. The pages show
the store that `HBNB_FILE_PATH` names.
"""
from __future__ import annotations

from functools import cache
from typing import Any

from flask import Flask, render_template, request, template_rendered

import models
from config import Settings
from web_flask.app import create_app

Rendered = tuple[str, dict[str, Any]]


def _bare() -> Flask:
    bare = create_app(_settings)
    bare.after_request_funcs.clear()
    bare.teardown_appcontext_funcs.clear()
    return bare


def _render() -> str:
    name, context = _template(request.full_path)
    return render_template(name, **context)


@cache
def _template(path: str) -> Rendered:
    """Return the template that HBNB renders for a path, and its context."""
    rendered: list[Rendered] = []
    per_request = {"request", "g", "session"}

    def record(_: Flask, template: Any, context: dict[str, Any], **__: Any) -> None:
        rendered.append((template.name, {name: value for name, value in context.items() if name not in per_request}))

    with template_rendered.connected_to(record, _hbnb):
        _hbnb.test_client().get(path)
    return rendered[-1]


@cache
def _text(path: str) -> str:
    return _hbnb.test_client().get(path).text


_settings = Settings.from_environ()
_hbnb, app, finished = create_app(_settings), _bare(), _bare()
models.check()
app.view_functions["web_flask.hbnb"] = _render
finished.view_functions["web_flask.hbnb"] = lambda: _text(request.full_path)
