"""A city's listings and reviews, as Inside Airbnb publishes them: CSV with a heading."""
from __future__ import annotations

import csv
import datetime
import json
import math
import re
import uuid
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import select

import models
from errors import Invalid
from models import passwords
from models.amenity import Amenity, place_amenity
from models.base_model import BaseModel, utc_now
from models.city import City
from models.place import Place
from models.review import Review
from models.state import State
from models.user import User
from services.transfer.intake import BATCH, Intake, Item, Report, batches
from services.transfer.text import cut, plain

# Ids are made from those of the source, so that importing again finds what it made.
_NAMESPACE = uuid.UUID("6f0c1a5e-5a0f-5d5e-9d0c-3f1c5ab4a1b2")
LISTINGS = {"id", "name", "host_id", "latitude", "longitude"}
REVIEWS = {"listing_id", "id", "date", "reviewer_id", "comments"}

_FOREIGN_BYTES = re.compile("[\udc80-\udcff]")

Row = dict[str, str]


class Rows:
    """The rows of a CSV file, each with its place; those that are none are refused.

    Args:
        lines: the lines of the file; bytes that are no UTF-8 as `surrogateescape` decodes them.
        report: where to refuse.
    Raises:
        Invalid: the file cannot be read as CSV.
    """

    def __init__(self, lines: Iterable[str], report: Report) -> None:
        csv.field_size_limit(1 << 24)
        self._reader = csv.DictReader(lines, strict=True)
        self._report = report
        with self._reported():
            heading = set(self._reader.fieldnames or ())
        # What the file holds: `listings`, `reviews`, or nothing of the kind.
        self.kind = "reviews" if heading >= REVIEWS else "listings" if heading >= LISTINGS else None

    def __iter__(self) -> Iterator[tuple[str, Row]]:
        with self._reported():
            for row in self._reader:
                place = f"line {self._reader.line_num}"
                if None in row or None in row.values():
                    self._report.refuse(place, "it has more or fewer columns than the heading")
                elif _FOREIGN_BYTES.search("".join(row.values())):
                    self._report.refuse(place, "it is not UTF-8")
                else:
                    yield place, row

    @contextmanager
    def _reported(self) -> Iterator[None]:
        try:
            yield
        except csv.Error as error:
            raise Invalid(f"line {self._reader.line_num}: {error}") from error


