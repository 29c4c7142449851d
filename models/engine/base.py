"""What both engines are: sessions over a database, behind the classic storage interface."""
from __future__ import annotations

import os
import weakref
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import chain
from typing import TYPE_CHECKING, Any, TypeVar

from sqlalchemy import Engine, Executable, Select, event, func, inspect, select
from sqlalchemy.exc import DBAPIError, InvalidRequestError, SQLAlchemyError, TimeoutError
from sqlalchemy.orm import Session, scoped_session, sessionmaker
from sqlalchemy.orm.exc import StaleDataError

import models
from errors import Conflict, HBNBError, Invalid, NotFound, Unavailable
from models.base_model import BaseModel
from models.codec import check
from models.engine.autocommit import Autocommit, Prepared, Rows
from models.engine.cascade import CHUNK, chunks, family, forget_old_collections, remove_family
from models.engine.file.journal import Objects
from models.engine.stored_check import StoredCheck

if TYPE_CHECKING:
    from migrations.runner import Migrations

T = TypeVar("T")
ANY_NUMBER = 2**31      # more than any worker needs


class Storage:
    """Keeps objects. Each thread has a session of its own, from its first use to `close`.

    What is new, changed or deleted in the session shows in `get`, `all` and `count` at once, and
    is stored by `save`: all of it, or none.
    """

    is_lenient = False      # whether objects that break a rule for new ones may stay
    refusal: str | None = None      # why nobody can use it before a person has done something

    def __init__(self, engine: Engine, autocommit: Autocommit) -> None:
        self._engine = engine
        self._autocommit = autocommit
        # Not `autoflush`: a read must never write, nor fail for what was not asked.
        self._sessions = scoped_session(sessionmaker(engine, autoflush=False, expire_on_commit=False))
        # A forked worker must not speak on its parent's connections.
        os.register_at_fork(after_in_child=_disposer(self))
        event.listen(self._sessions, "before_flush", self._before_flush)
        event.listen(self._sessions, "after_flush", forget_old_collections)

    # The classic interface

    def all(self, cls: type[BaseModel] | str | None = None) -> dict[str, BaseModel]:
        """The objects of a class, or of all classes, by `Class.id`, oldest first.

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
        """The object of that class with exactly that id, or `None`.

        Raises:
            Invalid: there is no such class.
            Unavailable: the storage cannot be reached.
        """
        if not isinstance(id, str):
            return None
        [known] = self._classes(cls)
        with self._translated():
            # An id that is not ASCII names nothing, and would cost MySQL the index.
            obj = self._session.get(known, id) if id.isascii() else None
        if obj is None:
            obj = next((each for each in self._waiting(known) if each.id == id), None)
        return obj if obj is not None and obj.id == id and obj not in self._session.deleted else None

    def count(self, cls: type[BaseModel] | str | None = None) -> int:
        """How many objects there are of a class, or of all.

        Raises:
            Invalid: there is no such class.
            Unavailable: the storage cannot be reached.
        """
        known = self._classes(cls)
        with self._translated():
            stored = sum(self._session.scalar(select(func.count()).select_from(each)) or 0 for each in known)
        gone = sum(isinstance(obj, tuple(known)) for obj in self._session.deleted)
        return stored - gone + len(list(self._waiting(cls)))

    def new(self, obj: BaseModel) -> None:
        """Have the next `save` store the object.

        Raises:
            Invalid: it is no object of a model, or has an attribute that its class does not have.
        """
        with self._translated():
            _storable(obj)
            self._session.add(obj)

    def delete(self, obj: BaseModel | None = None) -> None:
        """Have the next `save` remove the object and all that belongs to it."""
        if obj is None:
            return
        if obj in self._session.new:
            self._session.expunge(obj)
        else:
            with self._translated():
                if not inspect(_model(obj)).transient:
                    self._session.delete(obj)

    def save(self) -> None:
        """Store everything that waits: all of it, or nothing. Inside a `transaction`, its end does that.

        Raises:
            Invalid, Conflict: the storage refuses it.
            Unavailable: the storage cannot be reached.
        """
        if "transaction" in self._session.info:
            return
        with self._translated():
            self._commit(self._session)

    def insert(self, obj: BaseModel) -> None:
        """Store a new object, whose values were checked, at once; what else waits may be stored with it.

        Raises:
            NotFound: it names an object that is not there.
            Invalid, Conflict: the storage refuses it.
            Unavailable: the storage cannot be reached.
        """
        with self.transaction():
            for key in obj.__table__.foreign_keys:
                if not self.rows(select(key.column).where(key.column == getattr(obj, key.parent.key))):
                    raise NotFound()
            self.new(obj)

    def reload(self) -> None:
        """Make the storage ready, and see what it holds now."""
        self.close()

    def hurry(self) -> None:
        """Answer requests from now on: no statement may take longer than the settings say."""

    def close(self) -> None:
        """End this thread's session; what was not saved is given up."""
        self._sessions.remove()

    # What the services need beside it

    @contextmanager
    def transaction(self, dry_run: bool = False) -> Iterator[None]:
        """Everything inside is stored at the end, or nothing is; one inside another is part of it.

        Args:
            dry_run: store nothing, whatever happens.
        """
        info = self._session.info
        if "transaction" in info:
            yield
            return
        with self._alone():
            try:
                info["transaction"] = True
                yield
                del info["transaction"]
                if not dry_run:
                    self.save()
            finally:
                info.pop("transaction", None)
                self._sessions.rollback()

    def transact(self, work: Callable[[], T]) -> T:
        """Do some work as a `transaction`; once more from its start where it and others were in each other's way."""
        with self.transaction():
            return work()

    @contextmanager
    def snapshot(self) -> Iterator[None]:
        """All reads inside see the store as it was at one moment."""
        with self._still():
            try:
                yield
            finally:
                self._sessions.rollback()

    def lock(self, obj: BaseModel) -> None:
        """Read an object anew, and keep others from changing it until the transaction ends.

        Raises:
            NotFound: somebody removed it.
        """
        with self._translated():
            try:
                self._session.refresh(obj, with_for_update=True)
            except InvalidRequestError as error:
                raise NotFound() from error

    def rows(self, statement: Executable, values: Any = None) -> Sequence[Any]:
        """What a statement gives, as rows: cheaper than objects, and all that an answer needs."""
        with self._translated():
            if self.is_at_work:
                return self._session.execute(statement, values).all()
            return self._autocommit.rows(statement, values)

    def prepared(self, statement: Prepared, values: Mapping[str, Any]) -> Rows:
        """What a prepared statement gives, by name."""
        with self._translated():
            if self.is_at_work:
                result = self._session.connection().exec_driver_sql(*statement.on(self._engine, values))
                return statement.read([dict(row) for row in result.mappings()])
            return self._autocommit.prepared(statement, values)

    def versioned(self, statement: Prepared, values: Mapping[str, Any]) -> tuple[Rows, Any]:
        """The same, with the `version` it was read at."""
        if self.is_at_work:
            return self.prepared(statement, values), self.version()
        with self._translated():
            return self._versioned(statement, values)

    def parts(self, statement: Prepared, values: Mapping[str, Any]) -> Generator[Rows, None, None]:
        """What a prepared statement gives, in parts, so that any number of rows needs little memory."""
        return self.stream(statement.statement.params(**values))

    @property
    def is_at_work(self) -> bool:
        """Whether this thread's session is in a transaction, which then must see its own changes."""
        return self._sessions.registry.has() and (
            self._session.in_transaction() or "transaction" in self._session.info)

    def version(self) -> Any:
        """What is another value after each change of states, cities, amenities, places and what these offer."""
        with self._translated():
            return object() if self.is_at_work else self._version()

    def stream(self, statement: Select[Any], limit: int | None = None, offset: int = 0) -> Generator[Rows, None, None]:
        """What a statement over one model's table gives, by name, in parts.

        Args:
            statement: without limit and offset.
            limit, offset: how many rows, from which on.
        """
        # Without a cursor that stays open: on a file it would keep others from committing, and on
        # a database it is the only statement that its connection takes.
        first = self.rows(statement.limit(CHUNK + 1 if limit is None else min(limit, CHUNK + 1)).offset(offset))
        if len(first) <= CHUNK:
            yield [dict(row._mapping) for row in first]
            return
        [table] = statement.get_final_froms()
        ids = [id for id, in self.rows(statement.with_only_columns(table.c.id).limit(limit).offset(offset))]
        for part in chunks(ids):
            found = self.rows(select(table.c.id.label("_id"), *statement.selected_columns).where(table.c.id.in_(part)))
            rows = {row.pop("_id"): row for row in (dict(each._mapping) for each in found)}
            yield [rows[id] for id in part if id in rows]

    def write(self, statement: Executable, values: Any = None) -> int:
        """Execute a statement that changes many rows; inside a `transaction`.

        Returns: the number of rows.
        """
        with self._translated():
            result: Any = self._session.execute(statement, values)
            return int(result.rowcount)

    def dependents(self, obj: BaseModel) -> dict[str, int]:
        """How many objects of each class would be removed together with this one; none of a class: not named."""
        names = {cls.__tablename__: name for name, cls in models.classes.items()}
        with self._translated():
            found = family(self._session, obj)
        own = inspect(type(obj)).local_table
        return {names[table.name]: len(ids) for table, ids in found.items() if ids and table is not own}

    def owns(self, path: str) -> bool:
        """Tell whether a file is the storage's own, which nobody else should write."""
        return False

    def probe(self, seconds: float) -> None:
        """See that it can be used just now.

        Args:
            seconds: how long it may be silent each time that it is asked something.
        Raises:
            Unavailable: it cannot, and why.
        """
        raise NotImplementedError

    def connections(self) -> dict[str, int]:
        """How many connections to a server are in use, by what they are for."""
        return {}

    def lists_at_once(self) -> int:
        """How many long lists may be read at once, while they are sent."""
        return ANY_NUMBER

    def settle(self) -> None:
        """Leave what lies on the disk in its simplest form, as a program ends."""

    def everything(self) -> Iterator[Objects]:
        """All objects, HBNB's own too, as the store held them at one moment.

        Returns: in parts, by `Class.id`, owners first; each as the file engine's file has it.
        Raises:
            Unavailable: the storage cannot be used.
        """
        raise NotImplementedError

    def fill(self, parts: Iterable[Objects], replace: bool = False) -> None:
        """Store what `everything` gave: all of it, or nothing.

        Till then others read what was there, and wait to write; who opens a file waits, too.

        Args:
            replace: in place of what is there.
        Raises:
            Conflict: something is there, and not `replace`.
            Invalid: the storage cannot hold an object; says which.
            Unavailable: the storage cannot be used.
        """
        raise NotImplementedError

    def unfit(self, parts: Iterable[Objects]) -> Iterator[str]:
        """What `fill` would refuse of objects, a sentence each, which names the object; reads them to their end."""
        yield from chain.from_iterable(map(StoredCheck(in_database=not self.is_lenient).faults, parts))

    def migrations(self) -> Migrations | None:
        """What changes the storage's schema; none where it has none to migrate."""
        return None

    # What an engine may do its own way

    @contextmanager
    def _alone(self) -> Iterator[None]:
        yield

    @contextmanager
    def _still(self) -> Iterator[None]:
        yield

    def _prepare(self, session: Session) -> None:
        """Refuse what does not fit its column, before anything of the transaction is sent."""
        for obj in [*session.new, *session.dirty]:
            _storable(obj)
            given = vars(obj) if obj in session.new else inspect(obj).committed_state
            for column in inspect(type(obj)).local_table.c:
                if column.key in given:
                    value = vars(obj).get(column.key)
                    if value is None and not column.nullable and obj not in session.new:
                        raise Invalid(f"{column.key} is missing", column.key)
                    check(column, value)

    def _commit(self, session: Session) -> None:
        session.commit()

    def _translate(self, error: DBAPIError) -> HBNBError:
        """Say what a driver's error means."""
        raise NotImplementedError

    # The inside

    @property
    def _session(self) -> Session:
        return self._sessions()

    def _versioned(self, statement: Prepared, values: Mapping[str, Any]) -> tuple[Rows, Any]:
        raise NotImplementedError

    def _version(self) -> Any:
        raise NotImplementedError

    @contextmanager
    def _translated(self) -> Iterator[None]:
        """Undo the session's work on any error, or every later command would fail too."""
        try:
            yield
        except DBAPIError as error:
            self._sessions.rollback()
            raise self._translate(error) from error
        except StaleDataError as error:
            self._sessions.rollback()
            raise Conflict("Somebody else removed it in the meantime: nothing was stored") from error
        except TimeoutError as error:
            self._sessions.rollback()
            raise Unavailable("All connections to the database are in use, and none became free: nothing was stored, "
                              "try again") from error
        except SQLAlchemyError as error:
            self._sessions.rollback()
            raise Unavailable(f"The storage cannot do that: {error}") from error
        except BaseException:
            self._sessions.rollback()
            raise

    @staticmethod
    def _classes(cls: type[BaseModel] | str | None) -> list[type[BaseModel]]:
        if cls is None:
            return list(models.classes.values())
        # Whoever has an internal class may use it; nobody comes to it by its name.
        known = models.classes.get(cls) if isinstance(cls, str) else models.stored.get(getattr(cls, "__name__", ""))
        if known is None:
            raise Invalid(f"There is no class {cls!r}")
        return [known]

    def _waiting(self, cls: type[BaseModel] | str | None) -> Iterable[BaseModel]:
        wanted = tuple(self._classes(cls))
        return (obj for obj in self._session.new if isinstance(obj, wanted))

    def _before_flush(self, session: Session, *_: Any) -> None:
        self._prepare(session)
        for obj in list(session.deleted):
            remove_family(session, obj)


