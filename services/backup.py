"""Backup and restore of a whole store, in a file with a checksum.

A backup is a gzip-compressed file with a JSON value per line: a header, each object as `[key, object]`, owners before
their dependents, and a last line with the numbers of objects and the SHA-256 of all lines before it.
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
from services.transfer.atomic_files import (
    LONGEST,
    Progress,
    lines,
    naming_file,
    no_progress,
    open_input,
    write_atomically,
)

FORMAT = 1
BATCH = 1000            # objects that are stored together
MAX_REASONS = 20        # that an error message lists
LONGEST_HEADER = 1 << 20    # bytes


@dataclass
class Backup:
    """The summary of a backup.

    Args:
        made_at: the UTC time of the backup, as text.
        counts: the number of objects by class.
        duplicates: descriptions of objects with the same value of a unique attribute, such as an e-mail address.
    """

    made_at: str
    counts: Counter[str] = field(default_factory=Counter)
    duplicates: list[str] = field(default_factory=list)


def back_up(path: str, force: bool = False, progress: Progress = no_progress) -> Backup:
    """Write a consistent snapshot of the store into a file that only its owner may read.

    It does not have sessions, one-time links, mails and failures to log in (`passing`). Other processes can use the
    store meanwhile.

    Args:
        path: the file; it is created when the backup is complete and on the disk.
        force: whether to replace an existing file.
        progress: is called with the number of written objects, and the approximate total.
    Raises:
        Invalid: the path is not a regular file, or is one of the store's own files.
        Conflict: the file exists, and `force` is false.
        Unavailable: the file cannot be written, or the storage is not available.
    """
    backup, digest = Backup(time_text(utc_now())), hashlib.sha256()
    with naming_file(path), write_atomically(path, compress=True, keep=not force) as file:
        def write(value: Any) -> None:
            line = orjson.dumps(value) + b"\n"
            if len(line) > LONGEST:
                raise Invalid(f"{value[0]} is larger than {LONGEST >> 20} MiB, which `restore` refuses: shorten it")
            digest.update(line)
            file.write(line)
        total, done = sum(map(models.storage.count, models.stored.values())), 0
        write({"hbnb_backup": FORMAT, "made_at": backup.made_at, "schema": _schema()})
        left_out = {name for name, cls in models.stored.items() if cls.passing}
        for part in models.storage.dump():
            for key, obj in part.items():
                if _class(key) in left_out:
                    continue
                write([key, obj])
                backup.counts[_class(key)] += 1
            done += len(part)
            progress(done, max(done, total))
        write({"counts": backup.counts, "sha256": digest.hexdigest()})
    return backup


def check(path: str, progress: Progress = no_progress) -> Backup:
    """Check that a backup is complete and can be restored into this storage.

    Args:
        progress: is called with the number of read bytes and the size of the file.
    Raises:
        Invalid: the file is not a backup, is damaged or of another version of HBNB, or has objects that this storage
            cannot store; names the reason.
        Unavailable: the file cannot be read.
    """
    with naming_file(path), open_input(path, progress) as file:
        reader, duplicates = _Reader(file), _Duplicates()
        reasons = [*islice(_faults(duplicates.watch(reader)), MAX_REASONS + 1)]
        if len(reasons) <= MAX_REASONS:     # the whole file was read
            reader.backup.duplicates = duplicates.found()
            reasons += [] if models.storage.is_lenient else reader.backup.duplicates
        if reasons:
            raise Invalid("; ".join([*reasons[:MAX_REASONS], *["…"] * (len(reasons) > MAX_REASONS)]))
    return reader.backup


def _faults(parts: Iterable[dict[str, Any]]) -> Iterator[str]:
    """The reasons why this storage cannot store objects: for each a sentence that names the object."""
    yield from chain.from_iterable(map(StoredCheck(in_database=not models.storage.is_lenient).faults, parts))


class _Duplicates:
    """Finds objects with the same value of a unique attribute."""

    def __init__(self) -> None:
        self._seen: dict[tuple[str, str, str], list[str]] = {}
        self._columns = {name: [(column.key, comparison_key(column)) for column in unique(cls.__table__)]
                         for name, cls in models.stored.items()}

    def watch(self, parts: Iterable[dict[str, Any]]) -> Iterator[dict[str, Any]]:
        """Pass the objects through, and remember their unique values."""
        for part in parts:
            for key, obj in part.items():
                for column, unique_form in self._columns.get(_class(key), ()):
                    value = obj.get(column) if isinstance(obj, dict) else None
                    if isinstance(value, str) and (compared := unique_form(value)):
                        self._seen.setdefault((_class(key), column, compared), []).append(f"{key} ({value})")
            yield part

    def found(self) -> list[str]:
        return [f"{' and '.join(keys)} have the same {column}"
                for (_, column, _), keys in self._seen.items() if len(keys) > 1]


def restore(path: str, replace: bool = False, progress: Progress = no_progress) -> Backup:
    """Check a backup, and restore it into the store: all objects, or none if there is an error.

    Until it ends, other processes read the old content of the store; processes that write, or open the file of a
    file store, wait.

    Args:
        replace: whether to remove the present objects; if false, the store must be empty.
        progress: is called with the number of read bytes and the total; the file is read twice.
    Raises:
        Invalid: see `check`.
        Conflict: the store is not empty, and `replace` is false.
        Unavailable: the file cannot be read, or the storage is not available.
    """
    check(path, lambda done, total: progress(done, 2 * total))
    with naming_file(path), open_input(path, lambda done, total: progress(total + done, 2 * total)) as file:
        reader, duplicates = _Reader(file), _Duplicates()
        try:
            models.storage.restore(duplicates.watch(reader), replace)
        except Damaged as error:
            raise Damaged(f"{error}. To restore a backup, first move the file and its journal to another folder"
                          ) from error
    reader.backup.duplicates = duplicates.found()
    return reader.backup


class _Reader:
    """Iterates over the objects of a backup by key, in batches; raises `Invalid` if the checksum is wrong."""

    def __init__(self, file: io.BufferedReader) -> None:
        self._file = file
        start, line = file.peek(1), file.readline(LONGEST_HEADER)
        self._digest = hashlib.sha256(line)
        match _parsed(line):
            case {"hbnb_backup": int(version)} if version > FORMAT:
                raise Invalid(f"it is a backup in format {version}, and this HBNB reads formats up to {FORMAT}: "
                              "restore it with the version of HBNB that made it")
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
                    if len(part) == BATCH or key in part:
                        yield part
                        part = {}
                    part[key] = obj
                    self.backup.counts[_class(key)] += 1
                case _:
                    raise Invalid("it is damaged: one of its lines is not an object. Nothing was changed. "
                                  "Use another backup")
        else:
            raise Invalid("it is incomplete: its end is missing. Nothing was changed. Use another backup")
        yield part

    def _end(self, line: bytes) -> None:
        if _parsed(line) != {"counts": self.backup.counts, "sha256": self._digest.hexdigest()} or self._file.read(1):
            raise Invalid("it is damaged: its content does not match its checksum. Nothing was changed. "
                          "Use another backup")
        own = _schema()
        foreign = [f"{name}.{each}" for name, attributes in self._known.items()
                   for each in attributes if each not in own.get(name, ())]
        if foreign:
            raise Invalid("it was made by another version of HBNB. This version does not have the attributes "
                          f"{', '.join(foreign)}. Restore it with the version that made it")


def _foreign(start: bytes, line: bytes) -> str:
    """The reason why a file with this beginning and first line is not a backup."""
    if not line:
        return "it is empty"
    if dumps.is_object(line):
        return "it is an export: use `import`"
    return file_types.binary(start) or ("it is not a backup of HBNB: `restore` reads files that `backup` wrote. Use "
                                        "`import` for exports, old stores, listings and reviews")


def _schema() -> dict[str, list[str]]:
    """The names of all attributes by class."""
    return {name: [*cls.__table__.c.keys(), *links(cls.__table__)] for name, cls in models.stored.items()}


def _class(key: str) -> str:
    return key.partition(".")[0]


def _parsed(line: bytes) -> Any:
    try:
        return orjson.loads(line)
    except orjson.JSONDecodeError:
        return None
