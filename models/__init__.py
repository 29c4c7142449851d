"""The models, and the storage that keeps them.

Every module of this package is imported, so that a model is there once its file is.

    classes    the models by name, owners before what they own
    internal   those that HBNB keeps for itself, and shows nobody
    stored     both
    storage    the storage of this process; look it up when it is used, a test may replace it
    storage_t  which engine that is, `"db"` or `"file"`, as classic programs ask; nothing of HBNB does
"""
from __future__ import annotations

import importlib
import pkgutil
from contextlib import suppress
from typing import TYPE_CHECKING

from config import Settings
from errors import Misconfigured, Unavailable
from models.columns import Base

if TYPE_CHECKING:
    from models.base_model import BaseModel
    from models.engine.storage import Storage

for _module in pkgutil.iter_modules(__path__):
    if not _module.ispkg:
        importlib.import_module(f"models.{_module.name}")

stored: dict[str, type[BaseModel]] = {
    mapper.class_.__name__: mapper.class_
    for table in Base.metadata.sorted_tables
    for mapper in Base.registry.mappers if mapper.local_table is table
}
classes = {name: cls for name, cls in stored.items() if not cls.internal}
internal = {name: cls for name, cls in stored.items() if cls.internal}


def make_storage(settings: Settings) -> Storage:
    """Open the storage that the settings choose: the one place that knows there are two.

    Raises:
        Misconfigured: the settings cannot work.
    """
    if settings.uses_db:
        from models.engine.db_storage import DBStorage
        return DBStorage(settings)
    from models.engine.file_storage import FileStorage
    return FileStorage(settings.file_path)


def check() -> None:
    """Make the storage ready, and refuse to begin on one that cannot be used before a person has done something.

    Not at import: of whoever migrates a database, nobody is to make its tables before.

    Raises:
        Misconfigured: says what.
    """
    try:
        with suppress(Unavailable):     # whoever needs it first will say so, or find it there again
            storage.reload()
    except KeyboardInterrupt:       # while an old file is taken over, say, of which nothing is written before its end
        raise Misconfigured("cut off while the storage was opened: nothing is lost") from None
    if storage.refusal:
        raise Misconfigured(storage.refusal)


_settings = Settings.from_environ()
storage_t = "db" if _settings.uses_db else "file"
storage = make_storage(_settings)
