"""The table of search filters for places, one row for each filter.

The parameters of the API, their validation and documentation, the search form and its script are derived from it.
"""
from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from services.query import OPERATORS
from services.search.value_types import AREA, CIRCLE, FACETS, IDS, SORT, TEXT, WHOLE, Kind

EARTH = 6371.0      # the radius of the Earth, in kilometres
Columns = Mapping[str, NDArray[Any]]    # values of places by attribute; NaN for null
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
        test: returns for each place whether it meets a value, if the filter is not a comparison with a column.
    """

    kind: Kind
    column: str = ""
    operator: str = ""
    label: str = ""
    hint: str = ""
    about: str = ""
    not_below: str = ""
    test: Callable[[Columns, Any], NDArray[np.bool_]] | None = None

    @property
    def description(self) -> str:
        return self.about or f"Places whose {self.column} is {_COMPARED.get(self.operator, self.operator)} this"

    @property
    def sentence(self) -> str:
        """The form's message for an invalid value; empty if every value is valid."""
        above = f", not below “{FILTERS[self.not_below].label}” if that is set" if self.not_below else ""
        return f"{self.kind.sentence}{above}." if self.kind.sentence else ""

    @property
    def compares(self) -> bool:
        """Whether places meet a value of the filter by the values of their columns."""
        return bool(self.column or self.test)

    def meets(self, columns: Columns, value: Any) -> NDArray[np.bool_]:
        """For each place whether it meets a value."""
        if self.test:
            return self.test(columns, value)
        compare: Callable[[Any, Any], Any] = OPERATORS[self.operator]
        compared: NDArray[np.bool_] = compare(columns[self.column], value)
        return compared


def distance(columns: Columns, near: Mapping[str, float]) -> NDArray[np.float64]:
    """The distances of places from a point, in kilometres, by the haversine formula."""
    latitude, longitude = np.radians(near["latitude"]), np.radians(near["longitude"])
    latitudes, longitudes = np.radians(columns["latitude"]), np.radians(columns["longitude"])
    square = np.sin((latitudes - latitude) / 2) ** 2 + np.cos(latitude) * np.cos(latitudes) * np.sin(
        (longitudes - longitude) / 2) ** 2
    found: NDArray[np.float64] = 2 * EARTH * np.arcsin(np.sqrt(np.minimum(square, 1)))
    return found


def _inside(columns: Columns, area: Mapping[str, float]) -> NDArray[np.bool_]:
    latitudes, longitudes = columns["latitude"], columns["longitude"]
    west, east = longitudes >= area["west"], longitudes <= area["east"]
    across = west & east if area["west"] <= area["east"] else west | east
    inside: NDArray[np.bool_] = across & (latitudes >= area["south"]) & (latitudes <= area["north"])
    return inside


def _near(columns: Columns, near: Mapping[str, float]) -> NDArray[np.bool_]:
    # The formula is slow, so it is used for the places of about the same latitude only.
    close = np.abs(columns["latitude"] - near["latitude"]) <= np.degrees(near["km"] / EARTH) + 1e-9
    close[close] = distance({name: values[close] for name, values in columns.items()}, near) <= near["km"]
    found: NDArray[np.bool_] = close
    return found


# The form shows them in this order.
FILTERS: dict[str, SearchFilter] = {
    "text": SearchFilter(TEXT, label="Search", hint="City or words",
                         about="Places with words that begin with each of these, in their name or description, or in "
                               "the name of their city, their state or one of their amenities. Case, accents and "
                               "punctuation do not matter"),
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
    "bbox": SearchFilter(AREA, label="Only in the area of the map", test=_inside,
                         about="west,south,east,north, in degrees: places in this area"),
    "near": SearchFilter(CIRCLE, test=_near,
                         about="latitude,longitude,km: places within this distance of the point"),
    "limit": SearchFilter(WHOLE),
    "offset": SearchFilter(WHOLE),
    "facets": SearchFilter(FACETS, about="Whether to return the total, and the number of places for each amenity, "
                                         "state and city. With `exclusive`, the counts for a filter ignore that "
                                         "filter, and the response also counts the places in ranges of prices"),
}
LISTS = [name for name, each in FILTERS.items() if each.kind is IDS]
FORM = {name: each for name, each in FILTERS.items() if each.label}
COMPARED = sorted({each.column for each in FILTERS.values() if each.column})
