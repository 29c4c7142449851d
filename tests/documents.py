"""Examples in the documentation: code blocks that readers type, and the output that they show."""
from __future__ import annotations

import re
import textwrap
from collections.abc import Iterator
from typing import NamedTuple

from tests.processes import ROOT

_FENCED = re.compile(r"^(?:<!-- tests: (?P<mark>.*?) -->\n+)?```(?P<language>\w+)\n(?P<text>.*?)^```$", re.M | re.S)


class Block(NamedTuple):
    """A fenced block of a document.

    Args:
        mark: the name in the mark `<!-- tests: NAME -->` before the block, or "".
        language: `sh` for commands, `text` for their output and for sessions of the console.
    """

    mark: str
    language: str
    text: str

    @property
    def is_session(self) -> bool:
        """Whether it shows commands at the console's prompt."""
        return self.text.startswith("(hbnb) ")


def block(page: str, name: str) -> str:
    """Return the code block that follows the mark `<!-- tests: NAME -->` on a page of docs/."""
    text = (ROOT / "docs" / page).read_text()
    found = re.search(rf"^<!-- tests: {re.escape(name)} -->\n\n((?:    .*\n|\n(?=    ))+)", text, re.M)
    assert found, f"docs/{page} has no block {name}"
    return textwrap.dedent(found[1])


def fenced(page: str) -> list[Block]:
    """Return the fenced blocks of a document, in order."""
    return [Block(found["mark"] or "", found["language"], found["text"])
            for found in _FENCED.finditer((ROOT / page).read_text())]


def sessions(page: str) -> Iterator[tuple[str, str]]:
    """Yield the commands at the console's prompt in a document, each with the output shown after it."""
    for each in fenced(page):
        yield from re.findall(r"^\(hbnb\) (.+)\n((?:(?!\(hbnb\) ).*\n)*)", each.text, re.M)


def shows(expected: str, printed: str) -> bool:
    """Whether a command printed what its document shows.

    In the document, `…` stands for any text. Ids, tokens and times may differ unless the sample has them.
    """
    return re.fullmatch(_pattern(expected), _normal(printed), re.S) is not None


def _pattern(expected: str) -> str:
    return ".*".join(map(re.escape, _normal(expected).split("…")))


def _normal(text: str) -> str:
    text = re.sub(r"\b\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d\.\d+", "TIME", text)
    text = re.sub(r"hbnb_[0-9a-f-]{36}_[\w-]{43}", "TOKEN", text)
    # An object that an example creates has a random id; the ids of the sample's objects never change.
    return re.sub(r"^[0-9a-f]{8}-[0-9a-f-]{27}$", "ID", text, flags=re.M)
