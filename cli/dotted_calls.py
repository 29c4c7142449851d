"""Parser for calls, `Class.command(arguments)`, with double, single or no quotes."""
from __future__ import annotations

import re
from typing import Any, NamedTuple

from cli import lexer
from errors import Invalid
from services.schema import NULL

_CALL = re.compile(r"\s*(\w+)\.(\w+)\((.*)\)\s*", re.DOTALL)
_NUMBER = re.compile(r"[-+]?(?:[0-9]{1,1000}(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][-+]?[0-9]+)?")
_CONSTANTS = {"None": None, "null": None, "True": True, "true": True, "False": False, "false": False}
# A word without quotes. It may contain an apostrophe between letters, but no other quote and no bracket.
_PLAIN = re.compile(r"""(?:[^"'()\[\]{}]|(?<=\w)'(?=\w))+""")
DEPTH = 5       # maximum nesting of lists and dicts


class Call(NamedTuple):
    """A command that was written as a call; `arguments` is the text between its brackets."""

    cls: str
    command: str
    arguments: str


def call(line: str) -> Call | None:
    """Parse `Class.command(…)`; `None` if the line is not a call."""
    found = _CALL.fullmatch(line)
    return Call(*found.groups()) if found else None


def arguments(text: str) -> list[Any]:
    """Parse the text between the brackets: words, dicts and lists, separated by commas.

    A word is a string, with or without quotes; `null` without quotes becomes `NULL`. In a dict or a list, a word
    without quotes may also be a number, True, False or None.

    Raises:
        Invalid: the text cannot be parsed.
    """
    reader, found = _Reader(text), []
    while not reader.is_at_end():
        found.append(reader.value(",", typed=False))
        reader.take(",")
    return found


def value(text: str) -> Any:
    """Parse one dict, list or word.

    Raises:
        Invalid: the text cannot be parsed.
    """
    return _Reader(text).value("", typed=True)


class _Reader:
    """A recursive descent parser."""

    def __init__(self, text: str) -> None:
        self._text, self._position = text, 0

    def is_at_end(self) -> bool:
        self._skip_spaces()
        return self._position == len(self._text)

    def take(self, sign: str) -> bool:
        """Skip a character if it is next. Returns: whether it was."""
        if self.is_at_end() or self._text[self._position] != sign:
            return False
        self._position += 1
        return True

    def value(self, ends: str, typed: bool, depth: int = 0) -> Any:
        """Parse a value, and stop before one of the characters `ends`.

        Args:
            typed: whether a word without quotes may be a number, True, False or None.
        """
        if depth > DEPTH:
            raise _unreadable()
        if self.take("{"):
            parsed: Any = self._dict(depth)
        elif self.take("["):
            parsed = self._list(depth)
        else:
            return self._word(ends, typed)
        if not self._ends(ends):
            raise _unreadable()
        return parsed

    def _dict(self, depth: int) -> dict[str, Any]:
        parsed: dict[str, Any] = {}
        while not self.take("}"):
            name = self._word(":,}", typed=False)
            if not self.take(":"):
                raise _unreadable()
            parsed[name] = self.value(",}", True, depth + 1)
            self._separate("}")
        return parsed

    def _list(self, depth: int) -> list[Any]:
        parsed: list[Any] = []
        while not self.take("]"):
            parsed.append(self.value(",]", True, depth + 1))
            self._separate("]")
        return parsed

    def _separate(self, end: str) -> None:
        if not self.take(",") and not (self._ends(end) and not self.is_at_end()):
            raise _unreadable()

    def _word(self, ends: str, typed: bool) -> Any:
        self._skip_spaces()
        quoted = lexer.QUOTED.match(self._text, self._position)
        if quoted:
            start, self._position = self._position, quoted.end()
            if self._ends(ends):
                return lexer.text(quoted[0])
            self._position = start
        unquoted = re.compile(rf'(?:"(?:\\.|[^"\\])*"|[^{re.escape(ends)}])*' if ends else ".*", re.DOTALL)
        found = unquoted.match(self._text, self._position)
        text = found[0] if found else ""
        self._position += len(text)
        text = text.strip()
        if text.startswith(('"', "'")) or (typed and not _PLAIN.fullmatch(text)):
            raise _unreadable()
        if typed:
            return _typed(text)
        return NULL if text == NULL else text

    def _ends(self, ends: str) -> bool:
        return self.is_at_end() or self._text[self._position] in ends

    def _skip_spaces(self) -> None:
        while self._position < len(self._text) and self._text[self._position].isspace():
            self._position += 1


def _typed(text: str) -> Any:
    if text in _CONSTANTS:
        return _CONSTANTS[text]
    if not _NUMBER.fullmatch(text):
        return text
    return float(text) if re.search(r"[.eE]", text) else int(text)


def _unreadable() -> Invalid:
    return Invalid("The arguments cannot be parsed: close each quote and bracket, put texts in quotes, and separate "
                   "values with commas: see help update")
