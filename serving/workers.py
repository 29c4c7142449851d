"""Worker processes of the server: their signals, and the replacement of a worker that died."""
from __future__ import annotations

import os
import signal
import struct
import threading
import time
from collections import Counter
from typing import Any

from granian import Granian

STARTS = 3      # failed starts of a worker in a row after which the server stops
LOOK = 0.5      # seconds between two checks of a worker that its parent is alive

_PID = struct.Struct("i")


class Workers(Granian):     # type: ignore[misc, valid-type]
    """A Granian server that replaces workers that die.

    If a worker dies STARTS times in a row before it can serve, the server stops with status 1.
    """

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, respawn_failed_workers=True, **options)
        self._reader, self._writer = os.pipe()
        os.set_blocking(self._reader, False)
        self._serving: set[int] = set()
        self._parent = os.getpid()
        # Granian itself stops if the same worker dies twice within 5.5 seconds, for any reason.
        self.respawned_wrks = _Deaths(self)
        os.register_at_fork(before=lambda: _mask(signal.SIG_BLOCK), after_in_child=_in_worker,
                            after_in_parent=lambda: _mask(signal.SIG_UNBLOCK))

    def serves(self) -> None:
        """Tell the server, from a worker, that the worker can serve."""
        _end_with(self._parent, self.workers_kill_timeout or 0)
        os.write(self._writer, _PID.pack(os.getpid()))

    def has_served(self, index: int) -> bool:
        try:
            while record := os.read(self._reader, _PID.size):
                self._serving.update(_PID.unpack(record))
        except BlockingIOError:
            pass
        return self.wrks[index]._id() in self._serving

    def _respawn_workers(self, *arguments: Any, **options: Any) -> None:
        super()._respawn_workers(*arguments, **options)
        # Granian clears its list afterwards, including workers that died during the replacement: add these again.
        self.interrupt_children += [worker.idx for worker in self.wrks
                                    if not worker.is_alive() and worker.idx not in self.interrupt_children]
        if self.interrupt_children or self.interrupt_signal:
            self.main_loop_interrupt.set()


class _Deaths(dict[int, float]):
    """The time of each worker's last replacement, which Granian asks for when one died: “just now” stops the server."""

    def __init__(self, workers: Workers) -> None:
        self._workers = workers
        self._failed: Counter[int] = Counter()      # deaths in a row, each before the worker could serve

    def get(self, index: int, default: Any = None) -> float:
        self._failed[index] = 0 if self._workers.has_served(index) else self._failed[index] + 1
        return time.monotonic() if self._failed[index] >= STARTS else float("-inf")


def _end_with(parent: int, seconds: float) -> None:
    """End this worker after its parent has died, even if the parent was killed.

    Args:
        parent: the process id of the parent.
        seconds: the time to finish requests.
    """
    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(LOOK)
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(seconds)
        os._exit(1)
    threading.Thread(target=watch, daemon=True).start()


def _in_worker() -> None:
    """Leave SIGINT to the parent, which then stops the workers: two signals at once keep a worker from ending.

    SIGTERM gets its default handler: with the parent's handler, a worker that does not serve yet would never end.
    """
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGTERM})


def _mask(how: int) -> None:
    """Block the signals that stop the server while a worker is forked, or unblock them."""
    signal.pthread_sigmask(how, {signal.SIGTERM, signal.SIGINT})
