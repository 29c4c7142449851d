"""The file engine's file: one JSON object, `{"State.<id>": {…}, …}`, for several processes at once.

A small file is replaced as a whole by each change, so that any program can read all of the store
at any time. Changes to a large one go to `NAME.journal` and are folded in when there are many, and
when a program ends. Nothing here knows models or SQL: objects are dicts, by key.
"""
from __future__ import annotations

import json
import os
import re
import zlib
from collections import deque
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager, suppress
from typing import Any, BinaryIO, NoReturn

import orjson

from errors import Damaged, Invalid, Misconfigured, Unavailable
from models.engine.file_lock import FileLock
from models.engine.journal import Content, Header, Journal, Objects, encode, private

# Bytes up to which rewriting is as good as appending (measured: docs/decisions/0001-storage-engines.md).
SMALL = 64 * 1024
# The share of the file at which its journal is folded in.
FOLD_AT = 0.5
# Bytes that are parsed at a time.
READ_SIZE = 512 * 1024
# Where one object ends and the next begins: no text can hold this, as its quotes would be escaped.
_BOUNDARY = re.compile(rb'\}\s*,\s*(?="[A-Za-z]\w*\.[^"\\]*"\s*:\s*\{)')
# How a file begins whose objects are ours; one without it is an older HBNB's. Blank space is nothing in JSON, so
# whoever else reads or writes the file need not know.
OURS = b"{ \n"
NOTHING = Content(0, 0)     # of a file that is not there


