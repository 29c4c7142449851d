"""The table of search filters for places, one row for each filter.

The parameters of the API, their validation and documentation, the search form and its script are derived from it.
"""
from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, and_, func, or_

from models.place import Place
from services.query import OPERATORS
from services.search.value_types import AREA, CIRCLE, FLAG, IDS, SORT, TEXT, WHOLE, Kind

EARTH = 6371.0      # the radius of the Earth, in kilometres
_COMPARED = {">=": "at least", "<=": "at most"}


class SearchFilter(NamedTuple):
    """A filter or another parameter of the search.

    Args:
        kind: the type of its value.
        column, operator: the attribute of a place to compare with the value, and one of `query.OPERATORS`.
        label: its label in the form; the form has no field for a filter without a label.
        hint: the placeholder of its field.
        about: its description in the documentation; by default derived from `column` and `operator`.
        not_below: the name of the filter that is the lower bound of this value in the form.
        condition: returns the SQL condition for a value, if the filter is not a comparison with a column.
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
        """The form's message for an invalid value; empty if every value is valid."""
        above = f", not below “{FILTERS[self.not_below].label}” if that is set" if self.not_below else ""
        return f"{self.kind.sentence}{above}." if self.kind.sentence else ""

    def conditions(self, value: Any) -> list[ColumnElement[bool]]:
        """The SQL conditions for a value; an empty list if `Search` applies the value itself."""
        if self.column:
            return [OPERATORS[self.operator](Place.__table__.c[self.column], value)]
        return [self.condition(value)] if self.condition else []


def distance(near: Mapping[str, float]) -> ColumnElement[float]:
    """The SQL expression for the distance of a place from a point, in kilometres, by the haversine formula."""
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


# The form shows them in this order.
FILTERS: dict[str, SearchFilter] = {
    "text": SearchFilter(TEXT, label="Search", hint="City or words",
                         about="Places that contain each of these words in their name or description, or in the name "
                               "of their city, their state or one of their amenities"),
    "guests": SearchFilter(WHOLE, "max_guest", ">=", "Guests", "Any"),
    "rooms": SearchFilter(WHOLE, "number_rooms", ">=", "Bedrooms", "Any"),
    "bathrooms": SearchFilter(WHOLE, "number_bathrooms", ">="),
    "price_min": SearchFilter(WHOLE, "price_by_night", ">=", "Price from", "$"),
    "price_max": SearchFilter(WHOLE, "price_by_night", "<=", "Price to", "$", not_below="price_min"),
    "sort": SearchFilter(SORT, label="Sort by", hint="Oldest first"),
    "states": SearchFilter(IDS, label="States",
                           about="Ids separated by commas: places in any of these states, or in one of `cities`"),
    "cities": SearchFilter(IDS, label="Cities",
                           about="Ids separated by commas: places in any of these cities, or in one of `states`"),
    "amenities": SearchFilter(IDS, label="Amenities",
                              about="Ids separated by commas: places with all of these amenities"),
    "bbox": SearchFilter(AREA, label="Only in the area of the map", condition=_inside,
                         about="west,south,east,north, in degrees: places in this area"),
    "near": SearchFilter(CIRCLE, condition=lambda near: distance(near) <= near["km"],
                         about="latitude,longitude,km: places within this distance of the point"),
    "limit": SearchFilter(WHOLE),
    "offset": SearchFilter(WHOLE),
    "facets": SearchFilter(FLAG, about="Whether to return the total, and the number of places for each amenity, state "
                                       "and city"),
}
LISTS = [name for name, each in FILTERS.items() if each.kind is IDS]
FORM = {name: each for name, each in FILTERS.items() if each.label}
