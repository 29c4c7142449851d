"""The console commands `backup` and `restore`."""
from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress

import models
from cli.files import Parser, progress
from cli.formatting import counted
from errors import Conflict, HBNBError
from services.backup import Backup, back_up, check, restore


def run_backup(arguments: list[str]) -> None:
    """Back up the store into a file, and print a summary."""
    parser = Parser("backup")
    parser.add_argument("--force", action="store_true")
    options = parser.parse_args(arguments)
    with _advising("To replace it, pass --force"), progress(options.file, " objects") as report:
        backup = back_up(options.file, options.force, report)
    print(f"Backed up {_total(backup)} to {options.file} at {backup.made_at} UTC{_counts(backup)}")


def run_restore(arguments: list[str], interactive: bool = False) -> None:
    """Fill the store from a backup, or only check the backup; print a summary.

    Args:
        interactive: whether to ask before objects are removed.
    """
    parser = Parser("restore")
    parser.add_argument("--check", action="store_true")
    parser.add_argument("--replace", action="store_true")
    options = parser.parse_args(arguments)
    if options.replace and not options.check and interactive and not _confirms_replace():
        return
    with _advising("To remove these objects first, pass --replace"), progress(options.file) as report:
        backup = check(options.file, report) if options.check else restore(options.file, options.replace, report)
    if options.check:
        print(f"{options.file} is a valid backup of {backup.made_at} UTC with {_total(backup)}{_counts(backup)}. "
              "Nothing was restored")
    else:
        print(f"Restored {_total(backup)} from {options.file}, a backup of {backup.made_at} UTC{_counts(backup)}")
    for duplicates in backup.duplicates:
        print(f"Note: {duplicates}. The file engine keeps them, but a database would refuse them")


@contextmanager
def _advising(advice: str) -> Iterator[None]:
    """Adds the option that overrides a conflict to its message."""
    try:
        yield
    except Conflict as error:
        raise Conflict(f"{error}. {advice}") from error


def _confirms_replace() -> bool:
    from cli.terminal import confirm
    counts = {}
    with suppress(HBNBError):       # `restore` reports an unreadable store
        counts = {name: count for name, cls in models.stored.items() if (count := models.storage.count(cls))}
    removed = ", ".join(counted(count, name) for name, count in counts.items())
    return not removed or confirm(f"This removes {removed}. Continue?")


def _total(backup: Backup) -> str:
    total = backup.counts.total()
    return f"{total} object{'s' * (total != 1)}"


def _counts(backup: Backup) -> str:
    counts = ", ".join(f"{count} {name}" for name, count in backup.counts.items())
    return f": {counts}" if counts else ""
