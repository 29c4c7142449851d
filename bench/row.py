"""Measurements beside their references, and their table."""
from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

HEADING = ("measurement", "HBNB", "reference", "ratio", "target", "met?")


@dataclass(frozen=True)
class Row:
    """A measurement and its target, which is relative to a reference. Without a target, it is for information only.

    Args:
        name: a description of the measurement.
        hbnb, reference: the two values.
        unit: their unit: `ms`, `s` or `MB` if less is better, or a rate such as `rows/s`.
        against: a description of the reference.
        at_most: the target if less is better: the maximum of `hbnb` / `reference`.
        at_least: the target otherwise: HBNB must be better than the reference by this factor.
    """

    name: str
    hbnb: float
    reference: float
    unit: str
    against: str
    at_most: float | None = None
    at_least: float = 0

    @property
    def ratio(self) -> float:
        upwards = self.at_most is not None or self.unit.endswith("/s")
        above, below = (self.hbnb, self.reference) if upwards else (self.reference, self.hbnb)
        return above / below if below else float("inf")

    @property
    def is_met(self) -> bool:
        return self.ratio >= self.at_least if self.at_most is None else self.ratio <= self.at_most

    def cells(self) -> tuple[str, ...]:
        target = f"<= {self.at_most:g} x" if self.at_most is not None else (
            f">= {self.at_least:g} x" if self.at_least else "-")
        return (self.name, self._value(self.hbnb), f"{self._value(self.reference)}, {self.against}",
                f"{rounded(self.ratio)} x", target, "-" if target == "-" else "yes" if self.is_met else "MISSED")

    def _value(self, value: float) -> str:
        return f"{rounded(value)} {self.unit}"


def table(rows: Sequence[Row]) -> str:
    """Format rows as a text table with a heading."""
    lines = [HEADING, *(row.cells() for row in rows)]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    lines.insert(1, tuple("-" * width for width in widths))
    return "\n".join(" | ".join(map(str.ljust, line, widths)).rstrip() for line in lines)


def rounded(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"
