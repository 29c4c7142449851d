"""The models, and the storage that keeps them.

Every module of this package is imported, so that a model is there once its file is.

    classes    the models by name, owners before what they own
    internal   those that HBNB keeps for itself, and shows nobody
    stored     both
    storage    the storage of this process, made at first use; look it up when it is used, a test may replace it
    storage_t  which engine the settings choose, `"db"` or `"file"`, for classic programs; HBNB itself never asks
"""
from __future__ import annotations

import importlib
import pkgutil
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from config import Settings
from errors import Misconfigured, Outdated, Unavailable
from models.columns import Base

if TYPE_CHECKING:
    from models.base_model import BaseModel
    from models.engine.base import Storage

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

storage: Storage        # these two by `__getattr__`, until they are set
storage_t: str
_own: tuple[Storage, str] | None = None     # what `open_storage` made
_opening = threading.RLock()


def make_storage(settings: Settings) -> Storage:
    """Make the storage that the settings choose: the one place that knows there are two engines.

    The storage reads no file and connects to no server before it is used.

    Raises:
        Misconfigured: the settings cannot work.
    """
    if settings.uses_db:
        from models.engine.db_storage import DBStorage
        return DBStorage(settings)
    from models.engine.file_storage import FileStorage
    return FileStorage(settings.file_path)


def open_storage(settings: Settings | None = None) -> Storage:
    """Give the storage of this process. The first call makes it, unless the program set `models.storage` itself.

    Args:
        settings: which storage to make; by default those of the environment.
    Raises:
        Misconfigured: the settings cannot work.
    """
    global _own, storage, storage_t
    with _opening:
        if "storage" not in globals():
            if _own is None:
                settings = settings or Settings.from_environ()
                _own = make_storage(settings), "db" if settings.uses_db else "file"
            storage, storage_t = _own
        return storage


@contextmanager
def using(settings: Settings) -> Iterator[Storage]:
    """Make `models.storage` another storage during the block, and close that storage at the end.

    Args:
        settings: which storage to make.
    """
    global storage
    before = {name: value for name, value in globals().items() if name == "storage"}
    storage = mine = make_storage(settings)
    try:
        mine.reload()
        yield mine
    finally:
        mine.close()
        globals().pop("storage")
        globals().update(before)


def __getattr__(name: str) -> Any:
    if name == "storage":
        return open_storage()
    if name == "storage_t":
        return "db" if Settings.from_environ().uses_db else "file"
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def check() -> None:
    """Prepare the storage for use, and refuse to start if an operator must do something first.

    Commands that migrate a database do not call this: on an empty database it makes the tables.

    Raises:
        Misconfigured: says what to do.
    """
    try:
        open_storage().reload()
    except Outdated as error:
        raise Misconfigured(str(error)) from None
    except Unavailable:     # the next statement reports it, or works again
        pass
    except KeyboardInterrupt:       # for example while the file of an older HBNB is converted, which is all or nothing
        raise Misconfigured("cut off while the storage was opened: nothing is lost") from None
