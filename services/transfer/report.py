"""The report of an import."""
from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, field

from errors import Invalid
from services.transfer.text import printable, truncate

_SINGULAR = {"were": "was", "they": "it", "their": "its"}
_PLURAL = re.compile(r"(?<!\S)(?:were|they|their)(?!\S)")


@dataclass
class Report:
    """The result of an import.

    Args:
        new, changed, same: the numbers of created, changed and unchanged objects by class.
        refused: the refused rows, each as its place in the file and the reason.
        notes: the number of times that each remark applies.
    """

    new: Counter[str] = field(default_factory=Counter)
    changed: Counter[str] = field(default_factory=Counter)
    same: Counter[str] = field(default_factory=Counter)
    refused: list[tuple[str, str]] = field(default_factory=list)
    notes: Counter[str] = field(default_factory=Counter)

    def refuse(self, place: str, reason: str) -> None:
        """Record that the row at `place`, such as `line 12`, was refused."""
        self.refused.append((printable(place), printable(reason)))

    def truncate(self, text: str, length: int) -> str:
        """Shorten a text to `length` characters if it is longer, and count it."""
        if len(text) > length:
            self.notes["texts that were too long; they were shortened at a word boundary"] += 1
        return truncate(text, length)


def counted(count: int, note: str) -> str:
    """A note with its count: `2 rows were refused`, `1 row was refused`.

    Args:
        note: the note for a count above 1; its first word is a plural noun.
    """
    if count == 1:
        first, space, rest = note.partition(" ")
        note = first.removesuffix("s") + space + _PLURAL.sub(lambda found: _SINGULAR[found[0]], rest)
    return f"{count} {note}"


class Refused(Invalid):
    """The error of an import that was cancelled because rows were refused."""

    def __init__(self, report: Report) -> None:
        super().__init__(f"{counted(len(report.refused), 'rows were refused')}, so nothing was imported")
        self.report = report
