"""What the filters of a search show: drawn once for each state of the market, as nothing else takes a page so long."""
from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from flask import get_template_attribute, request
from markupsafe import Markup

from models.amenity import Amenity
from services import objects
from services.kept import kept
from services.regions import regions
from services.search import IDS

# The lists of choices, each with the filters that are in it.
LISTS = {"locations": ("states", "cities"), "amenities": ("amenities",)}

Objects = Sequence[Mapping[str, Any]]


class Known(NamedTuple):
    """What there is to choose.

    Args:
        lists: what each list of choices is drawn from.
        cities: by id, each with its `state`.
        idle: the lists with nothing chosen, drawn.
    """

    lists: Mapping[str, Objects]
    cities: Mapping[str, Mapping[str, Any]]
    idle: Mapping[str, Markup]


def filters() -> dict[str, Any]:
    """What the page of a search needs to draw its filters, with what is chosen."""
    known = _known()
    chosen = {name: {*request.args.getlist(name)} for name in IDS}
    drawn = {name: _draw(name, known.lists[name], chosen) if any(chosen[kind] for kind in kinds) else known.idle[name]
             for name, kinds in LISTS.items()}
    places = [each["name"] for state in known.lists["locations"]
              for kind, group in (("states", [state]), ("cities", state["cities"]))
              for each in group if each["id"] in chosen[kind]]
    return {"lists": drawn, "cities": known.cities, "args": request.args, "names": {
        "locations": ", ".join(places),
        "amenities": ", ".join(each["name"] for each in known.lists["amenities"]
                               if each["id"] in chosen["amenities"])}}


@kept
def _known() -> Known:
    lists: dict[str, Objects] = {"locations": regions(counted=False), "amenities": objects.list(Amenity, sort=["name"])}
    cities = {city["id"]: {**city, "state": state} for state in lists["locations"] for city in state["cities"]}
    nothing: dict[str, set[str]] = {name: set() for name in IDS}
    return Known(lists, cities, {name: _draw(name, found, nothing) for name, found in lists.items()})


def _draw(name: str, found: Objects, chosen: Mapping[str, set[str]]) -> Markup:
    drawn: Markup = get_template_attribute("web_flask/choices.html", name)(found, chosen)
    return drawn
