"""Sessions, one for each thread, and transactions."""
from __future__ import annotations

import os
import weakref
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

from sqlalchemy import Engine, event, inspect
from sqlalchemy.exc import DBAPIError, InvalidRequestError, SQLAlchemyError, TimeoutError
from sqlalchemy.orm import Session, scoped_session, sessionmaker
from sqlalchemy.orm.exc import StaleDataError

import models
from errors import Conflict, HBNBError, Invalid, NotFound, Unavailable
from models.base_model import BaseModel
from models.codec import check
from models.engine.autocommit import Autocommit
from models.engine.cascade import forget_old_collections, remove_family

T = TypeVar("T")


class Transactions:
    """Has a session for each thread, from its first use to `close`.

    Args:
        engine: the engine for transactions.
        autocommit: sends statements that need no transaction.
    """

    def __init__(self, engine: Engine, autocommit: Autocommit) -> None:
        self._engine = engine
        self._autocommit = autocommit
        # No `autoflush`: a read must not write, and must not fail because of an unsaved change.
        self._sessions = scoped_session(sessionmaker(engine, autoflush=False, expire_on_commit=False))
        # A forked worker must not use its parent's connections.
        os.register_at_fork(after_in_child=_disposer(self))
        event.listen(self._sessions, "before_flush", self._before_flush)
        event.listen(self._sessions, "after_flush", forget_old_collections)

    def save(self) -> None:
        """Store all changes of the session, or none. Inside a `transaction`, the end of the block does it instead.

        Raises:
            Invalid, Conflict: the storage refuses a change.
            Unavailable: the storage cannot be reached.
        """
        if "transaction" in self._session.info:
            return
        with self._translated():
            self._commit(self._session)

    def close(self) -> None:
        """End this thread's session, and discard its unsaved changes."""
        self._sessions.remove()

    @contextmanager
    def transaction(self, dry_run: bool = False) -> Iterator[None]:
        """Store all changes of a block at its end, or none of them. A nested block is part of the outer one.

        Args:
            dry_run: roll back at the end instead of storing.
        Raises:
            Invalid, Conflict: the storage refuses a change.
            Unavailable: the storage cannot be reached.
        """
        info = self._session.info
        if "transaction" in info:
            yield
            return
        with self._exclusive():
            try:
                info["transaction"] = True
                yield
                del info["transaction"]
                if not dry_run:
                    self.save()
            finally:
                info.pop("transaction", None)
                self._sessions.rollback()

    def transact(self, function: Callable[[], T]) -> T:
        """Call a function in a `transaction`, and once more if a deadlock or a lock timeout ended the first attempt.

        Args:
            function: the function, which may be called twice; the changes of the first call are rolled back before.
        Returns: the function's result.
        Raises:
            Invalid, Conflict: the storage refuses a change.
            Unavailable: the storage cannot be reached, or the second attempt failed likewise.
        """
        with self.transaction():
            return function()

    @contextmanager
    def snapshot(self) -> Iterator[None]:
        """Make all reads of a block see one consistent state of the storage.

        Raises:
            Unavailable: the storage cannot be reached.
        """
        with self._consistent_reads():
            try:
                yield
            finally:
                self._sessions.rollback()

    def lock(self, obj: BaseModel) -> None:
        """Lock an object until the transaction ends, so that no other program changes it, and read its current values.

        Args:
            obj: an object of this thread's session.
        Raises:
            NotFound: it was removed.
            Unavailable: the storage cannot be reached.
        """
        with self._translated():
            try:
                self._session.refresh(obj, with_for_update=True)
            except InvalidRequestError as error:
                raise NotFound() from error

    # Engines may override these

    @contextmanager
    def _exclusive(self) -> Iterator[None]:
        yield

    @contextmanager
    def _consistent_reads(self) -> Iterator[None]:
        yield

    def _prepare(self, session: Session) -> None:
        """Refuse values that do not fit their columns, before any statement of the transaction is sent."""
        for obj in [*session.new, *session.dirty]:
            storable(obj)
            fitting(obj, obj in session.new)

    def _commit(self, session: Session) -> None:
        session.commit()

    def _translate(self, error: DBAPIError) -> HBNBError:
        """Return HBNB's exception for a driver's error."""
        raise NotImplementedError

    # Private

    @property
    def _session(self) -> Session:
        return self._sessions()

    @property
    def _in_transaction(self) -> bool:
        """Whether this thread's session has begun a transaction, whose changes its reads must see."""
        return self._sessions.registry.has() and (
            self._session.in_transaction() or "transaction" in self._session.info)

    @contextmanager
    def _translated(self) -> Iterator[None]:
        """Raise HBNB's exceptions for SQLAlchemy's, and roll back on any error, or all later commands would fail."""
        try:
            yield
        except DBAPIError as error:
            self._sessions.rollback()
            raise self._translate(error) from error
        except StaleDataError as error:
            self._sessions.rollback()
            raise Conflict("The object was removed meanwhile. Nothing was stored") from error
        except TimeoutError as error:
            self._sessions.rollback()
            raise Unavailable("All connections to the database are in use. Nothing was stored. Try again") from error
        except SQLAlchemyError as error:
            self._sessions.rollback()
            raise Unavailable(f"The storage cannot execute the command: {error}") from error
        except BaseException:
            self._sessions.rollback()
            raise

    def _before_flush(self, session: Session, *_: Any) -> None:
        self._prepare(session)
        for obj in list(session.deleted):
            remove_family(session, obj)


def known(obj: BaseModel) -> BaseModel:
    """Return the object if its class is a model.

    Raises:
        Invalid: its class is not a model, so it has no table.
    """
    if type(obj) not in models.stored.values():
        raise Invalid(f"A {type(obj).__name__} cannot be stored. Nothing was stored. Use one of "
                      f"{', '.join(models.classes)}")
    return obj


def storable(obj: BaseModel) -> None:
    """Refuse an object that the storage cannot hold completely.

    Raises:
        Invalid: its class is not a model, or it has an attribute that its class does not have.
    """
    if names := known(obj).unstored():
        first, cls = names[0], type(obj).__name__
        raise Invalid(f"{cls} has no attribute {first}. Nothing was stored. Delete it from the object (del "
                      f"obj.{first}), or add it to the class {cls}", first)


def fitting(obj: BaseModel, is_new: bool) -> None:
    """Refuse an object with a changed value that does not fit its column.

    Raises:
        Invalid: names the attribute and its allowed values.
    """
    given = vars(obj) if is_new else inspect(obj).committed_state
    for column in obj.__table__.c:
        if column.key in given:
            value = vars(obj).get(column.key)
            if value is None and not column.nullable and not is_new:
                raise Invalid(f"{column.key} is missing", column.key)
            check(column, value)


def _disposer(storage: Transactions) -> Callable[[], None]:
    reference = weakref.ref(storage)

    def dispose() -> None:
        if (kept := reference()) is not None:
            kept._autocommit.forget_connections()
            for engine in {kept._engine, kept._autocommit.engine, kept._autocommit.streams}:
                engine.dispose(close=False)
    return dispose
