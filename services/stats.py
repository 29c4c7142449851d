"""The number of objects of each class."""
from __future__ import annotations

import models
from services.search import indexing


def stats() -> dict[str, int]:
    """The number of objects of each class, by the name of its table."""
    index = indexing.fresh()
    with index.lock:
        known = index.counts()
    return {cls.__tablename__: known[cls] if cls in known else models.storage.count(cls)
            for cls in sorted(models.classes.values(), key=lambda cls: cls.__tablename__)}
