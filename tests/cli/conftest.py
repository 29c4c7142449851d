"""What the tests of the console share."""
from __future__ import annotations

import io
import json
from contextlib import redirect_stderr, redirect_stdout

import pytest

from console import HBNBCommand
from tests.market import Market


class Session:
    """A console in this process: called with a line, it gives what that printed."""

    def __init__(self) -> None:
        self._console = HBNBCommand()
        self.notes, self.failed, self.ended = "", False, False

    def __call__(self, line: str) -> str:
        # As texts, so that what no UTF-8 can spell is seen, too.
        with redirect_stdout(io.StringIO()) as printed, redirect_stderr(io.StringIO()) as notes:
            self._console.stdout = printed
            self.ended = self._console.onecmd(line)
        self.failed, self.notes = self._console.failed, notes.getvalue()
        return printed.getvalue()

    def json(self, line: str) -> list[dict]:
        return json.loads(self(f"{line} --json"))

    def names(self, line: str) -> list[str]:
        return [each["name"] for each in self.json(line)]


@pytest.fixture
def say(storage) -> Session:
    return Session()


@pytest.fixture
def market(storage) -> Market:
    market = Market()
    storage.close()
    return market
