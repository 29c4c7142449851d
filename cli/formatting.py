"""Output formats of the console: tables, JSON and CSV."""
from __future__ import annotations

import re
import shutil
import sys
from collections.abc import Collection, Sequence
from typing import Any

import orjson

import models
from cli import escaping
from models.base_model import BaseModel

FORMATS = ("--table", "--json", "--csv")
WIDTH = 40      # maximum width of a cell, if the output is not a terminal
MIN_WIDTH = 10  # minimum width of a cell at a terminal; below it, columns are left out
GAP = "  "


def take_format(words: list[str]) -> str | None:
    """Remove the format options from a list of words, and return the last one."""
    options = [word for word in words if word in FORMATS]
    words[:] = [word for word in words if word not in FORMATS]
    return options[-1] if options else None


def show(objects: list[dict[str, Any]], output_format: str, kept: Collection[str] = ()) -> None:
    """Print objects, given as their JSON objects.

    Args:
        output_format: one of FORMATS.
        kept: attributes that a table shows even if the terminal is too narrow.
    """
    if output_format == "--json":
        import json  # imported here and below, because most commands need neither module
        print(escaping.safe_json(json.dumps(objects, indent=2, ensure_ascii=False)))
    elif objects and output_format == "--csv":
        _print_csv(objects)
    elif objects:
        _print_table(objects, kept)


def _print_csv(objects: list[dict[str, Any]]) -> None:
    import csv

    from services.transfer.rows import escape_formula
    writer = csv.DictWriter(sys.stdout, _names(objects), lineterminator="\n")
    writer.writeheader()
    for obj in objects:
        cells = {name: _joined(value) for name, value in obj.items()}
        writer.writerow({name: escape_formula(cell) if isinstance(cell, str) else cell for name, cell in cells.items()})


def _print_table(objects: list[dict[str, Any]], kept: Collection[str]) -> None:
    names = _names(objects)
    room = shutil.get_terminal_size().columns if sys.stdout.isatty() else None
    left_out = [] if room is None else _left_out(objects, names, room, kept)
    names = [name for name in names if name not in left_out]
    table(_rows(objects, names), names, room)
    if left_out:
        print_info(f"No room for {', '.join(left_out)}: choose columns with find CLASS columns NAME,NAME")


def table(rows: Sequence[Sequence[Any]], heading: Sequence[str], room: int | None = None) -> None:
    """Print a table.

    Args:
        room: width of the terminal; None if the output is not a terminal.
    """
    lines = [[_cell(value) for value in row] for row in (heading, *rows)]
    widths = _widths(lines, room)
    lines.insert(1, ["-" * width for width in widths])
    for cells in lines:
        padded = (text + " " * (width - escaping.width(text)) for text, width in zip(
            map(escaping.cut, cells, widths), widths, strict=True))
        print(GAP.join(padded).rstrip())


def print_info(text: str) -> None:
    """Print information for the user on standard error."""
    print(text, file=sys.stderr)


def print_count(output_format: str | None, cls: type[BaseModel] | None, number: int, total: int = 0) -> None:
    """Print below a table how many objects it shows, and the total if that is larger."""
    if output_format in (None, "--table"):
        name = cls.__name__ if cls else ""
        print_info(f"{number} of {counted(total, name)}" if total > number else counted(number, name))


def counted(number: int, name: str = "") -> str:
    """`1 city`, `2 cities`; `No cities` for 0.

    Args:
        name: of the class; empty = objects of any class.
    """
    one = re.sub("(?<!^)(?=[A-Z])", " ", name).lower() or "object"
    many = models.stored[name].__tablename__.replace("_", " ") if name else "objects"
    return f"{number or 'No'} {one if number == 1 else many}"


def _names(objects: list[dict[str, Any]]) -> list[str]:
    """The attributes of all objects, which may be of several classes; `__class__` comes first."""
    names = dict.fromkeys(name for obj in objects for name in obj)
    return sorted(names, key=lambda name: name != "__class__")


def _rows(objects: list[dict[str, Any]], names: list[str]) -> list[list[Any]]:
    return [[obj.get(name) for name in names] for obj in objects]


def _left_out(objects: list[dict[str, Any]], names: list[str], room: int, kept: Collection[str]) -> list[str]:
    """The columns that do not fit: times first, then foreign keys, long texts, and columns at the right."""
    widths = _widths([[*map(_cell, row)] for row in [names, *_rows(objects, names)]], None)
    natural = dict(zip(names, widths, strict=True))
    least = {name: width if name == "id" else min(width, MIN_WIDTH) for name, width in natural.items()}
    several = ["__class__"] if len({obj.get("__class__") for obj in objects}) > 1 else []
    optional = ["updated_at", "created_at", "__class__", *(name for name in names if name.endswith("_id")),
                *(name for name in names if natural[name] == WIDTH), *reversed(names)]
    required = ("id", "name", *several, *kept)
    optional = [name for name in dict.fromkeys(optional) if name in names and name not in required]
    left_out: list[str] = []
    while optional and sum(least[name] + len(GAP) for name in names if name not in left_out) - len(GAP) > room:
        left_out.append(optional.pop(0))
    return [name for name in names if name in left_out]


def _widths(lines: Sequence[Sequence[str]], room: int | None) -> list[int]:
    """The width of each column. The widest columns are cut first; ids only if nothing else is enough."""
    natural = [max(map(escaping.width, column)) for column in zip(*lines, strict=True)]
    if room is None:
        return [min(width, WIDTH) for width in natural]
    ids = [number for number, name in enumerate(lines[0]) if name == "id"]
    for whole, least in ((ids, 4), ([], 1)):
        for most in range(max(natural), least - 1, -1):
            widths = [width if number in whole else min(width, most) for number, width in enumerate(natural)]
            if sum(widths) + len(GAP) * (len(widths) - 1) <= room:
                return widths
    return [1] * len(natural)


def _cell(value: Any) -> str:
    return escaping.safe(" ".join(str(_joined(value)).split()))


def _joined(value: Any) -> Any:
    """The value of a cell: a list as text, and None as an empty text."""
    if isinstance(value, list):
        return ", ".join(str(_joined(each)) for each in value)
    return "" if value is None else orjson.dumps(value).decode() if isinstance(value, dict) else value
