"""A model seen from outside, read off its columns: what may come in, and what goes out."""
from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from types import MappingProxyType
from typing import Any

from sqlalchemy import Column, ColumnElement, Table, literal_column

from errors import Invalid
from models import codec, passwords
from models.base_model import BaseModel
from models.codec import blank, check, null_means_unknown, required
from models.columns import TIMES

# What every object has, and nobody gives it.
GIVEN = ("id", *TIMES)
NOTHING: frozenset[str] = frozenset()


def columns(cls: type[BaseModel], hidden: frozenset[str] = NOTHING) -> Mapping[str, Column[Any]]:
    """The attributes of a class by name, but for those that no answer holds.

    Args:
        hidden: the names of attributes to leave out.
    """
    return _shown(cls.__table__, hidden)


@cache
def _shown(table: Table, hidden: frozenset[str]) -> Mapping[str, Column[Any]]:
    return MappingProxyType({column.key: column for column in table.c
                             if not column.info.get("write_only") and column.key not in hidden})


def writable(cls: type[BaseModel], made: bool) -> dict[str, Column[Any]]:
    """The attributes that may be set, when an object is made or later."""
    return {column.key: column for column in cls.__table__.c
            if column.key not in GIVEN and (made or not column.info.get("read_only"))}


def missing(cls: type[BaseModel], data: Mapping[str, Any], references: bool) -> None:
    """Refuse what lacks an attribute that must be given.

    Args:
        references: look at the ids of other objects only, or at everything else only.
    Raises:
        Invalid: `Missing` and the first that is.
    """
    for name, column in writable(cls, made=True).items():
        if required(column) and bool(column.foreign_keys) == references and name not in data:
            raise Invalid(f"Missing {name}", name)


def clean(cls: type[BaseModel], data: Mapping[str, Any], made: bool) -> dict[str, Any]:
    """Check input against the columns.

    What an answer holds may be sent back: what cannot be changed is passed over.

    Args:
        data: values by name.
        made: for a new object, of which nothing required may be missing; else for a change of one.
    Returns: the values to set.
    Raises:
        Invalid: names the first attribute that is missing, unknown, or has a value that does not fit.
    """
    if made:
        missing(cls, data, references=True)
        missing(cls, data, references=False)
    allowed, known = writable(cls, made), {column.key for column in cls.__table__.c} | {"__class__"}
    values = {}
    for name, value in data.items():
        if name not in known:
            raise Invalid(f"Unknown attribute: {name}", name)
        if name in allowed:
            if made and value is None and null_means_unknown(allowed[name]):
                raise Invalid(f"{name} must not be null; leave it out for {blank(allowed[name])}", name)
            values[name] = _fitting(allowed[name], value)
    return values


def sound(column: Column[Any], value: Any) -> Any:
    """Check one value. Returns: what is to be kept of it, which of a chosen password is a hash.

    Raises:
        Invalid: names the attribute and says what it takes.
    """
    if value is None and not column.nullable:
        raise Invalid(f"{column.key} must not be null", column.key)
    check(column, value)
    return passwords.hash_new(value) if column.info.get("write_only") and value else value


class Null(str):
    """The word `null` that a user typed without quotes."""


NULL = Null("null")


def fit(column: Column[Any], value: Any) -> Any:
    """Read what a person typed as the type of a column, where it can be read so.

    `NULL` is none if the column takes none; if not, it is a text as any other.
    """
    if isinstance(value, Null):
        value = None if column.nullable else str(value)
    return value if isinstance(value, bool) else codec.convert_if_possible(codec.of(column).word, value)


def selected(cls: type[BaseModel], everything: bool = False,
             hidden: frozenset[str] = NOTHING) -> list[ColumnElement[Any]]:
    """The columns of the JSON form, as a database is to give them.

    Args:
        everything: with those that no answer holds.
        hidden: the names of attributes to leave out.
    """
    return [*map(codec.select_json, cls.__table__.c if everything else columns(cls, hidden).values())]


def form(cls: type[BaseModel], hidden: frozenset[str] = NOTHING) -> list[ColumnElement[Any]]:
    """The columns whose rows are the JSON form: what `to_dict` says of each object."""
    return [*selected(cls, hidden=hidden), literal_column(f"'{cls.__name__}'").label("__class__")]


def _fitting(column: Column[Any], value: Any) -> Any:
    kept = sound(column, codec.convert_if_possible(codec.of(column).accept, value))
    if isinstance(value, str) and required(column) and not value.strip():
        raise Invalid(f"{column.key} must not be empty", column.key)
    return kept


def definition(cls: type[BaseModel], private: frozenset[str], whole: bool = True) -> dict[str, Any]:
    """The JSON Schema of an object, as answers hold it.

    Args:
        private: the names of attributes that not every client is shown.
        whole: with every attribute that all clients are shown; else with any of them.
    """
    shown = {name: _property(column) for name, column in columns(cls).items()}
    for name in private:
        shown[name]["description"] = "In staging and production, only a client with a token is shown it"
    shown["__class__"] = {"type": "string", "const": cls.__name__}
    found = {"type": "object", "properties": shown}
    return found | {"required": [*columns(cls, private), "__class__"]} if whole else found


def input_definition(cls: type[BaseModel], made: bool, parent: str | None = None) -> dict[str, Any]:
    """The JSON Schema of input.

    Args:
        made: for a new object, or else for a change of one.
        parent: the attribute that the path gives.
    """
    given = {name: column for name, column in writable(cls, made).items() if name != parent}
    # What an answer holds may be sent back, and is passed over, whatever it is.
    passed_over: dict[str, Any] = {name: {} for name in [*cls.__table__.c.keys(), "__class__"] if name not in given}
    needed = [name for name, column in given.items() if made and required(column)]
    properties = {name: _property(column, given=True, made=made) for name, column in given.items()} | passed_over
    return {"type": "object", "properties": properties, "additionalProperties": False} | (
        {"required": needed} if needed else {})


def _property(column: Column[Any], given: bool = False, made: bool = False) -> dict[str, Any]:
    """The JSON Schema of a column's values; those that are given may be refused for more, and so for a new object."""
    found = codec.of(column).schema(column, given)
    if column.nullable and not (made and null_means_unknown(column)):
        kinds = found["type"]
        found["type"] = [*([kinds] if isinstance(kinds, str) else kinds), "null"]
    return found
