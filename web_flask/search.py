"""The search page. It works without scripts."""
from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from flask import render_template, request, url_for

from errors import Invalid
from services import query
from services.search import search
from services.search.filters import FORM
from services.search.value_types import IDS
from web.formatting import counted
from web_flask import pages
from web_flask.filters import filters

PAGE = 20
_MARKED = "Please check the marked fields.", "Correct them and search again, or clear all filters."
_LOST = "This search is not valid.", "The address of this page is wrong. Clear all filters and search again."


class Results(NamedTuple):
    """A page of search results.

    Args:
        said: the number of places, or the error.
        advice: what to do if there are no places.
        page, pages: the number of this page, and the number of pages.
        before, after: the URLs of the previous and the next page.
    """

    places: Sequence[Mapping[str, Any]]
    said: str
    advice: str
    page: int = 1
    pages: int = 1
    before: str | None = None
    after: str | None = None


@pages.get("/hbnb")
def hbnb() -> tuple[str, int]:
    return draw("web_flask/search.html")


@pages.get("/hbnb_filters")
def hbnb_filters() -> str:
    return _drawn("web_flask/search.html", None)


def draw(template: str) -> tuple[str, int]:
    """Render the search page for the query of the request. Returns the page and its status."""
    wanted, wrong = _asked()
    if not wrong:
        try:
            return _drawn(template, _results(wanted)), 200
        except Invalid as error:
            wrong = [error.field or ""]
    marked = [name for name in wrong if name in FORM and FORM[name].sentence]
    return _drawn(template, Results([], *(_MARKED if marked else _LOST)), marked), 400


def _asked() -> tuple[dict[str, Any], list[str]]:
    """The filters of the query, and the names of the fields with invalid values."""
    found, wrong = {}, []
    for name, each in FORM.items():
        if each.kind is IDS:
            found[name] = [id for id in request.args.getlist(name) if id]
        elif text := request.args.get(name, "").strip():
            try:
                found[name] = each.kind.read(name, text)
            except Invalid:
                wrong.append(name)
    return found, wrong + [name for name, each in FORM.items() if name in found and each.not_below in found
                           and found[name] < found[each.not_below]]


def _drawn(template: str, results: Results | None, wrong: Sequence[str] = ()) -> str:
    return render_template(template, results=results, wrong=wrong, fields=FORM, chosen=_chosen(), size=PAGE,
                           kinds={name: each.kind.name for name, each in FORM.items()}, **filters())


def _results(wanted: Mapping[str, Any]) -> Results:
    page = query.number("page", request.args.get("page", "").strip() or "1", 1)
    found = search({**wanted, "limit": PAGE, "offset": (page - 1) * PAGE})
    places, total = found.all(), found.total()
    pages = max(1, -(-total // PAGE))
    advice = "There are no more pages." if total else "No homes match these filters. Try removing some."
    return Results(places, counted(total, "place"), advice, page, pages, _page(min(page - 1, pages)),
                   _page(page + 1) if page < pages else None)


def _page(number: int) -> str | None:
    """The URL of another page of the same search, or None."""
    if number < 1 or not request.endpoint:
        return None
    more: dict[str, Any] = {"page": number} if number > 1 else {}
    return url_for(request.endpoint, **_chosen(), **more)


def _chosen() -> dict[str, Any]:
    """The parameters of the query, except for the page."""
    return {name: values for name, values in request.args.lists() if any(values) and name != "page"}
