"""Conversion of the objects in an older HBNB's file, as `migrations` does it for a database.

The file engine and the import use the same `Reader`, so both accept, correct and refuse the same objects.
"""
from __future__ import annotations

import datetime
import json
import logging
import math
import re
import reprlib
from collections import Counter
from collections.abc import Callable, Sequence, Set
from dataclasses import dataclass, field
from functools import cache
from itertools import chain
from operator import attrgetter
from typing import Any, NamedTuple

import orjson
from sqlalchemy import Column, String

import models
from errors import Invalid
from legacy import texts
from models import passwords
from models.codec import (
    LARGEST,
    NUMBER,
    SMALLEST,
    TEXT,
    TIME,
    WHOLE,
    checker,
    null_means_unknown,
    of,
    stored_checker,
)
from models.columns import MailType, links
from models.engine.file.journal import Objects

# Replaces `<BR />` by line breaks in a text of a column.
Breaks = Callable[[Column[Any], str], str]
Read = Callable[[Any], Any]

REFUSED = "Refused"     # the prefix, in the file, of the key of a refused object
SHOWN = 20              # refused objects that the log names
_WHOLE = re.compile(r"\s*[+-]?\d+(\.0*)?\s*", re.ASCII)
_NUMBER = re.compile(r"\s*[+-]?\d+(\.\d*)?([eE][+-]?\d+)?\s*", re.ASCII)


class ConvertedObject(NamedTuple):
    """A converted object of an older store.

    Args:
        obj: the object; values have their columns' types, and unset attributes are left out.
        unknown: the names of attributes that HBNB does not know; they were left out.
        converted: whether a value was changed.
    """

    obj: dict[str, Any]
    unknown: list[str]
    converted: bool


class Reader:
    """Converts objects of an older store.

    Args:
        breaks: makes the line breaks of a text, after its encoding was corrected.
    """

    def __init__(self, breaks: Breaks) -> None:
        self._breaks = breaks
        self._readers: dict[str, dict[str, Read]] = {}

    def read(self, key: str, obj: Any, plain: Set[str] = frozenset()) -> ConvertedObject:
        """Convert an object.

        Args:
            plain: attributes that need no conversion, as `plain_attributes` returns them.
        Raises:
            Invalid: the object cannot be used; the message says why.
        """
        name, _, id = key.partition(".")
        if not isinstance(obj, dict) or obj.get("__class__", name) != name or (
                (own := obj.get("id", id)) != id and _as_text(own) != id):
            raise Invalid("it is not an object whose id and class match its key")
        if name not in models.stored:
            raise Invalid(f"there is no class {name}")
        if not id:
            raise Invalid("Missing id")
        if obj.keys() <= plain and id.isascii():
            complete = obj.get("id") == id and "__class__" in obj
            return ConvertedObject(obj if complete else obj | {"id": id, "__class__": name}, [], False)
        readers, unknowns, foreign, converted = self._of(name), _unknowns(name), [], False
        found: dict[str, Any] = {"id": readers["id"](id), "__class__": name}
        for each, value in obj.items():
            reader = readers.get(each)
            if each in plain:
                found[each] = value
            elif reader is None:
                foreign.append(each)
            elif value is not None:
                found[each] = new = reader(value)
                converted = converted or (new is not value and (new != value or type(new) is not type(value)))
            elif each in unknowns:
                found[each] = None
        return ConvertedObject(found, foreign, converted)

    def _of(self, name: str) -> dict[str, Read]:
        """Return the readers of a class's values, by attribute."""
        if name not in self._readers:
            table = models.stored[name].__table__
            readers = {column.key: _reader(column, self._breaks if name in models.classes else None)
                       for column in table.c}
            self._readers[name] = {"__class__": lambda value: value, **readers, **{
                each: _ids(each) for each in links(table)}}
        return self._readers[name]


