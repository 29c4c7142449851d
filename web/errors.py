"""Pages for when something goes wrong: what a person can do now, and no word of why."""
from __future__ import annotations

from collections.abc import Mapping

from flask import render_template

from serving.errors import Failure

_SENTENCES = {
    400: ("That did not work", "Something in the address does not fit."),
    404: ("Not found!", "Nothing is at this address: it may have been removed, or mistyped."),
    405: ("That did not work", "This page can be looked at, and nothing else."),
    413: ("That did not work", "That was more than we can take."),
    429: ("That was a lot at once", "Please wait a minute, then try again."),
}
_OURS = ("Something went wrong", "This is our fault, and we were told. Please try again in a moment.")


def error_page(failure: Failure) -> tuple[str, int, Mapping[str, str]]:
    title, sentence = _SENTENCES.get(failure.status, _OURS)
    template = "web/unavailable.html" if failure.status == 503 else "web/failed.html"
    return render_template(template, title=title, sentence=sentence), failure.status, dict(failure.headers)
