"""Codecs: how the values of each column type are checked, and converted to and from JSON.

API responses, exports, backups and the file engine's file share one JSON form. To add a column type, add a type to
`columns.py` and a row to `CODECS`; all other modules read that row.
"""
from __future__ import annotations

import datetime
import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import orjson
from sqlalchemy import Column, ColumnElement, Table

from errors import Invalid
from models.columns import TIMES, KeyType, iso

Check = Callable[[Any], str | None]
Convert = Callable[[Any], Any]

# The range of MySQL's INTEGER; the file engine limits new values to it, too.
LEAST, MOST = -2**31, 2**31 - 1
# The range of SQLite's INTEGER: older files may hold such numbers.
SMALLEST, LARGEST = -2**63, 2**63 - 1
NEVER = "1970-01-01T00:00:00.000000"    # the time of a stored object without a time
# Texts have no control characters except tabs and line breaks. Required texts have a visible character.
TEXT_PATTERN = r"^[^\x00-\x08\x0b\x0c\x0e-\x1f\x7f]*$"
FILLED_PATTERN = r"^[^\x00-\x08\x0b\x0c\x0e-\x1f\x7f]*[^\x00-\x20\x7f\x85\xa0][^\x00-\x08\x0b\x0c\x0e-\x1f\x7f]*$"
UNREADABLE = (TypeError, ValueError, OverflowError)     # what a conversion raises for a value that it cannot convert

_KEY = re.compile("[!-~]{1,60}")
# Control characters except tabs and line breaks, and lone surrogates (halves of a character in UTF-16).
_NO_TEXT = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff]")
_HALF = re.compile("[\ud800-\udfff]")
_BROKEN = r"must be valid Unicode, but holds half of a character, such as \ud83d without \ude00"


@dataclass(frozen=True)
class Codec:
    """The codec of a column type. A conversion raises one of `UNREADABLE` if it cannot convert the value."""

    python: type[Any]                                   # the Python type of the values
    noun: str                                           # what error messages call a value
    blank: Callable[[], Any]                            # returns the value of a required attribute that is not set
    check: Callable[[Column[Any]], Check]               # returns the check of new values
    stored: Callable[[Column[Any], bool], Check]        # returns the check of stored JSON: see `stored_checker`
    schema: Callable[[Column[Any], bool], dict[str, Any]]       # returns the JSON Schema; True = of request bodies
    word: Convert                                       # converts a word typed in the console
    write: Convert | None = None                        # converts to JSON; None = the value is the same in JSON
    read: Convert | None = None                         # converts stored JSON; None = likewise
    accept: Convert = lambda value: value               # converts a client's JSON; Python values pass unchanged
    affinity: str = "TEXT"                              # the column's type in SQLite
    pack: Convert | None = None                         # converts stored JSON to SQLite's value; None = the same


def of(column: Column[Any]) -> Codec:
    """Return the codec of a column's type."""
    return CODECS[column.type.python_type]


@cache
def json_codecs(table: Table) -> Mapping[str, Codec]:
    """Return the codecs of the columns whose values have another form in JSON, by attribute."""
    return {column.key: each for column in table.c if (each := of(column)).read}


# Checks

def check(column: Column[Any], value: Any) -> None:
    """Refuse a value that does not fit its column. `None` fits every column: it means "not set".

    Raises:
        Invalid: the value does not fit; the message names the attribute and its allowed values.
    """
    reason = None if value is None else checker(column)(value)
    if reason:
        raise Invalid(f"{column.key} {reason}", column.key)


@cache
def checker(column: Column[Any]) -> Check:
    """Return the check of a column's values: it returns the reason against a value, or `None` if the value fits."""
    return of(column).check(column)


@cache
def stored_checker(column: Column[Any], in_database: bool) -> Check:
    """Return the check of stored JSON values: it accepts every value that the engine can hold in the column.

    Args:
        in_database: check for the database engine; False = for the file engine.
    """
    return of(column).stored(column, in_database)


def all_fit(column: Column[Any], values: Sequence[Any]) -> bool:
    """Return whether all values fit the column; this is much faster than checking them one by one."""
    present = [value for value in values if value is not None]
    kinds = {*map(type, present)}
    if kinds == {str} and of(column) is TEXT and not (isinstance(column.type, KeyType) or "choices" in column.info):
        return max(map(len, present)) <= _length(column) and not _NO_TEXT.search("".join(present))
    if kinds == {datetime.datetime}:
        return of(column) is TIME
    return not any(map(checker(column), present))


# Values that are not set

def required(column: Column[Any]) -> bool:
    return not column.nullable and column.default is None


