"""The console commands `import` and `export`."""
from __future__ import annotations

from cli.files import Parser, progress
from cli.formatting import table
from services.transfer.files import export_file, import_file
from services.transfer.report import Refused, Report, counted

SHOWN = 20      # refused rows that are listed


def run_import(arguments: list[str]) -> bool:
    """Import a file, and print a report. Returns: whether every row was valid."""
    parser = Parser("import")
    parser.add_argument("--state")
    parser.add_argument("--city")
    parser.add_argument("--dry-run", action="store_true")
    parser.add_argument("--keep-going", action="store_true")
    options = parser.parse_args(arguments)
    with progress(options.file) as update:
        try:
            report = import_file(options.file, options.state, options.city, options.dry_run, options.keep_going,
                                 update)
        except Refused as error:
            report, outcome = error.report, "Nothing was imported. Fix these rows, or use --keep-going"
        else:
            outcome = "Dry run: nothing was imported" if options.dry_run else ""
    _print(report)
    if outcome:
        print(outcome)
    return not report.refused


def run_export(arguments: list[str]) -> None:
    """Export all objects into a file, and print their number."""
    parser = Parser("export")
    parser.add_argument("--passwords", action="store_true")
    options = parser.parse_args(arguments)
    print(f"Exported {counted(export_file(options.file, options.passwords), 'objects')} to {options.file}")


def _print(report: Report) -> None:
    names = dict.fromkeys([*report.new, *report.changed, *report.same])
    table([[name, report.new[name], report.changed[name], report.same[name]] for name in names],
          ["class", "new", "changed", "unchanged"])
    for note, count in report.notes.items():
        print(counted(count, note))
    if report.refused:
        print(f"{counted(len(report.refused), 'rows refused')}:")
    for place, reason in report.refused[:SHOWN]:
        print(f"  {place}: {reason}")
    if len(report.refused) > SHOWN:
        print(f"  … and {len(report.refused) - SHOWN} more")
