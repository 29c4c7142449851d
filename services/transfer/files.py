"""Importing a file, of whatever kind it is, and exporting the store into one."""
from __future__ import annotations

import gzip
import io
import os
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import BinaryIO, cast

import orjson

import models
from errors import Invalid, Unavailable
from models.engine.journal import private
from services.transfer import airbnb, stores
from services.transfer.intake import Intake, Refused, Report

# Called with how many bytes of the file were read, of how many.
Progress = Callable[[int, int], None]


def import_file(path: str, state: str | None = None, city: str | None = None, dry_run: bool = False,
                keep_going: bool = False, progress: Progress = lambda done, total: None) -> Report:
    """Import listings or reviews as Inside Airbnb publishes them, a classic store, or an export.

    Doing so again changes nothing.

    Args:
        path: the file; compressed by gzip or not.
        state, city: names of where the listings of a file of listings are.
        dry_run: report, but store nothing.
        keep_going: import what can be, even if rows are refused; else it is all or nothing.
        progress: is told how far it got.
    Raises:
        Invalid: the file is none of these, or cannot be read.
        Refused: rows were refused, and not `keep_going`.
        Unavailable: the storage cannot be used.
    """
    report = Report()
    with _reported(path), open(path, "rb") as raw, models.storage.transaction(dry_run=dry_run):
        file = _Counted(raw, os.fstat(raw.fileno()).st_size, progress)
        _take(_unpacked(file), report, state, city)
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
        Invalid: the file cannot be written.
    """
    beside = f"{path}.{os.getpid()}.new"
    with _reported(path):
        try:
            with open(beside, "wb", opener=private) as raw, (
                    gzip.GzipFile("", "wb", fileobj=raw, mtime=0) if path.endswith(".gz") else raw) as file:
                count = stores.give(file.write, with_passwords)
            os.replace(beside, path)
        except BaseException:
            with suppress(OSError):
                os.unlink(beside)
            raise
    return count


def _take(file: io.BufferedReader, report: Report, state: str | None, city: str | None) -> None:
    start = file.peek(1)[:3].lstrip(b"\xef\xbb\xbf \t\r\n")
    if start.startswith((b"{", b"[")):
        _take_objects(file, report)
        return
    text = io.TextIOWrapper(file, "utf-8-sig", errors="surrogateescape", newline="")
    rows = airbnb.Rows(text, report)
    source = airbnb.Airbnb(Intake(report, times=False))
    if rows.kind == "reviews":
        source.reviews(rows)
    elif rows.kind != "listings":
        raise Invalid("it has neither the columns of listings nor those of reviews, nor is it JSON")
    elif not state or not city:
        raise Invalid("these are listings: say where they are, with --state and --city")
    else:
        source.listings(rows, state, city)


def _take_objects(file: io.BufferedReader, report: Report) -> None:
    first = file.readline()
    try:
        exported = "__class__" in orjson.loads(first)
    except orjson.JSONDecodeError:
        exported = False
    found = (stores.lines(_chained(first, file), report) if exported
             else stores.classic(first + file.read(), report))
    stores.take(found, Intake(report, times=True))


def _chained(first: bytes, file: io.BufferedReader) -> Iterator[bytes]:
    yield first
    yield from file


class _Counted(io.RawIOBase):
    """A file that tells how much of it was read."""

    def __init__(self, file: BinaryIO, total: int, progress: Progress) -> None:
        self._file, self._total, self._progress = file, total, progress

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: object) -> int:
        count = cast(io.BufferedReader, self._file).readinto(buffer)  # type: ignore[arg-type]
        self._progress(self._file.tell(), self._total)
        return count


def _unpacked(file: io.RawIOBase) -> io.BufferedReader:
    buffered: io.BufferedReader = io.BufferedReader(file, 1 << 16)
    if buffered.peek(2)[:2] == b"\x1f\x8b":
        return io.BufferedReader(cast(io.RawIOBase, gzip.GzipFile(fileobj=buffered)), 1 << 16)
    return buffered


@contextmanager
def _reported(path: str) -> Iterator[None]:
    try:
        yield
    except Refused:
        raise
    except Invalid as error:
        raise Invalid(f"{path}: {error}") from error
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise Invalid(f"{path}: it is cut off or damaged ({error}); nothing was imported") from error
    except OSError as error:
        raise Unavailable(f"{error.filename or path}: {error.strerror or error}") from error
