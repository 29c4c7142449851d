"""Backups: a file that holds all of a store, as it was at one moment, and can tell whether it still does.

It is made of lines of JSON, compressed: a header, an object a line as `[key, object]`, owners first,
and an end with the number of objects and the SHA-256 of all lines before.
"""
from __future__ import annotations

import hashlib
import io
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import chain, islice
from typing import Any

import orjson

import models
from errors import Damaged, Invalid
from models.base_model import utc_now
from models.codec import time_text
from models.collation import comparison_key
from models.columns import links, unique
from models.stored_check import StoredCheck
from services.transfer import dumps, file_types
from services.transfer.atomic_files import LONGEST, Progress, lines, opened, reported, silent, written

FORMAT = 1
PART = 1000             # objects that are stored at a time
NAMED = 20              # objects that are named of those that cannot be stored
LONGEST_HEADER = 1 << 20    # bytes


@dataclass
class Backup:
    """What a backup holds: the UTC time it was made at, as text, the number of objects by class, and the objects that
    have the same value where only one may have it, such as an e-mail address."""

    made_at: str
    counts: Counter[str] = field(default_factory=Counter)
    twice: list[str] = field(default_factory=list)


def back_up(path: str, force: bool = False, progress: Progress = silent) -> Backup:
    """Write all of the store into a file for its owner alone, as the store is at one moment; writing goes on meanwhile.

    Args:
        path: the file; it is there once all of it is on the disk.
        force: replace one that is there.
        progress: is told how many objects were written, of about how many.
    Raises:
        Invalid: what has that name is no file, or is the store's own.
        Conflict: it is there, and not `force`.
        Unavailable: the file cannot be written, or the storage not be used.
    """
    backup, digest = Backup(time_text(utc_now())), hashlib.sha256()
    with reported(path), written(path, packed=True, keep=not force) as file:
        def write(value: Any) -> None:
            line = orjson.dumps(value) + b"\n"
            if len(line) > LONGEST:
                raise Invalid(f"{value[0]} has more than {LONGEST >> 20} MiB, which `restore` refuses: shorten it")
            digest.update(line)
            file.write(line)
        total, done = sum(map(models.storage.count, models.stored.values())), 0
        write({"hbnb_backup": FORMAT, "made_at": backup.made_at, "schema": _schema()})
        for part in models.storage.dump():
            for key, obj in part.items():
                write([key, obj])
                backup.counts[_class(key)] += 1
            done += len(part)
            progress(done, max(done, total))
        write({"counts": backup.counts, "sha256": digest.hexdigest()})
    return backup


def check(path: str, progress: Progress = silent) -> Backup:
    """Read a backup to its end.

    Args:
        progress: is told how many bytes of the file were read, of how many.
    Raises:
        Invalid: it is none, not whole, of another HBNB, or holds what this storage cannot hold; says so.
        Unavailable: it cannot be read.
    """
    with reported(path), opened(path, progress) as file:
        reader, twice = _Reader(file), _Twice()
        found = [*islice(_faults(twice.watch(reader)), NAMED + 1)]
        if len(found) <= NAMED:     # all of it was read
            reader.backup.twice = twice.found()
            found += [] if models.storage.is_lenient else reader.backup.twice
        if found:
            raise Invalid("; ".join([*found[:NAMED], *["…"] * (len(found) > NAMED)]))
    return reader.backup


def _faults(parts: Iterable[dict[str, Any]]) -> Iterator[str]:
    """Why this storage cannot hold objects, a sentence each, which names the object."""
    yield from chain.from_iterable(map(StoredCheck(in_database=not models.storage.is_lenient).faults, parts))


class _Twice:
    """Finds the objects that have the same value where only one may have it."""

    def __init__(self) -> None:
        self._seen: dict[tuple[str, str, str], list[str]] = {}
        self._columns = {name: [(column.key, comparison_key(column)) for column in unique(cls.__table__)]
                         for name, cls in models.stored.items()}

    def watch(self, parts: Iterable[dict[str, Any]]) -> Iterator[dict[str, Any]]:
        """The same objects, looked at on their way."""
        for part in parts:
            for key, obj in part.items():
                for column, told in self._columns.get(_class(key), ()):
                    value = obj.get(column) if isinstance(obj, dict) else None
                    if isinstance(value, str) and (apart := told(value)):
                        self._seen.setdefault((_class(key), column, apart), []).append(f"{key} ({value})")
            yield part

    def found(self) -> list[str]:
        return [f"one {column} belongs to {' and '.join(keys)}"
                for (_, column, _), keys in self._seen.items() if len(keys) > 1]


