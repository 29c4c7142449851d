"""Reading what `find` and `count` are asked: conditions, and the words that end them."""
from __future__ import annotations

import re
from typing import NamedTuple

from cli import lexer
from errors import Invalid
from services.query import Filter


class Clauses(NamedTuple):
    """What stands after the conditions of `find`."""

    sort: list[str]
    columns: list[str]
    limit: int | None


def conditions(given: list[str]) -> list[Filter]:
    """Take the conditions that stand first among some words, which are left without them."""
    found = []
    while given and given[0] not in lexer.CLAUSES and (condition := lexer.take_condition(given)):
        found.append(Filter(*condition))
    return found


def clauses(given: list[str]) -> Clauses:
    """Read what stands after the conditions.

    Raises:
        Invalid: it cannot be read.
    """
    found: dict[str, list[str]] = {}
    for word in given:
        if word in lexer.CLAUSES and word not in found:
            current = found[word] = []
        elif found:
            current.append(lexer.bare(word))
        else:
            raise Invalid(f"{word} is no condition, nor sort, columns or limit: see help find")
    names = [name for name in ",".join(found.get("columns", [])).split(",") if name]
    if "columns" in found and not names:
        raise Invalid("columns takes names with commas between them: see help find")
    return Clauses(found.get("sort", []), names, _limit(found.get("limit")))


def _limit(given: list[str] | None) -> int | None:
    if given is None:
        return None
    if len(given) != 1 or not re.fullmatch("[0-9]{1,9}", given[0]):
        raise Invalid("limit takes a number: see help find")
    return int(given[0])
