"""What came of an import."""
from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, field

from errors import Invalid
from services.transfer.text import cut, printable

_SINGULAR = {"were": "was", "they": "it", "their": "its"}
_PLURAL = re.compile(r"(?<!\S)(?:were|they|their)(?!\S)")


@dataclass
class Report:
    """What came of an import: objects by class, rows that were refused and why, and what was noted."""

    new: Counter[str] = field(default_factory=Counter)
    changed: Counter[str] = field(default_factory=Counter)
    same: Counter[str] = field(default_factory=Counter)
    refused: list[tuple[str, str]] = field(default_factory=list)
    notes: Counter[str] = field(default_factory=Counter)

    def refuse(self, place: str, reason: str) -> None:
        """Say that the row at `place` (such as `line 12`) was not taken."""
        self.refused.append((printable(place), printable(reason)))

    def cut(self, text: str, length: int) -> str:
        """Cut a text at a word, and count it."""
        if len(text) > length:
            self.notes["texts that were too long; they were cut at a word"] += 1
        return cut(text, length)


def counted(count: int, note: str) -> str:
    """A note with its count: `2 rows were refused`, `1 row was refused`.

    Args:
        note: about several; its first word is what is counted, in the plural.
    """
    if count == 1:
        first, space, rest = note.partition(" ")
        note = first.removesuffix("s") + space + _PLURAL.sub(lambda found: _SINGULAR[found[0]], rest)
    return f"{count} {note}"


class Refused(Invalid):
    """Rows were refused, so nothing was imported."""

    def __init__(self, report: Report) -> None:
        super().__init__(f"{counted(len(report.refused), 'rows were refused')}, so nothing was imported")
        self.report = report
