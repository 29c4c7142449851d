"""The value types of search filters: validation, parsing and JSON Schema."""
from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from errors import Invalid
from models.codec import TEXT_PATTERN
from services import query
from services.search import words

MOST_IDS = 10_000
MOST = 999_999_999      # the largest whole number in a query string and in the form
LARGEST = 2**31 - 1     # the largest whole number in a JSON body
EXCLUSIVE = "exclusive"     # the value of the filter `facets` for counts that each ignore their own filter
SORTS = {"newest": ("-created_at",), "price": ("price_by_night",), "name": ("name",), "distance": ()}
AREA_SIDES = {"west": (-180, 180), "south": (-90, 90), "east": (-180, 180), "north": (-90, 90)}
CIRCLE_PARTS = {"latitude": (-90, 90), "longitude": (-180, 180), "km": (0, 20_100)}
# Patterns of degrees in a query string.
_LATITUDE = r"-?(?:[0-8]?\d(?:\.\d{1,12})?|90(?:\.0{1,12})?)"
_LONGITUDE = r"-?(?:(?:\d{1,2}|1[0-7]\d)(?:\.\d{1,12})?|180(?:\.0{1,12})?)"


@dataclass(frozen=True)
class Kind:
    """The type of a filter's value.

    Args:
        name: the name by which the form and its script select the input field.
        body, query: the JSON Schemas of the value in a JSON body and in a query string.
        check: validates a JSON value, given the filter's name; returns the value to search by, or raises `Invalid`.
        read: parses a value of a query string, given the filter's name; returns the JSON value, or raises `Invalid`.
        sentence: the form's message for an invalid value, without the full stop.
        options: the labels of the values in a list of choices, by value.
    """

    name: str
    body: Mapping[str, Any]
    query: Mapping[str, Any]
    check: Callable[[str, Any], Any]
    read: Callable[[str, str], Any] = lambda _, text: text
    sentence: str = ""
    options: Mapping[str, str] = field(default_factory=dict)


def _fit(name: str, value: Any, fits: bool, must: str) -> Any:
    """Return the value if it fits; else raise `Invalid`."""
    if not fits:
        raise Invalid(f"{name} must {must}", name)
    return value


def _whole(name: str, value: Any) -> Any:
    number = int(value) if isinstance(value, float) and value.is_integer() else value   # in JSON, 2.0 is whole
    return _fit(name, number, type(number) is int and 0 <= number <= LARGEST, f"be a whole number from 0 to {LARGEST}")


def _ids(name: str, value: Any) -> list[str]:
    _fit(name, value, isinstance(value, list) and all(isinstance(each, str) for each in value), "be a list of ids")
    return sorted(set(_fit(name, value, len(value) <= MOST_IDS, f"have at most {MOST_IDS} ids")))


def _area(name: str, value: Any) -> dict[str, float]:
    _fit(name, value, isinstance(value, list) and len(value) == 4, f"be [{', '.join(AREA_SIDES)}], in degrees")
    return _numbers(name, dict(zip(AREA_SIDES, value, strict=True)), AREA_SIDES)


def _circle(name: str, value: Any) -> dict[str, float]:
    _fit(name, value, isinstance(value, dict) and {*value} == {*CIRCLE_PARTS}, f"be {{{', '.join(CIRCLE_PARTS)}}}")
    return _numbers(name, value, CIRCLE_PARTS)


def _numbers(name: str, values: Mapping[str, Any], bounds: Mapping[str, tuple[int, int]]) -> dict[str, float]:
    for part, (least, most) in bounds.items():
        if type(values[part]) not in (int, float) or not least <= values[part] <= most:
            raise Invalid(f"{name}: {part} must be a number from {least} to {most}", name)
    return {part: float(value) for part, value in values.items()}


def _read_circle(name: str, text: str) -> dict[str, float]:
    numbers = query.decimals(name, text)
    _fit(name, numbers, len(numbers) == len(CIRCLE_PARTS), f"be {','.join(CIRCLE_PARTS)}")
    return dict(zip(CIRCLE_PARTS, numbers, strict=True))


def _described(bounds: Mapping[str, tuple[int, int]]) -> dict[str, Any]:
    return {part: {"type": "number", "minimum": least, "maximum": most} for part, (least, most) in bounds.items()}


def _pattern(*patterns: str) -> dict[str, Any]:
    return {"type": "string", "pattern": f"^{','.join(patterns)}$"}


_TEXT = {"type": "string", "maxLength": 1024, "pattern": TEXT_PATTERN}
_SORTS = {"type": "string", "enum": [*SORTS]}
_STRING = {"type": "string"}

TEXT = Kind("text", _TEXT, _TEXT, words.split, sentence=f"Enter at most {words.MOST} words")
WHOLE = Kind("whole", {"type": "integer", "minimum": 0, "maximum": LARGEST},
             {"type": "integer", "minimum": 0, "maximum": MOST}, _whole, query.number,
             f"Enter a whole number from 0 to {MOST:,}")
FACETS = Kind("facets", {"type": ["boolean", "string"], "enum": [True, False, EXCLUSIVE]},
              {"type": "string", "enum": ["true", "false", EXCLUSIVE]},
              lambda name, value: _fit(name, value, isinstance(value, bool) or value == EXCLUSIVE,
                                       f'be true, false or "{EXCLUSIVE}"'),
              lambda _, text: {"true": True, "false": False}.get(text, text))
SORT = Kind("sort", _SORTS, _SORTS, lambda name, value: _fit(
    name, value, isinstance(value, str) and value in SORTS, f"be one of {', '.join(SORTS)}"),
    sentence="Choose an order from the list",
    options={"newest": "Newest first", "price": "Cheapest first", "name": "By name"})
IDS = Kind("ids", {"type": "array", "items": _STRING, "maxItems": MOST_IDS}, _STRING, _ids,
           lambda _, text: [each for each in text.split(",") if each])
AREA = Kind("area", {"type": "array", "prefixItems": [*_described(AREA_SIDES).values()], "items": {"type": "number"},
                     "minItems": 4, "maxItems": 4, "description": "west, south, east, north, in degrees"},
            _pattern(_LONGITUDE, _LATITUDE, _LONGITUDE, _LATITUDE), _area, query.decimals,
            "Uncheck this box, or choose another area on the map")
CIRCLE = Kind("circle", {"type": "object", "additionalProperties": False, "required": [*CIRCLE_PARTS],
                         "properties": _described(CIRCLE_PARTS)},
              _pattern(_LATITUDE, _LONGITUDE, r"\d{1,4}(?:\.\d{1,6})?"), _circle, _read_circle)
