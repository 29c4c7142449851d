"""What is asked for by name: conditions and orders over the models' attributes, and numbers."""
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

DEPTH = 4       # of relations that a condition may go through
SHOWN = 2       # of relations that a value may be shown through


class Filter(NamedTuple):
    """A condition, such as `price_by_night < 100`, `city = "Albany"` or `city.state.name = "New York"`.

    Args:
        path: an attribute, or one of a related object; a related object alone stands for its name.
        operator: one of `OPERATORS`; `~` is "contains", whatever the case.
        value: what to compare with, as typed.
    """

    path: str
    operator: str
    value: Any


def condition(cls: type[BaseModel], wanted: Filter) -> ColumnElement[bool]:
    """The SQL of a filter.

    Raises:
        Invalid: it names no attribute, or the value does not fit.
    """
    if wanted.path.count(".") > DEPTH:
        raise Invalid(f"{wanted.path} goes deeper than {DEPTH} relations", wanted.path)
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
        raise Invalid(f"{wanted.path} is no text, which ~ looks into", wanted.path)
    value = schema.fit(column, wanted.value)
    check(column, value)
    if value is None and wanted.operator not in ("=", "!="):
        raise Invalid(f"{wanted.path} {wanted.operator} null is no condition: use = or !=, or put the text in quotes",
                      wanted.path)
    if isinstance(column.type, MailType) and wanted.operator != "~":
        value = address_key(value) or ""
        compared = unique_key(column) if value and wanted.operator == "=" else _by_key(column)
    return OPERATORS[wanted.operator](compared, value)


def path(cls: type[BaseModel], name: str) -> list[str]:
    """The relations, and the attribute at their end, that a name such as `city.state.name` goes through.

    Raises:
        Invalid: one is not there, or they are too many.
    """
    found, rest = [], name
    while (relation := inspect(cls).relationships.get(rest.partition(".")[0])) is not None:
        found.append(relation.key)
        cls, rest = relation.mapper.class_, rest.partition(".")[2] or "name"
    if len(found) > SHOWN:
        raise Invalid(f"{name} goes deeper than {SHOWN} relations", name)
    return [*found, _column(cls, rest).key]


def order(cls: type[BaseModel], names: Sequence[str],
          hidden: frozenset[str] = schema.NOTHING) -> list[ColumnElement[Any]]:
    """The SQL of an order; `created_at` and `id` come last, so that it is always the same.

    Objects that have none of an attribute come after those that have some, in either direction.

    Args:
        hidden: the names of attributes that it may not be by, as an order tells of their values.
    Raises:
        Invalid: one names no attribute, or one that is not shown.
    """
    for name in names:
        if name.removeprefix("-") in hidden:
            raise Invalid(f"{name.removeprefix('-')} is private: to sort by it takes a token", "sort")
    wanted = [part for name in names for part in _ordered(_column(cls, name.removeprefix("-")), name.startswith("-"))]
    return [*wanted, cls.__table__.c.created_at, cls.__table__.c.id]


def _ordered(column: Any, descending: bool) -> list[ColumnElement[Any]]:
    """The order by a column, in either direction with none last, where each database would put it elsewhere."""
    last = [column.is_(None)] if column.nullable else []
    key = _by_key(column) if isinstance(column.type, MailType) else column
    return [*last, key.desc() if descending else key]


def number(name: str, text: str, least: int = 0) -> int:
    """The whole number that a text is, of at most nine digits.

    Args:
        name: of what is asked for, for the error.
    Raises:
        Invalid: it is none, or less than the least.
    """
    if not (text.isascii() and text.isdigit() and len(text) < 10 and int(text) >= least):
        raise Invalid(f"{name} must be a whole number from {least} to 999999999", name)
    return int(text)


def decimals(name: str, text: str) -> list[float]:
    """The numbers that a text such as `-74,42.5` is.

    Args:
        name: of what is asked for, for the error.
    Raises:
        Invalid: one is none.
    """
    try:
        return [float(each) for each in text.split(",")]
    except ValueError:
        raise Invalid(f"{name} must be numbers with commas between them", name) from None


def _by_key(column: Column[Any]) -> ColumnElement[Any]:
    """An address as addresses are compared; an empty one has no key."""
    return func.coalesce(unique_key(column), "")


def _column(cls: type[BaseModel], name: str) -> Any:
    try:
        return schema.columns(cls)[name]
    except KeyError:
        known = schema.columns(cls)
        raise Invalid(f"{cls.__name__} has no attribute {name}{meant(name, known)}; it has {', '.join(known)}",
                      name) from None
