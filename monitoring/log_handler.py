"""Writing lines to standard error so that nobody who has one written ever waits, or fails."""
from __future__ import annotations

import os
import sys
import threading
import time
from collections import deque
from collections.abc import Callable
from multiprocessing.util import Finalize

PAUSE = 0.05        # seconds in which lines are gathered, as many cost as little as one
ROOM = 10_000       # lines that wait while nobody reads; more are counted only
PATIENCE = 1.0      # seconds that the last lines of a process may take


class Writer:
    """Writes on a thread of its own, which each process begins with its first line.

    Args:
        lost: the line that tells how many could not be written.
    """

    def __init__(self, lost: Callable[[int], bytes]) -> None:
        self._lost = lost
        self._begin()
        os.register_at_fork(after_in_child=self._begin)

    def put(self, line: bytes) -> None:
        """Have a line written, which ends as lines do."""
        if len(self._lines) < ROOM:
            self._lines.append(line)
        else:
            self._missed += 1
        if not self._wanted.is_set():
            self._wanted.set()
            if self._thread is None:
                self._start()

    def finish(self) -> None:
        """Wait until everything is written, though not for long."""
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
                # Unlike atexit, this comes in the child processes of multiprocessing too.
                Finalize(None, self.finish, exitpriority=0)

    def _run(self) -> None:
        while True:
            self._wanted.wait()
            time.sleep(PAUSE)
            self._writing = True
            self._wanted.clear()    # first: what comes from now on asks anew
            lines = [self._lines.popleft() for _ in range(len(self._lines))]
            if missed := self._missed:
                self._missed -= missed
                lines.append(self._lost(missed))
            _write(b"".join(lines))
            self._writing = False


def _write(text: bytes) -> None:
    if sys.__stderr__ is None:      # closed from the beginning: its number may be that of another file
        return
    try:
        number = sys.__stderr__.fileno()
        while text:
            try:
                text = text[os.write(number, text):]
            except BlockingIOError:     # who gave us this stream has it say so where others wait
                time.sleep(PAUSE)
    except (OSError, ValueError):
        pass    # there is nobody to tell
