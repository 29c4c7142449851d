"""Console commands that work on the whole store: import, export, backup and restore."""
from __future__ import annotations

from cli import lexer
from cli.interpreter import Interpreter


class StoreCommands(Interpreter):
    """The interpreter with these commands."""

    def do_import(self, line: str) -> None:
        """Import listings and reviews in Inside Airbnb's format, an old file.json, or an export.

        import FILE [--state NAME --city NAME] [--dry-run] [--keep-going]

        A file of listings needs --state and --city, because it does not name its state and city.
        Importing the same file again changes nothing. If a row is invalid, nothing is imported;
        with --keep-going, only the invalid rows are left out. --dry-run shows what would be
        imported, and imports nothing.

            import listings.csv.gz --state "New York" --city Albany
            import reviews.csv.gz --dry-run
        """
        from cli.transfer import run_import
        self.failed = not run_import(_arguments(line))

    def do_export(self, line: str) -> None:
        """Write all objects into a file, one JSON object per line, to import them into another store.

        export FILE [--passwords]

        If the name ends in .gz, the file is compressed. Password hashes are exported with --passwords only.

            export store.jsonl.gz
        """
        from cli.transfer import run_export
        run_export(_arguments(line))

    def do_backup(self, line: str) -> None:
        """Write a complete backup of the store into a file.

        backup FILE [--force]

        Other programs may keep writing: the backup has the store's state at one moment. It contains everything that
        restore needs, including password hashes, tokens, and data of a JSON file that HBNB itself does not use. The
        backup is compressed, has a checksum, and only its owner can read it. An existing FILE is replaced with --force
        only.

            backup hbnb-2026-01-31.backup
        """
        from cli.backup import run_backup
        run_backup(_arguments(line))

    def do_restore(self, line: str) -> None:
        """Fill an empty store from a backup, which may come from either storage engine.

        restore FILE [--check] [--replace]

        The backup is checked first. Then all of it is restored, or nothing. --check only checks it. --replace removes
        everything that the store holds; at a terminal, the console asks for confirmation. Other programs may keep
        running: they read the old objects until the restore is complete, and wait for it before they write.

            restore hbnb-2026-01-31.backup --check
            restore hbnb-2026-01-31.backup --replace
        """
        from cli.backup import run_restore
        run_restore(_arguments(line), self.interactive)


def _arguments(line: str) -> list[str]:
    return [lexer.value(word) for word in lexer.split(line)]
