"""Lexer of console lines: words, quotes, conditions. It evaluates nothing, and accepts any input."""
from __future__ import annotations

import json
import re

from errors import Invalid
from services.schema import NULL

_IN_DOUBLE = r'"(?:\\.|[^"\\])*"'
_IN_SINGLE = r"'(?:\\.|[^'\\])*'"
# Characters other than white space; within a pair of quotes, white space too. A single quote in the middle of a word,
# and a quote without a matching one, are ordinary characters.
_WORD = re.compile(rf"(?:{_IN_DOUBLE}|(?<![^\s=<>~]){_IN_SINGLE}(?!\S)|\S)+", re.DOTALL)
QUOTED = re.compile(f"{_IN_DOUBLE}|{_IN_SINGLE}", re.DOTALL)
_DOUBLE = re.compile(_IN_DOUBLE, re.DOTALL)
_ESCAPE = re.compile(r"""\\(?:([ntr"'\\_])|x([0-9a-fA-F]{2})|(u[0-9a-fA-F]{4}(?:\\u[0-9a-fA-F]{4})*))|(_)""")
_BREAKS = {"n": "\n", "t": "\t", "r": "\r"}
_INTEGER = re.compile(r"[-+]?[0-9]{1,300}")
_FLOAT = re.compile(r"[-+]?(?:[0-9]+\.[0-9]*|\.[0-9]+)(?:[eE][-+]?[0-9]{1,3})?")
_SECRET = re.compile("password|hbnbp?_[0-9a-f]{8}-", re.IGNORECASE)
_NAME = re.compile(r"[A-Za-z_][\w.]*")
_OPERATOR = "!=|<=|>=|=|<|>|~"
_CONDITION = re.compile(rf"({_NAME.pattern})\s*({_OPERATOR})\s*(.*)", re.DOTALL)
CLAUSES = ("sort", "columns", "limit")      # the words that end the conditions of `find`


def split(line: str) -> list[str]:
    """The words of a line. Quotes are kept."""
    return _WORD.findall(line)


def bare(word: str) -> str:
    """A word without the quotes around it."""
    return text(word) if QUOTED.fullmatch(word) else word


def is_open(word: str) -> bool:
    """Whether a word begins with a quote but does not end with the same quote."""
    return word.startswith(('"', "'")) and not QUOTED.fullmatch(word)


def value(word: str) -> str:
    """A word as a value, without the quotes around it; `null` without quotes becomes `NULL`.

    Raises:
        Invalid: its quote is not closed.
    """
    if is_open(word):
        raise Invalid("Close the quote: a text that begins with a quote must end with the same quote. In it, write a "
                      "backslash before such a quote")
    return NULL if word == NULL else bare(word)


def text(quoted: str, spaces: bool = False) -> str:
    r"""The text of a quoted word: `\n` becomes a line break, `\t` a tab, `\"` a quote, `\\` a backslash.

    `\xNN`, `\uNNNN`, `\r`, `\'` and `\_` are escapes too; any other backslash is an ordinary character.

    Args:
        spaces: whether `_` means a space.
    """
    def read(found: re.Match[str]) -> str:
        letter, byte, codes, underscore = found.groups()
        if underscore:
            return " " if spaces else "_"
        if codes:
            return str(json.loads(f'"{found[0]}"'))
        return chr(int(byte, 16)) if byte else _BREAKS.get(letter, letter)
    return _ESCAPE.sub(read, quoted[1:-1])


def parameter(word: str) -> tuple[str, str | int | float] | None:
    """Parse `name="text"`, `name=12` or `name=1.5`; in the text, `_` means a space.

    Returns: name and value; `None` if the word has another form.
    """
    name, equals, value = word.partition("=")
    if not equals or not name.isidentifier():
        return None
    if _DOUBLE.fullmatch(value):
        return name, text(value, spaces=True)
    read = number(value)
    return None if read is None else (name, read)


def condition(word: str) -> tuple[str, str, str] | None:
    """Parse `name<value`, with any operator of `find`; `None` if it is not a condition. The value keeps its quotes."""
    found = _CONDITION.fullmatch(bare(word))
    return (found[1], found[2], found[3]) if found else None


def take_condition(words: list[str]) -> tuple[str, str, str] | None:
    """Remove a leading condition, with or without spaces around its operator, from a list of words.

    Returns: name, operator and value; `None` if the words do not begin with a condition.
    Raises:
        Invalid: the quote of the value is not closed.
    """
    first, taken = "".join(words[:1]), 1
    if _NAME.fullmatch(first) and re.match(_OPERATOR, "".join(words[1:2])):
        first, taken = first + words[1], 2
    found = condition(first)
    if not found:
        return None
    name, operator, written = found
    if not written and not first.endswith(('"', "'")) and not _begins_another(words[taken:taken + 1]):
        written, taken = words[taken], taken + 1
    read = value(written)
    del words[:taken]
    return name, operator, read


def quoted(text: str) -> str:
    """A text as a word, in quotes."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def public(line: str) -> str:
    """A line that can be shown again: cut before the word `password` or a token."""
    secret = _SECRET.search(line)
    return f"{line[:secret.start()]}…" if secret else line


def number(text: str) -> int | float | None:
    """Parse a number; `None` if the text is not a number."""
    if _INTEGER.fullmatch(text):
        return int(text)
    return float(text) if _FLOAT.fullmatch(text) else None


def _begins_another(following: list[str]) -> bool:
    """Whether the next word begins another condition or a clause, or does not exist."""
    return not following or following[0] in CLAUSES or bool(_CONDITION.fullmatch(following[0]))
