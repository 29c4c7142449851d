"""Compiled statements: SQL text made once for a statement that is sent often."""
from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from sqlalchemy import Dialect, Engine, Executable, Float

Row = dict[str, Any]        # values by column name
Rows = list[Row]
Tuples = list[tuple[Any, ...]]
_Convert = Callable[[Any], Any]


class Compiled:
    """The SQL of a statement in one dialect.

    Args:
        statement: its values are `bindparam`s.
        engine: the engine that will execute the SQL.
    """

    def __init__(self, statement: Executable, engine: Engine) -> None:
        compiled: Any = statement.compile(     # type: ignore[attr-defined]
            engine, compile_kwargs={"render_postcompile": True})
        self.text = str(compiled)
        # Some compilers add parameters.
        self._values = [(name, compiled.params[name], _bind(compiled.binds.get(name), engine.dialect))
                        for name in compiled.positiontup or ()]
        columns = [*getattr(statement, "selected_columns", ())]
        self._all_converters = [_result(column, engine.dialect) for column in columns]
        self._converters = {column.key: convert for column, convert in zip(columns, self._all_converters, strict=True)
                            if convert}

    def ordered(self, values: Mapping[str, Any]) -> tuple[Any, ...]:
        """Return values in the order of their placeholders in the SQL."""
        return tuple([values.get(name, own) if convert is None else convert(values.get(name, own))
                      for name, own, convert in self._values])

    def converted(self, rows: Rows) -> Rows:
        """Convert the values of rows to the Python types of their columns, in place."""
        for name, convert in self._converters.items():
            for row in rows:
                row[name] = convert(row[name])
        return rows

    def converted_tuples(self, rows: Tuples) -> Tuples:
        """Convert the values of rows likewise, in new rows if necessary."""
        if not self._converters:
            return rows
        return [tuple([value if convert is None else convert(value)
                       for value, convert in zip(row, self._all_converters, strict=True)]) for row in rows]


def _bind(parameter: Any, dialect: Dialect) -> _Convert | None:
    if parameter is None:
        return None
    found: _Convert | None = parameter.type.dialect_impl(dialect).bind_processor(dialect)
    return found


def _result(column: Any, dialect: Dialect) -> _Convert | None:
    if isinstance(column.type, Float):      # drivers return floats already
        return None
    found: _Convert | None = column.type.dialect_impl(dialect).result_processor(dialect, None)
    return found
