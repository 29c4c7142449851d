"""Reading the dotted form, `Class.command(arguments)`, as people write it: with quotes of either kind, or without."""
from __future__ import annotations

import re
from typing import Any, NamedTuple

from cli import lexer
from errors import Invalid
from services.schema import NULL

_CALL = re.compile(r"\s*(\w+)\.(\w+)\((.*)\)\s*", re.DOTALL)
_NUMBER = re.compile(r"[-+]?(?:[0-9]{1,1000}(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][-+]?[0-9]+)?")
_CONSTANTS = {"None": None, "null": None, "True": True, "true": True, "False": False, "false": False}
# A word without quotes: an apostrophe may stand between letters, but no other quote and no bracket.
_PLAIN = re.compile(r"""(?:[^"'()\[\]{}]|(?<=\w)'(?=\w))+""")
DEPTH = 5       # of lists and dicts in one another


class Call(NamedTuple):
    """A command that was written as a call; `given` is what stands in its brackets."""

    cls: str
    command: str
    given: str


def call(line: str) -> Call | None:
    """Read `Class.command(…)`; `None` if the line is none."""
    found = _CALL.fullmatch(line)
    return Call(*found.groups()) if found else None


def arguments(given: str) -> list[Any]:
    """Read what stands in the brackets: words with commas between them, each in quotes or without, dicts and lists.

    A word stays the text that it is; `NULL` is `null` without quotes. In a dict or a list, what has no quotes may be a
    number, a truth value or none.

    Raises:
        Invalid: it cannot be read.
    """
    reader, found = _Reader(given), []
    while not reader.is_at_end():
        found.append(reader.value(",", typed=False))
        reader.take(",")
    return found


def value(given: str) -> Any:
    """Read one dict, list or word.

    Raises:
        Invalid: it cannot be read.
    """
    return _Reader(given).value("", typed=True)


class _Reader:
    """Reads a text from its start to its end."""

    def __init__(self, given: str) -> None:
        self._given, self._at = given, 0

    def is_at_end(self) -> bool:
        self._pass_spaces()
        return self._at == len(self._given)

    def take(self, sign: str) -> bool:
        """Pass a sign, if it stands here, or the end of the text."""
        if self.is_at_end() or self._given[self._at] not in sign:
            return False
        self._at += 1
        return True

    def value(self, ends: str, typed: bool, depth: int = 0) -> Any:
        """Read a value, and stop before one of the signs that end it.

        Args:
            typed: whether what has no quotes is more than a text.
        """
        if depth > DEPTH:
            raise _unreadable()
        if self.take("{"):
            read: Any = self._dict(depth)
        elif self.take("["):
            read = self._list(depth)
        else:
            return self._word(ends, typed)
        if not self._ends(ends):
            raise _unreadable()
        return read

    def _dict(self, depth: int) -> dict[str, Any]:
        read: dict[str, Any] = {}
        while not self.take("}"):
            name = self._word(":,}", typed=False)
            if not self.take(":"):
                raise _unreadable()
            read[name] = self.value(",}", True, depth + 1)
            self._separate("}")
        return read

    def _list(self, depth: int) -> list[Any]:
        read = []
        while not self.take("]"):
            read.append(self.value(",]", True, depth + 1))
            self._separate("]")
        return read

    def _separate(self, end: str) -> None:
        if not self.take(",") and not (self._ends(end) and not self.is_at_end()):
            raise _unreadable()

    def _word(self, ends: str, typed: bool) -> Any:
        self._pass_spaces()
        quoted = lexer.QUOTED.match(self._given, self._at)
        if quoted:
            start, self._at = self._at, quoted.end()
            if self._ends(ends):
                return lexer.text(quoted[0])
            self._at = start
        bare = re.compile(rf'(?:"(?:\\.|[^"\\])*"|[^{re.escape(ends)}])*' if ends else ".*", re.DOTALL)
        found = bare.match(self._given, self._at)
        text = found[0] if found else ""
        self._at += len(text)
        text = text.strip()
        if text.startswith(('"', "'")) or (typed and not _PLAIN.fullmatch(text)):
            raise _unreadable()
        if typed:
            return _typed(text)
        return NULL if text == NULL else text

    def _ends(self, ends: str) -> bool:
        return self.is_at_end() or self._given[self._at] in ends

    def _pass_spaces(self) -> None:
        while self._at < len(self._given) and self._given[self._at].isspace():
            self._at += 1


def _typed(text: str) -> Any:
    if text in _CONSTANTS:
        return _CONSTANTS[text]
    if not _NUMBER.fullmatch(text):
        return text
    return float(text) if re.search(r"[.eE]", text) else int(text)


def _unreadable() -> Invalid:
    return Invalid("What stands in the brackets cannot be read: close each quote and bracket, put texts in quotes "
                   "and commas between them, and see help update")
