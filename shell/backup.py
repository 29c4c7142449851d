"""The commands `backup` and `restore`."""
from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from errors import Conflict
from services.backup import Backup, back_up, check, restore
from shell.files import Parser, progress


def run_backup(arguments: list[str]) -> None:
    """Back the store up into a file, and print what it holds."""
    parser = Parser("backup")
    parser.add_argument("--force", action="store_true")
    options = parser.parse_args(arguments)
    with _offering("--force"), progress(options.file, " objects") as moved:
        backup = back_up(options.file, options.force, moved)
    print(_said(backup))


def run_restore(arguments: list[str]) -> None:
    """Fill the store from a backup, or only check that; print what it holds."""
    parser = Parser("restore")
    parser.add_argument("--check", action="store_true")
    parser.add_argument("--replace", action="store_true")
    options = parser.parse_args(arguments)
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


def _said(backup: Backup) -> str:
    counts = ", ".join(f"{count} {name}" for name, count in backup.counts.items())
    return f"{backup.counts.total()} objects of {backup.made_at} UTC{': ' * bool(counts)}{counts}"
