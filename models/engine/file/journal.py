"""The journal: an append-only file with the changes since the file of objects was written.

The first line is the header. It has an `id`; `continues`, the content of the file that the journal
adds to; and `after`, the content and the journal position from which that file was written. Every
further line is a transaction: the changed objects by key, `null` for a removed one. Objects are
complete, so a line may be applied twice. A last line with the key `""` means that the whole journal
was merged into the file whose content it names.

Each line begins with a checksum of its text and of all lines before it, which detects lines that
were changed, removed or moved. An incomplete last line is left by a crash, and was never
acknowledged; any other defect is damage. In a journal without an `id`, written by an earlier HBNB,
the checksum of a line covers only that line.
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
    """The size and checksum that identify a file's content."""

    size: int
    checksum: int


class Position(NamedTuple):
    """A position in a journal.

    Args:
        end: the offset after the last line read, in bytes; 0 = no journal.
        checksum: the checksum of all lines up to there.
    """

    end: int
    checksum: int


START = Position(0, 0)


class Header(NamedTuple):
    """The header of a journal.

    Args:
        id: `None` if an earlier HBNB wrote the journal.
        position: the position of the first transaction.
    """

    id: str | None
    continues: Content
    after: tuple[Content, Position] | None
    position: Position


class Journal:
    """The journal of one store.

    Args:
        path: the path of the journal.
        store: the path of the store's file, whose owner and permissions the journal gets.
    """

    def __init__(self, path: str, store: str) -> None:
        self.path = path
        self._store = store

    def size(self) -> int:
        """Return the journal's size in bytes; 0 if it does not exist."""
        try:
            return os.stat(self.path).st_size
        except FileNotFoundError:
            return 0

    def header(self) -> Header | None:
        """Read the first line. Returns `None` if the journal does not exist.

        Raises:
            Damaged: the line is not a header.
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
        """Yield the transactions from a position on, each with the position after it.

        Raises:
            Damaged: a line is not valid.
        """
        with open(self.path, "rb") as journal:
            journal.seek(start.end)
            for line in journal:
                if line.endswith(b"\n"):
                    before = start if header.id else Position(start.end, 0)
                    objects, start = self._parse(line, before, f"the line at byte {start.end}")
                    yield objects, start

    def begin(self, continues: Content, after: tuple[Content, Position] | None) -> Header:
        """Replace the journal by an empty one.

        Args:
            continues: the current content of the store's file.
            after: the content and position from which that file was written, if known.
        """
        id = secrets.token_hex(8)
        line, position = encode({"id": id, "continues": [*continues], "after": after and [*map(list, after)]}, START)
        with open(f"{self.path}.new", "wb", opener=owner.opener(self._store)) as journal:
            journal.write(line)
            journal.flush()
            os.fsync(journal.fileno())
        os.replace(f"{self.path}.new", self.path)
        return Header(id, continues, after, position)

    def append(self, end: int, line: bytes) -> None:
        """Append a transaction after the one that ends at offset `end`; on an error the journal does not change."""
        with open(self.path, "r+b", buffering=0) as journal:
            journal.truncate(end)   # removes the incomplete line that a crash left
            try:
                journal.seek(end)
                rest = memoryview(line)
                while rest:
                    rest = rest[journal.write(rest):]
                os.fsync(journal.fileno())
                if os.pread(journal.fileno(), len(line) + 1, end) != line:
                    raise OSError(errno.EIO, "reading it back gave other bytes than were written", self.path)
            except BaseException:
                journal.truncate(end)
                raise

    def cut(self, end: int) -> None:
        """Remove all lines after an offset."""
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
        return Damaged(f"{self.path} is damaged: {place} is not valid. Nothing was changed. Stop HBNB, and put back a "
                       "copy of this file, or restore a backup. To go on without the changes in it, move it and "
                       f"{self._store}.lock to another folder")


def encode(objects: Objects, before: Position) -> tuple[bytes, Position]:
    """Return a line of a journal, and the position after it.

    Raises:
        Invalid: an object holds a value that JSON does not have.
    """
    try:
        text = orjson.dumps(objects)
    except TypeError as error:
        raise Invalid(f"JSON cannot hold a value: {error}") from error
    checksum = zlib.crc32(text, before.checksum)
    line = b"%08x %b\n" % (checksum, text)
    return line, Position(before.end + len(line), checksum)
