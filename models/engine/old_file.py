"""Objects of a file that an older HBNB wrote, made ours: what `models.migrations` does for a database.

Opening such a file and importing it read its objects by the same `read`, so both take, mend and refuse the same.
"""
from __future__ import annotations

import json
import logging
import math
import re
import reprlib
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache
from typing import Any, NamedTuple

import orjson
from sqlalchemy import Column, String

import models
from errors import Invalid
from models import older, passwords
from models.base_model import parse_time, unknown
from models.columns import TIMES, KeyType, MailType, links
from models.engine.journal import Objects
from models.values import checker

# Makes a text of a column ours.
Mend = Callable[[Column[Any], str], str]

REFUSED = "Refused"     # before the key of an object that was refused, in the file
SHOWN = 20              # refused objects that are named
_HALF = re.compile("[\ud800-\udfff]")
_WHOLE = re.compile(r"\s*[+-]?\d+(\.0*)?\s*", re.ASCII)
_NUMBER = re.compile(r"\s*[+-]?\d+(\.\d*)?([eE][+-]?\d+)?\s*", re.ASCII)
_LARGEST = 2**63


class Found(NamedTuple):
    """An object of an older store as one of ours.

    Args:
        obj: each value in its column's type; what is not set is left out.
        unknown: the names of attributes that HBNB does not know, which it lacks.
        mended: whether a value is not as it stood there.
    """

    obj: dict[str, Any]
    unknown: list[str]
    mended: bool


def read(key: str, obj: Any, mend: Mend) -> Found:
    """Make an object of an older store one of ours.

    Args:
        mend: makes texts ours, once they are texts.
    Raises:
        Invalid: it is no object that could be used; says why.
    """
    name, _, id = key.partition(".")
    if not isinstance(obj, dict) or obj.get("__class__", name) != name or _as_text(obj.get("id", id)) != id:
        raise Invalid("it is not the object that its key names")
    if name not in models.stored:
        raise Invalid(f"there is no class {name}")
    if not id:
        raise Invalid("Missing id")
    readers, unknowns, foreign, mended = _readers(name), _unknowns(name), [], False
    texts = _texts(name) if mend is ours else ()
    found: dict[str, Any] = {"id": id, "__class__": name}
    for each, value in obj.items():
        if each in texts and type(value) is str and value.isascii() and "<" not in value:
            found[each] = value     # as most are: the readers would give the same, and take longer
            continue
        reader = readers.get(each)
        if reader is None:
            foreign.append(each)
        elif value is not None:
            found[each] = new = reader(value, mend)
            mended = mended or (new is not value and (new != value or type(new) is not type(value)))
        elif each in unknowns:
            found[each] = None
    return Found(found, foreign, mended)


def ours(column: Column[Any], text: str) -> str:
    """A text with the letters that were meant, and line breaks where it has `<BR />`."""
    if text.isascii() and "<" not in text:
        return text
    text = older.likely_letters(text)
    is_line = isinstance(column.type, MailType) or column.info.get("write_only")
    return text if is_line else older.lines(text)


@dataclass
class Opening:
    """What came of opening an old file.

    Args:
        mended: how many objects are not as they stood in the file.
        refused: why an object cannot be used, by its key.
        unknown: how many objects have an attribute that HBNB does not know, by `Class.attribute`.
    """

    mended: int = 0
    refused: dict[str, str] = field(default_factory=dict)
    unknown: Counter[str] = field(default_factory=Counter)

    def take(self, part: Objects) -> Objects:
        """The objects of a part of the file as they are to be loaded; those that are refused, as they are to be kept.
        """
        taken: Objects = {}
        for key, obj in part.items():
            try:
                taken[key], foreign, mended = read(key, obj, ours)
            except Invalid as error:
                self.refused[key] = str(error)
                self.mended += passwords.hide(obj, older.likely_letters)
                taken |= _aside(key, obj, str(error))
                continue
            self.mended += mended
            if foreign:
                self.unknown.update(f"{taken[key]['__class__']}.{name}" for name in foreign)
        return taken

    def say(self, path: str) -> None:
        """Log what was left out, if anything was."""
        log = logging.getLogger("hbnb")
        if self.unknown:
            names = ", ".join(f"{name} ({count})" for name, count in sorted(self.unknown.items()))
            count = self.unknown.total()
            log.warning("%s: %d %s left out: %s", path, count, "attribute that HBNB does not know was" if count == 1
                        else "attributes that HBNB does not know were", names)
        if self.refused:
            named = [f"{key} ({reason})" for key, reason in [*self.refused.items()][:SHOWN]]
            more = f", and {len(self.refused) - SHOWN} more" if len(self.refused) > SHOWN else ""
            count = len(self.refused)
            log.warning("%s: %d %s in the file: %s%s", path, count,
                        "object cannot be used, and was left out; it stays" if count == 1
                        else "objects cannot be used, and were left out; they stay",
                        "; ".join(named).encode(errors="replace").decode(), more)


