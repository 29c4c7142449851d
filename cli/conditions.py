"""Parser for the conditions and clauses of `find` and `count`."""
from __future__ import annotations

import re
from typing import NamedTuple

from cli import lexer
from errors import Invalid
from services.query import Filter


class Clauses(NamedTuple):
    """The clauses `sort`, `columns` and `limit` of `find`."""

    sort: list[str]
    columns: list[str]
    limit: int | None


def take_conditions(words: list[str]) -> list[Filter]:
    """Remove the leading conditions from a list of words, and return them."""
    found = []
    while words and words[0] not in lexer.CLAUSES and (condition := lexer.take_condition(words)):
        found.append(Filter(*condition))
    return found


def parse_clauses(words: list[str]) -> Clauses:
    """Parse the words after the conditions.

    Raises:
        Invalid: they are not valid clauses.
    """
    found: dict[str, list[str]] = {}
    for word in words:
        if word in lexer.CLAUSES and word not in found:
            current = found[word] = []
        elif found:
            current.append(lexer.bare(word))
        else:
            raise Invalid(f"{word} is not a condition, sort, columns or limit: see help find")
    names = [name for name in ",".join(found.get("columns", [])).split(",") if name]
    if "columns" in found and not names:
        raise Invalid("columns needs names, separated by commas: see help find")
    return Clauses(found.get("sort", []), names, _limit(found.get("limit")))


def _limit(words: list[str] | None) -> int | None:
    if words is None:
        return None
    if len(words) != 1 or not re.fullmatch("[0-9]{1,9}", words[0]):
        raise Invalid("limit needs a number: see help find")
    return int(words[0])
