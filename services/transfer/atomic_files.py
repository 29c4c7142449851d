"""Files that are read with their progress, and written whole or not at all."""
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

# Called with how much is done, of how much.
Progress = Callable[[int, int], None]
LONGEST = 1 << 24   # bytes, or characters, of a line that is read, so that no file takes all memory
LEVEL = 6       # of compression: a twentieth larger than the best, in a third of its time


def silent(done: int, total: int) -> None:
    """The progress that nobody looks at."""


@contextmanager
def opened(path: str, progress: Progress) -> Iterator[io.BufferedReader]:
    """A file to read, compressed by gzip or not.

    Args:
        progress: is told how many bytes of the file were read, of how many.
    """
    with open(path, "rb") as raw:
        yield _unpacked(_Counted(raw, os.fstat(raw.fileno()).st_size, progress))


def lines(file: IO[AnyStr], first: Iterable[AnyStr] = (), least: int = 1) -> Iterator[AnyStr]:
    """The lines of a file.

    Args:
        first: those that `line` gave before.
        least: the number of the first line.
    Raises:
        Invalid: one is longer than `LONGEST`.
    """
    for number, found in enumerate(chain(first, takewhile(len, map(line, repeat(file)))), least):
        if len(found) > LONGEST:
            raise Invalid(f"line {number} is longer than {LONGEST >> 20} MiB, as no line of such a file is: it is "
                          "damaged, or another file was meant")
        yield found


def line(file: IO[AnyStr]) -> AnyStr:
    """The next line of a file, or as much of it as shows that it is too long."""
    return file.readline(LONGEST + 1)


@contextmanager
def written(path: str, packed: bool, keep: bool = False) -> Iterator[BinaryIO]:
    """A file to write, for its owner alone.

    It takes its name, and perhaps the place of one that was there, when all of it is safely on the disk.

    Args:
        packed: compress it by gzip.
        keep: leave a file that is there as it is.
    Raises:
        Invalid: what has that name is no file, or is the store's own.
        Conflict: it is there, and should stay.
    """
    target = os.path.realpath(path)
    if os.path.exists(target) and not os.path.isfile(target):
        raise Invalid("it is there, and is no file that could be replaced")
    if models.storage.owns(target):
        raise Invalid("it is one of the store's own files: choose another name")
    if keep and os.path.exists(target):
        raise _there(path)
    # Beside it, for the owner alone: it holds addresses and perhaps password hashes.
    descriptor, beside = tempfile.mkstemp(".new", f"{os.path.basename(target)}.", os.path.dirname(target))
    try:
        with open(descriptor, "wb") as raw:
            with gzip.GzipFile("", "wb", LEVEL, raw, mtime=0) if packed else nullcontext(raw) as file:
                yield cast(BinaryIO, file)
            raw.flush()
            os.fsync(descriptor)
        if keep:    # perhaps it came meanwhile
            try:
                os.link(beside, target)
            except FileExistsError:
                raise _there(path) from None
            os.unlink(beside)
        else:
            os.replace(beside, target)
        flush_directory(target)
    except BaseException:
        with suppress(OSError):
            os.unlink(beside)
        raise


@contextmanager
def reported(path: str) -> Iterator[None]:
    """Say of which file it is what is wrong."""
    try:
        yield
    except Refused:
        raise
    except Invalid as error:
        raise Invalid(f"{path}: {error}") from error
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise Invalid(f"{path}: it is cut off or damaged ({error}); nothing was changed") from error
    except OSError as error:
        raise Unavailable(f"{path}: {error.strerror or error}") from error


def _there(path: str) -> Conflict:
    return Conflict(f"{path} is there already: choose another name, or have it replaced")


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
