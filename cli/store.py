"""The commands that are about all of the store."""
from __future__ import annotations

from cli import lexer
from cli.interpreter import Interpreter


class WholeStore(Interpreter):
    """Adds them to what the interpreter has."""

    def do_import(self, line: str) -> None:
        """Import listings and reviews as Inside Airbnb publishes them, an old file.json, or an export.

        import FILE [--state NAME --city NAME] [--dry-run] [--keep-going]

        Importing a file again changes nothing. If a row is refused, nothing is imported, unless
        --keep-going. --dry-run only says what would come of it.

            import listings.csv.gz --state "New York" --city Albany
            import reviews.csv.gz --dry-run
        """
        from cli.transfer import run_import
        self.failed = not run_import(_given(line))

    def do_export(self, line: str) -> None:
        """Write all objects into a file, a line of JSON each, for import into another store.

        export FILE [--passwords]

        A name that ends in .gz has it compressed. Password hashes are left out, unless asked for.

            export store.jsonl.gz
        """
        from cli.transfer import run_export
        run_export(_given(line))

    def do_backup(self, line: str) -> None:
        """Write all of the store into a file, from which restore brings it back as it was.

        backup FILE [--force]

        Programs may go on writing: it is the store at one moment, with password hashes, tokens and what only the
        file knows. It is compressed, carries a checksum, and is for its owner alone. A FILE that is there is
        replaced with --force only.

            backup hbnb-2026-01-31.backup
        """
        from cli.backup import run_backup
        run_backup(_given(line))

    def do_restore(self, line: str) -> None:
        """Fill an empty store with what backup wrote, on either engine.

        restore FILE [--check] [--replace]

        The file is checked first; then all of it is stored, or nothing. --check only checks. --replace removes what
        the store holds; at a terminal the console asks first. Programs may go on: they read what was there until it
        is done, and wait to write.

            restore hbnb-2026-01-31.backup --check
            restore hbnb-2026-01-31.backup --replace
        """
        from cli.backup import run_restore
        run_restore(_given(line), self.asks)


def _given(line: str) -> list[str]:
    return [lexer.value(word) for word in lexer.split(line)]
