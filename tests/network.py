"""The machine's network interfaces do not change while a browser is used.

When an interface appears or disappears, Chromium aborts its requests to any address (ERR_NETWORK_CHANGED). Deployment
tests create and remove interfaces, possibly in other processes, so these two kinds of tests wait for each other.
"""
from __future__ import annotations

import fcntl
import os
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

_FOLDER = tempfile.gettempdir()


@contextmanager
def steady() -> Iterator[None]:
    """No interface changes during the block, which other processes may be in, too."""
    with ExitStack() as stack:
        with _locked("turn"):       # a change that waits comes first
            stack.enter_context(_locked("network", fcntl.LOCK_SH))
        yield


@contextmanager
def changing() -> Iterator[None]:
    """No browser is used during the block, in which interfaces may change."""
    with _locked("turn"), _locked("network"):
        yield


@contextmanager
def _locked(name: str, kind: int = fcntl.LOCK_EX) -> Iterator[None]:
    with open(f"{_FOLDER}/hbnb-tests-{os.getuid()}.{name}", "w") as file:
        fcntl.flock(file, kind)
        yield
