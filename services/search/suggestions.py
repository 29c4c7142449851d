"""Suggestions of states, cities and places for the first letters of their names, also if these are mistyped."""
from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from pyroaring import BitMap
from rapidfuzz.distance import OSA

from models.place import Place
from services.search import indexing, words
from services.search.index import Index
from services.search.words import Words

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
    names = index.named_words
    numbers = BitMap.intersection(*(
        names.having(_similar(names, word) if mistyped else names.beginning(word)) for word in wanted))
    places = index.places_by_region() if numbers else {}
    found: list[dict[str, Any]] = [
        {"type": cls.__name__, "id": id, "name": index.named(cls)[id].name, "places": places[cls, id]}
        for cls, id in (index.named_keys[number] for number in numbers) if (cls, id) in places]
    return sorted(found, key=lambda each: (-each["places"], each["name"], each["type"], each["id"]))[:MOST]


def _similar(names: Words, word: str) -> list[str]:
    """The words of names that begin with nearly the same letters as a word."""
    if len(word) < TYPED:
        return []
    most = 1 + (len(word) >= LONG)
    # A missing or added letter makes the beginning of the name longer or shorter.
    lengths = range(len(word) - 1, len(word) + 2)
    return [each for each in names.beginning("")
            if any(OSA.distance(word, each[:length], score_cutoff=most) <= most for length in lengths)]


def _places(index: Index, wanted: Iterable[str], most: int) -> list[dict[str, Any]]:
    found = BitMap.intersection(*map(index.words.starting_with, wanted)) & index.all
    suggested: list[dict[str, Any]] = []
    for number in index.orders[""].page(found, MOST_READ, 0):
        name = index.name(number)
        said = words.tokens(name)
        if len(suggested) < most and all(any(each.startswith(word) for each in said) for word in wanted):
            suggested.append({"type": Place.__name__, "id": index.id(number), "name": name, "places": 1})
    return suggested
