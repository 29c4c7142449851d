"""The column types and relationships from which the models are declared.

A column defines everything about an attribute: its type, length and default, whether it is
nullable, and in `info`:

    least, most   the smallest and the largest value
    read_only     set when the object is created, and not changed afterwards
    write_only    not part of any response
    unique        no two objects have the same value; `unique_key` is the column that is compared
    choices       the only values of a text
    on_request    part of a response only if the client asks for it with `fields`
"""
from __future__ import annotations

import datetime
from typing import Annotated, Any, TypeVar

import orjson
from sqlalchemy import (
    Column,
    ColumnClause,
    Date,
    DateTime,
    Double,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    event,
)
from sqlalchemy import column as sql_column
from sqlalchemy.engine import Dialect
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.orm import DeclarativeBase, MappedColumn, Mapper, Relationship, mapped_column, relationship
from sqlalchemy.orm.attributes import flag_dirty
from sqlalchemy.sql.functions import FunctionElement
from sqlalchemy.types import TypeDecorator, TypeEngine

T = TypeVar("T")
TIMES = ("created_at", "updated_at")
TIME_FORMAT = "%Y-%m-%dT%H:%M:%S.%f"


class _ByDialect(TypeDecorator[T]):
    """A type whose SQL differs between databases; its values are not converted."""

    impl: TypeEngine[Any] | type[TypeEngine[Any]] = String

    @property
    def python_type(self) -> type[Any]:
        return self.impl_instance.python_type

    @property
    def length(self) -> int | None:
        return getattr(self.impl_instance, "length", None)


class KeyType(_ByDialect[str]):
    """An id. On MySQL it is ASCII and compared byte by byte, which makes its indexes small and fast."""

    impl = String(60)
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        if dialect.name == "sqlite":
            return dialect.type_descriptor(String(60))
        from sqlalchemy.dialects.mysql import VARCHAR
        return dialect.type_descriptor(VARCHAR(60, charset="ascii", collation="ascii_bin"))


class LongTextType(_ByDialect[str]):
    """A text of any length: LONGTEXT on MySQL."""

    impl = String
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        if dialect.name == "sqlite":
            return dialect.type_descriptor(String())
        from sqlalchemy.dialects.mysql import LONGTEXT
        return dialect.type_descriptor(LONGTEXT())


class JSONType(_ByDialect[Any]):
    """A JSON object or list, stored as text. To change it, assign a new value: changes inside it are not tracked."""

    impl = LongTextType
    cache_ok = True

    @property
    def python_type(self) -> type[Any]:
        return dict

    def process_bind_param(self, value: Any, dialect: Dialect | None = None) -> str | None:
        return None if value is None else orjson.dumps(value).decode()

    def process_result_value(self, value: Any, dialect: Dialect | None = None) -> Any:
        return None if value is None else orjson.loads(value)


class MailType(_ByDialect[str]):
    """An e-mail address, stored as typed and compared by its `unique_key`."""

    impl = String(128)
    cache_ok = True


def unique(table: Table) -> list[Column[Any]]:
    """Return the columns whose values must be unique. Null and empty text are exempt."""
    return [column for column in table.c if column.unique or column.info.get("unique")]


def unique_key(column: Column[Any]) -> ColumnClause[Any]:
    """Return the column by which the values of a unique column are compared.

    It is the column itself; of an e-mail address, a generated column that only the tables have (`key_definition`).
    """
    if not isinstance(column.type, MailType):
        return column
    found: ColumnClause[Any] = sql_column(f"{column.key}_key", String())
    found.table = column.table
    return found


def key_definition(column: Column[Any]) -> str:
    """Return the SQL of an address's generated column, valid on both engines: see `collation.address_key`."""
    return f"{unique_key(column).key} VARCHAR(128) GENERATED ALWAYS AS (NULLIF(RTRIM(LOWER({column.key})), '')) VIRTUAL"


class TimeType(_ByDialect[datetime.datetime]):
    """A UTC time to the microsecond. SQLite holds the same text as the file engine's file."""

    impl = DateTime
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        if dialect.name == "sqlite":
            from sqlalchemy.dialects.sqlite import DATETIME as SQLITE_DATETIME
            return dialect.type_descriptor(SQLITE_DATETIME(storage_format=(  # type: ignore[no-untyped-call]
                "%(year)04d-%(month)02d-%(day)02dT%(hour)02d:%(minute)02d:%(second)02d.%(microsecond)06d")))
        from sqlalchemy.dialects.mysql import DATETIME
        return dialect.type_descriptor(DATETIME(fsp=6))


class iso(FunctionElement[str]):
    """The SQL function that formats a time or a day for JSON: much faster than formatting Python objects."""

    type = String()
    inherit_cache = True