def plain_attributes(name: str, objects: Sequence[dict[str, Any]]) -> Set[str]:
    """Return the attributes that need no conversion in any of these objects of a class.

    All values of an attribute are checked together, which is much faster than reading each.
    """
    table = models.stored[name].__table__
    tests: dict[str, Callable[[list[Any]], bool]] = {column.key: _plain_test(column) for column in table.c}
    tests |= dict.fromkeys(links(table), _are_plain_ids)
    unknowns, found = _unknowns(name), {"__class__"}
    for each, test in tests.items():
        values = [obj[each] for obj in objects if each in obj]
        if each in unknowns:
            values = [value for value in values if value is not None]
        if not values or test(values):
            found.add(each)
    return found


@dataclass
class Conversion:
    """The result of opening an older HBNB's file.

    Args:
        converted: the number of changed objects.
        refused: the reasons why objects cannot be used, by their keys.
        unknown: the number of objects with an attribute that HBNB does not know, by `Class.attribute`.
    """

    converted: int = 0
    refused: dict[str, str] = field(default_factory=dict)
    unknown: Counter[str] = field(default_factory=Counter)

    def convert(self, part: Objects) -> Objects:
        """Convert the objects of a part of the file. Refused objects are returned under keys that keep them aside."""
        taken: Objects = {}
        groups: dict[str, list[dict[str, Any]]] = {}
        for key, obj in part.items():
            if isinstance(obj, dict):
                groups.setdefault(key.partition(".")[0], []).append(obj)
        plains = {name: plain_attributes(name, objects) for name, objects in groups.items() if name in models.stored}
        for key, obj in part.items():
            try:
                taken[key], foreign, converted = _READER.read(key, obj, plains.get(key.partition(".")[0], frozenset()))
            except Invalid as error:
                self.refused[key] = str(error)
                self.converted += passwords.hash_nested(obj, texts.fix_encoding_if_clear)
                taken |= _aside(key, obj, str(error))
                continue
            self.converted += converted
            if foreign:
                self.unknown.update(f"{taken[key]['__class__']}.{name}" for name in foreign)
        return taken

    def log(self, path: str) -> None:
        """Log the attributes and objects that were left out, if there are any."""
        log = logging.getLogger("hbnb")
        if self.unknown:
            names = ", ".join(f"{name} ({count})" for name, count in sorted(self.unknown.items()))
            count = self.unknown.total()
            log.warning("%s: %d unknown %s left out: %s",
                        path, count, "attribute was" if count == 1 else "attributes were", names)
        if self.refused:
            named = [f"{key} ({reason})" for key, reason in [*self.refused.items()][:SHOWN]]
            more = f", and {len(self.refused) - SHOWN} more" if len(self.refused) > SHOWN else ""
            summary = ("1 object cannot be used and was left out; it stays" if len(self.refused) == 1 else
                       f"{len(self.refused)} objects cannot be used and were left out; they stay")
            log.warning("%s: %s in the file: %s%s",
                        path, summary, "; ".join(named).encode(errors="replace").decode(), more)


def _aside(key: str, obj: Any, reason: str) -> Objects:
    """Return a refused object in the form in which the file keeps it; its passwords are hashed already."""
    try:    # unchanged, if a strict JSON parser reads it back equal
        if orjson.loads(orjson.dumps({key: obj})) == {key: obj}:
            is_foreign = key.partition(".")[0] not in models.stored
            return {key: obj} if is_foreign else {f"{REFUSED}.{key}": {"reason": reason, "object": obj}}
    except (TypeError, orjson.JSONDecodeError):
        pass
    safe = key.encode(errors="backslashreplace").decode()
    return {f"{REFUSED}.{safe}": {"reason": reason, "object": json.dumps(obj)}}


# Readers: they convert a value of an older store, by the type of its column.

_READER = Reader(lambda _, text: texts.fix_line_breaks(text))


@cache
def _unknowns(name: str) -> frozenset[str]:
    """Return the attributes for which null means "unknown"."""
    return frozenset(column.key for column in models.stored[name].__table__.c if null_means_unknown(column))