class JSONFile:
    """A file of objects with its journal.

    Args:
        path: the file; it need not be there yet.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        try:
            self.path = os.path.realpath(os.path.expanduser(path))
        except FileNotFoundError:
            raise Misconfigured("the working directory was removed: change into one that is there") from None
        self.lock = FileLock(self.path)
        self._journal = Journal(f"{self.path}.journal")
        self.appended = False       # whether this process has, to the journal
        self.is_old = False         # whether an older HBNB wrote what was read
        self.forget()

    @property
    def paths(self) -> set[str]:
        """Of all files that are its own."""
        return {self.path, self._journal.path, self.lock.path}

    def forget(self) -> None:
        """Have `changes` give everything the next time."""
        self._stamps: tuple[object, object] = (None, None)  # of file and journal, when they were read
        self._content: Content | None = None                # of the file; `None` = not read yet
        self._begin = self._end = 0                         # the part of the journal that was read; 0 = none

    def probe(self) -> None:
        """See that the file can be read, and its folder written.

        Raises:
            Unavailable: says which cannot.
        """
        with self._reported("read"), suppress(FileNotFoundError), open(self.path, "rb"):
            pass
        folder = os.path.dirname(self.path)
        if not os.access(folder, os.W_OK | os.X_OK):
            raise Unavailable(f"{folder} cannot be written")

    # Reading

    def changed(self) -> bool:
        """Tell whether there is anything that `changes` did not give yet."""
        return self._content is None or self._stamps != self._look()

    def changes(self) -> tuple[bool, Iterator[Objects]]:
        """What was not given yet; to be read to its end, with the lock held.

        Returns: whether it is everything, in place of all that was given before; and the objects, in
            parts, `None` for a removed one.
        Raises:
            Damaged: file or journal is not what it should be; says which, and where.
            Unavailable: one cannot be read.
        """
        with self._reported("read"):
            stamps, header = self._look(), self._journal.header()
            if self._content is not None and self._knows(stamps, header):
                return False, self._read_journal(stamps)
        self.forget()
        return True, self._read_all(stamps, header)

    def _knows(self, stamps: tuple[object, object], header: Header | None) -> bool:
        """Tell whether what was read is still so, and only the journal has grown."""
        assert self._content is not None
        if header is None:
            return stamps[0] == self._stamps[0] and not self._end
        if header.after == (self._content, self._end) and self._end:
            # Another process folded into the file just what this one had read.
            self._content, self._begin, self._end = header.continues, header.length, header.length
        elif header.continues != self._content or stamps[0] != self._stamps[0]:
            return False
        elif not self._end:
            self._begin = self._end = header.length
        return self._journal.size() >= self._end

    def _look(self) -> tuple[object, object]:
        return _stamp(self.path), _stamp(self._journal.path)

    def _read_all(self, stamps: tuple[object, object], header: Header | None) -> Iterator[Objects]:
        with self._reported("read"):
            try:
                with open(self.path, "rb") as file:
                    self._content = yield from self._read_file(file)
            except FileNotFoundError:
                self._content, self.is_old = NOTHING, False
            if header and header.continues == self._content:
                self._begin = self._end = header.length
            elif header and self._unfolded(header):
                raise Damaged(f"{self._journal.path} holds changes to another {os.path.basename(self.path)} than is "
                              "there: put that one back, or move the journal away to do without its changes")
            yield from self._read_journal(stamps)

    def _unfolded(self, header: Header) -> bool:
        """Tell whether the journal has transactions that are not in the file."""
        last = deque(self._journal.transactions(header.length), maxlen=1)
        return bool(last) and last[0][0].get("") != list(self._content or ())

    def _read_journal(self, stamps: tuple[object, object]) -> Iterator[Objects]:
        if self._end:
            for objects, end in self._journal.transactions(self._end):
                if "" not in objects:
                    yield objects
                self._end = end
        self._stamps = stamps

    def _read_file(self, file: BinaryIO) -> Generator[Objects, None, Content]:
        """Give a file's objects, in parts, so that memory stays small however large it is."""
        content, text = Content(0, 0), b""
        self.is_old = file.read(len(OURS)) != OURS
        file.seek(0)
        while block := file.read(READ_SIZE):
            content = Content(content.size + len(block), zlib.crc32(block, content.checksum))
            text += block
            if cut := _last_boundary(text):
                try:
                    part = orjson.loads(text[:cut.start()] + b"}}")
                except orjson.JSONDecodeError:
                    break
                yield self._checked(part)
                text = b"{" + text[cut.end():]
        else:
            with suppress(orjson.JSONDecodeError):
                yield self._checked(orjson.loads(text))
                return content
        # Damaged, or of a kind that only the whole shows.
        file.seek(0)
        text = file.read()
        yield self._parse(text)
        return Content(len(text), zlib.crc32(text))

    def _parse(self, text: bytes) -> Objects:
        try:    # with the parser that says where it stops, and takes what older programs wrote
            # One of ours has no NaN; in another, it spoils the object that has it.
            return self._checked(json.loads(text, parse_constant=float if self.is_old else _refuse))
        except json.JSONDecodeError as error:
            place = f"line {error.lineno}, column {error.colno}: {error.msg}"
        except UnicodeDecodeError as error:
            place = f"byte {error.start} is not UTF-8"
        except RecursionError:
            place = "it is nested too deeply"
        except ValueError as error:
            place = str(error)
        raise Damaged(f"{self.path} is damaged, {place}. Nothing was changed: mend it, or put back a copy of it")

    def _checked(self, parsed: Any) -> Objects:
        if isinstance(parsed, dict):
            return parsed
        raise Damaged(f"{self.path} is no store: it holds a {type(parsed).__name__}, not an object of objects")

    # Writing

    def write(self, changes: Objects, everything: Callable[[], Iterator[Objects]]) -> None:
        """Store a transaction: it is there even if the machine stops the moment this returns.

        Needs the lock for writing, and that all changes were read.

        Args:
            changes: the changed objects by key, `None` for a removed one.
            everything: gives the whole store, in parts, for when the file is to be written anew.
        Raises:
            Invalid: there is a value that JSON cannot hold.
            Unavailable: it cannot be written. Either way the store is as it was.
        """
        assert self.lock.held
        assert self._content is not None
        line = encode(changes)
        if self.is_old or self._content.size <= SMALL or self._end + len(line) > self._content.size * FOLD_AT:
            self.rewrite(everything)
            return
        with self._reported("written"):
            if not self._end:
                self._begin = self._end = self._journal.begin(self._content, None)
                flush_directory(self.path)
            self._end = self._journal.append(self._end, line)
        self.appended = True
        self._stamps = self._look()

    def fold(self, everything: Callable[[], Iterator[Objects]]) -> None:
        """Write the file anew if its journal holds anything; see `write`."""
        if self._end > self._begin:
            self.rewrite(everything)

    def rewrite(self, everything: Callable[[], Iterator[Objects]], other: bool = False) -> None:
        """Write the file anew, and begin a new journal; see `write`.

        Args:
            other: it is another store than the one that was read, so nobody may go on from what they know.
        """
        assert self.lock.held
        assert self._content is not None
        with self._reported("written"):
            beside = f"{self.path}.new"
            try:
                content = _write_file(beside, everything())
                after = (self._content, self._end) if self._end else None
                if after:   # a crash may come before the new journal does
                    self._journal.append(self._end, encode({"": list(content)}))
                os.replace(beside, self.path)
                flush_directory(self.path)
            except BaseException:
                with suppress(OSError):
                    os.unlink(beside)
                raise
            self._content, self._begin, self._end, self.is_old = content, 0, 0, False
            if content.size > SMALL and after and not other:
                self._begin = self._end = self._journal.begin(content, after)
            else:
                with suppress(FileNotFoundError):
                    os.unlink(self._journal.path)
            flush_directory(self.path)
        self._stamps = self._look()

    @contextmanager
    def _reported(self, done: str) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise Unavailable(f"{error.filename or self.path} cannot be {done}: {error.strerror}") from error


def _write_file(path: str, parts: Iterator[Objects]) -> Content:
    """Write a file of objects, an object a line, and see it safely on the disk."""
    size = checksum = 0
    with open(path, "wb", opener=private) as file:
        def put(text: bytes) -> None:
            nonlocal size, checksum
            size, checksum = size + len(text), zlib.crc32(text, checksum)
            file.write(text)

        put(OURS)
        for number, part in enumerate(part for part in parts if part):
            try:
                put((b",\n" if number else b"") + b",\n".join(
                    b"%b: %b" % (orjson.dumps(key), orjson.dumps(value)) for key, value in part.items()))
            except TypeError as error:
                raise Invalid(f"There is a value that JSON cannot hold: {error}") from error
        put(b"\n}\n")
        file.flush()
        os.fsync(file.fileno())
    return Content(size, checksum)


def _last_boundary(text: bytes) -> re.Match[bytes] | None:
    for start in (max(0, len(text) - READ_SIZE // 16), 0):
        if found := deque(_BOUNDARY.finditer(text, start), maxlen=1):
            return found[0]
    return None


def _stamp(path: str) -> object:
    try:
        found = os.stat(path)
    except OSError:
        return None
    return found.st_ino, found.st_size, found.st_mtime_ns


def flush_directory(path: str) -> None:
    """See a file's new name safely on the disk."""
    descriptor = os.open(os.path.dirname(path), os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"it holds {constant}, which is no number in JSON")
