"""A readers-writer lock on a file, for processes and threads."""
from __future__ import annotations

import fcntl
import os
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress

from errors import Unavailable
from models.engine.file import owner

TIMEOUT = 60.0      # seconds that a program waits for the lock
REQUEST_TIMEOUT = 5.0       # seconds that a request waits for the lock
PATIENCE = 0.5      # seconds that `peeking` waits for a writer, before it reads without the lock
_PID_SIZE = 20      # bytes at the beginning of the lock file: the writer's process id
_NOTE_SIZE = 512    # bytes after these: the note of the last writer


class FileLock:
    """The lock of the file `path`: an advisory lock (`flock`) on `path.lock`.

    Blocks may be nested within a thread, but a `writing` block not in a `reading` one.
    """

    def __init__(self, path: str) -> None:
        self.path = f"{path}.lock"
        self._path = path
        self._writers = threading.Lock()    # held by the one thread of this process that may request the write lock
        self._own = threading.local()       # the descriptor and the mode of the lock that this thread holds

    @property
    def held(self) -> bool:
        """Whether this thread holds the write lock."""
        return getattr(self._own, "mode", None) == fcntl.LOCK_EX

    @contextmanager
    def reading(self, timeout: float | None = None) -> Iterator[None]:
        """Hold the lock for reading: nothing is written during the block.

        Args:
            timeout: seconds to wait for a writer; `None` = `TIMEOUT`.
        Raises:
            Unavailable: a writer still holds the lock after that time, or the lock file cannot be used.
        """
        with self._locked(fcntl.LOCK_SH, _deadline(timeout)):
            yield

    @contextmanager
    def peeking(self) -> Iterator[None]:
        """Hold the lock for reading; if a writer holds it for longer than `PATIENCE`, run the block without it."""
        with ExitStack() as stack:
            with suppress(Unavailable):
                stack.enter_context(self.reading(PATIENCE))
            yield

    @contextmanager
    def writing(self, timeout: float | None = None) -> Iterator[None]:
        """Hold the lock for writing: no other thread or process holds it during the block.

        Args:
            timeout: seconds to wait for all other threads and processes together; `None` = `TIMEOUT`.
        Raises:
            Unavailable: another still holds the lock after that time, or the lock file cannot be used.
        """
        if self.held:
            yield
            return
        deadline = _deadline(timeout)
        if not self._writers.acquire(timeout=max(0, deadline - time.monotonic())):
            raise self._in_use(self._writer())
        try:
            with self._locked(fcntl.LOCK_EX, deadline):
                yield
        finally:
            self._writers.release()

    def check(self) -> None:
        """Check that the lock file, on which this thread holds the write lock, was not removed.

        Raises:
            Unavailable: it was removed, so another process may be writing at the same time.
        """
        with self._reported(fcntl.LOCK_EX):
            current = self._is_current(self._own.descriptor)
        if not current:
            raise Unavailable(f"{self.path} was removed while it was in use. The change may or may not have been "
                              "stored. Check whether it was stored before you try again")

    @property
    def note(self) -> bytes:
        """The note of the last writer; empty if it cannot be read."""
        descriptor = getattr(self._own, "descriptor", None)
        if descriptor is None:
            return b""
        with self._reported(fcntl.LOCK_SH):
            return os.pread(descriptor, _NOTE_SIZE, _PID_SIZE).strip()

    @note.setter
    def note(self, text: bytes) -> None:
        with self._reported(fcntl.LOCK_EX):
            os.pwrite(self._own.descriptor, text.ljust(_NOTE_SIZE), _PID_SIZE)

    @contextmanager
    def _locked(self, mode: int, deadline: float) -> Iterator[None]:
        if getattr(self._own, "mode", None) is not None:      # an outer block holds the lock
            if mode == fcntl.LOCK_EX and not self.held:
                raise Unavailable(f"{self._path} cannot be written inside a block that reads a snapshot of it. Write "
                                  "before or after this block")
            yield
            return
        with self._reported(mode):
            self._own.descriptor = self._acquire(mode, deadline)
        self._own.mode = mode
        try:
            yield
        finally:
            descriptor, self._own.descriptor, self._own.mode = self._own.descriptor, None, None
            if descriptor is not None:
                with self._reported(mode):
                    self._release(descriptor, mode)

    def _release(self, descriptor: int, mode: int) -> None:
        try:
            if mode == fcntl.LOCK_EX:
                os.pwrite(descriptor, b" " * _PID_SIZE, 0)
        finally:
            os.close(descriptor)

    def _acquire(self, mode: int, deadline: float) -> int | None:
        """Lock the lock file; if it is removed or replaced meanwhile, lock the one that has the name now."""
        while (descriptor := self._open(mode)) is not None:
            try:
                self._wait(descriptor, mode, deadline)
                if self._is_current(descriptor):
                    return descriptor
            except BaseException:
                os.close(descriptor)
                raise
            os.close(descriptor)
        return None

    def _open(self, mode: int) -> int | None:
        """Open the lock file: every time, because a forked child would inherit the lock of an open descriptor."""
        flags = os.O_CLOEXEC | os.O_NOFOLLOW
        if mode == fcntl.LOCK_EX:
            descriptor = os.open(self.path, flags | os.O_RDWR | os.O_CREAT, owner.PRIVATE)
            owner.match(descriptor, self._path)
            return descriptor
        try:
            return os.open(self.path, flags | os.O_RDONLY)
        except (FileNotFoundError, NotADirectoryError, PermissionError):
            return None     # no program has written the store, or this one has no access: it reads without the lock

    def _wait(self, descriptor: int, mode: int, deadline: float) -> None:
        pause = 0.0005
        while True:
            try:
                fcntl.flock(descriptor, mode | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() > deadline:
                    raise self._in_use(os.pread(descriptor, _PID_SIZE, 0)) from None
            time.sleep(pause)
            pause = min(pause * 2, 0.008)
        if mode == fcntl.LOCK_EX:
            os.pwrite(descriptor, f"{os.getpid():<{_PID_SIZE}}".encode(), 0)

    def _is_current(self, descriptor: int) -> bool:
        own = os.fstat(descriptor)
        try:
            named = os.stat(self.path)
        except FileNotFoundError:
            return False
        return (own.st_dev, own.st_ino) == (named.st_dev, named.st_ino)

    def _writer(self) -> bytes:
        with suppress(OSError), open(self.path, "rb") as file:
            return file.read(_PID_SIZE)
        return b""

    def _in_use(self, writer: bytes) -> Unavailable:
        pid = writer.decode(errors="replace").strip()
        holder = f"process {pid} is writing to it" if pid else "another program is reading it"
        return Unavailable(f"{self._path} is in use: {holder}. Try again, or end that program")

    @contextmanager
    def _reported(self, mode: int) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            done = "written" if mode == fcntl.LOCK_EX else "read"
            raise Unavailable(f"{self._path} cannot be {done}: {error.strerror} ({self.path})") from error


def _deadline(timeout: float | None) -> float:
    return time.monotonic() + (TIMEOUT if timeout is None else timeout)
