"""Small files in the format of Inside Airbnb for tests of the import, and helpers that read a whole store."""
from __future__ import annotations

import csv
import gzip
import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import models
from models.engine.base import Storage
from services.transfer.files import import_file
from services.transfer.report import Report

Row = dict[str, str]


def listing(id: int | str = 1, **cells: Any) -> Row:
    """Return a row of a listings file, with some cells replaced; `amenities` may be a list."""
    if isinstance(cells.get("amenities"), list):
        cells["amenities"] = json.dumps(cells["amenities"])
    return {
        "id": str(id), "last_scraped": "2024-11-05", "name": f"Listing {id}", "description": "Quiet.<br />Central.",
        "host_id": "900", "host_name": "Ada", "latitude": "42.65789", "longitude": "-73.7537",
        "property_type": "Entire loft", "room_type": "Entire home/apt", "accommodates": "4", "bathrooms": "1.5",
        "bathrooms_text": "1.5 baths", "bedrooms": "2", "amenities": '["Wifi", "Kitchen"]', "price": "$1,234.00",
    } | cells


def review(id: int | str = 1, listing_id: int | str = 1, **cells: str) -> Row:
    return {"listing_id": str(listing_id), "id": str(id), "date": "2020-02-29", "reviewer_id": "700",
            "reviewer_name": "Bob", "comments": "Lovely."} | cells


def without(row: Row, *columns: str) -> Row:
    return {name: cell for name, cell in row.items() if name not in columns}


def text(*rows: Row, heading: list[str] | None = None, end: str = "\n") -> str:
    file = io.StringIO()
    writer = csv.DictWriter(file, heading or [*rows[0]], lineterminator=end)
    writer.writeheader()
    writer.writerows(rows)
    return file.getvalue()


class Files:
    """Writes files into a folder, and imports them."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def write(self, content: str | bytes, name: str = "listings.csv") -> str:
        data = content.encode() if isinstance(content, str) else content
        path = self.folder / name
        path.write_bytes(gzip.compress(data) if name.endswith(".gz") else data)
        return str(path)

    def load(self, *rows: Row, **options: Any) -> Report:
        """Import rows of listings or reviews, or the JSON objects of an export."""
        if rows and "__class__" in rows[0]:
            return self.load_text("".join(f"{json.dumps(row)}\n" for row in rows), **options)
        return self.load_text(text(*rows), **options)

    def load_text(self, content: str | bytes, name: str = "listings.csv", state: str | None = "New York",
                  city: str | None = "Albany", **options: Any) -> Report:
        return import_file(self.write(content, name), state, city, **options)


def stored(storage: Storage) -> dict[str, dict[str, Any]]:
    """Read all objects again, in the form of the file engine, by key."""
    storage.close()
    objects = {key: obj.to_dict(save_fs=1) for key, obj in storage.all().items()}
    for obj in objects.values():
        if "amenity_ids" in obj:
            obj["amenity_ids"] = sorted(obj["amenity_ids"])
    storage.close()
    return objects


def counts() -> dict[str, int]:
    return {name: models.storage.count(cls) for name, cls in models.classes.items()}


class Engines:
    """Two empty stores, one of each engine; `use` selects the one that tests and services use."""

    def __init__(self, file: Storage, db: Storage, use: Callable[[Storage], None]) -> None:
        self._storages, self._use = {"file": file, "db": db}, use

    def use(self, name: str) -> Storage:
        storage = self._storages[name]
        self._use(storage)
        storage.close()
        return storage
