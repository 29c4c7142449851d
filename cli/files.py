"""What the commands that take a file have in common."""
from __future__ import annotations

import argparse
import os
import sys
from contextlib import nullcontext
from typing import NoReturn

from errors import Invalid
from services.transfer.atomic_files import Progress, silent


class Parser(argparse.ArgumentParser):
    """Reads the words of a command, of which the first is a file."""

    def __init__(self, command: str) -> None:
        super().__init__(command, add_help=False, allow_abbrev=False)
        self.add_argument("file", type=_path)

    def error(self, message: str) -> NoReturn:
        raise Invalid(f"{message}: see help {self.prog}")


def progress(name: str, unit: str = "B") -> nullcontext[Progress]:
    """A progress bar, where somebody is there to see it."""
    if not sys.stderr.isatty():
        return nullcontext(silent)
    from cli import terminal
    return terminal.progress(name, unit)  # type: ignore[return-value]


def _path(text: str) -> str:
    try:
        if text and b"\0" not in os.fsencode(text):
            return text
    except UnicodeEncodeError:
        pass
    raise argparse.ArgumentTypeError("that is no name of a file")
