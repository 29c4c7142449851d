"""Suggestions of states, cities and places for the first letters of their names, also if these are mistyped."""
from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from pyroaring import BitMap
from rapidfuzz.distance import OSA

from models.city import City
from models.place import Place
from models.state import State
from services.search import indexing, words
from services.search.index import Index

MOST = 8            # suggestions
MOST_READ = 200     # places whose names are compared
TYPED = 3           # letters from which on a word may be mistyped
LONG = 6            # letters from which on a word may have two wrong letters, instead of one


def suggest(text: str) -> list[dict[str, Any]]:
    """The states, cities and places whose names have words that begin with those of a text.

    If there are no such states and cities, those with a word that is nearly the same are suggested: one letter or, in
    a long word, two may be wrong, missing, added or swapped.

    Returns: the `type` ("State", "City" or "Place"), `id` and `name` of each, and the number of its `places`; states
        and cities with the most places first, then the oldest places.
    Raises:
        Invalid: the text is too long, or has too many words.
    """
    wanted = [word for ways in words.split("text", text) for word in (ways[0] if ways else ())]
    if not wanted:
        return []
    index = indexing.fresh()
    with index.lock:
        regions = _regions(index, wanted, mistyped=False) or _regions(index, wanted, mistyped=True)
        return [*regions, *_places(index, wanted, MOST - len(regions))]


def _regions(index: Index, wanted: Iterable[str], mistyped: bool) -> list[dict[str, Any]]:
    """The states and cities with places that have all words."""
    found: list[dict[str, Any]] = []
    for cls, known in ((State, index.states), (City, index.cities)):
        for id, named in known.items():
            if all(_has(words.tokens(named.name), word, mistyped) for word in wanted) and (
                    places := index.places_of(cls, id)):
                found.append({"type": cls.__name__, "id": id, "name": named.name, "places": len(places)})
    return sorted(found, key=lambda each: (-each["places"], each["name"], each["id"]))[:MOST]


def _has(tokens: Iterable[str], word: str, mistyped: bool) -> bool:
    if not mistyped:
        return any(token.startswith(word) for token in tokens)
    if len(word) < TYPED:
        return False
    most = 1 + (len(word) >= LONG)
    # A missing or added letter makes the beginning of the name longer or shorter.
    return any(OSA.distance(word, token[:len(word) + more], score_cutoff=most) <= most
               for token in tokens for more in (-1, 0, 1))


def _places(index: Index, wanted: Iterable[str], most: int) -> list[dict[str, Any]]:
    found = BitMap.intersection(*map(index.words.starting_with, wanted)) & index.all
    suggested: list[dict[str, Any]] = []
    for number in index.orders[""].page(found, MOST_READ, 0):
        name = index.name(number)
        if len(suggested) < most and all(_has(words.tokens(name), word, mistyped=False) for word in wanted):
            suggested.append({"type": Place.__name__, "id": index.id(number), "name": name, "places": 1})
    return suggested
