"""Pages for when something goes wrong: what a person can do now, and no word of why."""
from __future__ import annotations

from collections.abc import Mapping

from flask import render_template

from serving.errors import Failure

_SENTENCES = {
    400: ("That did not work", "The address is not valid. Check it, or start a new search."),
    401: ("Please log in", "Log in to see this page."),
    403: ("You may not do that", "Your account has no permission for this, or the request came from another site. "
                                 "Open the page again, and try again there."),
    404: ("Not found!", "Nothing is at this address: it may have been removed, or mistyped."),
    405: ("That did not work", "This page does not accept that kind of request."),
    409: ("That did not work", "The change conflicts with another one. Open the page again, and try again there."),
    410: ("This link no longer works", "It has expired, or it was used already."),
    413: ("That did not work", "The request is too large. Send less at once."),
    429: ("Too many requests", "Please wait a minute, then try again."),
}
_OURS = ("Something went wrong", "This is our fault, and the error was logged. Please try again in a moment.")


def error_page(failure: Failure) -> tuple[str, int, Mapping[str, str]]:
    title, sentence = _SENTENCES.get(failure.status, _OURS)
    template = "web/unavailable.html" if failure.status == 503 else "web/failed.html"
    return render_template(template, title=title, sentence=sentence), failure.status, dict(failure.headers)
