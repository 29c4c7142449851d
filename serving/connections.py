"""Client connections of a worker: closes those of clients that do not read, and idle ones if there are too many.

The server has no timeout for writing, so this module asks the kernel for the state of each connection. On other systems
than Linux, and on Unix sockets, which have a web server in front, it closes nothing.
"""
from __future__ import annotations

import fcntl
import logging
import os
import socket
import stat
import struct
import sys
import termios
import threading
import time
from collections.abc import Iterator
from contextlib import closing, suppress
from operator import itemgetter
from pathlib import Path
from typing import NamedTuple

from serving.concurrency import Guard

MOST = 1000         # maximum connections of a worker; more wait in the kernel
ROOM = 500          # above this number of connections, idle ones are closed
IDLE = 1            # seconds without a request after which a connection is idle
SLOW = 30           # seconds in which a client must read a part of a response
HURRY = 3           # the same, if many clients are slow
RATE = 500          # minimum bytes a second that a client must read
PAUSE = 1           # seconds between two checks
_OPEN = Path("/proc/self/fd")
_INFO = struct.Struct("=44xI4xI64x2Q")      # Linux's tcp_info, up to the number of received bytes


class State(NamedTuple):
    """The state of a connection, as the kernel reports it.

    Args:
        waiting: bytes that the client has not acknowledged yet.
        taken: bytes that the client has acknowledged.
        received: bytes that the client has sent.
        sent_ago, received_ago: milliseconds since the last bytes in each direction.
    """

    waiting: int
    taken: int
    received: int
    sent_ago: int
    received_ago: int

    @property
    def is_idle(self) -> bool:
        """Whether no request seems to be in progress: none was sent, or the last response was sent a while ago."""
        return (not self.waiting and self.received_ago > IDLE * 1000
                and (not self.received or IDLE * 1000 < self.sent_ago < self.received_ago))

    def may_carry(self, seconds: float) -> bool:
        """Whether a request that began this many seconds ago may belong to this connection."""
        return bool(self.received) and abs(self.received_ago / 1000 - seconds) < PAUSE


class Place(NamedTuple):
    """A connection of the process: its file descriptor, which may be reused, and its inode, which is not."""

    number: int
    inode: int


def watch(port: int | None, guard: Guard) -> None:
    """Check the connections to a port in a background thread, until the process ends."""
    if port is None or not _OPEN.is_dir():
        return
    watcher = _Watcher(port, guard)
    threading.Thread(target=watcher.run, name="connections", daemon=True).start()


class _Watcher:
    def __init__(self, port: int, guard: Guard) -> None:
        self._port, self._guard = port, guard
        self._slow: dict[int, tuple[float, int]] = {}   # by inode: waiting since, bytes taken by then

    def run(self) -> None:
        while True:
            time.sleep(PAUSE)
            try:
                self.look()
            except Exception:
                logging.getLogger(__name__).exception("Checking the client connections failed")

    def look(self) -> None:
        """Close connections that are too slow, and idle ones if there are too many."""
        is_busy, overdue, transfers = self._guard.is_busy, self._guard.overdue(), self._guard.transfers()
        slow: dict[int, tuple[float, int]] = {}
        idle, silent, count = [], [], 0
        for place, connection in self._connections():
            state = _state(connection)
            count += 1
            if state.waiting:
                slow[place.inode] = self._slow.get(place.inode, (time.monotonic(), state.taken))
                if _is_too_slow(state, *slow[place.inode], HURRY if is_busy else SLOW):
                    _close(connection)
                continue
            address = connection.getpeername()[0]
            if state.is_idle and not any(each == address and state.may_carry(age) for each, age in transfers):
                idle.append((state.received_ago, place))
            elif overdue:
                silent.append((state.sent_ago / 1000, address, place))
        self._slow = slow
        self._end({place for _, place in sorted(idle, reverse=True)[:max(0, count - ROOM)]} | _match(overdue, silent))

    def _end(self, places: set[Place]) -> None:
        if places:
            for place, connection in self._connections():
                if place in places and not _state(connection).waiting:
                    _close(connection)

    def _connections(self) -> Iterator[tuple[Place, socket.socket]]:
        """Yield the client connections. Each is open until the next one is requested."""
        for number in map(int, os.listdir(_OPEN)):
            with suppress(OSError):     # another thread has closed it
                if not stat.S_ISSOCK(os.fstat(number).st_mode):
                    continue
                # A duplicate stays open, even if the server closes its own descriptor.
                with closing(socket.socket(fileno=os.dup(number))) as connection:
                    if (connection.family in (socket.AF_INET, socket.AF_INET6)
                            and connection.getsockname()[1] == self._port and connection.getpeername()):
                        yield Place(number, os.fstat(connection.fileno()).st_ino), connection


def _is_too_slow(state: State, since: float, taken: int, most: float) -> bool:
    seconds = time.monotonic() - since
    return seconds >= most and state.taken - taken < RATE * seconds


def _match(overdue: list[tuple[str, float]], silent: list[tuple[float, str, Place]]) -> set[Place]:
    """Find the connections of overdue request bodies: same client address, and silent for as long as the body."""
    found = set()
    for address, seconds in sorted(overdue, key=itemgetter(1), reverse=True):
        fitting = [each for each in silent if each[1] == address and each[0] >= seconds - PAUSE]
        if fitting:
            silent.remove(chosen := min(fitting))
            found.add(chosen[2])
    return found


def _state(connection: socket.socket) -> State:
    waiting = int.from_bytes(fcntl.ioctl(connection, termios.TIOCOUTQ, bytes(4)), sys.byteorder)
    sent_ago, received_ago, taken, received = _INFO.unpack(
        connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, _INFO.size))
    return State(waiting, taken, received, sent_ago, received_ago)


def _close(connection: socket.socket) -> None:
    """Shut a connection down and drop its unsent data; the server then closes it."""
    with suppress(OSError):
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        connection.shutdown(socket.SHUT_RDWR)
