"""The rows of a CSV file with a heading."""
from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Iterator

from errors import Invalid
from services.transfer.report import Report

LARGEST = 1 << 24       # characters of a cell

_FOREIGN_BYTES = re.compile("[\udc80-\udcff]")

Row = dict[str, str]


class Rows:
    """The rows, each with the line where it begins; those that are none are refused.

    Args:
        lines: the lines of the file; bytes that are no UTF-8 as `surrogateescape` decodes them.
        report: where to refuse.
    Raises:
        Invalid: it has no heading that could be read.
    """

    def __init__(self, lines: Iterable[str], report: Report) -> None:
        csv.field_size_limit(LARGEST)
        self._reader = csv.reader(lines, strict=True)
        self._report = report
        try:
            self.heading = [name.strip() for name in next(self._reader, [])]
        except csv.Error as error:
            raise Invalid(f"line 1: {error}") from error

    def __iter__(self) -> Iterator[tuple[str, Row]]:
        width = len(self.heading)
        for place, cells in self._cells():
            if len(cells) < width or any(cells[width:]):
                self._report.refuse(place, f"it has {len(cells)} columns, and the heading has {width}")
            elif _FOREIGN_BYTES.search("".join(cells)):
                self._report.refuse(place, "it is not UTF-8")
            else:
                yield place, dict(zip(self.heading, cells, strict=False))

    def _cells(self) -> Iterator[tuple[str, list[str]]]:
        while True:
            start = self._reader.line_num + 1
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
