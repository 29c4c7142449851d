"""The search, as a page that needs no script."""
from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from flask import Blueprint, Flask, render_template, request, url_for

from errors import Invalid
from services import query
from services.search import search
from services.search.filters import FORM
from services.search.value_types import IDS
from web.formatting import counted
from web_flask.filters import filters

PAGE = 20
_MARKED = "Please check the marked fields.", "Then search again, or clear all filters."
_LOST = "This cannot be searched for.", "The address of this page is not right. Clear all filters and search again."


class Results(NamedTuple):
    """A page of what was found.

    Args:
        said: how many there are, or what was wrong.
        advice: what to do where there is nothing.
        page, pages: the number of this one, and how many there are.
        before, after: the addresses of those beside it.
    """

    places: Sequence[Mapping[str, Any]]
    said: str
    advice: str
    page: int = 1
    pages: int = 1
    before: str | None = None
    after: str | None = None


def add_routes(app: Flask, pages: Blueprint) -> None:
    pages.add_url_rule("/hbnb", view_func=hbnb)
    pages.add_url_rule("/hbnb_filters", view_func=hbnb_filters)


def hbnb() -> tuple[str, int]:
    return draw("web_flask/search.html")


def hbnb_filters() -> str:
    return _drawn("web_flask/search.html", None)


def draw(template: str) -> tuple[str, int]:
    """The page of the search that the address asks for, and its status."""
    wanted, wrong = _asked()
    if not wrong:
        try:
            return _drawn(template, _results(wanted)), 200
        except Invalid as error:
            wrong = [error.field or ""]
    marked = [name for name in wrong if name in FORM and FORM[name].sentence]
    return _drawn(template, Results([], *(_MARKED if marked else _LOST)), marked), 400


def _asked() -> tuple[dict[str, Any], list[str]]:
    """The values that the address asks for, and the names of the fields whose values the search cannot take."""
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
    advice = "There are no more pages." if total else "No homes match these filters. Fewer filters find more."
    return Results(places, counted(total, "place"), advice, page, pages, _page(min(page - 1, pages)),
                   _page(page + 1) if page < pages else None)


def _page(number: int) -> str | None:
    """The address of another page of the same search."""
    if number < 1 or not request.endpoint:
        return None
    more: dict[str, Any] = {"page": number} if number > 1 else {}
    return url_for(request.endpoint, **_chosen(), **more)


def _chosen() -> dict[str, Any]:
    """What the address says beside the page."""
    return {name: values for name, values in request.args.lists() if any(values) and name != "page"}
