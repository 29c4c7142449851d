"""What both engines are: sessions over a database, behind the classic storage interface."""
from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Column, Engine, Executable, Select, Table, delete, event, func, inspect, select
from sqlalchemy.exc import DBAPIError, InvalidRequestError, SQLAlchemyError
from sqlalchemy.orm import RelationshipDirection, Session, scoped_session, sessionmaker
from sqlalchemy.orm.exc import StaleDataError
from sqlalchemy.orm.util import identity_key

import models
from errors import Conflict, HBNBError, Invalid, NotFound, Unavailable
from models.base_model import BaseModel
from models.columns import Base
from models.values import check

# So many ids go into one IN (…): both engines take it well, whatever the number of objects.
CHUNK = 1000


class Storage:
    """Keeps objects. Each thread has a session of its own, from its first use to `close`.

    What is new, changed or deleted in the session shows in `get`, `all` and `count` at once, and
    is stored by `save`: all of it, or none.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        # Not `autoflush`: a read must never write, nor fail for what was not asked.
        self._sessions = scoped_session(sessionmaker(engine, autoflush=False, expire_on_commit=False))
        event.listen(self._sessions, "before_flush", self._before_flush)
        event.listen(self._sessions, "after_flush", _forget_old_collections)

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
        """Have the next `save` store the object."""
        with self._translated():
            self._session.add(obj)

    def delete(self, obj: BaseModel | None = None) -> None:
        """Have the next `save` remove the object and all that belongs to it."""
        if obj is None:
            return
        if obj in self._session.new:
            self._session.expunge(obj)
        elif not inspect(obj).transient:
            with self._translated():
                self._session.delete(obj)

    def save(self) -> None:
        """Store everything that waits: all of it, or nothing.

        Raises:
            Invalid, Conflict: the storage refuses it.
            Unavailable: the storage cannot be reached.
        """
        with self._translated():
            self._commit(self._session)

    def reload(self) -> None:
        """Make the storage ready, and see what it holds now."""
        self.close()

    def close(self) -> None:
        """End this thread's session; what was not saved is given up."""
        self._sessions.remove()

    # What the services need beside it

    @contextmanager
    def transaction(self, dry_run: bool = False) -> Iterator[None]:
        """Everything inside is stored at the end, or nothing is.

        Args:
            dry_run: store nothing, whatever happens.
        """
        with self._alone():
            try:
                yield
                if not dry_run:
                    self.save()
            finally:
                self._sessions.rollback()

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
            return self._session.execute(statement, values).all()

    def stream(self, statement: Select[Any], limit: int | None, offset: int) -> Iterator[Sequence[Any]]:
        """What a statement over one model's table gives, in parts, so that any number of rows needs little memory."""
        statement = statement.limit(limit).offset(offset or None)
        with self._translated():
            yield from self._session.execute(statement, execution_options={"yield_per": CHUNK}).partitions()

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
            family = _family(self._session, obj)
        own = inspect(type(obj)).local_table
        return {names[table.name]: len(ids) for table, ids in family.items() if ids and table is not own}

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
            given = vars(obj) if obj in session.new else inspect(obj).committed_state
            for column in inspect(type(obj)).local_table.c:
                if column.key in given:
                    check(column, vars(obj).get(column.key))

    def _commit(self, session: Session) -> None:
        session.commit()

    def _translate(self, error: DBAPIError) -> HBNBError:
        """Say what a driver's error means."""
        raise NotImplementedError

    # The inside

    @property
    def _session(self) -> Session:
        return self._sessions()

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
        known = models.classes.get(cls if isinstance(cls, str) else getattr(cls, "__name__", ""))
        if known is None:
            raise Invalid(f"There is no class {cls!r}")
        return [known]

    def _waiting(self, cls: type[BaseModel] | str | None) -> Iterable[BaseModel]:
        wanted = tuple(self._classes(cls))
        return (obj for obj in self._session.new if isinstance(obj, wanted))

    def _before_flush(self, session: Session, *_: Any) -> None:
        self._prepare(session)
        for obj in list(session.deleted):
            _remove_family(session, obj)


def taken(attribute: str) -> Conflict:
    """The error for a value that only one object may have."""
    return Conflict(f"Another object has this {attribute} already: nothing was stored")


def _family(session: Session, obj: Any) -> dict[Table, list[str]]:
    """The ids of an object and of all that belongs to it, by table, owners first."""
    family = {inspect(type(obj)).local_table: [obj.id]}
    for table in Base.metadata.sorted_tables:
        if "id" in table.c and table not in family:
            ids = {id: None for key, owners in _ties(table, family) for chunk in _chunks(owners)
                   for id in session.scalars(select(table.c.id).where(key.in_(chunk)))}
            family[table] = list(ids)
    return family


def _remove_family(session: Session, obj: Any) -> None:
    """Remove what belongs to an object: by table, so that the statements do not grow with the rows.

    Not left to the database: tables of older stores do not cascade, and the file engine, which
    allows an object without its owner, could not hold keys that do.
    """
    family = _family(session, obj)
    for table in reversed(Base.metadata.sorted_tables):
        for key, owners in _ties(table, family):
            for chunk in _chunks(owners):
                session.execute(delete(table).where(key.in_(chunk)))
    for cls in models.classes.values():
        for id in family.get(cls.__table__, ()):
            loaded = session.identity_map.get(identity_key(cls, id))
            if loaded is not None and loaded is not obj:
                session.expunge(loaded)
    session.expire(obj, inspect(type(obj)).relationships.keys())


def _ties(table: Table, family: dict[Table, list[str]]) -> list[tuple[Column[Any], list[str]]]:
    """The columns of a table that name members of the family, each with the ids of those."""
    return [(key.parent, family[key.column.table]) for key in table.foreign_keys if family.get(key.column.table)]


def _forget_old_collections(session: Session, *_: Any) -> None:
    """Have `state.cities` read again after a city came, went or moved: its `state_id` alone says so."""
    for obj in [*session.new, *session.dirty, *session.deleted]:
        for relationship in inspect(type(obj)).relationships:
            if relationship.direction is RelationshipDirection.MANYTOONE:
                key = next(iter(relationship.local_columns)).key
                for id in inspect(obj).attrs[key].history.sum():
                    owner = session.identity_map.get(identity_key(relationship.mapper.class_, id))
                    if owner is not None:
                        session.expire(owner, [relationship.back_populates])
                if obj in session.dirty:
                    session.expire(obj, [relationship.key])


def _chunks(values: Sequence[str]) -> Iterator[Sequence[str]]:
    return (values[start:start + CHUNK] for start in range(0, len(values), CHUNK))
