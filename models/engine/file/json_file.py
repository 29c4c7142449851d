"""The file engine's file: one JSON object, `{"State.<id>": {…}, …}`, shared by several processes.

Each change replaces a small file as a whole, so that any program can read the complete store at any
time. Changes to a large file are appended to `NAME.journal`, which is merged into the file when it
grows and when a program ends. This module does not know models or SQL: objects are dicts, by key.
"""
from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

import orjson

from errors import Damaged, Misconfigured, Unavailable
from models.engine.file import json_objects, owner
from models.engine.file.journal import START, Content, Header, Journal, Objects, encode
from models.engine.file.lock import FileLock

# Bytes up to which rewriting a file is as fast as appending (measured: docs/decisions/0001-storage-engines.md).
SMALL = 64 * 1024
# The journal is merged into the file when it is larger than this share of the file's size.
FOLD_AT = 0.5
NOTHING = Content(0, 0)     # the content of a missing file
Stamp = tuple[int, int, int] | None     # a file's inode, size and modification time; `None` = no such file
Stamps = tuple[Stamp, Stamp]
_UNREAD: Stamps = ((0, 0, 0), None)


class JSONFile:
    """A file of objects with its journal.

    Args:
        path: the file, or a link to it; it need not exist yet.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        try:
            self._name = os.path.abspath(os.path.expanduser(path))
        except FileNotFoundError:
            raise Misconfigured("the working directory was removed: change to a directory that exists") from None
        self.timeout: float | None = None   # seconds to wait for other programs; `None` = `lock.TIMEOUT`
        self.appended = False       # whether this process has appended to the journal
        self.is_old = False         # whether an older HBNB wrote the file
        self._follow()

    def _follow(self) -> None:
        """Use the file to which the name, which may be a symbolic link, leads now."""
        self.path = os.path.realpath(self._name)
        self.lock = FileLock(self.path)
        self._journal = Journal(f"{self.path}.journal", self.path)
        self.forget()

    @property
    def paths(self) -> set[str]:
        """The paths of the file, its journal and its lock."""
        return {self.path, self._journal.path, self.lock.path}

    @contextmanager
    def writing(self, timeout: float | None = None) -> Iterator[None]:
        """Hold the write lock of the file to which the name leads; see `FileLock.writing`."""
        if self.lock.held:
            yield
            return
        while True:
            with self.lock.writing(self.timeout if timeout is None else timeout):
                if self.is_current():
                    yield
                    return
                self._follow()

    def is_current(self) -> bool:
        """Return whether the name still leads to this file; it does not if it is a link that was changed."""
        return os.path.realpath(self._name) == self.path

    def forget(self) -> None:
        """Make the next call of `changes` return the whole store."""
        self._stamps = _UNREAD      # the stamps of file and journal when they were last read
        self._content: Content | None = None    # the file's content; `None` = not read yet
        self._header: Header | None = None      # the journal's header; `None` = no journal was read
        self._position = START                  # how far the journal was read

    def probe(self) -> None:
        """Check that the file can be read and its folder can be written.

        Raises:
            Unavailable: one of them cannot; the message names it.
        """
        with self._reported("read"), suppress(FileNotFoundError), open(self.path, "rb"):
            pass
        folder = os.path.dirname(self.path)
        if not os.access(folder, os.W_OK | os.X_OK):
            raise Unavailable(f"{folder} cannot be written")

    # Reading

    def changed(self) -> bool:
        """Return whether there are changes that were not read yet."""
        return self._stamps != self.stamps()

    def stamps(self) -> Stamps:
        """Return the stamps of file and journal, which change whenever one of these changes."""
        return _stamp(self._name), _stamp(self._journal.path)

    def changes(self) -> tuple[bool, Iterator[Objects]]:
        """Return the changes since the last call. Iterate to the end, then call `mark_read`.

        Hold the lock: without it another process may write meanwhile, and the files may look damaged.

        Returns: whether these are all objects, which replace all earlier ones; and the objects by key, in parts, `None`
            for a removed one.
        Raises:
            Damaged: the file or its journal is damaged; the message says which, and where.
            Unavailable: one of them cannot be read.
        """
        if not (self.lock.held or self.is_current()):
            self._follow()
        with self._reported("read"):
            self._seen, header = self.stamps(), self._journal.header()
            if self._content is not None and self._is_continued(header):
                return False, self._read_journal()
        self.forget()
        return True, self._read_all(header)

    def mark_read(self) -> None:
        """Note that the caller has loaded all objects that `changes` returned."""
        self._stamps = self._seen

    def _is_continued(self, header: Header | None) -> bool:
        """Return whether only changes were added to the content that was read, so that these are enough."""
        if self._read_note().get("stamps") != repr(self._seen):
            return False    # another program than HBNB has written: it may have changed anything
        if header is None:
            return self._seen[0] == self._stamps[0] and self._header is None
        if header.after == (self._content, self._position) and self._header:
            # Another process merged the journal, which this one had read to its end, into the file.
            self._content, self._header, self._position = header.continues, header, header.position
            return True
        if header.continues != self._content or self._seen[0] != self._stamps[0]:
            return False
        if self._header is None:
            self._header, self._position = header, header.position
        return header == self._header and self._journal.size() >= self._position.end

    def _read_all(self, header: Header | None) -> Iterator[Objects]:
        with self._reported("read"):
            try:
                with open(self.path, "rb") as file:
                    self.is_old = not json_objects.has_current_format(file)
                    self._content = yield from json_objects.read(file, self.path, not self.is_old)
            except FileNotFoundError:
                self._content, self.is_old = NOTHING, False
            if header and header.continues == self._content:
                self._header, self._position = header, header.position
            elif header and self._unfolded(header):
                raise Damaged(f"{self._journal.path} holds changes to an earlier {os.path.basename(self.path)}, which "
                              "another program has replaced. Nothing was changed. Put the earlier file back; or, to "
                              "go on without these changes, move the journal to another folder")
            yield from self._read_journal()
            self._check_end()

    def _unfolded(self, header: Header) -> bool:
        """Return whether the journal has transactions that are not in the file."""
        last = deque(self._journal.transactions(header, header.position), maxlen=1)
        return bool(last) and last[0][0].get("") != list(self._content or ())

    def _read_journal(self) -> Iterator[Objects]:
        if self._header:
            for objects, position in self._journal.transactions(self._header, self._position):
                if "" not in objects:
                    yield objects
                self._position = position

    def _check_end(self) -> None:
        """Refuse a journal that was removed or truncated: the note in the lock file says how long it must be."""
        noted = self._read_note()
        missing = 0
        if self._header:
            missing = noted["end"] - self._position.end if self._header.id == noted.get("journal") else 0
        elif noted.get("file") == repr(self._seen[0]):
            missing = noted["changes"]
        if missing > 0:
            raise Damaged(f"{self._journal.path} is damaged: {missing} bytes at its end are missing. Nothing was "
                          "changed. Stop HBNB, and put back a copy of this file, or restore a backup. To go on "
                          f"without the missing changes, remove {self.lock.path}")

    def _read_note(self) -> dict[str, Any]:
        """Return the note of the last writer: the stamps of the files, and the end of the journal."""
        try:
            found = orjson.loads(self.lock.note)
        except orjson.JSONDecodeError:
            return {}
        return found if isinstance(found, dict) else {}

    def _write_note(self) -> None:
        """Write the note for other processes, and mark the changes as read by this one."""
        self.lock.check()
        self._seen = self.stamps()
        changes = self._position.end - self._header.position.end if self._header else 0
        self.lock.note = orjson.dumps({
            "stamps": repr(self._seen), "file": repr(self._seen[0]), "journal": self._header and self._header.id,
            "end": self._position.end, "changes": changes})
        self.mark_read()

    # Writing

    def write(self, changes: Objects, everything: Callable[[], Iterator[Objects]]) -> None:
        """Store a transaction durably: when this returns, a crash of the machine cannot lose it.

        The caller holds the write lock, and has loaded all changes. On an error the store does not change.

        Args:
            changes: the changed objects by key, `None` for a removed one.
            everything: returns the whole store, in parts; called if the file must be rewritten.
        Raises:
            Invalid: an object holds a value that JSON does not have.
            Unavailable: the files cannot be written.
        """
        self._check_locked()
        assert self._content is not None
        if self.is_old or self._content.size <= SMALL or (self._header and not self._header.id):
            self.rewrite(everything)
            return
        with self._reported("written"):
            if not self._header:
                self._header = self._journal.begin(self._content, None)
                self._position = self._header.position
                flush_directory(self.path)
            line, position = encode(changes, self._position)
            self.lock.check()
            self._journal.append(self._position.end, line)
            self._position, self.appended = position, True
            self._write_note()
        if self._position.end > self._content.size * FOLD_AT:
            with suppress(Unavailable):     # the change is stored already, and the next one tries to merge again
                self.fold(everything)

    def _check_locked(self) -> None:
        if not self.lock.held:
            raise Unavailable(f"{self.path} was not written, because the write lock was not held. Nothing was stored. "
                              "This is an error in HBNB: please report it")

    def fold(self, everything: Callable[[], Iterator[Objects]]) -> None:
        """Merge the journal, unless it is empty, by rewriting the file; see `write`."""
        if self._header and self._position != self._header.position:
            self.rewrite(everything, known=True)

    def rewrite(self, everything: Callable[[], Iterator[Objects]], known: bool = False) -> None:
        """Rewrite the file, and begin a new journal; see `write`.

        Args:
            known: the old file and its journal have the same content, so a process that has read them to the end need
                not read the new file.
        """
        self._check_locked()
        assert self._content is not None
        with self._reported("written"):
            content = self._replace(everything)
            after = (self._content, self._position) if known else None
            self._content, self._header, self._position, self.is_old = content, None, START, False
            if content.size > SMALL and after:
                self._header = self._journal.begin(content, after)
                self._position = self._header.position
            else:
                with suppress(FileNotFoundError):
                    os.unlink(self._journal.path)
            flush_directory(self.path)
            self._write_note()

    def _replace(self, everything: Callable[[], Iterator[Objects]]) -> Content:
        """Replace the file by a new one, and note in the journal that it was merged."""
        beside = f"{self.path}.new"
        try:
            # An older HBNB's file may be readable by all users.
            content = json_objects.write(beside, everything(), owner.opener(
                self.path, owner.PRIVATE if self.is_old else None))
            self.lock.check()
            if self._header:    # in case of a crash before the new journal replaces this one
                line, _ = encode({"": list(content)}, self._position if self._header.id else START)
                self._journal.append(self._position.end, line)
            os.replace(beside, self.path)
        except BaseException:
            with suppress(OSError):
                os.unlink(beside)       # fails if it has replaced the file already
                if self._header:
                    self._journal.cut(self._position.end)
            raise
        flush_directory(self.path)
        return content

    @contextmanager
    def _reported(self, done: str) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise Unavailable(f"{error.filename or self.path} cannot be {done}: {error.strerror}") from error


def _stamp(path: str) -> Stamp:
    try:
        found = os.stat(path)
    except OSError:
        return None
    return found.st_ino, found.st_size, found.st_mtime_ns


def flush_directory(path: str) -> None:
    """Flush the directory of a file to the disk, so that a new name of the file survives a crash."""
    descriptor = os.open(os.path.dirname(path), os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
