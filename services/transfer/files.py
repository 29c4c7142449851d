"""Importing a file, of whatever kind it is, and exporting the store into one."""
from __future__ import annotations

import gzip
import io
import os
import tempfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext, suppress
from itertools import chain
from typing import BinaryIO, cast

import orjson

import models
from errors import Invalid, Unavailable
from services.transfer import airbnb, stores
from services.transfer.intake import Intake
from services.transfer.report import Refused, Report
from services.transfer.rows import Rows

# Called with how many bytes of the file were read, of how many.
Progress = Callable[[int, int], None]
BOM = b"\xef\xbb\xbf"
HEAD = 1 << 16      # bytes by whose lines an export is told from a classic file


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
        Invalid: the file is none of these, or damaged.
        Refused: rows were refused, and not `keep_going`.
        Unavailable: the file cannot be read, or the storage not be used.
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
        Invalid: what has that name is no file, or is the store's own.
        Unavailable: the file cannot be written, or the storage not be used.
    """
    target = os.path.realpath(path)
    with _reported(path):
        if os.path.exists(target) and not os.path.isfile(target):
            raise Invalid("it is there, and is no file that could be replaced")
        if models.storage.owns(target):
            raise Invalid("it is one of the store's own files: give the export another name")
        # Beside it, for the owner alone: it holds addresses and perhaps password hashes.
        descriptor, beside = tempfile.mkstemp(".new", f"{os.path.basename(target)}.", os.path.dirname(target))
        try:
            with _written(descriptor, packed=path.endswith(".gz")) as file:
                count = stores.give(file.write, with_passwords)
            os.replace(beside, target)
        except BaseException:
            with suppress(OSError):
                os.unlink(beside)
            raise
    return count


def _take(file: io.BufferedReader, report: Report, state: str | None, city: str | None) -> None:
    start = file.peek(1).removeprefix(BOM).lstrip()
    if start.startswith((b"{", b"[")):
        _take_objects(file, report)
        return
    rows = Rows(io.TextIOWrapper(file, "utf-8-sig", errors="surrogateescape", newline=""), report)
    source, heading = airbnb.Airbnb(Intake(report, times=False)), {*rows.heading}
    if heading >= airbnb.REVIEWS:
        source.reviews(rows)
    elif not heading >= airbnb.LISTINGS:
        raise Invalid(_foreign(heading))
    elif not (state or "").strip() or not (city or "").strip():
        raise Invalid("these are listings: say where they are, with --state and --city")
    else:
        source.listings(rows, cast(str, state).strip(), cast(str, city).strip())


def _foreign(heading: set[str]) -> str:
    if not heading:
        return "it is empty"
    missing = min(airbnb.LISTINGS - heading, airbnb.REVIEWS - heading, key=len)
    return f"it holds neither listings, reviews nor JSON: it lacks the columns {', '.join(sorted(missing))}"


def _take_objects(file: io.BufferedReader, report: Report) -> None:
    head = file.readlines(HEAD)
    head[0] = head[0].removeprefix(BOM)
    found = (stores.lines(chain(head, file), report) if any(map(_is_object, head))
             else stores.classic(b"".join([*head, file.read()]), report))
    stores.take(found, Intake(report, times=True))


def _is_object(line: bytes) -> bool:
    try:
        found = orjson.loads(line)
    except orjson.JSONDecodeError:
        return False
    return isinstance(found, dict) and "__class__" in found


class _Counted(io.RawIOBase):
    """A file that tells how much of it was read."""

    def __init__(self, file: BinaryIO, total: int, progress: Progress) -> None:
        self._file, self._total, self._progress, self._done = file, total, progress, 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: object) -> int:
        count = cast(io.BufferedReader, self._file).readinto(buffer)  # type: ignore[arg-type]
        self._done += count
        self._progress(self._done, self._total)
        return count


def _unpacked(file: io.RawIOBase) -> io.BufferedReader:
    buffered: io.BufferedReader = io.BufferedReader(file, 1 << 16)
    if buffered.peek(2)[:2] == b"\x1f\x8b":
        return io.BufferedReader(cast(io.RawIOBase, gzip.GzipFile(fileobj=buffered)), 1 << 16)
    return buffered


@contextmanager
def _written(descriptor: int, packed: bool) -> Iterator[BinaryIO]:
    """A file to write into, which is safely on the disk at the end."""
    with open(descriptor, "wb") as raw:
        with gzip.GzipFile("", "wb", fileobj=raw, mtime=0) if packed else nullcontext(raw) as file:
            yield cast(BinaryIO, file)
        raw.flush()
        os.fsync(descriptor)


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
        raise Unavailable(f"{path}: {error.strerror or error}") from error
