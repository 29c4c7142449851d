"""Import of a file of any supported kind, and export of the store into a file."""
from __future__ import annotations

import io
from typing import cast

import models
from errors import Invalid
from services.transfer import airbnb, atomic_files, dumps, file_types
from services.transfer.atomic_files import Progress, naming_file, no_progress, open_input, write_atomically
from services.transfer.importer import Importer
from services.transfer.report import Refused, Report
from services.transfer.rows import Rows

BOM = b"\xef\xbb\xbf"
MAX_CLASSIC = 1 << 26   # bytes of a classic file, which is read into memory
HEAD = 1 << 16          # bytes that are searched for a line of an export, which a classic file does not have


def import_file(path: str, state: str | None = None, city: str | None = None, dry_run: bool = False,
                keep_going: bool = False, progress: Progress = no_progress) -> Report:
    """Import listings or reviews from Inside Airbnb, a classic store, or an export.

    Importing the same file again changes nothing.

    Args:
        path: the file; it may be compressed with gzip.
        state, city: the names of the state and city of the listings; only for a file of listings.
        dry_run: whether to report the result without storing anything.
        keep_going: whether to import the valid rows if others are refused; if false, a refused row cancels the import.
        progress: is called with the number of read bytes and the size of the file.
    Raises:
        Invalid: the file is of another kind, or is damaged.
        Refused: rows were refused, and `keep_going` is false.
        Unavailable: the file cannot be read, or the storage is not available.
    """
    report = Report()
    with naming_file(path), open_input(path, progress) as file, models.storage.transaction(dry_run=dry_run):
        _import(file, report, state, city)
        if report.refused and not keep_going:
            raise Refused(report)
    return report


def export_file(path: str, with_passwords: bool = False) -> int:
    """Write all objects into a file, as one JSON object per line; compressed if its name ends in `.gz`.

    Args:
        path: the file; an existing file is replaced when the export is complete.
        with_passwords: whether to include the users' password hashes, to move a store. Without them, users that an
            import of the file creates cannot log in.
    Returns: the number of objects.
    Raises:
        Invalid: the path is not a regular file, or is one of the store's own files.
        Unavailable: the file cannot be written, or the storage is not available.
    """
    with naming_file(path), write_atomically(path, compress=path.endswith(".gz")) as file:
        return dumps.export_objects(file.write, with_passwords)


def _import(file: io.BufferedReader, report: Report, state: str | None, city: str | None) -> None:
    if reason := file_types.binary(file.peek(1)):
        raise Invalid(reason)
    start = file.peek(1).removeprefix(BOM).lstrip()
    if start.startswith((b"{", b"[")):
        _import_objects(file, report)
        return
    rows = Rows(atomic_files.lines(io.TextIOWrapper(file, "utf-8-sig", errors="surrogateescape", newline="")), report)
    source, heading = airbnb.Airbnb(Importer(report, times=False)), {*rows.heading}
    if heading >= file_types.REVIEWS:
        source.reviews(rows)
    elif not heading >= file_types.LISTINGS:
        raise Invalid(file_types.unknown_columns(heading))
    elif not (state or "").strip() or not (city or "").strip():
        raise Invalid("it is a file of listings: name their state and city with --state and --city")
    else:
        source.listings(rows, cast(str, state).strip(), cast(str, city).strip())


def _import_objects(file: io.BufferedReader, report: Report) -> None:
    head = [atomic_files.line(file).removeprefix(BOM)]
    while sum(map(len, head)) < HEAD and (line := atomic_files.line(file)):
        head.append(line)
    if dumps.is_backup(head[0]):
        raise Invalid("it is a backup: use `restore`")
    is_export = any(map(dumps.is_object, head))
    found = (dumps.lines(atomic_files.lines(file, head), report) if is_export
             else dumps.classic(_whole(head, file), report))
    dumps.import_objects(found, Importer(report, times=True), is_export)


def _whole(head: list[bytes], file: io.BufferedReader) -> bytes:
    text = b"".join([*head, file.read(MAX_CLASSIC)])
    if len(text) > MAX_CLASSIC:
        raise Invalid(f"it is larger than {MAX_CLASSIC >> 20} MiB, and is not an export: open it as a store with "
                      "HBNB_FILE_PATH, use `export`, and import the exported file")
    return text
