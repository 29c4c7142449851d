"""The number of objects of each class."""
from __future__ import annotations

from typing import Any

from sqlalchemy import Select, func, select

import models
from models.account import Account
from models.place import Place
from models.review import Review
from models.user import User
from services.permissions import LISTED, UNCONFIRMED
from services.search import indexing

_UNCONFIRMED: Select[Any] = select(func.count()).where(Account.status == UNCONFIRMED)
_HIDDEN: Select[Any] = select(func.count()).select_from(Review).join(Place).where(Place.status != LISTED)


def stats() -> dict[str, int]:
    """The number of objects of each class that everyone can see, by the name of its table."""
    index = indexing.fresh()
    with index.lock:
        known = index.counts()
    found = {cls: known[cls] if cls in known else models.storage.count(cls) for cls in models.classes.values()}
    found[User] -= models.storage.read(_UNCONFIRMED).scalars()[0]
    # Few places are hidden, so this is quicker than counting the reviews that everyone can see.
    found[Review] -= models.storage.read(_HIDDEN).scalars()[0]
    return {cls.__tablename__: found[cls] for cls in sorted(found, key=lambda cls: cls.__tablename__)}
