"""The rows of a CSV file with a heading."""
from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Iterator
from itertools import chain

from errors import Invalid
from services.transfer import file_types
from services.transfer.report import Report

LARGEST = 1 << 24       # characters of a cell
LONGEST = 1 << 24       # characters of a row, which may have many lines

_FORMULA = re.compile(r"'*[=+\-@\t\r]")
_FOREIGN_BYTES = re.compile("[\udc80-\udcff]")

Row = dict[str, str]


def guarded(cell: str) -> str:
    """A cell that no spreadsheet takes for a formula: one that begins like that gets a `'` in front."""
    return f"'{cell}" if _FORMULA.match(cell) else cell


def unguarded(cell: str) -> str:
    """The cell that `guarded` was given."""
    return cell[1:] if cell[:1] == "'" and _FORMULA.match(cell) else cell


class Rows:
    """The rows, each with the line where it begins; those that are none are refused.

    Cells are as `guarded` wrote them, or as others did.

    Args:
        lines: the lines of the file; bytes that are no UTF-8 as `surrogateescape` decodes them.
        report: where to refuse.
    Attributes:
        heading: the names of the columns, in small letters with underscores.
    Raises:
        Invalid: it has no heading that could be read, or one with a column twice; later: a row has no end.
    """

    def __init__(self, lines: Iterable[str], report: Report) -> None:
        csv.field_size_limit(LARGEST)
        source = iter(lines)
        first = next(source, "")
        self._reader = csv.reader(self._counted(chain([first], source)), strict=True)
        self._report = report
        self._size = 0      # characters of the row that is being read
        try:
            self.heading = [file_types.column(name) for name in next(self._reader, [])]
        except csv.Error as error:
            raise Invalid(file_types.separated(first) or f"line 1: {error}") from error
        if said := file_types.separated(first):
            raise Invalid(said)
        if name := file_types.repeated(self.heading):
            raise Invalid(f"it has the column {name} more than once: remove or rename one of them")

    def __iter__(self) -> Iterator[tuple[str, Row]]:
        width = len(self.heading)
        for place, cells in self._cells():
            if len(cells) < width or any(cells[width:]):
                self._report.refuse(place, f"it has {len(cells)} columns, and the heading has {width}")
            elif _FOREIGN_BYTES.search("".join(cells)):
                self._report.refuse(place, "it is not UTF-8")
            else:
                yield place, dict(zip(self.heading, map(unguarded, cells), strict=False))

    def _counted(self, lines: Iterable[str]) -> Iterator[str]:
        for number, line in enumerate(lines, 1):
            self._size += len(line)
            if self._size > LONGEST:
                raise Invalid(f"the row that goes on in line {number} is longer than {LONGEST >> 20} MiB: perhaps a "
                              "quote is not closed")
            yield line

    def _cells(self) -> Iterator[tuple[str, list[str]]]:
        while True:
            start, self._size = self._reader.line_num + 1, 0
            try:
                cells = next(self._reader)
            except StopIteration:
                return
            except csv.Error as error:
                end = self._reader.line_num
                self._report.refuse(f"line {start}" if end <= start else f"lines {start} to {end}", f"no CSV: {error}")
                continue
            if cells:
                yield f"line {start}", cells
