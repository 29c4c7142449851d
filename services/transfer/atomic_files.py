"""Reading files with a progress report, and writing files atomically."""
from __future__ import annotations

import gzip
import io
import os
import tempfile
import zlib
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, nullcontext, suppress
from itertools import chain, repeat, takewhile
from typing import IO, AnyStr, BinaryIO, cast

import models
from errors import Conflict, Invalid, Unavailable
from models.engine.file.json_file import flush_directory
from services.transfer.report import Refused

# A callback with the amount of work that is done, and the total.
Progress = Callable[[int, int], None]
LONGEST = 1 << 24   # bytes or characters of a line, so that no file can fill the memory
LEVEL = 6       # of compression: 5 % larger than the best level, in a third of the time


def no_progress(done: int, total: int) -> None:
    """A progress callback that does nothing."""


@contextmanager
def open_input(path: str, progress: Progress) -> Iterator[io.BufferedReader]:
    """Open a file for reading; a file that is compressed with gzip is decompressed.

    Args:
        progress: is called with the number of read bytes and the size of the file.
    """
    with open(path, "rb") as raw:
        yield _decompressed(_Counted(raw, os.fstat(raw.fileno()).st_size, progress))


def lines(file: IO[AnyStr], first: Iterable[AnyStr] = (), least: int = 1) -> Iterator[AnyStr]:
    """Yield the lines of a file.

    Args:
        first: lines that were already read with `line`.
        least: the number of the first line, for the error.
    Raises:
        Invalid: a line is longer than `LONGEST`.
    """
    for number, found in enumerate(chain(first, takewhile(len, map(line, repeat(file)))), least):
        if len(found) > LONGEST:
            raise Invalid(f"line {number} is longer than {LONGEST >> 20} MiB: the file is damaged, or is not of a "
                          "kind that HBNB reads")
        yield found


def line(file: IO[AnyStr]) -> AnyStr:
    """The next line of a file; of a line that is too long, the first `LONGEST + 1` characters."""
    return file.readline(LONGEST + 1)


@contextmanager
def write_atomically(path: str, compress: bool, keep: bool = False) -> Iterator[BinaryIO]:
    """Open a file for writing that only its owner may read.

    The content goes to a temporary file, which replaces the file when it is complete and on the disk.

    Args:
        compress: whether to compress the file with gzip.
        keep: whether to keep an existing file, and raise an error.
    Raises:
        Invalid: the path is not a regular file, or is one of the store's own files.
        Conflict: the file exists, and `keep` is true.
    """
    target = os.path.realpath(path)
    if os.path.exists(target) and not os.path.isfile(target):
        raise Invalid("it is not a regular file, so it cannot be replaced: choose another name")
    if models.storage.owns(target):
        raise Invalid("it is one of the store's own files: choose another name")
    if keep and os.path.exists(target):
        raise _already_exists(path)
    # `mkstemp` makes a file that only its owner may read, because it has e-mail addresses and perhaps password hashes.
    descriptor, temporary = tempfile.mkstemp(".new", f"{os.path.basename(target)}.", os.path.dirname(target))
    try:
        with open(descriptor, "wb") as raw:
            with gzip.GzipFile("", "wb", LEVEL, raw, mtime=0) if compress else nullcontext(raw) as file:
                yield cast(BinaryIO, file)
            raw.flush()
            os.fsync(descriptor)
        if keep:    # unlike `replace`, `link` fails if another process has created the file meanwhile
            try:
                os.link(temporary, target)
            except FileExistsError:
                raise _already_exists(path) from None
            os.unlink(temporary)
        else:
            os.replace(temporary, target)
        flush_directory(target)
    except BaseException:
        with suppress(OSError):
            os.unlink(temporary)
        raise


@contextmanager
def naming_file(path: str) -> Iterator[None]:
    """Convert errors with a file to HBNB's errors, and add the path to their messages."""
    try:
        yield
    except Refused:
        raise
    except Invalid as error:
        raise Invalid(f"{path}: {error}") from error
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise Invalid(f"{path}: it is incomplete or damaged ({error}). Nothing was changed") from error
    except OSError as error:
        raise Unavailable(f"{path}: {error.strerror or error}") from error


def _already_exists(path: str) -> Conflict:
    return Conflict(f"{path} already exists. Nothing was written. Choose another name")


class _Counted(io.RawIOBase):
    """A file that reports the progress of reading it."""

    def __init__(self, file: BinaryIO, total: int, progress: Progress) -> None:
        self._file, self._total, self._progress, self._done = file, total, progress, 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: object) -> int:
        count = cast(io.BufferedReader, self._file).readinto(buffer)  # type: ignore[arg-type]
        self._done += count
        self._progress(self._done, self._total)
        return count


def _decompressed(file: io.RawIOBase) -> io.BufferedReader:
    buffered: io.BufferedReader = io.BufferedReader(file, 1 << 16)
    if buffered.peek(2)[:2] == b"\x1f\x8b":
        return io.BufferedReader(cast(io.RawIOBase, gzip.GzipFile(fileobj=buffered)), 1 << 16)
    return buffered
