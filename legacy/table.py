"""Reading of an older HBNB's table: its converted rows, and the rows that cannot be converted."""
from __future__ import annotations

import datetime
import hashlib
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Column, Connection, Double, Integer, String, Table, text
from sqlalchemy.dialects.mysql import VARCHAR

from legacy import texts
from models import codec, passwords
from models.codec import LEAST, MOST
from models.collation import address_key
from models.columns import TIMES

Row = dict[str, Any]
NEVER = codec.parse_time(codec.NEVER)    # the time of a row without a time
PART = 1000     # rows in a part


@dataclass
class Findings:
    """The findings about a table after reading it.

    Args:
        digest: a checksum of the content that must not change; it does not depend on the order of rows.
        changes: the number of rows that change, by a description of the change.
        stops: the rows that cannot be converted, by a sentence with the reason and what to do.
        ids: the ids of the rows, to which other tables may refer; `None` = they were not read.
    """

    rows: int = 0
    digest: int = 0
    changes: Counter[str] = field(default_factory=Counter)
    stops: dict[str, list[str]] = field(default_factory=dict)
    ids: set[str] | None = None

    def stop(self, reason: str, row: str | None = None) -> None:
        self.stops.setdefault(reason, []).extend([] if row is None else [row])


class OldTable:
    """A table of the database that is to be converted.

    Args:
        table: the new table.
        name: the current name of the existing table.
        differing: the columns whose definition differs from the new one. Texts of the other columns were corrected
            when these got their new definition, and are not changed again.
    """

    def __init__(self, connection: Connection, table: Table, name: str, differing: Collection[str]) -> None:
        self.table, self.name = table, name
        self.key = [column.name for column in table.primary_key]
        self._charsets: dict[str, str | None] = {row[0]: row[1] for row in connection.execute(text(
            "SELECT column_name, character_set_name FROM information_schema.columns "
            "WHERE table_schema = DATABASE() AND table_name = :name AND column_name <> 'email_key'"),
            {"name": name})}    # email_key is a generated column, which migration 0003 adds
        self._differing = differing
        self._readers = {column.name: _reader(column, self._charsets.get(column.name))
                         for column in table.c}

    @property
    def is_there(self) -> bool:
        return bool(self._charsets)

    def survey(self, connection: Connection, owners: Mapping[str, set[str] | None]) -> Findings:
        """Read all rows, and return what would change and what stops the conversion.

        Args:
            owners: the existing ids, by table; `None` = they are not known.
        """
        found = Findings()
        for name in self._charsets.keys() - self._readers.keys():
            found.stop(f"{self.name}.{name} is not a column of HBNB: move it into another table, or drop it")
        if not self.is_there:
            found.ids = set()
            return found
        missing = [column.name for column in self.table.c if column.name not in self._charsets and _required(column)]
        for name in missing:
            found.stop(f"{self.name} has no column {name}: add it, with its values")
        if missing:
            return found
        keys: set[tuple[str, ...]] = set()
        mails: dict[str, list[str]] = {}
        links = [(each.parent.name, each.target_fullname.partition(".")[0]) for each in self.table.foreign_keys]
        for row in self.rows(connection, found):
            key = tuple(str(row[name]) for name in self.key)
            label = "/".join(key)
            if key in keys:
                found.stop(f"{self.name} has several rows with the same {' and '.join(self.key)}: remove all but one",
                           label)
            keys.add(key)
            for name, owner in links:
                ids = owners[owner]
                if row[name] is not None and ids is not None and row[name] not in ids:
                    found.stop(f"{self.name}.{name} is not the id of one of the {owner}, or differs from it in case: "
                               "correct it, or remove the row", label)
            if address := address_key(row.get("email") or ""):
                mails.setdefault(address, []).append(f"{label} ({row['email']})")
            if "password" in row and not passwords.is_hash(row["password"] or ""):
                found.changes["passwords to hash"] += 1
        for several in mails.values():
            if len(several) > 1:
                found.stop(f"{self.name} have the same e-mail address, apart from case: change or remove all but one "
                           f"of them: {', '.join(several)}")
        found.ids = {key[0] for key in keys}
        return found

    def rows(self, connection: Connection, found: Findings) -> Iterator[Row]:
        """Yield the converted rows, except for their passwords, and add the findings to `found`."""
        names = [column.name for column in self.table.c]
        there = [name for name in names if name in self._charsets]
        statement = f"SELECT {', '.join(self._readers[name][0] for name in there)} FROM `{self.name}`"
        for raw in connection.execute(text(statement), execution_options={"yield_per": PART}):
            values = dict(zip(there, raw, strict=True))
            label = "/".join(_shown(values.get(name)) for name in self.key)
            row = {name: self._value(name, values.get(name), label, found) for name in names}
            found.rows += 1
            kept = repr([value for name, value in row.items() if name != "password"])
            digest = hashlib.blake2b(kept.encode(errors="replace"), digest_size=8).digest()
            found.digest = (found.digest + int.from_bytes(digest)) % 2**64
            yield row

    def _value(self, name: str, raw: Any, label: str, found: Findings) -> Any:
        """Convert a value. Returns `None` if it cannot be converted, and adds a stop to `found`."""
        column = self.table.c[name]
        if raw is None or (column.name in TIMES and "-00" in raw):      # a month or day 00 means no time
            if name == "password" or column.nullable:
                return None
            if _required(column):
                found.stop(f"{self.name}.{name} is NULL, but required: set it, or remove the row", label)
            else:
                found.changes[f"{name} to be set to its default instead of NULL"] += 1
            return _unset(column)
        try:
            value = self._readers[name][1](raw)
            is_old = isinstance(value, str) and name in self._differing
            return self._corrected(column, raw, value, found) if is_old else value
        except ValueError as error:
            found.stop(f"{self.name}.{name} {error}", label)
            return None

    @staticmethod
    def _corrected(column: Column[Any], raw: Any, text: str, found: Findings) -> str:
        if isinstance(column.type, VARCHAR):
            if not text.isascii() or len(text) > 60:
                raise ValueError("is not an id of at most 60 ASCII characters: change it")
            return text
        meant = _with_advice(texts.fix_encoding, text) if isinstance(raw, str) else text
        if not meant.isascii() and meant != (raw if isinstance(raw, str) else raw.decode("cp1252", "replace")):
            found.changes[f"{column.name} with a wrong encoding, to be corrected"] += 1
        if column.name not in ("email", "password"):
            lined = texts.fix_line_breaks(meant)
            found.changes[f"{column.name} with <BR />, to be replaced by line breaks"] += lined != meant
            meant = lined
        length = getattr(column.type, "length", None)
        if length and len(meant) > length:
            raise ValueError(f"has more than {length} characters: shorten it")
        return meant