def _model(obj: BaseModel) -> BaseModel:
    """The object, if it is one of a model.

    Raises:
        Invalid: it is not, so no storage has a place for it.
    """
    if type(obj) not in models.stored.values():
        raise Invalid(f"A {type(obj).__name__} cannot be stored, nothing was stored: use one of "
                      f"{', '.join(models.classes)}")
    return obj


def _storable(obj: BaseModel) -> None:
    """Refuse an object of which a part would be lost.

    Raises:
        Invalid: it is none of a model, or has attributes that its class does not have.
    """
    if names := _model(obj).unstored():
        first, cls = names[0], type(obj).__name__
        raise Invalid(f"{cls} has no attribute {first}, nothing was stored: delete it from the object (del "
                      f"obj.{first}), or add it to the class {cls}", first)


def taken(attribute: str) -> Conflict:
    """The error for a value that only one object may have."""
    return Conflict(f"Another object has this {attribute} already: nothing was stored")


def must_be_empty(counts: Mapping[str, int]) -> None:
    """Refuse a store that should hold nothing, and holds so many of each."""
    if held := ", ".join(f"{name} ({count})" for name, count in counts.items() if count):
        raise Conflict(f"The store is not empty, it holds {held}. Nothing was changed: use an empty one, or replace "
                       "what it holds")


def _disposer(storage: Storage) -> Callable[[], None]:
    reference = weakref.ref(storage)

    def dispose() -> None:
        if (kept := reference()) is not None:
            kept._autocommit.forget()
            for engine in {kept._engine, kept._autocommit.engine, kept._autocommit.streams}:
                engine.dispose(close=False)
    return dispose
