"""The classic routes, which answer with plain text, so that nothing in the URL becomes HTML."""
from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flask import Blueprint, Flask, Response, render_template
from werkzeug.routing import BaseConverter


class Number(BaseConverter):
    """A whole number in digits, up to the length that Python converts to text."""

    regex = "[0-9]{1,1000}"

    def to_python(self, value: str) -> int:
        return int(value)


def add_routes(app: Flask, pages: Blueprint) -> None:
    app.url_map.converters["number"] = Number
    views: dict[str, Callable[..., Any]] = {
        "/c/<text>": c, "/python": python, "/python/<text>": python, "/number/<number:n>": number,
        "/number_template/<number:n>": number_template, "/number_odd_or_even/<number:n>": number_odd_or_even,
    }
    for rule, view in views.items():
        pages.add_url_rule(rule, view_func=view)


def hello() -> Response:
    return _text("Hello HBNB!")


def c(text: str) -> Response:
    return _text(f"C {_spaced(text)}")


def python(text: str = "is cool") -> Response:
    return _text(f"Python {_spaced(text)}")


def number(n: int) -> Response:
    return _text(f"{n} is a number")


def number_template(n: int) -> str:
    return render_template("web_flask/number.html", number=n, kind="")


def number_odd_or_even(n: int) -> str:
    return render_template("web_flask/number.html", number=n, kind=" is odd" if n % 2 else " is even")


def _spaced(text: str) -> str:
    return text.replace("_", " ")


def _text(text: str) -> Response:
    return Response(text, mimetype="text/plain")