def _aside(key: str, obj: Any, reason: str) -> Objects:
    """What to keep of an object that cannot be used: all of it, as its passwords are hidden."""
    try:    # as it is, if a strict reader of JSON gives the same back
        if orjson.loads(orjson.dumps({key: obj})) == {key: obj}:
            is_foreign = key.partition(".")[0] not in models.stored
            return {key: obj} if is_foreign else {f"{REFUSED}.{key}": {"reason": reason, "object": obj}}
    except (TypeError, orjson.JSONDecodeError):
        pass
    safe = key.encode(errors="backslashreplace").decode()
    return {f"{REFUSED}.{safe}": {"reason": reason, "object": json.dumps(obj)}}


# How a value of an older store is read, by the type of its column.

@cache
def _readers(name: str) -> dict[str, Callable[[Any, Mend], Any]]:
    table = models.stored[name].__table__
    readers = {column.key: _reader(column, mends=name in models.classes) for column in table.c}
    return {"__class__": lambda value, _: value, **readers, **{each: _ids(each) for each in links(table)}}


@cache
def _texts(name: str) -> frozenset[str]:
    """The attributes that are texts."""
    columns = models.stored[name].__table__.c
    return frozenset(column.key for column in columns if column.key not in TIMES and column.type.python_type is str)


@cache
def _unknowns(name: str) -> frozenset[str]:
    """The attributes of which null says that they are unknown."""
    return frozenset(column.key for column in models.stored[name].__table__.c if unknown(column))


def _reader(column: Column[Any], mends: bool) -> Callable[[Any, Mend], Any]:
    if column.key in TIMES:
        return _time(column.key)
    kind = column.type.python_type
    if kind is not str:
        return _number(column, whole=kind is int)
    return _text(column, mends and not isinstance(column.type, KeyType)
                 and (type(column.type) is String or isinstance(column.type, MailType)))


def _as_text(value: Any) -> Any:
    return str(value) if isinstance(value, (int, float)) and not isinstance(value, bool) else value


def _refuse(column: Column[Any], value: Any) -> Invalid:
    return Invalid(f"{column.key} {checker(column)(value) or 'is out of range'}", column.key)


def _text(column: Column[Any], mends: bool) -> Callable[[Any, Mend], str]:
    def read(value: Any, mend: Mend) -> str:
        text = value if type(value) is str else _as_text(value)
        if not isinstance(text, str) or (not text.isascii() and _HALF.search(text)):
            raise _refuse(column, value)
        return mend(column, text) if mends else text
    return read


def _number(column: Column[Any], whole: bool) -> Callable[[Any, Mend], int | float]:
    def read(value: Any, _: Mend) -> int | float:
        if type(value) is int and -_LARGEST <= value < _LARGEST:
            return value
        number = value
        if isinstance(value, str) and (_WHOLE if whole else _NUMBER).fullmatch(value) and len(value) < 100:
            number = int(value.partition(".")[0]) if whole else float(value)
        elif whole and isinstance(value, float) and value.is_integer():
            number = int(value)
        if isinstance(number, bool) or not isinstance(number, int if whole else (int, float)) or (
                not math.isfinite(number) if isinstance(number, float) else not -_LARGEST <= number < _LARGEST):
            raise _refuse(column, number)
        return number
    return read


def _time(name: str) -> Callable[[Any, Mend], Any]:
    def read(value: Any, _: Mend) -> Any:
        try:
            parse_time(value)
        except (TypeError, ValueError, OverflowError):
            raise Invalid(f"{name}: {_short.repr(value)} is no time", name) from None
        return value
    return read


def _ids(name: str) -> Callable[[Any, Mend], list[str]]:
    def read(value: Any, _: Mend) -> list[str]:
        if type(value) is list and {*map(type, value)} == {str} and "".join(value).isascii():
            return value
        ids = [each for each in map(_as_text, value) if isinstance(each, str)] if isinstance(value, list) else []
        if not isinstance(value, list) or len(ids) < len(value):
            raise Invalid(f"{name} must be a list of ids", name)
        # Half a character names nothing, and could not be stored.
        return [each.encode(errors="backslashreplace").decode() for each in ids]
    return read


_short = reprlib.Repr()
_short.maxstring, _short.maxlevel = 60, 2
