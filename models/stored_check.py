"""Validation of stored objects, as in a backup, before an engine stores them."""
from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import cache
from typing import TYPE_CHECKING, Any, NamedTuple

import orjson
from sqlalchemy import Column, Table

import models
from errors import Invalid
from models import passwords
from models.codec import Check, stored_checker
from models.columns import links

if TYPE_CHECKING:
    from models.engine.file.journal import Objects


class StoredCheck:
    """Checks whether an engine can hold objects. They must come in the order of storing, owners first.

    Args:
        in_database: check for the database engine. It also refuses too long texts, too large numbers, ids that are
            not ASCII, unknown attributes and classes, and ids of objects that do not exist.
    """

    def __init__(self, in_database: bool) -> None:
        self._in_database = in_database
        self._ids: dict[str, set[str]] = {cls.__tablename__: set() for cls in models.stored.values()}

    def checked(self, parts: Iterable[Objects]) -> Iterator[Objects]:
        """Yield the same parts, each after its check.

        Raises:
            Invalid: the engine cannot hold an object; the message names the object and the reason.
        """
        for part in parts:
            for reason in self.faults(part):
                raise Invalid(reason)
            yield part

    def faults(self, part: Objects) -> Iterator[str]:
        """Yield a sentence for each reason why the engine cannot hold an object; it begins with the object's key."""
        for key, obj in part.items():
            name, _, id = key.partition(".")
            if name in models.stored:
                checks = _checks_of(name, self._in_database)
                yield from (f"{key}: {reason}" for reason in self._reasons(checks, id, obj))
            elif self._in_database:
                yield f"{key}: a database cannot hold objects of the class {name}"
            elif reason := _too_deep(obj):
                yield f"{key}: {reason}"

    def _reasons(self, checks: _ClassChecks, id: str, obj: Any) -> Iterator[str]:
        if not (id and isinstance(obj, dict)
                and obj.get("id", id) == id and obj.get("__class__", checks.name) == checks.name):
            yield "it is not an object whose id and class match its key"
            return
        ids = self._ids[checks.table.name]
        if id in ids:
            yield "it occurs twice"
        ids.add(id)
        if not obj.keys() <= checks.known:
            if self._in_database:
                yield f"a database cannot hold {', '.join(sorted(obj.keys() - checks.known))}"
            elif deep := _too_deep(obj):
                yield deep
        for column, check in checks.columns:
            reason = self._reason(column, check, id if column.primary_key else obj.get(column.key), obj)
            if reason:
                yield f"{column.key} {reason}"
        for attribute, other in checks.links:
            yield from self._link_faults(attribute, obj.get(attribute), self._ids[other])

    def _reason(self, column: Column[Any], check: Check, value: Any, obj: dict[str, Any]) -> str | None:
        if value is not None and (reason := check(value)):
            return reason
        if not self._in_database or column.primary_key:
            return None
        for key in column.foreign_keys:
            return None if value in self._ids[key.column.table.name] else (
                f"refers to an object that does not exist: {value!r:.64}")
        return "is missing" if column.unique and not value else None

    def _link_faults(self, attribute: str, value: Any, ids: set[str]) -> Iterator[str]:
        if value is None:
            return
        if not (isinstance(value, list) and all(isinstance(each, str) for each in value)):
            yield f"{attribute} must be a list of ids"
        elif self._in_database:
            yield from (f"{attribute} names {each}, which does not exist" for each in value if each not in ids)


class _ClassChecks(NamedTuple):
    """The checks of a class's objects.

    Args:
        links: the attributes that are lists of ids, each with the name of the table that the ids refer to.
    """

    name: str
    table: Table
    columns: list[tuple[Column[Any], Check]]
    links: list[tuple[str, str]]
    known: frozenset[str]


@cache
def _checks_of(name: str, in_database: bool) -> _ClassChecks:
    table: Table = models.stored[name].__table__
    linked = [(attribute, next(iter(pairs.c[1].foreign_keys)).column.table.name)
              for attribute, pairs in links(table).items()]
    return _ClassChecks(name, table, [(column, _check(column, in_database)) for column in table.c], linked,
                        frozenset([*table.c.keys(), *dict(linked), "__class__"]))


def _check(column: Column[Any], in_database: bool) -> Check:
    held = stored_checker(column, in_database)
    if column.key == "password":
        return lambda value: held(passwords.NO_LOGIN if passwords.is_unsafe(value) else value)
    return held


def _too_deep(value: Any) -> str | None:
    try:
        orjson.dumps([value])
    except TypeError:
        return "it is nested too deeply"
    return None
