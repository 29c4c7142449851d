"""Validation of input, and JSON Schema, derived from the columns of the models."""
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

# HBNB sets these attributes of every object itself.
AUTOMATIC = ("id", *TIMES)
NOTHING: frozenset[str] = frozenset()


def columns(cls: type[BaseModel], hidden: frozenset[str] = NOTHING) -> Mapping[str, Column[Any]]:
    """The columns of a class by name, without write-only ones such as the password.

    Args:
        hidden: the names of attributes to leave out.
    """
    return _shown(cls.__table__, hidden)


@cache
def _shown(table: Table, hidden: frozenset[str]) -> Mapping[str, Column[Any]]:
    return MappingProxyType({column.key: column for column in table.c
                             if not column.info.get("write_only") and column.key not in hidden})


def on_request(cls: type[BaseModel]) -> frozenset[str]:
    """The attributes that a response has only if `fields` names them."""
    return _on_request(cls.__table__)


@cache
def _on_request(table: Table) -> frozenset[str]:
    return frozenset(column.key for column in table.c if column.info.get("on_request"))


def writable(cls: type[BaseModel], is_new: bool) -> dict[str, Column[Any]]:
    """The columns that input may set, for a new object or for a change of one."""
    return {column.key: column for column in cls.__table__.c
            if column.key not in AUTOMATIC and (is_new or not column.info.get("read_only"))}


def require(cls: type[BaseModel], data: Mapping[str, Any], references: bool) -> None:
    """Raise an error unless all required attributes are present.

    Args:
        references: whether to check the foreign keys, or all other attributes.
    Raises:
        Invalid: names the first missing attribute.
    """
    for name, column in writable(cls, is_new=True).items():
        if required(column) and bool(column.foreign_keys) == references and name not in data:
            raise Invalid(f"Missing {name}", name)


def clean(cls: type[BaseModel], data: Mapping[str, Any], is_new: bool) -> dict[str, Any]:
    """Validate input against the columns.

    Attributes that cannot be set are ignored, so that a client may send back an object as it received it.

    Args:
        data: values by the names of attributes.
        is_new: whether the input is for a new object, which needs all required attributes, or for a change of one.
    Returns: the values to set.
    Raises:
        Invalid: an attribute is missing or unknown, or its value is invalid; names the first one.
    """
    if is_new:
        require(cls, data, references=True)
        require(cls, data, references=False)
    allowed, known = writable(cls, is_new), {column.key for column in cls.__table__.c} | {"__class__"}
    values = {}
    for name, value in data.items():
        if name not in known:
            raise Invalid(f"Unknown attribute: {name}", name)
        if name in allowed:
            if is_new and value is None and null_means_unknown(allowed[name]):
                raise Invalid(f"{name} must not be null: leave it out, and it will be {blank(allowed[name])}", name)
            values[name] = _converted(allowed[name], value)
    return values


def validated(column: Column[Any], value: Any) -> Any:
    """Validate one value.

    Returns: the value to store; for a password, its hash.
    Raises:
        Invalid: the value is invalid; names the attribute and the valid values.
    """
    if value is None and not column.nullable:
        raise Invalid(f"{column.key} must not be null", column.key)
    check(column, value)
    return passwords.hash_new(value) if column.info.get("write_only") and value else value


class Null(str):
    """The word `null` that a user typed without quotes."""


NULL = Null("null")


def convert_typed(column: Column[Any], value: Any) -> Any:
    """Convert a value that a user typed to the type of a column; a value that cannot be converted stays unchanged.

    `NULL` becomes `None` if the column is nullable, else the text `null`.
    """
    if isinstance(value, Null):
        value = None if column.nullable else str(value)
    return value if isinstance(value, bool) else codec.convert_if_possible(codec.of(column).word, value)


def selected(cls: type[BaseModel], everything: bool = False,
             hidden: frozenset[str] = NOTHING) -> list[ColumnElement[Any]]:
    """The SQL columns of the JSON form of a class.

    Args:
        everything: whether to include write-only columns.
        hidden: the names of attributes to leave out.
    """
    return [*map(codec.select_json, cls.__table__.c if everything else columns(cls, hidden).values())]


def form(cls: type[BaseModel], hidden: frozenset[str] = NOTHING) -> list[ColumnElement[Any]]:
    """The SQL columns whose rows are the JSON form of the objects, equal to the result of `to_dict`."""
    return [*selected(cls, hidden=hidden), literal_column(f"'{cls.__name__}'").label("__class__")]


def _converted(column: Column[Any], value: Any) -> Any:
    checked = validated(column, codec.convert_if_possible(codec.of(column).accept, value))
    if isinstance(value, str) and required(column) and not value.strip():
        raise Invalid(f"{column.key} must not be empty", column.key)
    return checked


def definition(cls: type[BaseModel], private: frozenset[str], whole: bool = True) -> dict[str, Any]:
    """The JSON Schema of an object in a response.

    Args:
        private: the names of attributes that only some clients may read.
        whole: whether all attributes that are not private are required.
    """
    left_out = on_request(cls) if whole else NOTHING
    shown = {name: _property(column) for name, column in columns(cls, left_out).items()}
    for name in private:
        shown[name]["description"] = "In staging and production, only clients with a token may read this"
    shown["__class__"] = {"type": "string", "const": cls.__name__}
    found = {"type": "object", "properties": shown}
    return found | {"required": [*columns(cls, private | left_out), "__class__"]} if whole else found


def input_definition(cls: type[BaseModel], is_new: bool, parent: str | None = None) -> dict[str, Any]:
    """The JSON Schema of input.

    Args:
        is_new: whether the input is for a new object, or for a change of one.
        parent: the name of the attribute whose value is in the path of the route.
    """
    accepted = {name: column for name, column in writable(cls, is_new).items() if name != parent}
    # The other attributes are ignored, with any value, so that a client may send back an object as it received it.
    ignored: dict[str, Any] = {name: {} for name in [*cls.__table__.c.keys(), "__class__"] if name not in accepted}
    needed = [name for name, column in accepted.items() if is_new and required(column)]
    properties = {name: _property(column, is_input=True, is_new=is_new) for name, column in accepted.items()} | ignored
    return {"type": "object", "properties": properties, "additionalProperties": False} | (
        {"required": needed} if needed else {})


def _property(column: Column[Any], is_input: bool = False, is_new: bool = False) -> dict[str, Any]:
    """The JSON Schema of a column's values; the schema of input is stricter, and that of a new object still more."""
    found = codec.of(column).schema(column, is_input)
    if column.nullable and not (is_new and null_means_unknown(column)):
        kinds = found["type"]
        found["type"] = [*([kinds] if isinstance(kinds, str) else kinds), "null"]
    return found
