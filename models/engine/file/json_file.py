"""The file engine's file: one JSON object, `{"State.<id>": {…}, …}`, for several processes at once.

A small file is replaced as a whole by each change, so that any program can read all of the store
at any time. Changes to a large one go to `NAME.journal` and are folded in when there are many, and
when a program ends. Nothing here knows models or SQL: objects are dicts, by key.
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

# Bytes up to which rewriting is as good as appending (measured: docs/decisions/0001-storage-engines.md).
SMALL = 64 * 1024
# The share of the file at which its journal is folded in.
FOLD_AT = 0.5
NOTHING = Content(0, 0)     # of a file that is not there
Stamp = tuple[int, int, int] | None     # number, size and time of a file; `None` = there is none
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
            raise Misconfigured("the working directory was removed: change into one that is there") from None
        self.timeout: float | None = None   # seconds to wait for other programs; `None` = as long as usual
        self.appended = False       # whether this process has, to the journal
        self.is_old = False         # whether an older HBNB wrote what was read
        self._follow()

    def _follow(self) -> None:
        """Use the file that the name leads to now."""
        self.path = os.path.realpath(self._name)
        self.lock = FileLock(self.path)
        self._journal = Journal(f"{self.path}.journal", self.path)
        self.forget()

    @property
    def paths(self) -> set[str]:
        """Of all files that are its own."""
        return {self.path, self._journal.path, self.lock.path}

    @contextmanager
    def writing(self, timeout: float | None = None) -> Iterator[None]:
        """Hold the lock for writing, on the file that the name leads to; see `FileLock.writing`."""
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
        """Whether the name still leads to this file; it does not if it is a link that was changed."""
        return os.path.realpath(self._name) == self.path

    def forget(self) -> None:
        """Have `changes` give everything the next time."""
        self._stamps = _UNREAD      # of file and journal, when what was taken over was read
        self._content: Content | None = None    # of the file; `None` = not read yet
        self._header: Header | None = None      # of the journal that was read; `None` = there was none
        self._position = START                  # how far it was read

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
        """Tell whether there is anything that was not taken over yet."""
        return self._stamps != self.look()

    def look(self) -> Stamps:
        """What changes whenever the file or its journal does."""
        return _stamp(self._name), _stamp(self._journal.path)

    def changes(self) -> tuple[bool, Iterator[Objects]]:
        """What was not given yet; to be read to its end, and then `taken`.

        With the lock held; without it, a writer may come in between, and what looks like damage may be none.

        Returns: whether it is everything, in place of all that was given before; and the objects, in
            parts, `None` for a removed one.
        Raises:
            Damaged: file or journal is not what it should be; says which, and where.
            Unavailable: one cannot be read.
        """
        if not (self.lock.held or self.is_current()):
            self._follow()
        with self._reported("read"):
            self._seen, header = self.look(), self._journal.header()
            if self._content is not None and self._goes_on(header):
                return False, self._read_journal()
        self.forget()
        return True, self._read_all(header)

    def taken(self) -> None:
        """Note that all that `changes` gave was taken over."""
        self._stamps = self._seen

    def _goes_on(self, header: Header | None) -> bool:
        """Tell whether what was read is still so, and only HBNB has added to it."""
        if self._noted().get("stamps") != repr(self._seen):
            return False    # another program wrote: what was read may have been changed, too
        if header is None:
            return self._seen[0] == self._stamps[0] and self._header is None
        if header.after == (self._content, self._position) and self._header:
            # Another process folded into the file just what this one had read.
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
                    self.is_old = not json_objects.is_ours(file)
                    self._content = yield from json_objects.read(file, self.path, not self.is_old)
            except FileNotFoundError:
                self._content, self.is_old = NOTHING, False
            if header and header.continues == self._content:
                self._header, self._position = header, header.position
            elif header and self._unfolded(header):
                raise Damaged(f"{self._journal.path} holds changes to another {os.path.basename(self.path)} than is "
                              "there: put that one back, or move the journal away to do without its changes")
            yield from self._read_journal()
            self._check_end()

    def _unfolded(self, header: Header) -> bool:
        """Tell whether the journal has transactions that are not in the file."""
        last = deque(self._journal.transactions(header, header.position), maxlen=1)
        return bool(last) and last[0][0].get("") != list(self._content or ())

    def _read_journal(self) -> Iterator[Objects]:
        if self._header:
            for objects, position in self._journal.transactions(self._header, self._position):
                if "" not in objects:
                    yield objects
                self._position = position

    def _check_end(self) -> None:
        """Refuse a journal that is gone, or lost transactions at its end, as far as the last writer's note tells."""
        noted = self._noted()
        missing = 0
        if self._header:
            missing = noted["end"] - self._position.end if self._header.id == noted.get("journal") else 0
        elif noted.get("file") == repr(self._seen[0]):
            missing = noted["changes"]
        if missing > 0:
            raise Damaged(f"{self._journal.path} is damaged, {missing} bytes at its end are missing. Nothing was "
                          f"changed: put it back, or remove {self.lock.path} to do without them")

    def _noted(self) -> dict[str, Any]:
        """What the last writer left behind: the stamps and the end of what it wrote."""
        try:
            found = orjson.loads(self.lock.note)
        except orjson.JSONDecodeError:
            return {}
        return found if isinstance(found, dict) else {}

    def _leave(self) -> None:
        """Let others know what was written, and by this program that it need not be read."""
        self.lock.check()
        self._seen = self.look()
        changes = self._position.end - self._header.position.end if self._header else 0
        self.lock.note = orjson.dumps({
            "stamps": repr(self._seen), "file": repr(self._seen[0]), "journal": self._header and self._header.id,
            "end": self._position.end, "changes": changes})
        self.taken()

    # Writing

    def write(self, changes: Objects, everything: Callable[[], Iterator[Objects]]) -> None:
        """Store a transaction: it is there even if the machine stops the moment this returns.

        Needs the lock for writing, and that all changes were taken over.

        Args:
            changes: the changed objects by key, `None` for a removed one.
            everything: gives the whole store, in parts, for when the file is to be written anew.
        Raises:
            Invalid: there is a value that JSON cannot hold.
            Unavailable: it cannot be written. Either way the store is as it was.
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
            self._leave()
        if self._position.end > self._content.size * FOLD_AT:
            with suppress(Unavailable):     # the change is stored, and the next one folds again
                self.fold(everything)

    def _check_locked(self) -> None:
        if not self.lock.held:
            raise Unavailable(f"{self.path} was not written: the lock for writing was not held. Nothing was stored")

    def fold(self, everything: Callable[[], Iterator[Objects]]) -> None:
        """Write the file anew if its journal holds anything; see `write`."""
        if self._header and self._position != self._header.position:
            self.rewrite(everything, known=True)

    def rewrite(self, everything: Callable[[], Iterator[Objects]], known: bool = False) -> None:
        """Write the file anew, and begin a new journal; see `write`.

        Args:
            known: the file and its journal hold all of this already, so a process that has read them to
                their end need not read the new file.
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
            self._leave()

    def _replace(self, everything: Callable[[], Iterator[Objects]]) -> Content:
        """Put a new file in the place of the old one; a journal says that the file holds it."""
        beside = f"{self.path}.new"
        try:
            # What an older HBNB left may be open to everybody.
            content = json_objects.write(beside, everything(), owner.opener(
                self.path, owner.PRIVATE if self.is_old else None))
            self.lock.check()
            if self._header:    # a crash may come before the new journal does
                line, _ = encode({"": list(content)}, self._position if self._header.id else START)
                self._journal.append(self._position.end, line)
            os.replace(beside, self.path)
        except BaseException:
            with suppress(OSError):
                os.unlink(beside)       # fails if it is in its place already
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
    """See a file's new name safely on the disk."""
    descriptor = os.open(os.path.dirname(path), os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