def null_means_unknown(column: Column[Any]) -> bool:
    """Return whether null means "unknown" in the column, which differs from "not set": that reads as the default."""
    return bool(column.nullable) and column.default is not None


def blank(column: Column[Any]) -> Any:
    """Return the value that an unset attribute reads as: its default; `None` if it is nullable; else an empty value."""
    default: Any = column.default
    if default is not None:
        return default.arg(None) if default.is_callable else getattr(default, "arg", None)
    return None if column.nullable or column.key in TIMES else of(column).blank()


def is_missing(column: Column[Any], values: Mapping[str, Any]) -> bool:
    """Return whether a stored object has no value for a column. Null counts as a value only if it means "unknown"."""
    return values.get(column.key) is None and not (null_means_unknown(column) and column.key in values)


@cache
def stored_blank(column: Column[Any]) -> Any:
    """Return the JSON value to use for a column that a stored object lacks."""
    return NEVER if column.key in TIMES else to_json(blank(column))


# Conversions

def to_json(value: Any) -> Any:
    """Convert a value of any column to its JSON form."""
    return next((write(value) for kind, write in _WRITERS if isinstance(value, kind)), value)


def convert_if_possible(convert: Convert, value: Any) -> Any:
    """Convert a value, or return it unchanged if it cannot be converted: the check then reports it."""
    try:
        return convert(value)
    except UNREADABLE:
        return value


def select_json(column: Column[Any]) -> ColumnElement[Any]:
    """Return the SQL expression of a column's JSON form, labelled with the column's name."""
    return iso(column).label(column.key) if of(column).read else column


def parse_time(text: str) -> datetime.datetime:
    """Parse an ISO 8601 time, with a `T` or a space, with or without fractions of a second; UTC if it has no offset.

    Raises:
        ValueError: the text is not such a time.
    """
    time = datetime.datetime.fromisoformat(text)
    return time if time.tzinfo is None else in_utc(time)


def in_utc(time: datetime.datetime) -> datetime.datetime:
    """Convert a time to UTC without an offset. A time without an offset is in UTC already."""
    return time if time.tzinfo is None else time.astimezone(datetime.UTC).replace(tzinfo=None)


def time_text(time: datetime.datetime) -> str:
    """Format a time by `TIME_FORMAT`; `strftime` would not pad years before 1000."""
    return time.isoformat(timespec="microseconds")


def _packed_time(text: str) -> str:
    """Format an ISO 8601 time by `TIME_FORMAT`. Most times have this format already: parsing them is enough.

    Raises:
        ValueError: the text is not such a time.
    """
    time = datetime.datetime.fromisoformat(text)
    is_formatted = time.tzinfo is None and len(text) == 26 and text[4:20:3] == "--T::."
    return text if is_formatted else time_text(in_utc(time))


def parse_day(text: str) -> datetime.date:
    """Parse a day, in the form `2027-01-31` only.

    Raises:
        ValueError: the text is not such a day.
    """
    day = datetime.date.fromisoformat(text)
    if day.isoformat() != text:
        raise ValueError(f"{text} must be written as {day}")
    return day


# The functions of the codecs

def _text(column: Column[Any]) -> Check:
    length, is_key, choices = _length(column), isinstance(column.type, KeyType), column.info.get("choices")

    def check(value: Any) -> str | None:
        if not isinstance(value, str):
            return "must be a text"
        if choices and value not in choices:
            return f"must be one of {', '.join(choices)}"
        if is_key and not (_KEY.fullmatch(value) or (value == "" and not column.primary_key)):
            return "must be an id: at most 60 letters, digits and punctuation characters of ASCII, and no space"
        if len(value) > length:
            return f"must have at most {length} characters, not {len(value)}"
        if found := _NO_TEXT.search(value):
            return _BROKEN if _HALF.match(found[0]) else "must not hold control characters"
        return None
    return check


def _number(column: Column[Any]) -> Check:
    least, most = column.info.get("least", LEAST), column.info.get("most", MOST)
    whole = of(column) is WHOLE

    def check(value: Any) -> str | None:
        if not isinstance(value, int if whole else (int, float)) or isinstance(value, bool):
            return "must be a whole number" if whole else "must be a number"
        # NaN fails this comparison, too.
        return None if least <= value <= most else f"must be from {least:g} to {most:.10g}"
    return check


def _json(*_: Any) -> Check:
    def check(value: Any) -> str | None:
        if not isinstance(value, (dict, list)):
            return "must be a JSON object or list"
        deep = [[[[[[[[value]]]]]]]]    # at least as deep as its place in any response, file or backup
        try:
            fits = orjson.loads(orjson.dumps(deep)) == deep
        except UNREADABLE:
            fits = False
        return None if fits else "holds a value that JSON does not have, or is nested too deeply"
    return check


