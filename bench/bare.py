"""The limit of the pages: a bare Flask application that draws the same search, with all it shows in memory.

No storage is asked, no version looked at, nothing searched, no header added. `app` has the very template drawn for each
request, with lists of choices that are drawn already, as ours has them; `finished` sends the page as it was drawn once.
It shows the store that `HBNB_FILE_PATH` names.
"""
from __future__ import annotations

from functools import cache
from typing import Any

from flask import Flask, render_template, request, template_rendered

import models
from config import Settings
from web_flask.app import create_app

Drawn = tuple[str, dict[str, Any]]


def _bare() -> Flask:
    bare = create_app(_settings)
    bare.after_request_funcs.clear()
    bare.teardown_appcontext_funcs.clear()
    return bare


def _draw() -> str:
    name, context = _shown(request.full_path)
    return render_template(name, **context)


@cache
def _shown(path: str) -> Drawn:
    """The template that ours draws at a path, and what it is drawn with."""
    drawn: list[Drawn] = []
    own = {"request", "g", "session"}       # which each request has of its own

    def note(_: Flask, template: Any, context: dict[str, Any], **__: Any) -> None:
        drawn.append((template.name, {name: value for name, value in context.items() if name not in own}))

    with template_rendered.connected_to(note, _ours):
        _ours.test_client().get(path)
    return drawn[-1]


@cache
def _text(path: str) -> str:
    return _ours.test_client().get(path).text


_settings = Settings.from_environ()
_ours, app, finished = create_app(_settings), _bare(), _bare()
models.check()
app.view_functions["web_flask.hbnb"] = _draw
finished.view_functions["web_flask.hbnb"] = lambda: _text(request.full_path)
