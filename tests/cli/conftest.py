"""Fixtures for the console tests."""
from __future__ import annotations

import io
import json
from contextlib import redirect_stderr, redirect_stdout

import pytest

from console import HBNBCommand
from tests.market import Market


class Session:
    """A console in this process. Calling it with a line returns the output."""

    def __init__(self) -> None:
        self._console = HBNBCommand()
        self.notes, self.failed, self.ended = "", False, False

    def __call__(self, line: str) -> str:
        # Text streams keep characters that UTF-8 cannot encode.
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
