"""The filters of the search for places, one row each.

What the API takes, its documentation, the search form, its script and the checks are derived from these rows.
"""
from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, and_, func, or_

from models.place import Place
from services.query import OPERATORS
from services.search.value_types import AREA, CIRCLE, FLAG, IDS, SORT, TEXT, WHOLE, Kind

EARTH = 6371.0      # its radius, in kilometres
_COMPARED = {">=": "at least", "<=": "at most"}


class SearchFilter(NamedTuple):
    """A filter, or another name that the search takes.

    Args:
        kind: the kind of value that it takes.
        column, operator: the attribute of a place to compare with the value, and one of `query.OPERATORS`.
        label: what the form calls it; the form has no field for a filter without a label.
        hint: what the field shows while it is empty.
        about: its description in the documentation; derived from the column and the operator if left out.
        not_below: the name of the filter whose value in the form this value must reach.
        condition: returns the condition that a place must meet, if it is not a comparison with a column.
    """

    kind: Kind
    column: str = ""
    operator: str = ""
    label: str = ""
    hint: str = ""
    about: str = ""
    not_below: str = ""
    condition: Callable[[Any], ColumnElement[bool]] | None = None

    @property
    def description(self) -> str:
        return self.about or f"Places whose {self.column} is {_COMPARED.get(self.operator, self.operator)} this"

    @property
    def sentence(self) -> str:
        """What the form says about a value that does not fit; empty if there is no such value."""
        above = f", not below “{FILTERS[self.not_below].label}” if that is set" if self.not_below else ""
        return f"{self.kind.sentence}{above}." if self.kind.sentence else ""

    def conditions(self, value: Any) -> list[ColumnElement[bool]]:
        """The conditions that a place must meet; none if the search itself applies the value."""
        if self.column:
            return [OPERATORS[self.operator](Place.__table__.c[self.column], value)]
        return [self.condition(value)] if self.condition else []


def distance(near: Mapping[str, float]) -> ColumnElement[float]:
    """The distance of a place from a point, in kilometres, by the haversine formula."""
    latitude, longitude = func.radians(near["latitude"]), func.radians(near["longitude"])
    across = func.sin((func.radians(Place.latitude) - latitude) / 2)
    along = func.sin((func.radians(Place.longitude) - longitude) / 2)
    square = across * across + func.cos(latitude) * func.cos(func.radians(Place.latitude)) * along * along
    found: ColumnElement[float] = 2 * EARTH * func.asin(func.sqrt(square))
    return found


def _inside(area: Mapping[str, float]) -> ColumnElement[bool]:
    west, east = area["west"], area["east"]
    across = Place.longitude.between(west, east) if west <= east else or_(
        Place.longitude >= west, Place.longitude <= east)
    return and_(Place.latitude.between(area["south"], area["north"]), across)


# In the order of the form.
FILTERS: dict[str, SearchFilter] = {
    "text": SearchFilter(TEXT, label="Search", hint="City or words",
                         about="Words, each of which stands in the name or description of the place, or in the name of "
                               "its city, its state or one of its amenities"),
    "guests": SearchFilter(WHOLE, "max_guest", ">=", "Guests", "Any"),
    "rooms": SearchFilter(WHOLE, "number_rooms", ">=", "Bedrooms", "Any"),
    "bathrooms": SearchFilter(WHOLE, "number_bathrooms", ">="),
    "price_min": SearchFilter(WHOLE, "price_by_night", ">=", "Price from", "$"),
    "price_max": SearchFilter(WHOLE, "price_by_night", "<=", "Price to", "$", not_below="price_min"),
    "sort": SearchFilter(SORT, label="Sort by", hint="Oldest first"),
    "states": SearchFilter(IDS, label="States",
                           about="Ids with commas: places in any of these states or of the cities"),
    "cities": SearchFilter(IDS, label="Cities",
                           about="Ids with commas: places in any of these cities or of the states"),
    "amenities": SearchFilter(IDS, label="Amenities", about="Ids with commas: places with all of these amenities"),
    "bbox": SearchFilter(AREA, label="Only in the area of the map", condition=_inside,
                         about="west,south,east,north, in degrees: places in this area"),
    "near": SearchFilter(CIRCLE, condition=lambda near: distance(near) <= near["km"],
                         about="latitude,longitude,km: places at most so far from there"),
    "limit": SearchFilter(WHOLE),
    "offset": SearchFilter(WHOLE),
    "facets": SearchFilter(FLAG, about="Whether to count the places by amenity, state and city, and to say how many "
                                       "there are"),
}
LISTS = [name for name, each in FILTERS.items() if each.kind is IDS]
FORM = {name: each for name, each in FILTERS.items() if each.label}
