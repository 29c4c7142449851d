"""Throttling of attempts to guess a password: after some failures, each further one needs a longer wait."""
from __future__ import annotations

import datetime
import hashlib
import ipaddress
import math
from collections.abc import Callable, Iterator
from contextlib import suppress

from sqlalchemy import delete, insert

import models
from errors import Conflict, TooMany
from models.base_model import utc_now
from models.login_failure import LoginFailure

FREE = {"account": 5, "address": 50}    # failures without a wait
LONGEST_WAIT = 900      # seconds
# The time after which one failure less counts.
FORGOTTEN = {"account": datetime.timedelta(minutes=15), "address": datetime.timedelta(minutes=1)}


def attempt(account: str, address: str = "") -> None:
    """Count an attempt as a failure, until `succeeded` is called. This is done before the attempt, so that attempts at
    the same time count, too.

    Args:
        account: what identifies the account; it need not exist.
        address: the client's IP address, or an empty text to count by account only.
    Raises:
        TooMany: the client must wait before the next attempt.
    """
    def work() -> None:
        failures = [_locked(*each) for each in _keys(account, address)]
        now = utc_now()
        wait = max((math.ceil((each.blocked_until - now).total_seconds()) for each in failures), default=0)
        if wait > 0:
            raise TooMany(f"Too many attempts. Wait {_duration(wait)}, or reset your password", wait)
        for each, (kind, _) in zip(failures, _keys(account, address), strict=True):
            each.failures += 1
            each.blocked_until = now + _wait(each.failures - FREE[kind])
            each.save()
    _transact(work)


def succeeded(account: str, address: str = "") -> None:
    """Take back the last attempt, which was none to guess. The account's failures no longer count."""
    def work() -> None:
        for kind, id in _keys(account, address):
            found = _locked(kind, id)
            found.failures = 0 if kind == "account" else max(found.failures - 1, 0)
            found.blocked_until = utc_now()
            found.save()
    _transact(work)


def forget(account: str) -> None:
    """Forget the failures of an account, in the transaction of the caller."""
    for _, id in _keys(account, ""):
        models.storage.write(delete(LoginFailure.__table__).where(LoginFailure.id == id))


def network(address: str) -> str:
    """An IPv4 address, or the /64 network of an IPv6 address, because one client has all addresses of it."""
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return address
    if isinstance(found, ipaddress.IPv6Address):
        return str(found.ipv4_mapped or ipaddress.ip_network((int(found), 64), strict=False))
    return address


def _transact(work: Callable[[], None]) -> None:
    for _ in range(2):      # the number of counters, each of which another request may insert at the same time
        with suppress(Conflict):
            models.storage.transact(work)
            return
    models.storage.transact(work)


def _keys(account: str, address: str) -> Iterator[tuple[str, str]]:
    """The kind and the id of each counter, always in this order, so that transactions do not deadlock."""
    for kind, text in (("account", account), ("address", address)):
        if kind == "address":
            text = network(text)
        if text:
            yield kind, hashlib.sha256(f"{kind} {text}".encode()).hexdigest()[:60]


def _locked(kind: str, id: str) -> LoginFailure:
    now = utc_now()
    if models.storage.get(LoginFailure, id) is None:
        models.storage.write(insert(LoginFailure.__table__), {
            "id": id, "created_at": now, "updated_at": now, "failures": 0, "blocked_until": now})
    found = models.storage.get(LoginFailure, id)
    assert isinstance(found, LoginFailure)
    models.storage.lock(found)
    found.failures = max(found.failures - int((now - found.updated_at) / FORGOTTEN[kind]), 0)
    return found


def _wait(excess: int) -> datetime.timedelta:
    return datetime.timedelta(seconds=0 if excess <= 0 else min(2 ** min(excess, 20), LONGEST_WAIT))


def _duration(seconds: int) -> str:
    return f"{seconds} seconds" if seconds < 120 else f"{-(-seconds // 60)} minutes"
