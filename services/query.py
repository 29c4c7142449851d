"""SQL conditions and orders for attributes that are named in a request or command, and parsers for numbers."""
from __future__ import annotations

import operator
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from sqlalchemy import Column, ColumnElement, func, inspect

from errors import Invalid, meant
from models.base_model import BaseModel
from models.codec import TEXT, check, of
from models.collation import address_key
from models.columns import MailType, unique_key
from services import schema

OPERATORS: dict[str, Callable[[Any, Any], ColumnElement[bool]]] = {
    "=": operator.eq, "!=": operator.ne, "<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge,
    "~": lambda column, value: column.icontains(value, autoescape=True),
}

MAX_FILTER_RELATIONS = 4    # between the filtered class and the attribute of a condition
MAX_COLUMN_RELATIONS = 2    # between the listed class and an attribute to show


class Filter(NamedTuple):
    """A condition, such as `price_by_night < 100`, `city = "Albany"` or `city.state.name = "New York"`.

    Args:
        path: an attribute, such as `name` or, of a related object, `city.name`; `city` is short for `city.name`.
        operator: one of `OPERATORS`; `~` is a case-insensitive "contains".
        value: the value to compare with, as the user typed it.
    """

    path: str
    operator: str
    value: Any


def condition(cls: type[BaseModel], wanted: Filter) -> ColumnElement[bool]:
    """The SQL condition of a filter.

    Raises:
        Invalid: the attribute does not exist, or the value is not valid for it.
    """
    if wanted.path.count(".") > MAX_FILTER_RELATIONS:
        raise Invalid(f"{wanted.path} passes through more than {MAX_FILTER_RELATIONS} relations: shorten it",
                      wanted.path)
    head, _, rest = wanted.path.partition(".")
    relationship = inspect(cls).relationships.get(head)
    if relationship is not None:
        attribute, other = getattr(cls, head), relationship.mapper.class_
        inner = condition(other, wanted._replace(path=rest or "name"))
        related: ColumnElement[bool] = attribute.any(inner) if relationship.uselist else attribute.has(inner)
        return related
    column = _column(cls, wanted.path)
    compared = getattr(cls, head)
    if wanted.operator == "~" and of(column) is not TEXT:
        raise Invalid(f"{wanted.path} is not a text: ~ searches texts only", wanted.path)
    value = schema.convert_typed(column, wanted.value)
    check(column, value)
    if value is None and wanted.operator not in ("=", "!="):
        raise Invalid(f"{wanted.path} {wanted.operator} null is invalid: use = or !=, or put the text null in quotes",
                      wanted.path)
    if isinstance(column.type, MailType) and wanted.operator != "~":
        value = address_key(value) or ""
        compared = unique_key(column) if value and wanted.operator == "=" else _by_key(column)
    return OPERATORS[wanted.operator](compared, value)


def path(cls: type[BaseModel], name: str) -> list[str]:
    """Split a name such as `city.state.name` into the relations and the attribute at the end.

    Raises:
        Invalid: a relation or the attribute does not exist, or there are too many relations.
    """
    found, rest = [], name
    while (relation := inspect(cls).relationships.get(rest.partition(".")[0])) is not None:
        found.append(relation.key)
        cls, rest = relation.mapper.class_, rest.partition(".")[2] or "name"
    if len(found) > MAX_COLUMN_RELATIONS:
        raise Invalid(f"{name} passes through more than {MAX_COLUMN_RELATIONS} relations: shorten it", name)
    return [*found, _column(cls, rest).key]


def order(cls: type[BaseModel], names: Sequence[str],
          hidden: frozenset[str] = schema.NOTHING) -> list[ColumnElement[Any]]:
    """The SQL expressions of an order. `created_at` and `id` are added as the last keys to make the order total.

    Objects whose attribute is null come last in either direction.

    Args:
        names: names of attributes; a leading `-` reverses the order.
        hidden: the names of attributes to refuse, because an order reveals their values.
    Raises:
        Invalid: an attribute does not exist, or is hidden.
    """
    for name in names:
        if name.removeprefix("-") in hidden:
            raise Invalid(f"{name.removeprefix('-')} is private: send a token to sort by it", "sort")
    wanted = [part for name in names for part in _ordered(_column(cls, name.removeprefix("-")), name.startswith("-"))]
    return [*wanted, cls.__table__.c.created_at, cls.__table__.c.id]


def _ordered(column: Any, descending: bool) -> list[ColumnElement[Any]]:
    """The SQL order by a column, always with nulls last, because databases sort nulls differently."""
    last = [column.is_(None)] if column.nullable else []
    key = _by_key(column) if isinstance(column.type, MailType) else column
    return [*last, key.desc() if descending else key]


def number(name: str, text: str, least: int = 0) -> int:
    """Parse a whole number of at most nine digits.

    Args:
        name: the name of the parameter, for the error.
        least: the smallest valid number.
    Raises:
        Invalid: the text is not a whole number, or the number is too small.
    """
    if not (text.isascii() and text.isdigit() and len(text) < 10 and int(text) >= least):
        raise Invalid(f"{name} must be a whole number from {least} to 999999999", name)
    return int(text)


def decimals(name: str, text: str) -> list[float]:
    """Parse numbers separated by commas, such as `-74,42.5`.

    Args:
        name: the name of the parameter, for the error.
    Raises:
        Invalid: a part is not a number.
    """
    try:
        return [float(each) for each in text.split(",")]
    except ValueError:
        raise Invalid(f"{name} must be numbers separated by commas", name) from None


def _by_key(column: Column[Any]) -> ColumnElement[Any]:
    """The key by which e-mail addresses are compared; an empty string for an empty address."""
    return func.coalesce(unique_key(column), "")


def _column(cls: type[BaseModel], name: str) -> Any:
    try:
        return schema.columns(cls)[name]
    except KeyError:
        known = schema.columns(cls)
        raise Invalid(f"{cls.__name__} has no attribute {name}{meant(name, known)}; it has {', '.join(known)}",
                      name) from None
