"""Objects of a file that an older HBNB wrote, made ours: what `models.migrations` does for a database."""
from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

from sqlalchemy import String

import models
from models import older, passwords
from models.columns import MailType
from models.engine.journal import Objects


def mend(objects: Objects) -> int:
    """Read texts by what their bytes were, give them line breaks, and hash passwords, in place.

    What the models do not know stays as it is. Returns: how many objects changed.
    """
    changed = {key for key, obj in objects.items() if isinstance(obj, dict) and _mend_texts(key, obj)}
    users = {key: obj for key, obj in objects.items()
             if key.startswith("User.") and isinstance(obj, dict) and isinstance(obj.get("password", ""), str | None)}
    unsafe = {key: obj for key, obj in users.items() if not passwords.is_hash(obj.get("password") or "")}
    hashes = passwords.all_protected([older.likely_letters(obj.get("password") or "") for obj in unsafe.values()])
    for obj, password in zip(unsafe.values(), hashes, strict=True):
        obj["password"] = password
    return len(changed | unsafe.keys())


def _mend_texts(key: str, obj: dict[str, Any]) -> bool:
    """Tell whether a text of an object changed. Most texts are plain, and a file may hold a million of them."""
    changed = False
    for name, mended in _texts(key.partition(".")[0]):
        value = obj.get(name)
        if isinstance(value, str) and (not value.isascii() or "<" in value) and (text := mended(value)) != value:
            obj[name], changed = text, True
    return changed


@cache
def _texts(class_name: str) -> list[tuple[str, Callable[[str], str]]]:
    """How each text of a class is mended, by the name of the attribute."""
    cls = models.classes.get(class_name)
    return [(column.key, older.likely_letters if isinstance(column.type, MailType) else _text)
            for column in (cls.__table__.c if cls else ())
            if isinstance(column.type, MailType)
            or (type(column.type) is String and not column.info.get("write_only"))]


def _text(value: str) -> str:
    return older.lines(older.likely_letters(value))
