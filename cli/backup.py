"""The commands `backup` and `restore`."""
from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress

import models
from cli.files import Parser, progress
from cli.formatting import counted
from errors import Conflict, HBNBError
from services.backup import Backup, back_up, check, restore


def run_backup(arguments: list[str]) -> None:
    """Back the store up into a file, and print what it holds."""
    parser = Parser("backup")
    parser.add_argument("--force", action="store_true")
    options = parser.parse_args(arguments)
    with _offering("--force"), progress(options.file, " objects") as moved:
        backup = back_up(options.file, options.force, moved)
    print(_said(backup))


def run_restore(arguments: list[str], asks: bool = False) -> None:
    """Fill the store from a backup, or only check that; print what it holds.

    Args:
        asks: whether the user is asked before what the store holds is removed.
    """
    parser = Parser("restore")
    parser.add_argument("--check", action="store_true")
    parser.add_argument("--replace", action="store_true")
    options = parser.parse_args(arguments)
    if options.replace and not options.check and asks and not _agrees_to_replace():
        return
    with _offering("--replace"), progress(options.file) as moved:
        backup = check(options.file, moved) if options.check else restore(options.file, options.replace, moved)
    print(_said(backup))
    for each in backup.twice:
        print(f"{each}: a file keeps them, a database would refuse them")


@contextmanager
def _offering(option: str) -> Iterator[None]:
    """Name the option that does it all the same, where something is in the way."""
    try:
        yield
    except Conflict as error:
        raise Conflict(f"{error} ({option})") from error


def _agrees_to_replace() -> bool:
    from cli.terminal import agrees
    counts = {}
    with suppress(HBNBError):       # a store that cannot be read: restoring says what to do
        counts = {name: count for name, cls in models.stored.items() if (count := models.storage.count(cls))}
    held = ", ".join(counted(count, name) for name, count in counts.items())
    return not held or agrees(f"This removes {held}. Go on?")


def _said(backup: Backup) -> str:
    counts = ", ".join(f"{count} {name}" for name, count in backup.counts.items())
    return f"{backup.counts.total()} objects of {backup.made_at} UTC{': ' * bool(counts)}{counts}"
