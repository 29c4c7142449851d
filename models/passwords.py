"""Password hashing and verification.

Passwords are stored as argon2id hashes. Older stores hold MD5 sums or the passwords themselves:
users can still log in with those, and `User.check_password` replaces them by hashes.
"""
from __future__ import annotations

import hashlib
import hmac
import re
import secrets
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from typing import TYPE_CHECKING, Any

import models

if TYPE_CHECKING:
    from argon2 import PasswordHasher

# The stored value of a user that cannot log in: it matches no password.
NO_LOGIN = "$nologin$"
_HASH = re.compile(r"\$argon2id\$v=\d+\$m=\d+,t=\d+,p=\d+\$[A-Za-z0-9+/]+\$[A-Za-z0-9+/]+")
_OVER_MD5 = "md5:"      # the prefix of a hash of the password's MD5 sum
_MD5 = re.compile(r"[0-9a-f]{32}", re.IGNORECASE)


def is_hash(stored: str) -> bool:
    return stored == NO_LOGIN or _HASH.fullmatch(stored.removeprefix(_OVER_MD5)) is not None


def is_strong(stored: str) -> bool:
    """Return whether a stored value is a hash of the password itself, not of its MD5 sum."""
    return is_hash(stored) and not stored.startswith(_OVER_MD5)


def hashed(password: str) -> str:
    """Hash a password; a value that is a hash already, as in an object created from a stored dict, is returned."""
    return password if is_hash(password) else hash_new(password)


def hash_new(password: str) -> str:
    """Hash a password that a user chose, even if it looks like a hash."""
    return _hasher().hash(password)


def protected(stored: str | None) -> str:
    """Return the hash to store for an older store's password, which may be text or an MD5 sum."""
    if not stored:
        return NO_LOGIN
    if _MD5.fullmatch(stored):
        return _OVER_MD5 + hash_new(stored.lower())
    return hashed(stored)


def all_protected(stored: Sequence[str | None]) -> list[str]:
    """Apply `protected` to many passwords, on all processors."""
    with ThreadPoolExecutor() as pool:
        return [*pool.map(protected, stored)]


def is_unsafe(stored: Any) -> bool:
    """Return whether `protect` would replace this stored value by a hash."""
    is_password = isinstance(stored, (str, int, float)) and not isinstance(stored, bool) and stored != ""
    return is_password and not is_hash(str(stored))


def protect(objects: Mapping[str, Any], unset: bool = False) -> int:
    """Hash all passwords of a store's objects that are not hashed yet, in place.

    Args:
        objects: the objects by `Class.id`, as in a file or a backup.
        unset: also disable the login of users without a password; otherwise these do not change.
    Returns: the number of changed objects.
    """
    hidden = sum(map(hash_nested, _of_unknown_classes(objects)))
    users = [obj for key, obj in objects.items() if key.startswith("User.") and isinstance(obj, dict)]
    unsafe = [obj for obj in users if (unset or obj.get("password") not in (None, ""))
              and not is_hash(str(obj.get("password") or ""))]
    stored = ["" if obj.get("password") is None else str(obj["password"]) for obj in unsafe]
    for obj, password in zip(unsafe, all_protected(stored), strict=True):
        obj["password"] = password
    return len(unsafe) + hidden


def hash_nested(obj: Any, fix_text: Callable[[str], str] = str) -> bool:
    """Hash each `password` in an object that is kept but not used, in place and at any depth.

    A password that is a list or an object is replaced by `NO_LOGIN`.

    Args:
        fix_text: corrects a password's text before it is hashed.
    Returns: whether the object changed.
    """
    changed, pending = False, [obj]
    while pending:
        each = pending.pop()
        if isinstance(each, list):
            pending += each
        elif isinstance(each, dict):
            pending += [value for name, value in each.items() if name != "password"]
            stored = each.get("password")
            if stored not in (None, "") and (new := _hashed_nested(stored, fix_text)) != stored:
                each["password"], changed = new, True
    return changed


def _hashed_nested(stored: Any, fix_text: Callable[[str], str]) -> str:
    try:
        return NO_LOGIN if isinstance(stored, (list, dict)) else protected(fix_text(str(stored)))
    except UnicodeEncodeError:      # it has a lone surrogate
        return NO_LOGIN


def _of_unknown_classes(objects: Mapping[str, Any]) -> Iterator[Any]:
    """Return the objects whose class HBNB does not know; these include objects that a conversion refused."""
    known = tuple(f"{name}." for name in models.stored)
    return (obj for key, obj in objects.items() if not key.startswith(known))


def matches_none(password: str) -> bool:
    """Return false, after as long as `matches` takes for a wrong password."""
    return matches(NO_LOGIN, password)


@cache
def _unknown() -> str:
    return hash_new(secrets.token_urlsafe(32))


def matches(stored: str, password: str) -> bool:
    """Return whether a stored value, a hash or an older form, belongs to this password."""
    from argon2.exceptions import InvalidHashError, VerificationError
    if stored in ("", NO_LOGIN):
        stored = _unknown()     # which no password matches
    if stored.startswith(_OVER_MD5) or _MD5.fullmatch(stored):
        password = hashlib.md5(password.encode(), usedforsecurity=False).hexdigest()
        stored = stored.removeprefix(_OVER_MD5)
    if not is_hash(stored):
        text = stored.lower() if _MD5.fullmatch(stored) else stored
        return hmac.compare_digest(text.encode(), password.encode())
    try:
        return _hasher().verify(stored, password)
    except (VerificationError, InvalidHashError):
        return False


@cache
def _hasher() -> PasswordHasher:
    # Imported only here, because the import takes 15 ms and most console commands hash nothing.
    from argon2 import PasswordHasher
    return PasswordHasher(time_cost=2, memory_cost=19456, parallelism=1)   # OWASP's recommendation for argon2id
