"""Text search: splitting a query into words, and the condition that a place contains a word."""
from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from typing import Any

from sqlalchemy import ColumnElement, or_, select

from errors import Invalid
from models.amenity import place_amenity
from models.codec import checker
from models.collation import lower
from models.place import Place
from services.search.statistics import Market

MOST = 10       # words of a query, because each may scan the descriptions of all places


def split(name: str, text: Any) -> list[str]:
    """The distinct words of a text, in lower case. Characters other than letters, digits and marks separate words.

    A text without letters and digits, such as `★`, is split at spaces only.

    Args:
        name: the name of the filter, for the error.
    Raises:
        Invalid: the value is not a text, is too long, or has too many words.
    """
    if wrong := checker(Place.__table__.c.description)(text):
        raise Invalid(f"{name} {wrong}", name)
    spaced = "".join(each if unicodedata.category(each)[0] in "LMN" else " " for each in lower(text))
    found = {each: None for each in spaced.split() if any(map(str.isalnum, each))} or dict.fromkeys(text.split())
    if len(found) > MOST:
        raise Invalid(f"{name} must have at most {MOST} different words, not {len(found)}", name)
    return [*found]


def condition(word: str, market: Market) -> ColumnElement[bool]:
    """The condition that a place, or the name of its city, state or amenities, contains a word."""
    cities, amenities = _named(word, market.cities), _named(word, market.amenities)
    pairs = place_amenity.c
    offered = select(pairs.place_id).where(pairs.place_id == Place.id, pairs.amenity_id.in_(amenities)).exists()
    return or_(*([Place.city_id.in_(cities)] if cities else []),
               *(column.icontains(word, autoescape=True) for column in (Place.name, Place.description)),
               *([offered] if amenities else []))


def _named(word: str, names: Mapping[str, str]) -> list[str]:
    return [id for id, name in names.items() if word in name]
