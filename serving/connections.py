"""The clients' connections of a worker: those whose clients do not read are closed, and idle ones when room is short.

The server knows no deadline for writing, so the kernel is asked how each connection gets on. Linux only; elsewhere, and
on unix sockets, where a web server stands in front, nothing is closed.
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

MOST = 1000         # connections of a worker; more wait in the kernel
ROOM = 500          # of which idle ones are closed beyond these
IDLE = 1            # seconds without a request, after which a connection is idle
SLOW = 30           # seconds in which a client must take a part of what waits for it
HURRY = 3           # the same, if many clients are slow
RATE = 500          # bytes a second that it must take at least
PAUSE = 1           # seconds between two looks
_OPEN = Path("/proc/self/fd")
_INFO = struct.Struct("=44xI4xI64x2Q")      # of Linux's tcp_info, to the bytes that were received


class State(NamedTuple):
    """What the kernel says of a connection.

    Args:
        waiting: bytes that the client has not taken yet.
        taken: bytes that it has.
        received: bytes that it has sent.
        sent_ago, received_ago: milliseconds since the last bytes in each direction.
    """

    waiting: int
    taken: int
    received: int
    sent_ago: int
    received_ago: int

    @property
    def is_idle(self) -> bool:
        """Whether it seems that no request is under way: none was sent, or the last one was answered a while ago."""
        return (not self.waiting and self.received_ago > IDLE * 1000
                and (not self.received or IDLE * 1000 < self.sent_ago < self.received_ago))

    def may_carry(self, seconds: float) -> bool:
        """Whether what began so long ago may come or go on this connection: its request came just before."""
        return bool(self.received) and abs(self.received_ago / 1000 - seconds) < PAUSE


class Place(NamedTuple):
    """Where a process has a connection: the number may soon be another's, the inode is not."""

    number: int
    inode: int


def watch(port: int | None, guard: Guard) -> None:
    """Look after the connections to a port, on a thread of its own, as long as the process lives."""
    if port is None or not _OPEN.is_dir():
        return
    watcher = _Watcher(port, guard)
    threading.Thread(target=watcher.run, name="connections", daemon=True).start()


class _Watcher:
    def __init__(self, port: int, guard: Guard) -> None:
        self._port, self._guard = port, guard
        self._slow: dict[int, tuple[float, int]] = {}   # since when something waits, and what was taken by then

    def run(self) -> None:
        while True:
            time.sleep(PAUSE)
            try:
                self.look()
            except Exception:
                logging.getLogger(__name__).exception("The connections could not be looked at")

    def look(self) -> None:
        """Close what is too slow, and what is idle if there are too many."""
        hurry, overdue, under_way = self._guard.is_pressed, self._guard.overdue(), self._guard.under_way()
        slow: dict[int, tuple[float, int]] = {}
        idle, silent, count = [], [], 0
        for place, connection in self._connections():
            state = _state(connection)
            count += 1
            if state.waiting:
                slow[place.inode] = self._slow.get(place.inode, (time.monotonic(), state.taken))
                if _is_too_slow(state, *slow[place.inode], HURRY if hurry else SLOW):
                    _close(connection)
                continue
            address = connection.getpeername()[0]
            if state.is_idle and not any(each == address and state.may_carry(age) for each, age in under_way):
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
        """Those of clients; each may be used until the next is asked for."""
        for number in map(int, os.listdir(_OPEN)):
            with suppress(OSError):     # another thread has closed it meanwhile
                if not stat.S_ISSOCK(os.fstat(number).st_mode):
                    continue
                # A duplicate stays the same connection, even if the server closes its own meanwhile.
                with closing(socket.socket(fileno=os.dup(number))) as connection:
                    if (connection.family in (socket.AF_INET, socket.AF_INET6)
                            and connection.getsockname()[1] == self._port and connection.getpeername()):
                        yield Place(number, os.fstat(connection.fileno()).st_ino), connection


def _is_too_slow(state: State, since: float, taken: int, most: float) -> bool:
    seconds = time.monotonic() - since
    return seconds >= most and state.taken - taken < RATE * seconds


def _match(overdue: list[tuple[str, float]], silent: list[tuple[float, str, Place]]) -> set[Place]:
    """Which connections the overdue bodies come on: those of their clients on which as long nothing was sent."""
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
    """End a connection for the server, which then closes it; what waits for the client is dropped."""
    with suppress(OSError):
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        connection.shutdown(socket.SHUT_RDWR)
