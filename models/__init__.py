"""The models, and the storage that keeps their objects.

Every module of this package is imported, so a new model needs only a new file.

    classes    the public models by name; a class comes after the classes that own its objects
    internal   the models of HBNB's own data, such as tokens, which are never listed, counted or exported
    stored     all models: `classes` and `internal`
    storage    the storage of this process, opened at first use. Write `models.storage` wherever you use it: a test
               may replace it
    storage_t  the engine that the settings select, `"db"` or `"file"`. Kept for classic programs; HBNB does not use it
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

storage: Storage        # `__getattr__` supplies these two until they are set
storage_t: str
_own: tuple[Storage, str] | None = None     # the storage that `open_storage` made, and its `storage_t`
_opening = threading.RLock()


def make_storage(settings: Settings) -> Storage:
    """Create the storage that the settings select. No other function distinguishes the two engines.

    The storage does not read its file or connect to its server before its first use.

    Raises:
        Misconfigured: the settings are incomplete or invalid.
    """
    if settings.uses_db:
        from models.engine.db_storage import DBStorage
        return DBStorage(settings)
    from models.engine.file_storage import FileStorage
    return FileStorage(settings.file_path)


def open_storage(settings: Settings | None = None) -> Storage:
    """Return the storage of this process. The first call creates it, unless the program has set `models.storage`.

    Args:
        settings: select the storage; by default the settings of the environment.
    Raises:
        Misconfigured: the settings are incomplete or invalid.
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
    """Replace `models.storage` by another storage during the block, and close that storage at the end.

    Args:
        settings: select the storage of the block.
    """
    global storage
    before = {name: value for name, value in globals().items() if name == "storage"}
    storage = temporary = make_storage(settings)
    try:
        temporary.reload()
        yield temporary
    finally:
        temporary.close()
        globals().pop("storage")
        globals().update(before)


def __getattr__(name: str) -> Any:
    if name == "storage":
        return open_storage()
    if name == "storage_t":
        return "db" if Settings.from_environ().uses_db else "file"
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def check() -> None:
    """Prepare the storage for use, and refuse to start if the operator must do something first.

    Commands that migrate a database do not call this: on an empty database it creates the tables.

    Raises:
        Misconfigured: the storage cannot be used before the operator acts; the message says what to do.
    """
    try:
        open_storage().reload()
    except Outdated as error:
        raise Misconfigured(str(error)) from None
    except Unavailable:     # it may be available again at the next statement, which otherwise reports the error
        pass
    except KeyboardInterrupt:       # for example during the conversion of an older HBNB's file, which is atomic
        raise Misconfigured("interrupted while the storage was being opened: no data was lost") from None
