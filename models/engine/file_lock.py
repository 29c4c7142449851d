"""A lock that processes and threads share: many may read, one may write."""
from __future__ import annotations

import fcntl
import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from errors import Unavailable

TIMEOUT = 60.0      # seconds


class FileLock:
    """The lock on `path`, which lies beside it as `path.lock`.

    Blocks may be nested within a thread; a writing one not within a reading one.
    """

    def __init__(self, path: str) -> None:
        self.path = f"{path}.lock"
        self._path = path
        self._mutex = threading.RLock()
        self._descriptor: int | None = None
        self._writer: int | None = None

    @property
    def held(self) -> bool:
        """Whether this very thread may write."""
        return self._writer == threading.get_ident()

    @contextmanager
    def reading(self) -> Iterator[None]:
        """Keep other processes from writing.

        Raises:
            Unavailable: somebody who writes does not let go.
        """
        with self._locked(fcntl.LOCK_SH, os.O_RDONLY, TIMEOUT):
            yield

    @contextmanager
    def writing(self, timeout: float | None = None) -> Iterator[None]:
        """Keep everybody else from reading and writing.

        Args:
            timeout: seconds to wait for others; none = as long as it is usual.
        Raises:
            Unavailable: somebody does not let go, or nothing can be written there.
        """
        with self._locked(fcntl.LOCK_EX, os.O_RDWR | os.O_CREAT, TIMEOUT if timeout is None else timeout):
            outer, self._writer = self._writer, threading.get_ident()
            try:
                yield
            finally:
                self._writer = outer

    @contextmanager
    def _locked(self, mode: int, flags: int, timeout: float) -> Iterator[None]:
        with self._mutex:
            if self._descriptor is not None:    # locked by an outer block
                if mode == fcntl.LOCK_EX and self._writer is None:
                    raise Unavailable(f"{self._path} cannot be written while it is being read as it is")
                yield
                return
            descriptor = self._open(flags)
            if descriptor is None:
                yield
                return
            try:
                self._wait(descriptor, mode, timeout)
                self._descriptor = descriptor
                yield
            finally:
                if mode == fcntl.LOCK_EX and self._descriptor is not None:
                    os.pwrite(descriptor, b" " * 20, 0)
                self._descriptor = None
                os.close(descriptor)

    def _open(self, flags: int) -> int | None:
        """Open the lock: each time, as a forked child would inherit a lock together with its descriptor."""
        try:
            return os.open(self.path, flags | os.O_CLOEXEC, 0o600)
        except OSError as error:
            if flags & os.O_CREAT:
                raise Unavailable(f"{self._path} cannot be written: {error.strerror}") from error
            return None     # nobody ever wrote there, or this process may not: it reads what it finds

    def _wait(self, descriptor: int, mode: int, timeout: float) -> None:
        deadline, pause = time.monotonic() + timeout, 0.0005
        while True:
            try:
                fcntl.flock(descriptor, mode | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() > deadline:
                    writer = os.pread(descriptor, 20, 0).decode().strip()
                    who = f"process {writer} has" if writer else "others who read have"
                    raise Unavailable(f"{self._path} is in use: {who} held it for {timeout:.0f} seconds. "
                                      "Try again, or end that process") from None
            time.sleep(pause)
            pause = min(pause * 2, 0.008)
        if mode == fcntl.LOCK_EX:
            os.pwrite(descriptor, f"{os.getpid():<20}".encode(), 0)