def _stored_text(column: Column[Any], in_database: bool) -> Check:
    length = _length(column) if in_database else math.inf
    rules = checker(column) if in_database and isinstance(column.type, KeyType) else None

    def check(value: Any) -> str | None:
        if not isinstance(value, str):
            return "must be a text"
        if rules:
            return rules(value)
        if len(value) > length:
            return f"must have at most {length} characters, not {len(value)}"
        return None if value.isascii() or not _HALF.search(value) else _BROKEN
    return check


def _stored_number(column: Column[Any], in_database: bool) -> Check:
    whole = of(column) is WHOLE
    least, most = (LEAST, MOST) if in_database and whole else (SMALLEST, LARGEST)

    def check(value: Any) -> str | None:
        if isinstance(value, float) and not whole:
            return None if math.isfinite(value) else "must be a finite number"
        if not isinstance(value, int) or isinstance(value, bool):
            return "must be a whole number" if whole else "must be a number"
        return None if least <= value <= most else f"must be from {least} to {most}"
    return check


def _readable(column: Column[Any], _: bool) -> Check:
    codec = of(column)
    read: Any = codec.read

    def check(value: Any) -> str | None:
        try:
            read(value)
        except UNREADABLE:
            return f"is not a {codec.noun}"
        return None
    return check


def _length(column: Column[Any]) -> float:
    return getattr(column.type, "length", None) or math.inf


def _text_schema(column: Column[Any], given: bool) -> dict[str, Any]:
    if choices := column.info.get("choices"):
        return {"type": "string", "enum": [*choices]}
    found = {"type": "string", "maxLength": getattr(column.type, "length", None)}
    filled = {"minLength": 1, "pattern": FILLED_PATTERN} if required(column) else {}
    return {**found, "pattern": TEXT_PATTERN, **filled} if given else found


def _number_schema(column: Column[Any], _: bool) -> dict[str, Any]:
    return {"type": "integer" if of(column) is WHOLE else "number",
            "minimum": column.info.get("least", LEAST), "maximum": column.info.get("most", MOST)}


def _packed_json(value: Any) -> str:
    if reason := _json()(value):
        raise ValueError(reason)
    return orjson.dumps(value).decode()


def _to(kind: Callable[[Any], Any], *kinds: type[Any]) -> Convert:
    """Return a conversion of the values of these types; other values are returned unchanged."""
    return lambda value: kind(value) if isinstance(value, kinds) else value


TEXT = Codec(str, "text", str, _text, _stored_text, _text_schema, word=_to(str, int, float))
WHOLE = Codec(
    int, "whole number", int, _number, _stored_number, _number_schema, word=_to(int, str, int), affinity="INTEGER",
    accept=lambda value: int(value) if isinstance(value, float) and value.is_integer() else value)  # 2.0 is accepted
NUMBER = Codec(
    float, "number", float, _number, _stored_number, _number_schema, word=_to(float, str, int), affinity="REAL",
    accept=lambda value: float(value) if type(value) is int else value)
TIME = Codec(
    datetime.datetime, "time", lambda: parse_time(NEVER),
    lambda _: lambda value: None if isinstance(value, datetime.datetime) else "must be a time", _readable,
    lambda *_: {"type": "string", "pattern": r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}$",
                "examples": ["2026-01-31T10:00:00.000000"],
                "description": "A time in UTC, to the microsecond, without an offset"},
    word=_to(parse_time, str), write=time_text, read=parse_time, pack=_packed_time,
    accept=lambda value: in_utc(value) if isinstance(value, datetime.datetime) else parse_time(value))
DAY = Codec(
    datetime.date, "day", lambda: parse_day("1970-01-01"),
    lambda _: lambda value: None if type(value) is datetime.date else "must be a day such as 2027-01-31", _readable,
    lambda *_: {"type": "string", "format": "date", "examples": ["2027-01-31"]},
    word=_to(parse_day, str), write=datetime.date.isoformat, read=parse_day, pack=lambda text: str(parse_day(text)),
    accept=lambda value: value if isinstance(value, datetime.date) else parse_day(value))
JSON = Codec(
    dict, "JSON object or list", dict, _json, _json, lambda *_: {"type": ["object", "array"]},
    word=_to(orjson.loads, str), pack=_packed_json)

CODECS: dict[type[Any], Codec] = {each.python: each for each in (TEXT, WHOLE, NUMBER, TIME, DAY, JSON)}
_WRITERS = [(each.python, each.write) for each in CODECS.values() if each.write]
DATED = tuple(kind for kind, _ in _WRITERS)     # the Python types whose values are text in JSON: times and days
