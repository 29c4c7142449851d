"""Reading of CSV files with a header."""
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


def escape_formula(cell: str) -> str:
    """Prefix a cell with `'` if a spreadsheet would read it as a formula."""
    return f"'{cell}" if _FORMULA.match(cell) else cell


def unescape_formula(cell: str) -> str:
    """Undo `escape_formula`."""
    return cell[1:] if cell[:1] == "'" and _FORMULA.match(cell) else cell


class Rows:
    """Iterates over the rows, each with its place in the file, such as `line 12`; reports and skips invalid rows.

    Cells may be escaped by `escape_formula`.

    Args:
        lines: the lines of the file, decoded with `surrogateescape`.
        report: receives the refused rows.
    Attributes:
        heading: the names of the columns, in lower case with underscores.
    Raises:
        Invalid: the header is invalid or repeats a column. While iterating: a row is too long.
    """

    def __init__(self, lines: Iterable[str], report: Report) -> None:
        csv.field_size_limit(LARGEST)
        source = iter(lines)
        first = next(source, "")
        self._reader = csv.reader(self._counted(chain([first], source)), strict=True)
        self._report = report
        self._size = 0      # characters of the current row
        try:
            self.heading = [file_types.column_name(name) for name in next(self._reader, [])]
        except csv.Error as error:
            raise Invalid(file_types.wrong_separator(first) or f"line 1: invalid CSV: {error}") from error
        if reason := file_types.wrong_separator(first):
            raise Invalid(reason)
        if name := file_types.duplicate(self.heading):
            raise Invalid(f"the column {name} occurs more than once: remove or rename one of them")

    def __iter__(self) -> Iterator[tuple[str, Row]]:
        width = len(self.heading)
        for place, cells in self._cells():
            if len(cells) < width or any(cells[width:]):
                self._report.refuse(place, f"it has {len(cells)} columns, but the header has {width}")
            elif _FOREIGN_BYTES.search("".join(cells)):
                self._report.refuse(place, "it is not valid UTF-8: save the file as UTF-8")
            else:
                yield place, dict(zip(self.heading, map(unescape_formula, cells), strict=False))

    def _counted(self, lines: Iterable[str]) -> Iterator[str]:
        for number, line in enumerate(lines, 1):
            self._size += len(line)
            if self._size > LONGEST:
                raise Invalid(f"the row that continues in line {number} is longer than {LONGEST >> 20} MiB: perhaps a "
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
                place = f"line {start}" if end <= start else f"lines {start} to {end}"
                self._report.refuse(place, f"invalid CSV: {error}")
                continue
            if cells:
                yield f"line {start}", cells
