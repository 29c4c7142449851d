"""The interface of both storage engines, and what they have in common."""
from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, NamedTuple

from sqlalchemy import func, inspect, select

import models
from errors import Conflict, Invalid, NotFound
from models.base_model import BaseModel
from models.engine.file.journal import Objects
from models.engine.statements import Statements
from models.engine.transactions import known, storable

if TYPE_CHECKING:
    from migrations.runner import Migrations


class Pool(NamedTuple):
    """A pool of connections to a server.

    Args:
        used: the number of connections in use.
        limit: the largest number that may be in use at once; `None` = unlimited.
    """

    used: int
    limit: int | None


class Storage(Statements):
    """Stores objects.

    `get`, `all` and `count` include a session's new, changed and deleted objects at once. `save` stores all of them, or
    none.
    """

    is_lenient = False      # whether stored objects may break rules that new objects must keep

    # The classic interface; `Transactions` has its `save` and `close`

    def all(self, cls: type[BaseModel] | str | None = None) -> dict[str, BaseModel]:
        """Return the objects of a class, oldest first.

        Args:
            cls: the class, or the name of a class that is not internal; `None` = all classes that are not internal.
        Returns: the objects by `Class.id`.
        Raises:
            Invalid: there is no such class.
            Unavailable: the storage cannot be reached.
        """
        found: dict[str, BaseModel] = {}
        with self._translated():
            for each in self._classes(cls):
                found |= {f"{each.__name__}.{obj.id}": obj for obj in self._session.scalars(
                    select(each).order_by(each.created_at, each.id))}
        for obj in self._pending(cls):
            found[f"{type(obj).__name__}.{obj.id}"] = obj
        for obj in self._session.deleted:
            found.pop(f"{type(obj).__name__}.{obj.id}", None)
        return found

    def get(self, cls: type[BaseModel] | str, id: str) -> BaseModel | None:
        """Return the object with an id.

        Args:
            cls: its class, or the class's name.
            id: compared exactly, with its case.
        Returns: the object; `None` if it does not exist.
        Raises:
            Invalid: there is no such class.
            Unavailable: the storage cannot be reached.
        """
        if not isinstance(id, str):
            return None
        [wanted] = self._classes(cls)
        with self._translated():
            # No id has characters outside ASCII, and with such a value MySQL would not use the index.
            obj = self._session.get(wanted, id) if id.isascii() else None
        if obj is None:
            obj = next((each for each in self._pending(wanted) if each.id == id), None)
        return obj if obj is not None and obj.id == id and obj not in self._session.deleted else None

    def count(self, cls: type[BaseModel] | str | None = None) -> int:
        """Return the number of objects.

        Args:
            cls: the class, or its name; `None` = all classes that are not internal.
        Raises:
            Invalid: there is no such class.
            Unavailable: the storage cannot be reached.
        """
        wanted = self._classes(cls)
        with self._translated():
            stored = sum(self._session.scalar(select(func.count()).select_from(each)) or 0 for each in wanted)
        gone = sum(isinstance(obj, tuple(wanted)) for obj in self._session.deleted)
        return stored - gone + len(list(self._pending(cls)))

    def new(self, obj: BaseModel) -> None:
        """Add an object to the session; the next `save` stores it.

        Raises:
            Invalid: it is not an object of a model, or it has an attribute that its class does not have.
        """
        with self._translated():
            storable(obj)
            self._session.add(obj)

    def delete(self, obj: BaseModel | None = None) -> None:
        """Delete an object in the session; the next `save` removes it and all objects that belong to it.

        Args:
            obj: the object; `None` = do nothing.
        Raises:
            Invalid: it is not an object of a model.
        """
        if obj is None:
            return
        if obj in self._session.new:
            self._session.expunge(obj)
        else:
            with self._translated():
                if not inspect(known(obj)).transient:
                    self._session.delete(obj)

    def reload(self) -> None:
        """Prepare the storage for use, and read its current content. This thread's session ends.

        Raises:
            Misconfigured: the settings are incomplete or invalid.
            Outdated: the database has the schema of another release; the message says what to do.
            Unavailable: the storage cannot be reached, or is damaged.
        """
        self.close()

    # For services

    def insert(self, obj: BaseModel) -> None:
        """Store a new object at once. Other changes of the session may be stored with it.

        Args:
            obj: the object, whose values have been validated.
        Raises:
            NotFound: it refers to an object that does not exist.
            Invalid, Conflict: the storage refuses it.
            Unavailable: the storage cannot be reached.
        """
        with self.transaction():
            for key in obj.__table__.foreign_keys:
                if not self.read(select(key.column).where(key.column == getattr(obj, key.parent.key))).first():
                    raise NotFound()
            self.new(obj)

    def dump(self) -> Iterator[Objects]:
        """Yield all objects, including internal ones, in one consistent state.

        Returns: parts, each a dictionary by `Class.id`, owners first. An object has the form that the file engine's
            file has.
        Raises:
            Unavailable: the storage cannot be used.
        """
        raise NotImplementedError

    def restore(self, parts: Iterable[Objects], replace: bool = False) -> None:
        """Store all objects, or none.

        Until it ends, other programs read the former objects, and wait before they write. With the file engine,
        programs that start wait, too.

        Args:
            parts: the objects, as from `dump`.
            replace: remove all former objects.
        Raises:
            Conflict: the storage holds objects, and `replace` is false.
            Invalid: the storage cannot hold an object; the message names it.
            Unavailable: the storage cannot be used.
        """
        raise NotImplementedError

    # For operators

    def probe(self, seconds: float) -> None:
        """Check that the storage can be used now.

        Args:
            seconds: the timeout of each step.
        Raises:
            Unavailable: it cannot be used; the message says why.
        """
        raise NotImplementedError

    def owns(self, path: str) -> bool:
        """Return whether a file belongs to the storage, so that no other code may write it."""
        return False

    def pools(self) -> dict[str, Pool]:
        """Return the connection pools by name; the pool `streams` is for long lists. The file engine has no pools."""
        return {}

    def enforce_timeouts(self) -> None:
        """Apply the time limits of the settings to all further statements. Programs that serve requests call this."""

    def compact(self) -> None:
        """Merge the journal into the file, when a program ends. The database engine does nothing.

        Raises:
            Unavailable: the file cannot be written.
        """

    def migrations(self) -> Migrations | None:
        """Return the migrations of the storage's schema; `None` if it has no schema.

        Raises:
            Misconfigured: Alembic is not installed.
        """
        return None

    # Private

    @staticmethod
    def _classes(cls: type[BaseModel] | str | None) -> list[type[BaseModel]]:
        if cls is None:
            return list(models.classes.values())
        # Internal classes are accepted as classes, not by name: names may come from clients.
        found = models.classes.get(cls) if isinstance(cls, str) else models.stored.get(getattr(cls, "__name__", ""))
        if found is None:
            raise Invalid(f"There is no class {cls!r}")
        return [found]

    def _pending(self, cls: type[BaseModel] | str | None) -> Iterable[BaseModel]:
        wanted = tuple(self._classes(cls))
        return (obj for obj in self._session.new if isinstance(obj, wanted))


def must_be_empty(counts: Mapping[str, int]) -> None:
    """Refuse to fill a store that holds objects, other than `passing` ones.

    Args:
        counts: the number of objects by table.
    Raises:
        Conflict: a number is not 0.
    """
    passing = {cls.__tablename__ for cls in models.stored.values() if cls.passing}
    if held := ", ".join(f"{name} ({count})" for name, count in counts.items() if count and name not in passing):
        raise Conflict(f"The store is not empty: it holds {held}. Nothing was changed")
