"""Sessions over a database, a session for each thread, and the transactions that they take part in."""
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
    """Keeps a session for each thread, from its first use to `close`.

    Args:
        engine: connects for transactions.
        autocommit: sends statements that need no transaction.
    """

    def __init__(self, engine: Engine, autocommit: Autocommit) -> None:
        self._engine = engine
        self._autocommit = autocommit
        # Not `autoflush`: a read must never write, nor fail because of a change that is not saved.
        self._sessions = scoped_session(sessionmaker(engine, autoflush=False, expire_on_commit=False))
        # A forked worker must not speak on its parent's connections.
        os.register_at_fork(after_in_child=_disposer(self))
        event.listen(self._sessions, "before_flush", self._before_flush)
        event.listen(self._sessions, "after_flush", forget_old_collections)

    def save(self) -> None:
        """Store all changes of the session: all of them, or nothing. Inside a `transaction`, its end does that.

        Raises:
            Invalid, Conflict: the storage refuses a change.
            Unavailable: the storage cannot be reached.
        """
        if "transaction" in self._session.info:
            return
        with self._translated():
            self._commit(self._session)

    def close(self) -> None:
        """End this thread's session; changes that are not saved are given up."""
        self._sessions.remove()

    @contextmanager
    def transaction(self, dry_run: bool = False) -> Iterator[None]:
        """Store all changes of a block at its end, or none of them. One inside another is part of it.

        Args:
            dry_run: store nothing, whatever happens.
        Raises:
            Invalid, Conflict: the storage refuses a change.
            Unavailable: the storage cannot be reached.
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
        """Do some work as a `transaction`, and once more from its start if another program was in the way.

        Args:
            work: may be called twice; the changes of its first call are undone before its second.
        Returns: what the work returns.
        Raises:
            Invalid, Conflict: the storage refuses a change.
            Unavailable: the storage cannot be reached, or another program was in the way again.
        """
        with self.transaction():
            return work()

    @contextmanager
    def snapshot(self) -> Iterator[None]:
        """Have all reads of a block see the storage as it was at one moment.

        Raises:
            Unavailable: the storage cannot be reached.
        """
        with self._still():
            try:
                yield
            finally:
                self._sessions.rollback()

    def lock(self, obj: BaseModel) -> None:
        """Read an object anew, and keep other programs from changing it until the transaction ends.

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

    # What an engine may do its own way

    @contextmanager
    def _alone(self) -> Iterator[None]:
        yield

    @contextmanager
    def _still(self) -> Iterator[None]:
        yield

    def _prepare(self, session: Session) -> None:
        """Refuse values that do not fit their columns, before any statement of the transaction is sent."""
        for obj in [*session.new, *session.dirty]:
            storable(obj)
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

    @property
    def _in_transaction(self) -> bool:
        """Whether this thread's session is in a transaction, which then must see its own changes."""
        return self._sessions.registry.has() and (
            self._session.in_transaction() or "transaction" in self._session.info)

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

    def _before_flush(self, session: Session, *_: Any) -> None:
        self._prepare(session)
        for obj in list(session.deleted):
            remove_family(session, obj)


def known(obj: BaseModel) -> BaseModel:
    """The object, if it is one of a model.

    Raises:
        Invalid: it is not, so no storage has a place for it.
    """
    if type(obj) not in models.stored.values():
        raise Invalid(f"A {type(obj).__name__} cannot be stored, nothing was stored: use one of "
                      f"{', '.join(models.classes)}")
    return obj


def storable(obj: BaseModel) -> None:
    """Refuse an object of which a part would be lost.

    Raises:
        Invalid: it is none of a model, or has attributes that its class does not have.
    """
    if names := known(obj).unstored():
        first, cls = names[0], type(obj).__name__
        raise Invalid(f"{cls} has no attribute {first}, nothing was stored: delete it from the object (del "
                      f"obj.{first}), or add it to the class {cls}", first)


def _disposer(storage: Transactions) -> Callable[[], None]:
    reference = weakref.ref(storage)

    def dispose() -> None:
        if (kept := reference()) is not None:
            kept._autocommit.forget()
            for engine in {kept._engine, kept._autocommit.engine, kept._autocommit.streams}:
                engine.dispose(close=False)
    return dispose
