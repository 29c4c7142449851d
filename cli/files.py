"""Arguments and progress bar of the console commands that read or write a file."""
from __future__ import annotations

import argparse
import os
import sys
from contextlib import nullcontext
from typing import NoReturn

from errors import Invalid
from services.transfer.atomic_files import Progress, no_progress


class Parser(argparse.ArgumentParser):
    """Argument parser of a console command whose first argument is a file. Raises Invalid instead of exiting."""

    def __init__(self, command: str) -> None:
        super().__init__(command, add_help=False, allow_abbrev=False)
        self.add_argument("file", type=_path)

    def error(self, message: str) -> NoReturn:
        raise Invalid(f"{message}: see help {self.prog}")


def progress(name: str, unit: str = "B") -> nullcontext[Progress]:
    """A progress bar, if standard error is a terminal."""
    if not sys.stderr.isatty():
        return nullcontext(no_progress)
    from cli import terminal
    return terminal.progress(name, unit)  # type: ignore[return-value]


def _path(text: str) -> str:
    try:
        if text and b"\0" not in os.fsencode(text):
            return text
    except UnicodeEncodeError:
        pass
    raise argparse.ArgumentTypeError("this is not a valid file name")
