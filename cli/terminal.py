"""The console at a terminal: kept lines, completion, questions and progress."""
from __future__ import annotations

import os
import readline
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

from cli import escaping, lexer

KEPT_LINES = 1000


@contextmanager
def history(path: str) -> Iterator[None]:
    """Keep the lines that are typed in a file that only its owner may read.

    Args:
        path: the file; empty = keep none.
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
                readline.set_history_length(KEPT_LINES)
                readline.write_history_file(path)
                os.chmod(path, 0o600)


def forget_secrets() -> None:
    """Drop the line that was typed last, if it may hold a password."""
    last = readline.get_current_history_length()
    line = readline.get_history_item(last) if last else None
    if line and lexer.public(line) != line:
        readline.remove_history_item(last - 1)


def agrees(question: str) -> bool:
    """Ask, and tell whether the answer is yes."""
    try:
        answer = input(f"{question} [y/N] ")
    except EOFError:
        print()
        return False
    if answer:  # it is no command, to be kept
        readline.remove_history_item(readline.get_current_history_length() - 1)
    return answer.strip().lower() in ("y", "yes")


@contextmanager
def progress(name: str, unit: str) -> Iterator[Callable[[int, int], None]]:
    """A progress bar on standard error, moved by calling what this gives with how much of what is done."""
    from tqdm import tqdm
    with tqdm(desc=escaping.line(name), file=escaping.bare(sys.stderr), unit=unit, unit_scale=True, leave=False) as bar:
        def move(done: int, total: int) -> None:
            bar.total = total
            bar.update(done - bar.n)
        yield move
