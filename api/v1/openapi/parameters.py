"""OpenAPI schemas of the query parameters of lists, and of the search."""
from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from api.v1.openapi.operations import Schema, array, sparse
from models.base_model import BaseModel
from models.place import Place
from services.listing import MAX_RESPONSE, MAX_WITH_INCLUDED, allowed_names
from services.search.facets import MOST_CLUSTERS, ZOOM, ZOOMS
from services.search.filters import FILTERS, LISTS
from services.search.value_types import SORTS, WHOLE

PAGE: dict[str, Schema] = {
    name: {**WHOLE.query, "description": description}
    for name, description in (
        ("limit", "The maximum number of objects to return; all if omitted. "
                  f"With include, at most {MAX_WITH_INCLUDED}"),
        ("offset", "The number of objects to skip"))}


def object_query(cls: type[BaseModel]) -> dict[str, Schema]:
    """The query parameters `fields` and `include` of a class."""
    fields, paths = allowed_names(cls, "fields"), allowed_names(cls, "include")
    included = _names(paths) | {
        "description": f"Related objects to include, separated by commas: {', '.join(paths)}. A response holds at most "
                       f"{MAX_RESPONSE} objects, including related ones: if there are more, include less or "
                       "lower the limit"}
    selected = _names(fields) | {
        "description": f"The attributes to return, separated by commas: {', '.join(fields)}. All if omitted"}
    return {"fields": selected} | ({"include": included} if paths else {})


def listing_query(cls: type[BaseModel]) -> dict[str, Schema]:
    """The query parameters of a list of a class: `limit`, `offset`, `sort`, `fields` and `include`."""
    order = _names(allowed_names(cls, "sort"), "-?") | {
        "description": "Attributes to sort by, separated by commas, such as -created_at: a minus sign sorts in "
                       "descending order. If omitted, the oldest objects come first"}
    return PAGE | {"sort": order} | object_query(cls)


def _names(names: Sequence[str], before: str = "") -> dict[str, Any]:
    """The schema of a comma-separated list of names, which is at most as long as the list of all names."""
    one = f"{before}(?:{'|'.join(map(re.escape, names))})"
    return {"type": "string", "pattern": f"^(?:{one}(?:,{one}){{0,{max(len(names) - 1, 0)}}})?$"}


def _or_null(each: Schema) -> Schema:
    """The schema of a value or null, which means that the filter is not set."""
    types = each["type"] if isinstance(each["type"], list) else [each["type"]]
    return {**each, "type": [*types, "null"]} | ({"enum": [*each["enum"], None]} if "enum" in each else {})


SEARCH_BODY: Schema = {"type": "object", "additionalProperties": False,
                       "properties": {name: _or_null(each.kind.body) for name, each in FILTERS.items()}}
FACET_COUNTS = array({"type": "object", "required": ["id", "name", "count"], "properties": {
    "id": {"type": "string"}, "name": {"type": "string"}, "count": {"type": "integer"}}})
PRICES = {**array({"type": "object", "required": ["from", "to", "count"], "properties": {
    "from": {"type": "integer"}, "to": {"type": ["integer", "null"]}, "count": {"type": "integer"}}}),
    "description": "The number of places in ranges of prices, if facets is exclusive"}
SEARCH_RESULT: Schema = {"oneOf": [
    array(sparse("Place")),
    {"type": "object", "required": ["places", "total", "facets"], "properties": {
        "places": array(sparse("Place")), "total": {"type": "integer"},
        "facets": {"type": "object", "properties": dict.fromkeys(LISTS, FACET_COUNTS) | {"prices": PRICES}}}}]}
SEARCH_QUERY: dict[str, Schema] = {
    **{name: {**each.kind.query, "description": each.description} for name, each in FILTERS.items()},
    **listing_query(Place)}
SEARCH_QUERY["sort"] = {
    "type": "string", "pattern": f"{'|'.join(f'^{each}$' for each in SORTS)}|{SEARCH_QUERY['sort']['pattern']}",
    "description": f"{', '.join(SORTS)} (which requires near), or attributes separated by commas, such as -created_at: "
                   "a minus sign sorts in descending order. If omitted, the oldest places come first"}
CLUSTERS_QUERY: dict[str, Schema] = {
    "zoom": {"type": "integer", "minimum": 0, "maximum": ZOOMS, "default": ZOOM,
             "description": "The zoom level of the map: at 0, the world is 4 cells wide; each next level doubles that"},
    **{name: SEARCH_QUERY[name] for name in FILTERS if name not in (*PAGE, "sort", "facets")}}
CLUSTERS: Schema = {**array({
    "type": "object", "required": ["latitude", "longitude", "count", "id"], "properties": {
        "latitude": {"type": "number"}, "longitude": {"type": "number"}, "count": {"type": "integer"},
        "id": {"type": ["string", "null"], "description": "The id of the place, if the cell has only one"}}}),
    "maxItems": MOST_CLUSTERS}
SUGGESTIONS_QUERY: dict[str, Schema] = {"text": {
    **FILTERS["text"].kind.query, "description": "Words of a name, or the first letters of these words"}}
SUGGESTIONS: Schema = array({
    "type": "object", "required": ["type", "id", "name", "places"], "properties": {
        "type": {"type": "string", "enum": ["State", "City", "Place"]}, "id": {"type": "string"},
        "name": {"type": "string"}, "places": {"type": "integer"}}})
