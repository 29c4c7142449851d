"""Showing objects in the forms that a person may ask for."""
from __future__ import annotations

import shutil
import sys
from collections.abc import Collection, Sequence
from typing import Any

import orjson

import models
from cli import escaping
from models.base_model import BaseModel

FORMS = ("--table", "--json", "--csv")
WIDTH = 40      # columns of a table's cell, if it is for no terminal
LEAST = 10      # columns that a cell has at a terminal, before others are left out
GAP = "  "


def take_form(words: list[str]) -> str | None:
    """The form that is asked for among the words, which are left without it; the last one counts."""
    asked = [word for word in words if word in FORMS]
    words[:] = [word for word in words if word not in FORMS]
    return asked[-1] if asked else None


def show(objects: list[dict[str, Any]], form: str, kept: Collection[str] = ()) -> None:
    """Print objects, in their JSON form, as a table, as JSON, or as comma-separated values.

    Args:
        kept: the attributes that a table must not leave out, however narrow the terminal is.
    """
    # Imported where they are used, as most commands need none of them.
    if form == "--json":
        import json
        print(escaping.safe_json(json.dumps(objects, indent=2, ensure_ascii=False)))
    elif not objects:
        return
    elif form == "--csv":
        import csv

        from services.transfer.rows import guarded
        writer = csv.DictWriter(sys.stdout, _names(objects), lineterminator="\n")
        writer.writeheader()
        for obj in objects:
            cells = {name: _joined(value) for name, value in obj.items()}
            writer.writerow({name: guarded(cell) if isinstance(cell, str) else cell for name, cell in cells.items()})
    else:
        names = _names(objects)
        room = shutil.get_terminal_size().columns if sys.stdout.isatty() else None
        left_out = [] if room is None else _left_out(objects, names, room, kept)
        names = [name for name in names if name not in left_out]
        table(_rows(objects, names), names, room)
        if left_out:
            say(f"No room for {', '.join(left_out)}: to choose, use find CLASS columns NAME,NAME")


def table(rows: Sequence[Sequence[Any]], heading: Sequence[str], room: int | None = None) -> None:
    """Print a table.

    Args:
        room: columns of the terminal that it must fit, if it is for one.
    """
    lines = [[_cell(value) for value in row] for row in (heading, *rows)]
    widths = _widths(lines, room)
    lines.insert(1, ["-" * width for width in widths])
    for cells in lines:
        padded = (text + " " * (width - escaping.width(text)) for text, width in zip(
            map(escaping.cut, cells, widths), widths, strict=True))
        print(GAP.join(padded).rstrip())


def say(text: str) -> None:
    """Tell a person something beside what is printed."""
    print(text, file=sys.stderr)


def tell(form: str | None, cls: type[BaseModel] | None, number: int, total: int = 0) -> None:
    """Say how many objects a table shows, and of how many, if these are more."""
    if form in (None, "--table"):
        name = cls.__name__ if cls else ""
        say(f"{number} of {counted(total, name)}" if total > number else counted(number, name))


def counted(number: int, name: str = "") -> str:
    """`1 city`, `2 cities`; `No cities` if there is none.

    Args:
        name: of the class; none = objects of any class.
    """
    many = models.stored[name].__tablename__ if name else "objects"
    return f"{number or 'No'} {(name.lower() or 'object') if number == 1 else many}"


def _names(objects: list[dict[str, Any]]) -> list[str]:
    """The attributes of all objects, the class first: they may be of several classes."""
    names = dict.fromkeys(name for obj in objects for name in obj)
    return sorted(names, key=lambda name: name != "__class__")


def _rows(objects: list[dict[str, Any]], names: list[str]) -> list[list[Any]]:
    return [[obj.get(name) for name in names] for obj in objects]


def _left_out(objects: list[dict[str, Any]], names: list[str], room: int, kept: Collection[str]) -> list[str]:
    """The attributes that a table must do without: times, ids of others, long texts, and then those at the right."""
    widths = _widths([[*map(_cell, row)] for row in [names, *_rows(objects, names)]], None)
    natural = dict(zip(names, widths, strict=True))
    least = {name: each if name == "id" else min(each, LEAST) for name, each in natural.items()}
    several = ["__class__"] if len({obj.get("__class__") for obj in objects}) > 1 else []
    less = ["updated_at", "created_at", "__class__", *(name for name in names if name.endswith("_id")),
            *(name for name in names if natural[name] == WIDTH), *reversed(names)]
    less = [name for name in dict.fromkeys(less) if name in names and name not in ("id", "name", *several, *kept)]
    left_out: list[str] = []
    while less and sum(least[name] + len(GAP) for name in names if name not in left_out) - len(GAP) > room:
        left_out.append(less.pop(0))
    return [name for name in names if name in left_out]


def _widths(lines: Sequence[Sequence[str]], room: int | None) -> list[int]:
    """How wide each column is: the widest are cut first, and ids only if there is no other way."""
    natural = [max(map(escaping.width, column)) for column in zip(*lines, strict=True)]
    if room is None:
        return [min(each, WIDTH) for each in natural]
    ids = [number for number, name in enumerate(lines[0]) if name == "id"]
    for whole, least in ((ids, 4), ([], 1)):
        for most in range(max(natural), least - 1, -1):
            widths = [each if number in whole else min(each, most) for number, each in enumerate(natural)]
            if sum(widths) + len(GAP) * (len(widths) - 1) <= room:
                return widths
    return [1] * len(natural)


def _cell(value: Any) -> str:
    return escaping.safe(" ".join(str(_joined(value)).split()))


def _joined(value: Any) -> Any:
    """What stands in one cell."""
    if isinstance(value, list):
        return ", ".join(str(_joined(each)) for each in value)
    return "" if value is None else orjson.dumps(value).decode() if isinstance(value, dict) else value
