"""Passwords: how they are kept, and how they are compared.

Kept is an argon2id hash. Older stores hold MD5 sums or the password itself: both still
work, and `User.check_password` replaces them.
"""
from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from typing import TYPE_CHECKING, Any

import models

if TYPE_CHECKING:
    from argon2 import PasswordHasher

# A user that nobody can log in as: no password has this for its hash, sum or text.
NO_LOGIN = "$nologin$"
_HASH = re.compile(r"\$argon2id\$v=\d+\$m=\d+,t=\d+,p=\d+\$[A-Za-z0-9+/]+\$[A-Za-z0-9+/]+")
_OVER_MD5 = "md5:"      # before a hash of the password's MD5 sum
_MD5 = re.compile(r"[0-9a-f]{32}", re.IGNORECASE)


def is_hash(kept: str) -> bool:
    return kept == NO_LOGIN or _HASH.fullmatch(kept.removeprefix(_OVER_MD5)) is not None


def is_strong(kept: str) -> bool:
    """Whether it is a hash of the password itself, not of an older form."""
    return is_hash(kept) and not kept.startswith(_OVER_MD5)


def hashed(password: str) -> str:
    """Make the form to keep; what has that form already (an object made from a stored dict) stays as it is."""
    return password if is_hash(password) else new(password)


def new(password: str) -> str:
    """Make the form to keep of what somebody chose, even if it looks like a hash."""
    return _hasher().hash(password)


def protected(kept: str | None) -> str:
    """The form to keep of a password from an older store: a hash, of the password or of its MD5 sum."""
    if not kept:
        return NO_LOGIN
    if _MD5.fullmatch(kept):
        return _OVER_MD5 + new(kept.lower())
    return hashed(kept)


def all_protected(kept: Sequence[str | None]) -> list[str]:
    """The same for many, on all processors."""
    with ThreadPoolExecutor() as pool:
        return [*pool.map(protected, kept)]


def is_unsafe(kept: Any) -> bool:
    """Whether `protect` replaces what a store holds as a password by a hash."""
    return isinstance(kept, (str, int, float)) and not isinstance(kept, bool) and kept != "" and not is_hash(str(kept))


def protect(objects: Mapping[str, Any], unset: bool = False) -> int:
    """Hash the passwords of a store's users that are none yet, in place, whatever wrote them there.

    Args:
        objects: by `Class.id`, as a file or a backup holds them.
        unset: make users whose password was never set ones that cannot log in; else they stay as they are.
    Returns: how many objects changed.
    """
    hidden = sum(map(hide, _unknown(objects)))
    users = [obj for key, obj in objects.items() if key.startswith("User.") and isinstance(obj, dict)]
    unsafe = [obj for obj in users if (unset or obj.get("password") not in (None, ""))
              and not is_hash(str(obj.get("password") or ""))]
    kept = ["" if obj.get("password") is None else str(obj["password"]) for obj in unsafe]
    for obj, password in zip(unsafe, all_protected(kept), strict=True):
        obj["password"] = password
    return len(unsafe) + hidden


def hide(obj: Any, letters: Callable[[str], str] = str) -> bool:
    """Hash each password in an object that is no user, in place and at any depth; drop what is not text or a number.

    Args:
        letters: makes the text that was meant of a password.
    Returns: whether it changed.
    """
    changed, pending = False, [obj]
    while pending:
        each = pending.pop()
        if isinstance(each, list):
            pending += each
        elif isinstance(each, dict):
            pending += [value for name, value in each.items() if name != "password"]
            if (kept := each.get("password")) not in (None, "") and (form := _hidden(kept, letters)) != kept:
                each["password"], changed = form, True
    return changed


def _hidden(kept: Any, letters: Callable[[str], str]) -> str:
    try:
        return NO_LOGIN if isinstance(kept, (list, dict)) else protected(letters(str(kept)))
    except UnicodeEncodeError:      # it has half a character
        return NO_LOGIN


def _unknown(objects: Mapping[str, Any]) -> Iterator[Any]:
    """The objects of classes that HBNB does not know, such as those that it refused."""
    known = tuple(f"{name}." for name in models.stored)
    return (obj for key, obj in objects.items() if not key.startswith(known))


def matches(kept: str, password: str) -> bool:
    """Tell whether `kept`, in whatever form, is of this password."""
    from argon2.exceptions import InvalidHashError, VerificationError
    if kept in ("", NO_LOGIN):
        return False
    if kept.startswith(_OVER_MD5) or _MD5.fullmatch(kept):
        password = hashlib.md5(password.encode(), usedforsecurity=False).hexdigest()
        kept = kept.removeprefix(_OVER_MD5)
    if not is_hash(kept):
        return hmac.compare_digest(kept.lower().encode() if _MD5.fullmatch(kept) else kept.encode(), password.encode())
    try:
        return _hasher().verify(kept, password)
    except (VerificationError, InvalidHashError):
        return False


@cache
def _hasher() -> PasswordHasher:
    # Imported here: it takes 15 ms, and most commands of the console hash nothing.
    from argon2 import PasswordHasher
    return PasswordHasher(time_cost=2, memory_cost=19456, parallelism=1)   # as OWASP advises for argon2id
