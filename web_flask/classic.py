"""The classic routes, which answer with plain text, so that nothing in the URL becomes HTML."""
from __future__ import annotations

from flask import Response, render_template
from werkzeug.routing import BaseConverter

from web_flask import pages


class Number(BaseConverter):
    """A whole number in digits, up to the length that Python converts to text."""

    regex = "[0-9]{1,1000}"

    def to_python(self, value: str) -> int:
        return int(value)


@pages.get("/c/<text>")
def c(text: str) -> Response:
    return _text(f"C {_spaced(text)}")


@pages.get("/python")
@pages.get("/python/<text>")
def python(text: str = "is cool") -> Response:
    return _text(f"Python {_spaced(text)}")


@pages.get("/number/<number:n>")
def number(n: int) -> Response:
    return _text(f"{n} is a number")


@pages.get("/number_template/<number:n>")
def number_template(n: int) -> str:
    return render_template("web_flask/number.html", number=n, kind="")


@pages.get("/number_odd_or_even/<number:n>")
def number_odd_or_even(n: int) -> str:
    return render_template("web_flask/number.html", number=n, kind=" is odd" if n % 2 else " is even")


def _spaced(text: str) -> str:
    return text.replace("_", " ")


def _text(text: str) -> Response:
    return Response(text, mimetype="text/plain")