def _reader(column: Column[Any], charset: str | None) -> tuple[str, Callable[[Any], Any]]:
    """Return the SQL that selects a column, and the function that converts its values."""
    if isinstance(column.type, Integer):
        return f"`{column.name}`", _whole
    if isinstance(column.type, Double):
        # Selecting a FLOAT rounds it to its digits. Copied inside the server, it would get further, random digits.
        return f"`{column.name}`", float
    if not isinstance(column.type, String):
        return f"CAST(`{column.name}` AS CHAR)", _time
    if charset == "latin1" or charset is None:
        return f"CAST(`{column.name}` AS BINARY)", _text
    return f"CONVERT(`{column.name}` USING utf8mb4)", str


def _text(raw: bytes) -> str:
    return _with_advice(texts.decode, raw)


def _with_advice(read: Callable[[Any], str], raw: Any) -> str:
    try:
        return read(raw)
    except ValueError as error:
        raise ValueError(f"{error}: store the text again, in UTF-8") from None


def _time(raw: str) -> datetime.datetime:
    try:
        return datetime.datetime.fromisoformat(raw)
    except ValueError:
        raise ValueError("is not a time: correct it") from None


def _whole(raw: Any) -> int:
    if int(raw) != raw or not LEAST <= raw <= MOST:
        raise ValueError(f"is not a whole number from {LEAST} to {MOST}: change it")
    return int(raw)


def _required(column: Column[Any]) -> bool:
    return not (column.nullable or "unset" in column.info or column.name in (*TIMES, "password"))


def _unset(column: Column[Any]) -> Any:
    return NEVER if column.name in TIMES else column.info.get("unset")


def _shown(raw: Any) -> str:
    return raw.decode(errors="replace") if isinstance(raw, bytes) else str(raw)
