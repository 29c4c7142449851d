"""Reading what a person types. Nothing here evaluates anything, and nothing fails on bad input."""
from __future__ import annotations

import ast
import json
import re
import warnings
from typing import Any

# Anything but white space, where a pair of quotes holds white space too; a lone quote is a character.
_WORD = re.compile(r'(?:"(?:\\.|[^"\\])*"|\S)+')
_QUOTED = re.compile(r'"((?:\\.|[^"\\])*)"')
_INTEGER = re.compile(r"[-+]?[0-9]{1,300}")
_FLOAT = re.compile(r"[-+]?(?:[0-9]+\.[0-9]*|\.[0-9]+)(?:[eE][-+]?[0-9]{1,3})?")
_CALL = re.compile(r"\s*(\w+)\.(\w+)\((.*)\)\s*", re.DOTALL)
_SECRET = re.compile("password|hbnb_[0-9a-f]{8}-", re.IGNORECASE)
_CONDITION = re.compile(r"([A-Za-z_][\w.]*)(!=|<=|>=|=|<|>|~)(.*)", re.DOTALL)


def split(line: str) -> list[str]:
    """The words of a line, with their quotes."""
    return _WORD.findall(line)


def bare(word: str) -> str:
    """A word without the quotes around it."""
    quoted = _QUOTED.fullmatch(word)
    return re.sub(r"\\(.)", r"\1", quoted[1], flags=re.DOTALL) if quoted else word


def parameter(word: str) -> tuple[str, str | int | float] | None:
    """Read `name="text"`, `name=12` or `name=1.5`; in the text `_` is a space, and `\\_` and `\\"` are themselves.

    Returns: name and value; `None` where it is none of these.
    """
    name, equals, text = word.partition("=")
    quoted = _QUOTED.fullmatch(text)
    if not equals or not name.isidentifier():
        return None
    if quoted:
        return name, re.sub(r"\\(.)|_", lambda found: found[1] or " ", quoted[1], flags=re.DOTALL)
    value = number(text)
    return None if value is None else (name, value)


def condition(word: str) -> tuple[str, str, str] | None:
    """Read `name<value`, with any of the operators of `find`; `None` where it is none."""
    found = _CONDITION.fullmatch(word)
    if not found:
        return None
    return found[1], found[2], bare(found[3])


def call(line: str) -> tuple[str, str, list[Any]] | None:
    """Read `Class.command(arguments)`; `None` where it is no such thing."""
    found = _CALL.fullmatch(line)
    return (found[1], found[2], _arguments(found[3])) if found else None


def quoted(text: str) -> str:
    """A text as a word, in quotes."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def public(line: str) -> str:
    """A line as it may be repeated: without what follows the word `password`, as that may be one, and any token."""
    secret = _SECRET.search(line)
    return f"{line[:secret.start()]}…" if secret else line


def _arguments(text: str) -> list[Any]:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")     # what Python would have said of the text as a program
            found = list(ast.literal_eval(f"({text},)")) if text.strip() else []
        str(found)      # fails with a number of more digits than can be written, which is none then
        return found
    except (ValueError, TypeError, SyntaxError, RecursionError, MemoryError):
        pass
    try:
        return list(json.loads(f"[{text}]"))
    except (ValueError, RecursionError):
        return [bare(word.strip(",")) for word in split(text.replace(",", ", "))]


def number(text: str) -> int | float | None:
    """Read a number; `None` where it is none."""
    if _INTEGER.fullmatch(text):
        return int(text)
    return float(text) if _FLOAT.fullmatch(text) else None
