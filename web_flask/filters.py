"""The choices of the search form, rendered only if they change, because that takes most of a page's time."""
from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence, Set
from typing import Any, NamedTuple

from flask import get_template_attribute, request
from markupsafe import Markup

from models.amenity import Amenity
from services.actor import VISITOR
from services.caching import cached_by_edition
from services.regions import regions_with_places
from services.registry import service_for
from services.search.filters import LISTS

_MARK = " checked>"     # occurs in no name, because > is escaped there

Objects = Sequence[Mapping[str, Any]]
Chosen = Set[tuple[str, str]]


class Choices(NamedTuple):
    """A list of check boxes, rendered without the marks of the selected ones.

    Args:
        boxes: filter, id and name of each box, in the order of the list.
        parts: the HTML before, between and after the marks.
    """

    boxes: Sequence[tuple[str, str, str]]
    parts: Sequence[str]

    def draw(self, chosen: Chosen) -> Markup:
        first, *others = self.parts
        return Markup(first + "".join(
            (_MARK if (kind, id) in chosen else ">") + part
            for (kind, id, _), part in zip(self.boxes, others, strict=True)))

    def names(self, chosen: Chosen) -> list[str]:
        return [name for kind, id, name in self.boxes if (kind, id) in chosen]


class Known(NamedTuple):
    """The choices of the form.

    Args:
        cities: the cities by id, each with its `state`.
        lists: the rendered lists by the names of their macros in `choices.html`.
    """

    cities: Mapping[str, Mapping[str, Any]]
    lists: Mapping[str, Choices]


def filters() -> dict[str, Any]:
    """The template variables of the search form, with the current selection."""
    known = _known()
    chosen = {(kind, id) for kind in LISTS for id in request.args.getlist(kind)}
    return {"args": request.args, "cities": known.cities,
            "lists": {name: choices.draw(chosen) for name, choices in known.lists.items()},
            "names": {name: choices.names(chosen) for name, choices in known.lists.items()}}


@cached_by_edition
def _known() -> Known:
    states = regions_with_places()
    amenities = [each for each in service_for(Amenity).list(VISITOR, sort=["name"]) if each["name"].strip()]
    cities = {city["id"]: {**city, "state": state} for state in states for city in state["cities"]}
    return Known(cities, {"locations": _choices("locations", states, _places(states)),
                          "amenities": _choices("amenities", amenities, (("amenities", each) for each in amenities))})


def _places(states: Objects) -> Iterator[tuple[str, Mapping[str, Any]]]:
    for state in states:
        yield "states", state
        yield from (("cities", city) for city in state["cities"])


def _choices(macro: str, found: Objects, boxes: Iterator[tuple[str, Mapping[str, Any]]]) -> Choices:
    drawn = str(get_template_attribute("web_flask/choices.html", macro)(found))
    return Choices([(kind, each["id"], each["name"]) for kind, each in boxes], drawn.split(_MARK))
