"""Importing a file, of whatever kind it is, and exporting the store into one."""
from __future__ import annotations

import io
from typing import cast

import models
from errors import Invalid
from services.transfer import airbnb, atomic_files, dumps, file_types
from services.transfer.atomic_files import Progress, opened, reported, silent, written
from services.transfer.importer import Intake
from services.transfer.report import Refused, Report
from services.transfer.rows import Rows

BOM = b"\xef\xbb\xbf"
WHOLE = 1 << 26     # bytes of a classic file, which is read as a whole
HEAD = 1 << 16      # bytes by whose lines an export is told from a classic file


def import_file(path: str, state: str | None = None, city: str | None = None, dry_run: bool = False,
                keep_going: bool = False, progress: Progress = silent) -> Report:
    """Import listings or reviews as Inside Airbnb publishes them, a classic store, or an export.

    Doing so again changes nothing.

    Args:
        path: the file; compressed by gzip or not.
        state, city: names of where the listings of a file of listings are.
        dry_run: report, but store nothing.
        keep_going: import what can be, even if rows are refused; else it is all or nothing.
        progress: is told how far it got.
    Raises:
        Invalid: the file is none of these, or damaged.
        Refused: rows were refused, and not `keep_going`.
        Unavailable: the file cannot be read, or the storage not be used.
    """
    report = Report()
    with reported(path), opened(path, progress) as file, models.storage.transaction(dry_run=dry_run):
        _take(file, report, state, city)
        if report.refused and not keep_going:
            raise Refused(report)
    return report


def export_file(path: str, with_passwords: bool = False) -> int:
    """Write all objects into a file, a JSON object a line; compressed where its name ends in `.gz`.

    Args:
        path: the file; one that is there is replaced, when all is written.
        with_passwords: with the users' password hashes, to move a store; else users of the
            export can log in only where they could before.
    Returns: the number of objects.
    Raises:
        Invalid: what has that name is no file, or is the store's own.
        Unavailable: the file cannot be written, or the storage not be used.
    """
    with reported(path), written(path, packed=path.endswith(".gz")) as file:
        return dumps.give(file.write, with_passwords)


def _take(file: io.BufferedReader, report: Report, state: str | None, city: str | None) -> None:
    if said := file_types.binary(file.peek(1)):
        raise Invalid(said)
    start = file.peek(1).removeprefix(BOM).lstrip()
    if start.startswith((b"{", b"[")):
        _take_objects(file, report)
        return
    rows = Rows(atomic_files.lines(io.TextIOWrapper(file, "utf-8-sig", errors="surrogateescape", newline="")), report)
    source, heading = airbnb.Airbnb(Intake(report, times=False)), {*rows.heading}
    if heading >= file_types.REVIEWS:
        source.reviews(rows)
    elif not heading >= file_types.LISTINGS:
        raise Invalid(file_types.foreign(heading))
    elif not (state or "").strip() or not (city or "").strip():
        raise Invalid("these are listings: say where they are, with --state and --city")
    else:
        source.listings(rows, cast(str, state).strip(), cast(str, city).strip())


def _take_objects(file: io.BufferedReader, report: Report) -> None:
    head = [atomic_files.line(file).removeprefix(BOM)]
    while sum(map(len, head)) < HEAD and (line := atomic_files.line(file)):
        head.append(line)
    if dumps.is_backup(head[0]):
        raise Invalid("it is a backup: `restore` takes it")
    found = (dumps.lines(atomic_files.lines(file, head), report) if any(map(dumps.is_object, head))
             else dumps.classic(_whole(head, file), report))
    dumps.take(found, Intake(report, times=True))


def _whole(head: list[bytes], file: io.BufferedReader) -> bytes:
    text = b"".join([*head, file.read(WHOLE)])
    if len(text) > WHOLE:
        raise Invalid(f"it has more than {WHOLE >> 20} MiB, and is no export, which has a line for each object: open "
                      "it as a store, by HBNB_FILE_PATH, and `export` that")
    return text