def _reader(column: Column[Any], breaks: Breaks | None) -> Read:
    kind = of(column)
    if kind in (WHOLE, NUMBER):
        return _number(column, whole=kind is WHOLE)
    if kind is not TEXT:
        return _held(column)
    is_text = type(column.type) is String or isinstance(column.type, MailType)
    return _text(column, breaks) if breaks and is_text else _key(column)


def _as_text(value: Any) -> Any:
    return str(value) if isinstance(value, (int, float)) and not isinstance(value, bool) else value


def _refuse(column: Column[Any], value: Any) -> Invalid:
    return Invalid(f"{column.key} {checker(column)(value) or 'is out of range'}", column.key)


def _key(column: Column[Any]) -> Read:
    held = stored_checker(column, in_database=False)

    def read(value: Any) -> str:
        text = value if type(value) is str else _as_text(value)
        if held(text):
            raise _refuse(column, value)
        return str(text)
    return read


def _text(column: Column[Any], breaks: Breaks) -> Read:
    key = _key(column)
    is_line = isinstance(column.type, MailType) or column.info.get("write_only")

    def read(value: Any) -> str:
        text = texts.fix_encoding_if_clear(key(value))
        return text if is_line else breaks(column, text)
    return read


def _number(column: Column[Any], whole: bool) -> Read:
    held = stored_checker(column, in_database=False)

    def read(value: Any) -> int | float:
        number = value
        if isinstance(value, str) and (_WHOLE if whole else _NUMBER).fullmatch(value) and len(value) < 100:
            number = int(value.partition(".")[0]) if whole else float(value)
        elif whole and isinstance(value, float) and value.is_integer():
            number = int(value)
        if held(number):
            raise _refuse(column, number)
        return number  # type: ignore[no-any-return]
    return read


def _held(column: Column[Any]) -> Read:
    held = stored_checker(column, in_database=False)

    def read(value: Any) -> Any:
        if reason := held(value):
            raise Invalid(f"{column.key}: {_short.repr(value)} {reason}", column.key)
        return value
    return read


def _ids(name: str) -> Read:
    def read(value: Any) -> list[str]:
        ids = [each for each in map(_as_text, value) if isinstance(each, str)] if isinstance(value, list) else []
        if not isinstance(value, list) or len(ids) < len(value):
            raise Invalid(f"{name} must be a list of ids", name)
        # A lone surrogate is in no id, and could not be stored.
        return [each.encode(errors="backslashreplace").decode() for each in ids]
    return read


# Checks for values that the readers would not change.

def _plain_test(column: Column[Any]) -> Callable[[list[Any]], bool]:
    kind = of(column)
    if kind in (WHOLE, NUMBER):
        return lambda values: _are_numbers(kind.python, values)
    held = stored_checker(column, in_database=False)
    return _PLAIN_TESTS.get(kind.python) or (lambda values: not any(map(held, values)))


def _are_plain_texts(values: list[Any]) -> bool:
    return {*map(type, values)} == {str} and (text := "".join(values)).isascii() and "<" not in text


def _are_numbers(kind: type[Any], values: list[Any]) -> bool:
    return {*map(type, values)} == {kind} and all(map(math.isfinite, values)) and (
        kind is float or (min(values) >= SMALLEST and max(values) <= LARGEST))


def _are_times(values: list[Any]) -> bool:
    try:
        # Without an offset, as converting one to UTC may overflow.
        return {*map(type, values)} == {str} and {
            *map(attrgetter("tzinfo"), map(datetime.datetime.fromisoformat, values))} == {None}
    except ValueError:
        return False


_PLAIN_TESTS = {TEXT.python: _are_plain_texts, TIME.python: _are_times}


def _are_plain_ids(values: list[Any]) -> bool:
    if {*map(type, values)} != {list}:
        return False
    ids = [*chain.from_iterable(values)]
    return not ids or _are_plain_texts(ids)


_short = reprlib.Repr()
_short.maxstring, _short.maxlevel = 60, 2
