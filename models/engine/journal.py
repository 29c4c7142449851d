"""What changed in a file of objects since it was written: lines that are only ever appended.

The first line is the header: `continues`, the content of the file that the journal was begun on,
and `after`, what that file was made of: an earlier content, and how far the journal of that was
read. Every further line is a transaction, the changed objects by key, `null` for a removed one.
Objects are whole, so applying one twice does no harm. A last line with the key `""` says that all
of it is in the file whose content it names.

Each line begins with a checksum. One that does not end is what a crash left, and was never
acknowledged; any other that is wrong is damage.
"""
from __future__ import annotations

import os
import zlib
from collections.abc import Iterator
from typing import Any, NamedTuple

import orjson

from errors import Damaged, Invalid

Objects = dict[str, Any]


class Content(NamedTuple):
    """What tells one content of a file from another."""

    size: int
    checksum: int


class Header(NamedTuple):
    continues: Content
    after: tuple[Content, int] | None
    length: int


class Journal:
    def __init__(self, path: str) -> None:
        self.path = path

    def size(self) -> int:
        """In bytes; 0 where there is none."""
        try:
            return os.stat(self.path).st_size
        except FileNotFoundError:
            return 0

    def header(self) -> Header | None:
        """The first line; `None` where there is no journal.

        Raises:
            Damaged: it is no journal.
        """
        try:
            with open(self.path, "rb") as journal:
                line = journal.readline()
        except FileNotFoundError:
            return None
        found = self._parse(line, "its first line")
        after = found["after"]
        return Header(Content(*found["continues"]), after and (Content(*after[0]), after[1]), len(line))

    def transactions(self, start: int) -> Iterator[tuple[Objects, int]]:
        """The transactions from an offset on, each with the offset of its end.

        Raises:
            Damaged: one is not as it was written.
        """
        with open(self.path, "rb") as journal:
            journal.seek(start)
            for line in journal:
                if line.endswith(b"\n"):
                    yield self._parse(line, f"the line at byte {start}"), start + len(line)
                    start += len(line)

    def begin(self, continues: Content, after: tuple[Content, int] | None) -> int:
        """Begin anew, on a file of this content. Returns: the offset of the first transaction."""
        header = encode({"continues": list(continues), "after": after and (list(after[0]), after[1])})
        with open(f"{self.path}.new", "wb", opener=private) as journal:
            journal.write(header)
            journal.flush()
            os.fsync(journal.fileno())
        os.replace(f"{self.path}.new", self.path)
        return len(header)

    def append(self, end: int, line: bytes) -> int:
        """Write a transaction behind the one that ends at offset `end`; if it cannot be, nothing is.

        Returns: the offset of its end.
        """
        with open(self.path, "r+b", buffering=0) as journal:
            journal.truncate(end)   # what a crash left of a line
            try:
                journal.seek(end)
                rest = memoryview(line)
                while rest:
                    rest = rest[journal.write(rest):]
                os.fsync(journal.fileno())
            except BaseException:
                journal.truncate(end)
                raise
        return end + len(line)

    def _parse(self, line: bytes, place: str) -> Any:
        text = line[9:-1]
        try:
            if int(line[:8], 16) == zlib.crc32(text):
                return orjson.loads(text)
        except ValueError:
            pass
        raise Damaged(f"{self.path} is damaged, {place} is not as it was written. Nothing was changed: "
                      "put back a copy of it, or move it away to do without its changes")


def encode(objects: Objects) -> bytes:
    """One line of a journal.

    Raises:
        Invalid: there is a value in it that JSON cannot hold.
    """
    try:
        text = orjson.dumps(objects)
    except TypeError as error:
        raise Invalid(f"There is a value that JSON cannot hold: {error}") from error
    return b"%08x %b\n" % (zlib.crc32(text), text)


def private(path: str, flags: int) -> int:
    """Open for the owner alone: a store holds addresses and password hashes."""
    return os.open(path, flags | os.O_CLOEXEC, 0o600)
