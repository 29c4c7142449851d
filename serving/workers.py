"""The worker processes of a server: which signals reach them, and when one is replaced."""
from __future__ import annotations

import os
import signal
import struct
import threading
import time
from collections import Counter
from typing import Any

from granian import Granian

STARTS = 3      # of one worker that fail in a row, before the server gives up
LOOK = 0.5      # seconds between two looks of a worker whether its parent is there

_PID = struct.Struct("i")


class Workers(Granian):     # type: ignore[misc, valid-type]
    """A server that replaces a worker that dies.

    If it dies before it can serve, STARTS times in a row, the server ends with status 1.
    """

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, respawn_failed_workers=True, **options)
        self._reader, self._writer = os.pipe()
        os.set_blocking(self._reader, False)
        self._serving: set[int] = set()
        self._parent = os.getpid()
        # Granian itself gives up if the same worker dies twice within 5.5 seconds, for whatever reason.
        self.respawned_wrks = _Deaths(self)
        os.register_at_fork(before=lambda: _mask(signal.SIG_BLOCK), after_in_child=_in_worker,
                            after_in_parent=lambda: _mask(signal.SIG_UNBLOCK))

    def serves(self) -> None:
        """Tell the server, from a worker, that this worker can serve."""
        _end_with(self._parent, self.workers_kill_timeout or 0)
        os.write(self._writer, _PID.pack(os.getpid()))

    def has_served(self, index: int) -> bool:
        try:
            while told := os.read(self._reader, _PID.size):
                self._serving.update(_PID.unpack(told))
        except BlockingIOError:
            pass
        return self.wrks[index]._id() in self._serving

    def _respawn_workers(self, *arguments: Any, **options: Any) -> None:
        super()._respawn_workers(*arguments, **options)
        # What happened meanwhile may have been cleared together with what this was about.
        self.interrupt_children += [worker.idx for worker in self.wrks
                                    if not worker.is_alive() and worker.idx not in self.interrupt_children]
        if self.interrupt_children or self.interrupt_signal:
            self.main_loop_interrupt.set()


class _Deaths(dict[int, float]):
    """When each worker was last replaced, as Granian asks of one that died: just now = it ends the server."""

    def __init__(self, workers: Workers) -> None:
        self._workers = workers
        self._failed: Counter[int] = Counter()      # deaths in a row before a worker could serve

    def get(self, index: int, default: Any = None) -> float:
        self._failed[index] = 0 if self._workers.has_served(index) else self._failed[index] + 1
        return time.monotonic() if self._failed[index] >= STARTS else float("-inf")


def _end_with(parent: int, seconds: float) -> None:
    """End this worker once its parent is gone, even by a signal that nothing can catch.

    Args:
        seconds: that it may take for what it has begun.
    """
    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(LOOK)
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(seconds)
        os._exit(1)
    threading.Thread(target=watch, daemon=True).start()


def _in_worker() -> None:
    """Leave SIGINT to the parent, which tells the workers to end: two signals at once keep a worker from ending.

    With its parent's handler for SIGTERM, a worker that does not serve yet would go on for ever.
    """
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGTERM})


def _mask(how: int) -> None:
    """Block the signals that end a server while a worker is forked, or let them come."""
    signal.pthread_sigmask(how, {signal.SIGTERM, signal.SIGINT})
