"""The commands `import` and `export`."""
from __future__ import annotations

import argparse
import os
import sys
from contextlib import nullcontext
from typing import NoReturn

from errors import Invalid
from services.transfer.files import Progress, export_file, import_file
from services.transfer.report import Refused, Report

SHOWN = 20      # refused rows that are named


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise Invalid(f"{message}: see help {self.prog}")


def _path(text: str) -> str:
    try:
        if text and b"\0" not in os.fsencode(text):
            return text
    except UnicodeEncodeError:
        pass
    raise argparse.ArgumentTypeError("that is no name of a file")


def run_import(arguments: list[str]) -> bool:
    """Import a file, and print what came of it. Returns: whether no row was refused."""
    parser = _Parser("import", add_help=False)
    parser.add_argument("file", type=_path)
    parser.add_argument("--state")
    parser.add_argument("--city")
    parser.add_argument("--dry-run", action="store_true")
    parser.add_argument("--keep-going", action="store_true")
    options = parser.parse_args(arguments)
    with _progress(options.file) as progress:
        try:
            report = import_file(options.file, options.state, options.city, options.dry_run, options.keep_going,
                                 progress)
        except Refused as error:
            report, outcome = error.report, "Nothing was imported. Mend these rows, or use --keep-going"
        else:
            outcome = "Nothing was imported: this was a dry run" if options.dry_run else ""
    _print(report)
    if outcome:
        print(outcome)
    return not report.refused


def run_export(arguments: list[str]) -> None:
    """Export into a file, and print the number of objects."""
    parser = _Parser("export", add_help=False)
    parser.add_argument("file", type=_path)
    parser.add_argument("--passwords", action="store_true")
    options = parser.parse_args(arguments)
    print(f"{export_file(options.file, options.passwords)} objects")


def _progress(name: str) -> nullcontext[Progress]:
    if not sys.stderr.isatty():
        return nullcontext(lambda done, total: None)
    from shell.terminal import progress
    return progress(name)  # type: ignore[return-value]


def _print(report: Report) -> None:
    from tabulate import tabulate
    names = dict.fromkeys([*report.new, *report.changed, *report.same])
    print(tabulate([[name, report.new[name], report.changed[name], report.same[name]] for name in names],
                   ["class", "new", "changed", "the same"]))
    for note, count in report.notes.items():
        print(f"{count} {note}")
    if report.refused:
        print(f"{len(report.refused)} {'row' if len(report.refused) == 1 else 'rows'} refused:")
    for place, reason in report.refused[:SHOWN]:
        print(f"  {place}: {reason}")
    if len(report.refused) > SHOWN:
        print(f"  … and {len(report.refused) - SHOWN} more")
