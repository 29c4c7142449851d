"""The base class of all models, and checks that apply to each of their attributes."""
from __future__ import annotations

import datetime
import uuid
from typing import TYPE_CHECKING, Any, ClassVar

from sqlalchemy import event, inspect
from sqlalchemy.exc import NoInspectionAvailable
from sqlalchemy.orm import Mapped, Mapper, QueryableAttribute, RelationshipProperty

import models
from errors import Invalid
from models import codec
from models.columns import TIMES, Base, Key, Time


def utc_now() -> datetime.datetime:
    return datetime.datetime.now(datetime.UTC).replace(tzinfo=None)


class BaseModel:
    """An object with an id and the UTC times of its creation and last change.

    Args:
        attributes: values by name, or the result of `to_dict`. Times and days may be ISO 8601 text. Attributes that
            the class does not have are accepted together with `__class__`; `save` then refuses the object.
    Raises:
        Invalid: the model has no such attribute, or a value is not a time or a day.
    """

    if TYPE_CHECKING:
        __table__: Any
        __tablename__: Any
        __mapper__: Any

    internal: ClassVar[bool] = False    # whether it is HBNB's own data, never listed, counted, exported or imported
    passing: ClassVar[bool] = False     # whether backups leave it out, because it is of no use after a restore

    id: Mapped[Key]
    created_at: Mapped[Time]
    updated_at: Mapped[Time]

    def __init__(self, *_: Any, **attributes: Any) -> None:
        now = utc_now()
        is_whole = attributes.pop("__class__", None) is not None
        coded = codec.json_codecs(self.__table__) if isinstance(self, Base) else dict.fromkeys(TIMES, codec.TIME)
        for name, value in ({"id": str(uuid.uuid4()), "created_at": now, "updated_at": now} | attributes).items():
            if name not in ("id", *TIMES) and not self._accepts(name, is_whole):
                raise Invalid(f"Unknown attribute: {name}", name)
            setattr(self, name, self._read(name, value, coded[name]) if name in coded else value)

    def __str__(self) -> str:
        return f"[{type(self).__name__}] ({self.id}) {self._attributes()}"

    def save(self) -> None:
        """Set `updated_at`, and store this object and all other pending changes of the session."""
        self.updated_at = utc_now()
        models.storage.new(self)
        models.storage.save()

    def delete(self) -> None:
        """Mark the object for deletion; the next `save` of the storage removes it."""
        models.storage.delete(self)

    def to_dict(self, save_fs: int = 0) -> dict[str, Any]:
        """Return every attribute by name, with times as text, and `__class__`.

        Args:
            save_fs: 1 = include the attributes that only storages see, such as the password.
        """
        attributes = self._attributes(everything=bool(save_fs))
        for name, value in attributes.items():
            if isinstance(value, codec.DATED):
                attributes[name] = codec.to_json(value)
        return attributes | {"__class__": type(self).__name__}

    def _attributes(self, everything: bool = False) -> dict[str, Any]:
        try:
            mapper: Mapper[Any] = inspect(type(self))
        except NoInspectionAvailable:   # a plain BaseModel, which has no table
            return dict(vars(self))
        shown = {each.key: getattr(self, each.key) for each in mapper.column_attrs
                 if everything or not each.columns[0].info.keys() & {"write_only", "on_request"}}
        return shown | {name: vars(self)[name] for name in self.unstored()}

    def unstored(self) -> list[str]:
        """Return the names of attributes that were set on this object although its class does not have them."""
        known = inspect(type(self)).attrs
        return [name for name in vars(self) if name not in known and not name.startswith("_sa_")]

    @classmethod
    def _accepts(cls, name: str, is_whole: bool) -> bool:
        """Return whether an object may be created with that attribute.

        Args:
            is_whole: whether the values are those of `to_dict`, which includes attributes that the class lacks.
        """
        if not issubclass(cls, Base) or name in inspect(cls).attrs:
            return True
        if hasattr(cls, name):
            return isinstance(getattr(cls, name), property)
        return is_whole and not name.startswith("_sa_")

    @staticmethod
    def _read(name: str, value: Any, column_codec: codec.Codec) -> Any:
        """Convert a value from its JSON form, if it has that form."""
        try:
            return None if value is None and name not in TIMES else column_codec.accept(value)
        except codec.UNREADABLE:
            raise Invalid(f"{name}: {value!r} is not a {column_codec.noun}", name) from None


@event.listens_for(Base, "attribute_instrument", propagate=True)
def _check_related(cls: type[Base], key: str, attribute: QueryableAttribute[Any]) -> None:
    """Refuse to assign an object of another class to a relationship."""
    if not isinstance(attribute.property, RelationshipProperty):
        return

    def check(_: Any, value: Any, *__: Any) -> None:
        wanted = attribute.property.mapper.class_
        if value is not None and not isinstance(value, wanted):
            raise Invalid(f"{cls.__name__}.{key} takes {wanted.__name__} objects, not {value!r}", key)
    for change in ("set", "append"):
        event.listen(attribute, change, check, propagate=True)


@event.listens_for(Base, "attribute_instrument", propagate=True)
def _read_blank(cls: type[Base], key: str, attribute: QueryableAttribute[Any]) -> None:
    """Make an attribute that was not set read as its `blank` value, without setting it."""
    columns = getattr(attribute.property, "columns", None)
    if columns:
        event.listen(attribute, "init_scalar", lambda obj, _value, _dict: codec.blank(columns[0]), retval=True,
                     propagate=True)