class Airbnb:
    """Takes in what Inside Airbnb publishes; hosts and reviewers become users that cannot log in.

    Args:
        intake: where to put the objects.
    """

    def __init__(self, intake: Intake) -> None:
        self._intake = intake
        self._report = intake.report
        self._users: set[str] = set()

    def listings(self, source: Iterable[tuple[str, Row]], state: str, city: str) -> None:
        """Take in listings.

        Args:
            source: places in the file, and rows.
            state, city: names of where they are; made where there are none of these names.
        """
        state_id = self._named(State, state, {}, f"state/{state}")
        city_id = self._named(City, city, {"state_id": state_id}, f"city/{state}/{city}")
        amenities: dict[str, str] = dict(models.storage.rows(  # of two with the same name, the oldest
            select(Amenity.name, Amenity.id).order_by(Amenity.created_at.desc(), Amenity.id.desc())))
        for batch in batches(source, BATCH):
            hosts, places = [], []
            for where, row in batch:
                try:
                    place = self._place(row, city_id)
                    names = self._amenities(row)
                except (ValueError, Invalid) as error:
                    self._report.refuse(where, str(error))
                    continue
                self._amenity_ids(names, amenities)
                hosts += self._user(where, row["host_id"], row.get("host_name", ""), place["created_at"])
                places.append(Item(where, place, {place_amenity: [amenities[name] for name in names]}))
            self._intake.put(User, hosts, replace=False)
            self._intake.put(Place, places)

    def reviews(self, source: Iterable[tuple[str, Row]]) -> None:
        """Take in reviews of listings that were taken in before."""
        for batch in batches(source, BATCH):
            users, reviews = [], []
            for where, row in batch:
                try:
                    review = self._review(row)
                except (ValueError, Invalid) as error:
                    self._report.refuse(where, str(error))
                    continue
                users += self._user(where, row["reviewer_id"], row.get("reviewer_name", ""), review["created_at"])
                reviews.append(Item(where, review))
            self._intake.put(User, users, replace=False)
            self._intake.put(Review, reviews)

    # Rows become objects

    def _place(self, row: Row, city_id: str) -> dict[str, Any]:
        price = row.get("price", "")
        if not price.strip():
            self._report.notes["places without a price; it was set to 0"] += 1
        return {
            "id": _id("listing", row["id"]), **_times(row.get("last_scraped", "")),
            "city_id": city_id, "user_id": _id("user", row["host_id"]),
            "name": self._text(row["name"], 128),
            "description": self._text(row.get("description", ""), 1024) or None,
            "number_rooms": _whole("bedrooms", row.get("bedrooms", "")),
            "number_bathrooms": _bathrooms(row),
            "max_guest": _whole("accommodates", row.get("accommodates", "")),
            "price_by_night": _whole("price", price.strip().lstrip("$€£").replace(",", "")),
            "latitude": _degrees(row["latitude"], "latitude"), "longitude": _degrees(row["longitude"], "longitude"),
        }

    def _review(self, row: Row) -> dict[str, Any]:
        return {"id": _id("review", row["id"]), **_times(row["date"]),
                "place_id": _id("listing", row["listing_id"]), "user_id": _id("user", row["reviewer_id"]),
                "text": self._text(row["comments"], 1024)}

    def _user(self, where: str, id: str, name: str, time: datetime.datetime) -> list[Item]:
        """The user to make, where this file named it not before."""
        key = _id("user", id)
        if key in self._users:
            return []
        self._users.add(key)
        return [Item(where, {
            "id": key, "created_at": time, "updated_at": time, "email": f"{id}@airbnb.invalid",
            "password": passwords.NO_LOGIN, "first_name": self._text(name, 128), "last_name": ""})]

    def _amenities(self, row: Row) -> list[str]:
        try:
            found = json.loads(row.get("amenities") or "[]")
        except ValueError:
            found = None
        if not isinstance(found, list) or not all(isinstance(each, str) for each in found):
            raise ValueError("amenities is no JSON list of texts")
        names = (self._text(each, 128) for each in found)
        return list(dict.fromkeys(name for name in names if name))

    def _amenity_ids(self, names: list[str], known: dict[str, str]) -> None:
        new = [name for name in names if name not in known]
        for name in new:
            known[name] = _id("amenity", name)
        now = utc_now()
        self._intake.put(Amenity, [
            Item(name, {"id": known[name], "created_at": now, "updated_at": now, "name": name}) for name in new])

    def _named(self, cls: type[BaseModel], name: str, values: dict[str, str], key: str) -> str:
        """The id of the object of that name, which is made where there is none."""
        table = cls.__table__
        found = models.storage.rows(select(table.c.id).where(
            table.c.name == name, *(table.c[each] == value for each, value in values.items())
        ).order_by(table.c.created_at, table.c.id).limit(1))
        if found:
            return str(found[0].id)
        now, id = utc_now(), _id(key, "")
        self._intake.put(cls, [Item(name, {"id": id, "created_at": now, "updated_at": now, "name": name, **values})])
        return id

    def _text(self, text: str, length: int) -> str:
        text = plain(text)
        if len(text) > length:
            self._report.notes["texts that were too long; they were cut at a word"] += 1
            return cut(text, length)
        return text


def _id(kind: str, id: str) -> str:
    if not id.strip() and "/" not in kind:
        raise ValueError(f"the id of the {kind} is missing")
    return str(uuid.uuid5(_NAMESPACE, f"{kind}/{id}"))


def _times(date: str) -> dict[str, datetime.datetime]:
    try:
        time = datetime.datetime.fromisoformat(date.strip() or "1970-01-01")
    except ValueError:
        raise ValueError(f"{date!r} is no date") from None
    return {"created_at": time, "updated_at": time}


def _whole(name: str, text: str) -> int:
    """A number, rounded half up; nothing is 0."""
    try:
        value = float(text.strip() or 0)
        return math.floor(value + 0.5)
    except (ValueError, OverflowError):
        raise ValueError(f"{name} is {text!r}, which is no number") from None


def _bathrooms(row: Row) -> int:
    """Older files say `1.5 shared baths` or `Half-bath`; half a bathroom is one."""
    text = row.get("bathrooms", "").strip()
    if not text:
        words = row.get("bathrooms_text", "").lower()
        number = re.search(r"\d+(\.\d+)?", words)
        text = number[0] if number else "0.5" if "half" in words else ""
    try:
        return math.ceil(float(text or 0))
    except (ValueError, OverflowError):
        raise ValueError(f"bathrooms is {text!r}, which is no number") from None


def _degrees(text: str, name: str) -> float | None:
    try:
        return float(text) if text.strip() else None
    except ValueError:
        raise ValueError(f"{name} is {text!r}, which is no number") from None
