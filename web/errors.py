"""Pages for when something goes wrong: what a person can do now, and no word of why."""
from __future__ import annotations

from flask import Blueprint, Flask, current_app, render_template, request
from werkzeug.exceptions import HTTPException

from errors import HBNBError, NotFound, Unavailable

_SENTENCES = {
    400: ("That did not work", "Something in the address does not fit."),
    404: ("Not found!", "Nothing is at this address: it may have been removed, or mistyped."),
    405: ("That did not work", "This page can be looked at, and nothing else."),
    413: ("That did not work", "That was more than we can take."),
    429: ("That was a lot at once", "Please wait a minute, then try again."),
}
_OURS = ("Something went wrong", "This is our fault, and we were told. Please try again in a moment.")


def init_app(app: Flask) -> None:
    app.register_error_handler(HTTPException, failed)


def watch(pages: Blueprint) -> None:
    """Have the pages of a blueprint say their own errors, whoever says those of the application."""
    pages.register_error_handler(HBNBError, _refused)


def failed(error: HTTPException) -> tuple[str, int, dict[str, str]]:
    title, sentence = _SENTENCES.get(error.code or 500, _OURS)
    kept = {name: value for name, value in error.get_headers() if name in ("Allow", "Retry-After")}
    template = "web/unavailable.html" if error.code == 503 else "web/failed.html"
    return render_template(template, title=title, sentence=sentence), error.code or 500, kept


def _refused(error: HBNBError) -> tuple[str, int] | tuple[str, int, dict[str, str]]:
    if isinstance(error, NotFound):
        title, sentence = _SENTENCES[404]
        return render_template("web/failed.html", title=title, sentence=sentence), 404
    current_app.logger.error("%s: %s", request.path, error)
    return render_template("web/unavailable.html"), 503, {"Retry-After": str(Unavailable.retry_after)}
