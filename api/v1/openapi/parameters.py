"""What lists and the search may be asked, as the documentation has it."""
from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from api.v1.openapi.operations import Schema, array, part
from models.base_model import BaseModel
from models.place import Place
from services.listing import MAX_RESPONSE, MAX_WITH_INCLUDED, allowed_names
from services.search.filters import FILTERS, LISTS
from services.search.value_types import SORTS, WHOLE

PAGE: dict[str, Schema] = {
    name: {**WHOLE.query, "description": description}
    for name, description in (
        ("limit", f"How many to give; without it, all. With include, no list is longer than {MAX_WITH_INCLUDED}"),
        ("offset", "From which on to give them"))}


def object_query(cls: type[BaseModel]) -> dict[str, Schema]:
    """Which attributes of an object to give, and what of others along."""
    fields, paths = allowed_names(cls, "fields"), allowed_names(cls, "include")
    included = _names(paths) | {
        "description": f"Related objects to include, with commas: {', '.join(paths)}. The answer holds at most "
                       f"{MAX_RESPONSE} objects with them; if it is refused, include less, or set a lower limit"}
    given = _names(fields) | {
        "description": f"The attributes to give, with commas: {', '.join(fields)}. Without it, all are given"}
    return {"fields": given} | ({"include": included} if paths else {})


def listing_query(cls: type[BaseModel]) -> dict[str, Schema]:
    """How much of a list to give, in which order."""
    order = _names(allowed_names(cls, "sort"), "-?") | {
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


SEARCH_BODY: Schema = {"type": "object", "additionalProperties": False,
                       "properties": {name: _or_null(each.kind.body) for name, each in FILTERS.items()}}
COUNTED = array({"type": "object", "required": ["id", "name", "count"], "properties": {
    "id": {"type": "string"}, "name": {"type": "string"}, "count": {"type": "integer"}}})
SEARCHED: Schema = {"oneOf": [
    array(part("Place")),
    {"type": "object", "required": ["places", "total", "facets"], "properties": {
        "places": array(part("Place")), "total": {"type": "integer"},
        "facets": {"type": "object", "properties": dict.fromkeys(LISTS, COUNTED)}}}]}
SEARCH_QUERY: dict[str, Schema] = {
    **{name: {**each.kind.query, "description": each.description} for name, each in FILTERS.items()},
    **listing_query(Place)}
SEARCH_QUERY["sort"] = {
    "type": "string", "pattern": f"{'|'.join(f'^{each}$' for each in SORTS)}|{SEARCH_QUERY['sort']['pattern']}",
    "description": f"{', '.join(SORTS)} (which needs near); or attributes with commas, such as -created_at, where - "
                   "turns the order. Without it, the oldest come first"}
