"""Showing objects in the forms that a person may ask for."""
from __future__ import annotations

import sys
from typing import Any

FORMS = ("--table", "--json", "--csv")
WIDTH = 40      # characters of a table's cell


def take_form(words: list[str]) -> str | None:
    """The form that is asked for among the words, which are left without it; the last one counts."""
    asked = [word for word in words if word in FORMS]
    words[:] = [word for word in words if word not in FORMS]
    return asked[-1] if asked else None


def show(objects: list[dict[str, Any]], form: str) -> None:
    """Print objects, in their JSON form, as a table, as JSON, or as comma-separated values."""
    # Imported where they are used, as most commands need none of them.
    if form == "--json":
        import json
        print(json.dumps(objects, indent=2, ensure_ascii=False))
    elif not objects:
        return
    elif form == "--csv":
        import csv

        from services.transfer.rows import guarded
        writer = csv.DictWriter(sys.stdout, _names(objects), lineterminator="\n")
        writer.writeheader()
        writer.writerows({name: guarded(value) if isinstance(value, str) else value for name, value in obj.items()}
                         for obj in objects)
    else:
        from tabulate import tabulate
        print(tabulate([[_cell(obj.get(name)) for name in _names(objects)] for obj in objects],
                       _names(objects), disable_numparse=True))


def _names(objects: list[dict[str, Any]]) -> list[str]:
    """The attributes of all objects, the class first: they may be of several classes."""
    names = dict.fromkeys(name for obj in objects for name in obj)
    return ["__class__", *(name for name in names if name != "__class__")] if names else []


def _cell(value: Any) -> str:
    text = "" if value is None else " ".join(str(value).split())
    return text if len(text) <= WIDTH else f"{text[:WIDTH - 1]}…"
