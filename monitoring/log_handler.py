"""Log writer: writes lines to standard error on a background thread, so that no request waits or fails."""
from __future__ import annotations

import os
import sys
import threading
import time
from collections import deque
from collections.abc import Callable
from multiprocessing.util import Finalize

PAUSE = 0.05        # seconds in which lines are collected, to write them at once
ROOM = 10_000       # maximum number of waiting lines; more are dropped and counted
PATIENCE = 1.0      # seconds for the last lines at the end of a process


class Writer:
    """Writes lines on its own thread, which each process starts with its first line.

    Args:
        lost: makes a line that reports the number of dropped lines.
    """

    def __init__(self, lost: Callable[[int], bytes]) -> None:
        self._lost = lost
        self._begin()
        os.register_at_fork(after_in_child=self._begin)

    def put(self, line: bytes) -> None:
        """Write a line, which must end with a line feed."""
        if len(self._lines) < ROOM:
            self._lines.append(line)
        else:
            self._missed += 1
        if not self._wanted.is_set():
            self._wanted.set()
            if self._thread is None:
                self._start()

    def finish(self) -> None:
        """Wait until all lines are written, for at most PATIENCE seconds."""
        end = time.monotonic() + PATIENCE
        while (self._lines or self._wanted.is_set() or self._writing) and time.monotonic() < end:
            time.sleep(PAUSE / 10)

    def _begin(self) -> None:
        self._lines: deque[bytes] = deque()
        self._missed = 0
        self._writing = False
        self._wanted = threading.Event()
        self._mutex = threading.Lock()
        self._thread: threading.Thread | None = None

    def _start(self) -> None:
        with self._mutex:
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="lines", daemon=True)
                self._thread.start()
                # Unlike atexit, this also runs in child processes of multiprocessing.
                Finalize(None, self.finish, exitpriority=0)

    def _run(self) -> None:
        while True:
            self._wanted.wait()
            time.sleep(PAUSE)
            self._writing = True
            self._wanted.clear()    # before the lines are taken, so that a later line sets it again
            lines = [self._lines.popleft() for _ in range(len(self._lines))]
            if missed := self._missed:
                self._missed -= missed
                lines.append(self._lost(missed))
            _write(b"".join(lines))
            self._writing = False


def _write(text: bytes) -> None:
    if sys.__stderr__ is None:      # standard error was closed at start: its descriptor may belong to another file
        return
    try:
        number = sys.__stderr__.fileno()
        while text:
            try:
                text = text[os.write(number, text):]
            except BlockingIOError:     # the parent process made the stream non-blocking
                time.sleep(PAUSE)
    except (OSError, ValueError):
        pass    # standard error is closed, so the error cannot be reported