def restore(path: str, replace: bool = False, progress: Progress = silent) -> Backup:
    """Fill the store with what a backup holds, once all of that was checked: with all of it, or nothing.

    Who reads meanwhile finds the store as it was; who writes waits, and so does who opens a file.

    Args:
        replace: in place of what the store holds; else it must be empty.
        progress: is told how much of the file was read, of how much; it is read twice.
    Raises:
        Invalid: it is no backup, not whole, of another HBNB, or holds what this storage cannot hold.
        Conflict: the store is not empty, and not `replace`.
        Unavailable: the file cannot be read, or the storage not be used.
    """
    check(path, lambda done, total: progress(done, 2 * total))
    with reported(path), opened(path, lambda done, total: progress(total + done, 2 * total)) as file:
        reader, twice = _Reader(file), _Twice()
        try:
            models.storage.restore(twice.watch(reader), replace)
        except Damaged as error:
            raise Damaged(f"{error}. Or move it away, with the journal if there is one, and restore") from error
    reader.backup.twice = twice.found()
    return reader.backup


class _Reader:
    """The objects of a backup by key, in parts; whoever comes to their end knows that they are as they were written."""

    def __init__(self, file: io.BufferedReader) -> None:
        self._file = file
        start, line = file.peek(1), file.readline(LONGEST_HEADER)
        self._digest = hashlib.sha256(line)
        match _parsed(line):
            case {"hbnb_backup": int(version)} if version > FORMAT:
                raise Invalid(f"it is a backup in format {version}, and this HBNB reads none above {FORMAT}: "
                              "restore it with the HBNB that made it")
            case {"hbnb_backup": int(), "made_at": str(made_at), "schema": dict(known)}:
                self.backup, self._known = Backup(made_at), known
            case _:
                raise Invalid(_foreign(start, line))

    def __iter__(self) -> Iterator[dict[str, Any]]:
        part: dict[str, Any] = {}
        for line in lines(self._file, least=2):
            if line.startswith(b"{"):
                self._end(line)
                break
            self._digest.update(line)
            match _parsed(line):
                case [str(key), obj]:
                    if len(part) == PART or key in part:
                        yield part
                        part = {}
                    part[key] = obj
                    self.backup.counts[_class(key)] += 1
                case _:
                    raise Invalid("it is damaged: it holds a line that is no object. Nothing was changed")
        else:
            raise Invalid("it is cut off: its end is missing. Nothing was changed")
        yield part

    def _end(self, line: bytes) -> None:
        if _parsed(line) != {"counts": self.backup.counts, "sha256": self._digest.hexdigest()} or self._file.read(1):
            raise Invalid("it is damaged: it is not as it was written. Nothing was changed")
        own = _schema()
        foreign = [f"{name}.{each}" for name, attributes in self._known.items()
                   for each in attributes if each not in own.get(name, ())]
        if foreign:
            raise Invalid(f"it was made by another HBNB, which has {', '.join(foreign)}: restore it with that one")


def _foreign(start: bytes, line: bytes) -> str:
    """What is wrong with a file that begins so, and whose first line is no backup's."""
    if not line:
        return "it is empty"
    if dumps.is_object(line):
        return "it is an export: `import` takes it"
    return file_types.binary(start) or ("it is no backup of HBNB: `restore` takes what `backup` wrote; `import` takes "
                                        "exports, old stores, listings and reviews")


def _schema() -> dict[str, list[str]]:
    """What the models know of, by class."""
    return {name: [*cls.__table__.c.keys(), *links(cls.__table__)] for name, cls in models.stored.items()}


def _class(key: str) -> str:
    return key.partition(".")[0]


def _parsed(line: bytes) -> Any:
    try:
        return orjson.loads(line)
    except orjson.JSONDecodeError:
        return None
