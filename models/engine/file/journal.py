"""What changed in a file of objects since it was written: lines that are only ever appended.

The first line is the header: an `id` of its own, `continues`, the content of the file that the
journal was begun on, and `after`, what that file was made of: an earlier content, and how far the
journal of that was read. Every further line is a transaction, the changed objects by key, `null`
for a removed one. Objects are whole, so applying one twice does no harm. A last line with the key
`""` says that all of it is in the file whose content it names.

Each line begins with a checksum of its text and of all lines before it, so a line that was changed,
removed or moved is found. A last line without an end is what a crash left, and was never
acknowledged; anything else that is wrong is damage. In a journal without an `id`, which an earlier
HBNB wrote, each line has a checksum of its own.
"""
from __future__ import annotations

import errno
import os
import secrets
import zlib
from collections.abc import Iterator
from typing import Any, NamedTuple

import orjson

from errors import Damaged, Invalid
from models.engine.file import owner

Objects = dict[str, Any]


class Content(NamedTuple):
    """What tells one content of a file from another."""

    size: int
    checksum: int


class Position(NamedTuple):
    """How far a journal was read.

    Args:
        end: the offset behind the last line; 0 = no journal.
        checksum: of all lines up to there.
    """

    end: int
    checksum: int


START = Position(0, 0)


class Header(NamedTuple):
    id: str | None      # `None` = an earlier HBNB wrote the journal
    continues: Content
    after: tuple[Content, Position] | None
    position: Position  # of the first transaction


class Journal:
    """The journal of one store.

    Args:
        path: the journal.
        store: the path of the store's file, whose owner and permissions the journal gets.
    """

    def __init__(self, path: str, store: str) -> None:
        self.path = path
        self._store = store

    def size(self) -> int:
        """In bytes; 0 if there is none."""
        try:
            return os.stat(self.path).st_size
        except FileNotFoundError:
            return 0

    def header(self) -> Header | None:
        """The first line; `None` if there is no journal.

        Raises:
            Damaged: it is no journal.
        """
        try:
            with open(self.path, "rb") as journal:
                line = journal.readline()
        except FileNotFoundError:
            return None
        found, position = self._parse(line, START, "its first line")
        try:
            id, after = found.get("id"), found["after"]
            return Header(id, Content(*found["continues"]),
                          (Content(*after[0]), Position(*after[1])) if id and after else None, position)
        except (AttributeError, KeyError, TypeError, IndexError):
            raise self._damaged("its first line") from None

    def transactions(self, header: Header, start: Position) -> Iterator[tuple[Objects, Position]]:
        """The transactions from a position on, each with the position behind it.

        Raises:
            Damaged: one is not as it was written.
        """
        with open(self.path, "rb") as journal:
            journal.seek(start.end)
            for line in journal:
                if line.endswith(b"\n"):
                    before = start if header.id else Position(start.end, 0)
                    objects, start = self._parse(line, before, f"the line at byte {start.end}")
                    yield objects, start

    def begin(self, continues: Content, after: tuple[Content, Position] | None) -> Header:
        """Begin anew, on a file of this content."""
        id = secrets.token_hex(8)
        line, position = encode({"id": id, "continues": [*continues], "after": after and [*map(list, after)]}, START)
        with open(f"{self.path}.new", "wb", opener=owner.opener(self._store)) as journal:
            journal.write(line)
            journal.flush()
            os.fsync(journal.fileno())
        os.replace(f"{self.path}.new", self.path)
        return Header(id, continues, after, position)

    def append(self, end: int, line: bytes) -> None:
        """Write a transaction behind the one that ends at offset `end`; if it cannot be written, nothing is."""
        with open(self.path, "r+b", buffering=0) as journal:
            journal.truncate(end)   # what a crash left of a line
            try:
                journal.seek(end)
                rest = memoryview(line)
                while rest:
                    rest = rest[journal.write(rest):]
                os.fsync(journal.fileno())
                if os.pread(journal.fileno(), len(line) + 1, end) != line:
                    raise OSError(errno.EIO, "what was written does not read back", self.path)
            except BaseException:
                journal.truncate(end)
                raise

    def cut(self, end: int) -> None:
        """Take back what was written behind an offset."""
        os.truncate(self.path, end)

    def _parse(self, line: bytes, before: Position, place: str) -> tuple[Any, Position]:
        text = line[9:-1]
        try:
            if int(line[:8], 16) == (checksum := zlib.crc32(text, before.checksum)):
                return orjson.loads(text), Position(before.end + len(line), checksum)
        except ValueError:
            pass
        raise self._damaged(place)

    def _damaged(self, place: str) -> Damaged:
        return Damaged(f"{self.path} is damaged, {place} is not as it was written. Nothing was changed: "
                       f"put back a copy of it, or move it and {self._store}.lock away to do without its changes")


def encode(objects: Objects, before: Position) -> tuple[bytes, Position]:
    """One line of a journal, and the position behind it.

    Raises:
        Invalid: it holds a value that JSON cannot hold.
    """
    try:
        text = orjson.dumps(objects)
    except TypeError as error:
        raise Invalid(f"There is a value that JSON cannot hold: {error}") from error
    checksum = zlib.crc32(text, before.checksum)
    line = b"%08x %b\n" % (checksum, text)
    return line, Position(before.end + len(line), checksum)
