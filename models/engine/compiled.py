"""Statements that are sent often: compiled once, and given to the driver as text."""
from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from sqlalchemy import Dialect, Engine, Executable, Float

Row = dict[str, Any]        # by the names of the columns
Rows = list[Row]
_Convert = Callable[[Any], Any]


class Compiled:
    """The SQL of a statement for one kind of database.

    Args:
        statement: its values stand as `bindparam`s.
        engine: a connection of this engine will be given the SQL.
    """

    def __init__(self, statement: Executable, engine: Engine) -> None:
        compiled: Any = statement.compile(     # type: ignore[attr-defined]
            engine, compile_kwargs={"render_postcompile": True})
        self.text = str(compiled)
        # Some compilers add values of their own.
        self._values = [(name, compiled.params[name], _bind(compiled.binds.get(name), engine.dialect))
                        for name in compiled.positiontup or ()]
        self._converters = {column.key: convert for column in getattr(statement, "selected_columns", ())
                            if (convert := _result(column, engine.dialect))}

    def ordered(self, values: Mapping[str, Any]) -> tuple[Any, ...]:
        """Values by name, in the order of their places in the SQL."""
        return tuple([values.get(name, own) if convert is None else convert(values.get(name, own))
                      for name, own, convert in self._values])

    def converted(self, rows: Rows) -> Rows:
        """The rows with the types of their columns, which are changed in place."""
        for name, convert in self._converters.items():
            for row in rows:
                row[name] = convert(row[name])
        return rows


def _bind(parameter: Any, dialect: Dialect) -> _Convert | None:
    if parameter is None:
        return None
    found: _Convert | None = parameter.type.dialect_impl(dialect).bind_processor(dialect)
    return found


def _result(column: Any, dialect: Dialect) -> _Convert | None:
    if isinstance(column.type, Float):      # drivers give floats by themselves
        return None
    found: _Convert | None = column.type.dialect_impl(dialect).result_processor(dialect, None)
    return found
