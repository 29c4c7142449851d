"""A figure beside its limit, and the table of all."""
from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

HEADING = ("what", "ours", "against", "ratio", "reach", "ok?")


@dataclass(frozen=True)
class Row:
    """A figure.

    Args:
        what: is measured.
        ours, limit: both in `unit`: `ms`, `s` or `MB`, of which less is better, or something a second, `rows/s`.
        against: what the limit is.
        at_most: so many times the limit are to be reached; or
        at_least: so many times better than the limit is to be reached; neither = for comparison only.
    """

    what: str
    ours: float
    limit: float
    unit: str
    against: str
    at_most: float | None = None
    at_least: float = 0

    @property
    def ratio(self) -> float:
        upwards = self.at_most is not None or self.unit.endswith("/s")
        above, below = (self.ours, self.limit) if upwards else (self.limit, self.ours)
        return above / below if below else float("inf")

    @property
    def ok(self) -> bool:
        return self.ratio >= self.at_least if self.at_most is None else self.ratio <= self.at_most

    def cells(self) -> tuple[str, ...]:
        reach = f"<= {self.at_most:g} x" if self.at_most is not None else (
            f">= {self.at_least:g} x" if self.at_least else "-")
        return (self.what, self._value(self.ours), f"{self._value(self.limit)}, {self.against}",
                f"{_rounded(self.ratio)} x", reach, "-" if reach == "-" else "yes" if self.ok else "MISSED")

    def _value(self, value: float) -> str:
        return f"{_rounded(value)} {self.unit}"


def table(rows: Sequence[Row]) -> str:
    """The rows under a heading, as text."""
    lines = [HEADING, *(row.cells() for row in rows)]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    lines.insert(1, tuple("-" * width for width in widths))
    return "\n".join(" | ".join(map(str.ljust, line, widths)).rstrip() for line in lines)


def _rounded(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"
