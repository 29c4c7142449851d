"""What lists and the search may be asked, as the documentation has it."""
from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import schema
from api.v1.operations import Schema, array, part
from models.base_model import BaseModel
from models.place import Place
from services.listing import MOST, ROOM, known
from services.search import AT_LEAST, IDS, MOST_IDS, SORTS

WHOLE = {"type": "integer", "minimum": 0, "maximum": 2**31 - 1}
NUMBER: Schema = {"type": "integer", "minimum": 0, "maximum": 999_999_999}
PAGE: dict[str, Schema] = {
    name: {**NUMBER, "description": description}
    for name, description in (
        ("limit", f"How many to give; without it, all. With include, no list is longer than {MOST}"),
        ("offset", "From which on to give them"))}


def object_query(cls: type[BaseModel]) -> dict[str, Schema]:
    """Which attributes of an object to give, and what of others along."""
    fields, paths = known(cls, "fields"), known(cls, "include")
    included = _names(paths) | {
        "description": f"Related objects to include, with commas: {', '.join(paths)}. The answer holds at most {ROOM} "
                       "objects with them; if it is refused, include less, or set a lower limit"}
    given = _names(fields) | {
        "description": f"The attributes to give, with commas: {', '.join(fields)}. Without it, all are given"}
    return {"fields": given} | ({"include": included} if paths else {})


def listing_query(cls: type[BaseModel]) -> dict[str, Schema]:
    """How much of a list to give, in which order."""
    order = _names(known(cls, "sort"), "-?") | {
        "description": "Attributes to sort by, with commas, such as -created_at, where - turns the order. Without it, "
                       "the oldest come first"}
    return PAGE | {"sort": order} | object_query(cls)


def _names(names: Sequence[str], before: str = "") -> dict[str, Any]:
    """Names with commas, at most as many as there are."""
    one = f"{before}(?:{'|'.join(map(re.escape, names))})"
    return {"type": "string", "pattern": f"^(?:{one}(?:,{one}){{0,{max(len(names) - 1, 0)}}})?$"}


def _or_null(each: Schema) -> Schema:
    """A value that may be null, which counts as absent."""
    return {**each, "type": [each["type"], "null"]} | ({"enum": [*each["enum"], None]} if "enum" in each else {})


def _degrees(most: int) -> Schema:
    return {"type": "number", "minimum": -most, "maximum": most}


def _decimal(most: int) -> str:
    """A number of degrees, as a pattern."""
    whole = r"[0-8]?\d" if most == 90 else r"(?:\d{1,2}|1[0-7]\d)"
    return rf"-?(?:{whole}(?:\.\d{{1,12}})?|{most}(?:\.0{{1,12}})?)"


def _numbers(*patterns: str) -> dict[str, Any]:
    return {"type": "string", "pattern": f"^{','.join(patterns)}$"}


SEARCHED_FOR: dict[str, Schema] = {
    **{name: {**array({"type": "string"}), "maxItems": MOST_IDS} for name in IDS},
    **dict.fromkeys((*AT_LEAST, "price_max", "limit", "offset"), WHOLE),
    "text": {"type": "string", "maxLength": 1024, "pattern": schema.TEXT_PATTERN},
    "bbox": {"type": "array", "prefixItems": [_degrees(180), _degrees(90), _degrees(180), _degrees(90)],
             "items": {"type": "number"}, "minItems": 4, "maxItems": 4,
             "description": "west, south, east, north, in degrees"},
    "near": {"type": "object", "additionalProperties": False, "required": ["latitude", "longitude", "km"],
             "properties": {"latitude": _degrees(90), "longitude": _degrees(180),
                            "km": {"type": "number", "minimum": 0, "maximum": 20_100}}},
    "sort": {"type": "string", "enum": [*SORTS]}, "facets": {"type": "boolean"},
}
SEARCH_BODY: Schema = {"type": "object", "additionalProperties": False,
                       "properties": {name: _or_null(each) for name, each in SEARCHED_FOR.items()}}
COUNTED = array({"type": "object", "required": ["id", "name", "count"], "properties": {
    "id": {"type": "string"}, "name": {"type": "string"}, "count": {"type": "integer"}}})
SEARCHED: Schema = {"oneOf": [
    array(part("Place")),
    {"type": "object", "required": ["places", "total", "facets"], "properties": {
        "places": array(part("Place")), "total": {"type": "integer"},
        "facets": {"type": "object", "properties": dict.fromkeys(IDS, COUNTED)}}}]}
SEARCH_QUERY: dict[str, Schema] = {
    **{name: {"type": "string", "description": description} for name, description in (
        ("states", "Ids with commas: places in any of these states or of the cities"),
        ("cities", "Ids with commas: places in any of these cities or of the states"),
        ("amenities", "Ids with commas: places with all of these amenities"))},
    **{name: {**NUMBER, "description": f"Places whose {column} is at least this"} for name, column in AT_LEAST.items()},
    "price_max": {**NUMBER, "description": "Places whose price_by_night is at most this"},
    "text": {"type": "string", "maxLength": 1024, "pattern": schema.TEXT_PATTERN,
             "description": "Words, each of which stands in the place's name or description, or in the name of its "
                            "city, its state or one of its amenities"},
    "facets": {"type": "string", "enum": ["true", "false"],
               "description": "Whether to count the places by amenity, state and city, and to say how many there are"},
    "bbox": _numbers(_decimal(180), _decimal(90), _decimal(180), _decimal(90)) | {
        "description": "west,south,east,north, in degrees: places in this area"},
    "near": _numbers(_decimal(90), _decimal(180), r"\d{1,4}(?:\.\d{1,6})?") | {
        "description": "latitude,longitude,km: places at most so far from there"},
    **listing_query(Place)}
SEARCH_QUERY["sort"] = {
    "type": "string", "pattern": f"{'|'.join(f'^{each}$' for each in SORTS)}|{SEARCH_QUERY['sort']['pattern']}",
    "description": f"{', '.join(SORTS)} (which needs near); or attributes with commas, such as -created_at, where - "
                   "turns the order. Without it, the oldest come first"}
