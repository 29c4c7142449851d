"""The owner and the permissions of a store's files.

A file that replaces another gets the owner, group and permissions of the store, so that a console
that root runs does not lock out the server.
"""
from __future__ import annotations

import os
import stat
from collections.abc import Callable
from contextlib import suppress

PRIVATE = 0o600     # a store holds e-mail addresses and password hashes


def opener(store: str, mode: int | None = None) -> Callable[[str, int], int]:
    """Return an `opener` for `open` that creates a file, and removes an existing file of that name.

    Args:
        store: the path of the store's file.
        mode: the permissions; `None` = those of the store.
    """
    def open_new(path: str, flags: int) -> int:
        with suppress(FileNotFoundError):
            os.unlink(path)
        descriptor = os.open(path, flags | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, PRIVATE)
        match(descriptor, store, mode)
        return descriptor
    return open_new


def match(descriptor: int, store: str, mode: int | None = None) -> None:
    """Give an open file the owner, group and permissions of a store, as far as this user is allowed to.

    If the store does not exist yet, the file gets the owner of its folder if root creates it.
    """
    like, own = _stat(store), os.fstat(descriptor)
    if like is None:
        like = os.stat(os.path.dirname(store)) if os.geteuid() == 0 else own
        wanted = PRIVATE if mode is None else mode
    else:
        wanted = stat.S_IMODE(like.st_mode) & 0o666 if mode is None else mode
    with suppress(PermissionError):
        if (own.st_uid, own.st_gid) != (like.st_uid, like.st_gid):
            _own(descriptor, like)
        if stat.S_IMODE(own.st_mode) != wanted:
            os.fchmod(descriptor, wanted)


def _own(descriptor: int, like: os.stat_result) -> None:
    try:
        os.fchown(descriptor, like.st_uid, like.st_gid)
    except PermissionError:     # only root can change the owner; a member of the group can set the group
        with suppress(PermissionError):
            os.fchown(descriptor, -1, like.st_gid)


def _stat(path: str) -> os.stat_result | None:
    try:
        return os.stat(path)
    except FileNotFoundError:
        return None
