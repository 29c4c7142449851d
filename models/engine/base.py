"""What both engines are: the classic storage interface, over sessions and statements."""
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
        used: how many are in use.
        limit: how many may be in use at once; `None` = any number.
    """

    used: int
    limit: int | None


class Storage(Statements):
    """Keeps objects.

    A session's new, changed and deleted objects show in `get`, `all` and `count` at once. `save` stores them: all of
    them, or none.
    """

    is_lenient = False      # whether stored objects that break a rule for new ones may stay

    # The classic interface, of which `save` and `close` are about the session

    def all(self, cls: type[BaseModel] | str | None = None) -> dict[str, BaseModel]:
        """The objects of a class, oldest first.

        Args:
            cls: the class, or the name of a class that is not internal; none = all that are not internal.
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
        for obj in self._waiting(cls):
            found[f"{type(obj).__name__}.{obj.id}"] = obj
        for obj in self._session.deleted:
            found.pop(f"{type(obj).__name__}.{obj.id}", None)
        return found

    def get(self, cls: type[BaseModel] | str, id: str) -> BaseModel | None:
        """The object with an id.

        Args:
            cls: its class, or the name of that.
            id: exactly as it is stored.
        Returns: the object, or `None`.
        Raises:
            Invalid: there is no such class.
            Unavailable: the storage cannot be reached.
        """
        if not isinstance(id, str):
            return None
        [wanted] = self._classes(cls)
        with self._translated():
            # An id that is not ASCII names nothing, and would cost MySQL the index.
            obj = self._session.get(wanted, id) if id.isascii() else None
        if obj is None:
            obj = next((each for each in self._waiting(wanted) if each.id == id), None)
        return obj if obj is not None and obj.id == id and obj not in self._session.deleted else None

    def count(self, cls: type[BaseModel] | str | None = None) -> int:
        """The number of objects.

        Args:
            cls: of which class; none = of all that are not internal.
        Raises:
            Invalid: there is no such class.
            Unavailable: the storage cannot be reached.
        """
        wanted = self._classes(cls)
        with self._translated():
            stored = sum(self._session.scalar(select(func.count()).select_from(each)) or 0 for each in wanted)
        gone = sum(isinstance(obj, tuple(wanted)) for obj in self._session.deleted)
        return stored - gone + len(list(self._waiting(cls)))

    def new(self, obj: BaseModel) -> None:
        """Add an object to the session: the next `save` stores it.

        Raises:
            Invalid: it is no object of a model, or has an attribute that its class does not have.
        """
        with self._translated():
            storable(obj)
            self._session.add(obj)

    def delete(self, obj: BaseModel | None = None) -> None:
        """Delete an object from the session: the next `save` removes it, and all that belongs to it.

        Args:
            obj: none = nothing is done.
        Raises:
            Invalid: it is no object of a model.
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
        """Make the storage ready for use, and read what it holds now; this thread's session ends.

        Raises:
            Misconfigured: the settings cannot work.
            Outdated: the schema is that of another release; says what to do.
            Unavailable: the storage cannot be reached, or is damaged.
        """
        self.close()

    # What the services need beside it

    def insert(self, obj: BaseModel) -> None:
        """Store a new object at once. Other changes of the session may be stored with it.

        Args:
            obj: its values were checked.
        Raises:
            NotFound: it names an object that is not there.
            Invalid, Conflict: the storage refuses it.
            Unavailable: the storage cannot be reached.
        """
        with self.transaction():
            for key in obj.__table__.foreign_keys:
                if not self.read(select(key.column).where(key.column == getattr(obj, key.parent.key))).first():
                    raise NotFound()
            self.new(obj)

    def dump(self) -> Iterator[Objects]:
        """All objects, internal ones too, as they were at one moment.

        Returns: parts, each a dictionary by `Class.id`, owners first; an object is as the file engine's file has it.
        Raises:
            Unavailable: the storage cannot be used.
        """
        raise NotImplementedError

    def restore(self, parts: Iterable[Objects], replace: bool = False) -> None:
        """Store objects: all of them, or nothing.

        Until it ends, other programs read the former objects, and wait to write; programs that open a file wait, too.

        Args:
            parts: what `dump` gave.
            replace: in place of what is there.
        Raises:
            Conflict: something is there, and not `replace`.
            Invalid: the storage cannot hold an object; says which.
            Unavailable: the storage cannot be used.
        """
        raise NotImplementedError

    # What operators need

    def probe(self, seconds: float) -> None:
        """See that the storage can be used just now.

        Args:
            seconds: how long it may be silent after each question.
        Raises:
            Unavailable: it cannot, and why.
        """
        raise NotImplementedError

    def owns(self, path: str) -> bool:
        """Whether a file is the storage's own, which nothing else should write."""
        return False

    def pools(self) -> dict[str, Pool]:
        """The pools of connections to a server by name; those of `streams` read long lists. A file has none."""
        return {}

    def enforce_timeouts(self) -> None:
        """Have no statement from now on take longer than the settings allow, as answers to requests need."""

    def compact(self) -> None:
        """Leave the files on the disk in their simplest form, as a program ends.

        Raises:
            Unavailable: they cannot be written.
        """

    def migrations(self) -> Migrations | None:
        """The migrations of the storage's schema; none if it has no schema.

        Raises:
            Misconfigured: Alembic is not installed.
        """
        return None

    # The inside

    @staticmethod
    def _classes(cls: type[BaseModel] | str | None) -> list[type[BaseModel]]:
        if cls is None:
            return list(models.classes.values())
        # A program that has an internal class may use it; its name alone leads nowhere.
        found = models.classes.get(cls) if isinstance(cls, str) else models.stored.get(getattr(cls, "__name__", ""))
        if found is None:
            raise Invalid(f"There is no class {cls!r}")
        return [found]

    def _waiting(self, cls: type[BaseModel] | str | None) -> Iterable[BaseModel]:
        wanted = tuple(self._classes(cls))
        return (obj for obj in self._session.new if isinstance(obj, wanted))


def must_be_empty(counts: Mapping[str, int]) -> None:
    """Refuse a store that should hold nothing, and holds so many of each."""
    if held := ", ".join(f"{name} ({count})" for name, count in counts.items() if count):
        raise Conflict(f"The store is not empty, it holds {held}. Nothing was changed: use an empty one, or replace "
                       "what it holds")
