"""The console at a terminal: history, completion, confirmation and progress bars."""
from __future__ import annotations

import os
import readline
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

from cli import escaping, lexer

HISTORY_LINES = 1000


@contextmanager
def history(path: str) -> Iterator[None]:
    """Load the history file, and save the typed lines at the end. Only its owner can read it.

    Args:
        path: the file; empty = save no history.
    """
    path = os.path.expanduser(path)
    readline.set_completer_delims(" \t\n")
    if path:
        with suppress(OSError):
            readline.read_history_file(path)
    try:
        yield
    finally:
        if path:
            with suppress(OSError):
                os.close(os.open(path, os.O_CREAT | os.O_WRONLY, 0o600))
                os.chmod(path, 0o600)
                readline.set_history_length(HISTORY_LINES)
                readline.write_history_file(path)
                os.chmod(path, 0o600)


def remove_secret_from_history() -> None:
    """Remove the last line from the history if it may contain a password or a token."""
    last = readline.get_current_history_length()
    line = readline.get_history_item(last) if last else None
    if line and lexer.public(line) != line:
        readline.remove_history_item(last - 1)


def confirm(question: str) -> bool:
    """Ask a question. True only if the answer is yes."""
    try:
        answer = input(f"{question} [y/N] ")
    except EOFError:
        print()
        return False
    if answer:  # an answer is not a command, so it does not belong in the history
        readline.remove_history_item(readline.get_current_history_length() - 1)
    return answer.strip().lower() in ("y", "yes")


@contextmanager
def progress(name: str, unit: str) -> Iterator[Callable[[int, int], None]]:
    """A progress bar on standard error. Yields a function that updates it: `update(done, total)`."""
    from tqdm import tqdm
    with tqdm(desc=escaping.line(name), file=escaping.unguarded(sys.stderr), unit=unit, unit_scale=True,
              leave=False) as bar:
        def update(done: int, total: int) -> None:
            bar.total = total
            bar.update(done - bar.n)
        yield update
