"""Whole stores: a classic file, and an export of JSON lines."""
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
from models.codec import NEVER, UNREADABLE, Codec, json_codecs
from models.columns import TIMES, links
from services import schema
from services.transfer.importer import Intake, Item
from services.transfer.report import Report
from services.transfer.text import plain, shown

PART = 1000     # objects that are read at a time
_NAME = re.compile(rb'"\s*:')     # what ends a name, and perhaps stands in texts


def classic(text: bytes, report: Report) -> Iterator[tuple[str, dict[str, Any]]]:
    """The objects of a classic file, with their places; their texts lose their HTML, and are cut if too long.

    Raises:
        Invalid: it is no such file.
    """
    try:
        store = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise Invalid(f"it is no JSON: {error}") from error
    if not isinstance(store, dict):
        raise Invalid("it is no store: not a JSON object of objects")

    def breaks(column: Column[Any], text: str) -> str:
        return report.cut(plain(text), getattr(column.type, "length", None) or len(text))
    reader = json_file.Reader(breaks)
    for key, obj in store.items():
        name = key.partition(".")[0]
        try:
            found = reader.read(key, obj)
        except Invalid as error:
            report.refuse(key, str(error))
            continue
        if name not in models.internal:     # tokens and the like stay with the store that made them
            for each in found.unknown:
                report.notes[f"attributes {name}.{each}, which HBNB does not know; they were left out"] += 1
            yield key, _blank(name) | found.obj


@cache
def _blank(name: str) -> dict[str, Any]:
    """What an object of a classic file reads as that was stored before its texts and times were set."""
    return {"created_at": NEVER, "updated_at": NEVER} | {
        column.key: None if column.nullable else "" for column in models.classes[name].__table__.c
        if type(column.type) is String and not column.info.get("write_only")}


def lines(source: Iterable[bytes], report: Report) -> Iterator[tuple[str, dict[str, Any]]]:
    """The objects of an export, with their places."""
    for number, line in enumerate(source, 1):
        if line.strip():
            try:
                obj = orjson.loads(line)
            except orjson.JSONDecodeError as error:
                report.refuse(f"line {number}", f"it is no JSON: {error}")
                continue
            if isinstance(obj, dict) and (name := _repeated(line, obj)) is not None:
                report.refuse(f"line {number}", f"{name} stands there twice")
            elif isinstance(obj, dict):
                yield f"line {number}", obj
            else:
                report.refuse(f"line {number}", "it is no object")


def is_object(line: bytes) -> bool:
    """Whether a line is one of an export."""
    found = _parsed(line)
    return isinstance(found, dict) and "__class__" in found


def is_backup(line: bytes) -> bool:
    """Whether a line is the first one of a backup."""
    found = _parsed(line)
    return isinstance(found, dict) and "hbnb_backup" in found


def _parsed(line: bytes) -> Any:
    try:
        return orjson.loads(line)
    except orjson.JSONDecodeError:
        return None


def _repeated(line: bytes, obj: dict[str, Any]) -> str | None:
    """The name that stands in an object twice, of which a parser would take the last in silence."""
    if len(_NAME.findall(line)) == len(obj):    # the usual case: no more names than attributes
        return None
    found: list[str] = []

    def look(pairs: list[tuple[str, Any]]) -> None:
        names = [name for name, _ in pairs]
        found.extend(name for name in names if names.count(name) > 1)
    with suppress(ValueError, RecursionError):
        json.loads(line, object_pairs_hook=look)
    return next(iter(found), None)


def take(source: Iterable[tuple[str, dict[str, Any]]], intake: Intake) -> None:
    """Put objects, in whatever order they come, into the store."""
    found: dict[str, list[Item]] = {name: [] for name in models.classes}
    for place, obj in source:
        try:
            found[_class_name(obj)].append(_item(place, obj))
        except Invalid as error:
            intake.report.refuse(place, str(error))
    for name, items in found.items():
        intake.put(models.classes[name], items)


def give(write: Callable[[bytes], Any], with_passwords: bool) -> int:
    """Write every object as a line of JSON, owners first.

    Args:
        with_passwords: with the users' password hashes.
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
            select(*columns).where(table.c.id > last).order_by(table.c.id).limit(PART)).all():
        last = found[-1]["id"]
        linked = {attribute: _linked(pairs, [obj["id"] for obj in found]) for attribute, pairs in links(table).items()}
        for obj in found:
            obj |= {attribute: ids.get(obj["id"], []) for attribute, ids in linked.items()}
            if "password" in obj:   # an old database may hold it as it was typed
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
        raise Invalid(f"there is no class {shown(name)}")
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
        raise Invalid(f"{name}: {shown(value)} is no {codec.noun}") from None