@compiles(iso)
def _iso(element: iso, compiler: Any, **options: Any) -> str:
    """Format in MySQL; SQLite stores the text already."""
    column = compiler.process(element.clauses, **options)
    if compiler.dialect.name == "sqlite":
        return str(column)
    is_day = isinstance(element.clauses.clauses[0].type, Date)
    return f"DATE_FORMAT({column}, '%%Y-%%m-%%d{'' if is_day else 'T%%H:%%i:%%s.%%f'}')"


def oldest_first(*more: str) -> Index:
    """Return the index for reading a table in the order of lists. With `more` columns, queries need not read rows."""
    return Index(None, "created_at", "id", *more)


class Base(DeclarativeBase):
    """The declarative base class, with the metadata of the models' tables."""

    # A row that is to be deleted may have been deleted by another program: that is not an error.
    __mapper_args__ = {"confirm_deleted_rows": False}

    metadata = MetaData(naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_name)s",
        "uq": "uq_%(table_name)s_%(column_0_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
    })

    def __setattr__(self, name: str, value: Any) -> None:
        """Set an attribute. If the class does not have it, mark the object changed, so that `save` refuses it."""
        super().__setattr__(name, value)
        if not name.startswith("_sa_") and not hasattr(type(self), name):
            flag_dirty(self)


@event.listens_for(Base, "instrument_class", propagate=True)
def _index_owned(mapper: Mapper[Any], _: type[Base]) -> None:
    """Index each foreign key for reading an owner's objects, oldest first."""
    for column in mapper.local_table.c:
        if column.foreign_keys:
            Index(None, column, mapper.local_table.c.created_at, mapper.local_table.c.id)


Key = Annotated[str, mapped_column(KeyType(), primary_key=True, sort_order=-1)]
Time = Annotated[datetime.datetime, mapped_column(TimeType(), sort_order=-1, info={"read_only": True})]
Name = Annotated[str, mapped_column(String(128))]
ShortText = Annotated[str, mapped_column(String(128), default="")]
Text = Annotated[str, mapped_column(String(1024))]
OptionalText = Annotated[str | None, mapped_column(String(1024))]
LongText = Annotated[str, mapped_column(LongTextType())]
Label = Annotated[str, mapped_column(KeyType(), unique=True)]
Mail = Annotated[str, mapped_column(MailType(), info={"read_only": True, "unique": True})]
Secret = Annotated[str, mapped_column(String(128), info={"write_only": True})]
Digest = Annotated[str, mapped_column(String(64), info={"write_only": True})]
Moment = Annotated[datetime.datetime, mapped_column(TimeType())]
OptionalTime = Annotated[datetime.datetime | None, mapped_column(TimeType())]
Count = Annotated[int, mapped_column(Integer, default=0, info={"least": 0})]
# None means "unknown": the default does not replace it.
Price = Annotated[int | None, mapped_column(Integer().evaluates_none(), default=0, info={"least": 0})]
Latitude = Annotated[float | None, mapped_column(Double, info={"least": -90.0, "most": 90.0})]
Longitude = Annotated[float | None, mapped_column(Double, info={"least": -180.0, "most": 180.0})]
Day = Annotated[datetime.date, mapped_column(Date)]
Json = Annotated[dict[str, Any] | list[Any], mapped_column(JSONType())]


def choice(*values: str, default: str, **info: Any) -> MappedColumn[str]:
    """Declare a text that is one of these values."""
    return mapped_column(String(20), default=default, server_default=default, info={"choices": values, **info})


def owner(table: str) -> MappedColumn[str]:
    """Declare a foreign key to the owner, in `table`. Removing the owner removes this object, too."""
    return mapped_column(KeyType(), ForeignKey(f"{table}.id", ondelete="CASCADE"), info={"read_only": True})


def owned(cls: str, back: str) -> Relationship[Any]:
    """Declare the list of objects of class `cls` that belong to this one, oldest first.

    The storage removes them together with their owner, so the ORM does not load them for that.

    Args:
        back: the attribute of `cls` that refers to the owner.
    """
    return relationship(cls, back_populates=back, passive_deletes="all", order_by=f"{cls}.created_at, {cls}.id")


def link(one: str, other: str, one_table: str, other_table: str) -> Table:
    """Create an association table of two classes, indexed in both directions."""
    def side(name: str, table: str) -> Column[str]:
        return Column(name, KeyType(), ForeignKey(f"{table}.id", ondelete="CASCADE"), primary_key=True)
    return Table(f"{one}_{other}", Base.metadata, side(f"{one}_id", one_table), side(f"{other}_id", other_table),
                 Index(None, f"{other}_id", f"{one}_id"))


def links(table: Table) -> dict[str, Table]:
    """Return the association tables whose first column refers to this table, by the name of the list of ids.

    For `places` that is `{"amenity_ids": place_amenity}`.
    """
    pairs = (each for each in Base.metadata.sorted_tables if "id" not in each.c)
    return {f"{other.key}s": each for each in pairs for one, other in [each.c] if one.references(table.c.id)}
