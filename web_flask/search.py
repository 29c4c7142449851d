"""The search, as a page that needs no script."""
from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from flask import Blueprint, Flask, render_template, request, url_for

from errors import Invalid
from look.words import counted
from services import query
from services.search import IDS, search
from web_flask import fields
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
    numbers, wrong = fields.numbers()
    if not wrong:
        try:
            return _drawn(template, _results(numbers, fields.number("page", 1) or 1)), 200
        except Invalid as error:
            wrong = [error.field or ""]
    marked = [name for name in wrong if name in fields.SENTENCES]
    return _drawn(template, Results([], *(_MARKED if marked else _LOST)), marked), 400


def _drawn(template: str, results: Results | None, wrong: Sequence[str] = ()) -> str:
    return render_template(template, results=results, wrong=wrong, sentences=fields.SENTENCES, most=fields.MOST,
                           chosen=_chosen(), size=PAGE, **filters())


def _results(numbers: Mapping[str, int], page: int) -> Results:
    wanted: dict[str, Any] = {
        name: ids for name in IDS if (ids := [each for each in request.args.getlist(name) if each])} | dict(numbers)
    wanted |= {name: request.args[name] for name in ("text", "sort") if request.args.get(name)}
    if request.args.get("bbox"):
        wanted["bbox"] = query.decimals("bbox", request.args["bbox"])
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
