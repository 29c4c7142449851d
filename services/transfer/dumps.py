"""Readers and writers of whole stores: classic files, and exports in JSON lines."""
from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from functools import cache
from typing import Any

import orjson
from sqlalchemy import Column, String, Table, select

import models
from errors import Invalid
from legacy import json_file
from models import passwords
from models.base_model import BaseModel
from models.codec import NEVER, UNREADABLE, Codec, blank, json_codecs
from models.columns import TIMES, links
from services import schema
from services.transfer.importer import Importer, Item
from services.transfer.report import Report
from services.transfer.text import short_repr, strip_html

BATCH = 1000    # objects that one statement reads
_NAME = re.compile(rb'"\s*:')     # the end of a name; it may also occur in texts


def classic(text: bytes, report: Report) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield the objects of a classic file, each with its key. HTML is removed from texts, and long texts are shortened.

    Raises:
        Invalid: the file is not a classic file.
    """
    try:
        store = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise Invalid(f"it is not valid JSON: {error}") from error
    if not isinstance(store, dict):
        raise Invalid("it is not a store: a store is a JSON object of objects")

    def fitted(column: Column[Any], text: str) -> str:
        return report.truncate(strip_html(text), getattr(column.type, "length", None) or len(text))
    reader = json_file.Reader(fitted)
    for key, obj in store.items():
        name = key.partition(".")[0]
        try:
            found = reader.read(key, obj)
        except Invalid as error:
            report.refuse(key, str(error))
            continue
        if name not in models.internal:     # tokens and the like belong to their own store
            for each in found.unknown:
                report.notes[f"attributes {name}.{each} that HBNB does not know; they were left out"] += 1
            yield key, _blank(name) | found.obj


@cache
def _blank(name: str) -> dict[str, Any]:
    """The default texts and times of a class, for an object that a classic file stores without them."""
    return {"created_at": NEVER, "updated_at": NEVER} | {
        column.key: None if column.nullable else blank(column) for column in models.classes[name].__table__.c
        if type(column.type) is String and not column.info.get("write_only")}


def lines(source: Iterable[bytes], report: Report) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield the objects of an export, each with its place, such as `line 12`."""
    for number, line in enumerate(source, 1):
        if line.strip():
            try:
                obj = orjson.loads(line)
            except orjson.JSONDecodeError as error:
                report.refuse(f"line {number}", f"it is not valid JSON: {error}")
                continue
            if isinstance(obj, dict) and (name := _repeated(line, obj)) is not None:
                report.refuse(f"line {number}", f"{name} occurs twice")
            elif isinstance(obj, dict):
                yield f"line {number}", obj
            else:
                report.refuse(f"line {number}", "it is not a JSON object")


def is_object(line: bytes) -> bool:
    """Whether a line is an object of an export."""
    found = _parsed(line)
    return isinstance(found, dict) and "__class__" in found


def is_backup(line: bytes) -> bool:
    """Whether a line is the header of a backup."""
    found = _parsed(line)
    return isinstance(found, dict) and "hbnb_backup" in found


def _parsed(line: bytes) -> Any:
    try:
        return orjson.loads(line)
    except orjson.JSONDecodeError:
        return None


def _repeated(line: bytes, obj: dict[str, Any]) -> str | None:
    """A name that occurs twice in an object, or `None`. A parser would silently use the last value."""
    if len(_NAME.findall(line)) == len(obj):    # the usual case: as many names as attributes
        return None
    found: list[str] = []

    def record(pairs: list[tuple[str, Any]]) -> None:
        names = [name for name, _ in pairs]
        found.extend(name for name in names if names.count(name) > 1)
    with suppress(ValueError, RecursionError):
        json.loads(line, object_pairs_hook=record)
    return next(iter(found), None)


def import_objects(source: Iterable[tuple[str, dict[str, Any]]], importer: Importer, is_export: bool = False) -> None:
    """Import objects, in any order, each with its place in the source.

    Args:
        is_export: whether they come from an export, in which users with deleted accounts have empty addresses.
    """
    found: dict[str, list[Item]] = {name: [] for name in models.classes}
    for place, obj in source:
        try:
            name, item = _class_name(obj), _item(place, obj)
            item.is_former = is_export and item.values.get("email") == ""
            found[name].append(item)
        except Invalid as error:
            importer.report.refuse(place, str(error))
    for name, items in found.items():
        importer.store(models.classes[name], items)


def export_objects(write: Callable[[bytes], Any], with_passwords: bool) -> int:
    """Write each object as a line of JSON, owners before their dependents.

    Args:
        write: is called with each line.
        with_passwords: whether to include the users' password hashes.
    Returns: the number of objects.
    """
    count = 0
    with models.storage.snapshot():
        for name, cls in models.classes.items():
            for obj in _all(name, cls, with_passwords):
                write(orjson.dumps(obj) + b"\n")
                count += 1
    return count


def _all(name: str, cls: type[BaseModel], with_passwords: bool) -> Iterator[dict[str, Any]]:
    table = cls.__table__
    columns = schema.selected(cls, everything=with_passwords)
    last = ""
    while found := models.storage.read(
            select(*columns).where(table.c.id > last).order_by(table.c.id).limit(BATCH)).all():
        last = found[-1]["id"]
        linked = {attribute: _linked(pairs, [obj["id"] for obj in found]) for attribute, pairs in links(table).items()}
        for obj in found:
            obj |= {attribute: ids.get(obj["id"], []) for attribute, ids in linked.items()}
            if "password" in obj:   # an old database may store it in plain text
                obj["password"] = passwords.protected(obj["password"])
            yield obj | {"__class__": name}


def _linked(pairs: Table, ids: list[str]) -> dict[str, list[str]]:
    one, other = pairs.c
    found: dict[str, list[str]] = {}
    for id, each in models.storage.read(select(one, other).where(one.in_(ids)).order_by(one, other)).tuples():
        found.setdefault(id, []).append(each)
    return found


def _class_name(obj: dict[str, Any]) -> str:
    name = obj.get("__class__")
    if not isinstance(name, str) or name not in models.classes:
        raise Invalid(f"there is no class {short_repr(name)}")
    return name


def _item(place: str, obj: dict[str, Any]) -> Item:
    cls = models.classes[obj["__class__"]]
    columns, pairs, codecs = cls.__table__.c, links(cls.__table__), json_codecs(cls.__table__)
    values, linked = {}, {}
    for name, value in obj.items():
        if name in codecs:
            values[name] = _read(codecs[name], name, value)
        elif name == "password":
            values[name] = value or passwords.NO_LOGIN
        elif name in columns:
            values[name] = value
        elif name in pairs:
            linked[pairs[name]] = value
        elif name != "__class__":
            raise Invalid(f"Unknown attribute: {name}", name)
    if "password" in columns:
        values.setdefault("password", passwords.NO_LOGIN)
    return Item(place, values, linked)


def _read(codec: Codec, name: str, value: Any) -> Any:
    try:
        return None if value is None and name not in TIMES else codec.accept(value)
    except UNREADABLE:
        raise Invalid(f"{name}: {short_repr(value)} is not a valid {codec.noun}") from None
