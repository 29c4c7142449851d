"""Import of listings and reviews in the CSV format of Inside Airbnb."""
from __future__ import annotations

import datetime
import hashlib
import uuid
from collections.abc import Callable, Iterable, Iterator
from functools import lru_cache

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
from services import schema
from services.transfer import cells
from services.transfer.importer import Importer, Item, Need
from services.transfer.rows import Row
from services.transfer.text import strip_html

# Ids are derived from those of the source, so that a second import finds the objects of the first.
_NAMESPACE = uuid.UUID("6f0c1a5e-5a0f-5d5e-9d0c-3f1c5ab4a1b2")
NEVER = "1970-01-01"    # the time of a listing in a file without the column last_scraped


# The columns that each attribute of a place is read from.
COLUMNS = {
    "description": {"description"}, "number_rooms": {"bedrooms"}, "max_guest": {"accommodates"},
    "number_bathrooms": {"bathrooms", "bathrooms_text"}, "price_by_night": {"price"},
}


class Airbnb:
    """Imports listings and reviews. Hosts and reviewers become users that cannot log in.

    Args:
        importer: stores the objects.
    """

    def __init__(self, importer: Importer) -> None:
        self._importer = importer
        self._report = importer.report
        self._amenities: dict[str, str] = {}    # ids of the existing ones, by name
        self._location: list[Need] = []     # the state and city, if they have to be created
        self._city_id = ""

    def listings(self, source: Iterable[tuple[str, Row]], state: str, city: str) -> None:
        """Import listings.

        Args:
            source: the rows, each with its place in the file.
            state, city: the names of their state and city, which are created if they do not exist.
        Raises:
            Invalid: the name of the state or city is invalid.
        """
        state_id = self._named(State, state, {}, f"state/{state}/")
        self._city_id = self._named(City, city, {"state_id": state_id}, f"city/{state}/{city}/")
        self._amenities = dict(models.storage.read(     # the oldest of those with the same name
            select(Amenity.name, Amenity.id).order_by(Amenity.created_at.desc(), Amenity.id.desc())).tuples())
        self._importer.store(Place, self._each(source, self._listing))

    def reviews(self, source: Iterable[tuple[str, Row]]) -> None:
        """Import reviews of listings that were imported before.

        Raises:
            Invalid: none of these listings was imported.
        """
        self._importer.store(Review, self._each(source, self._review))
        if self._importer.found_none(Place):
            raise Invalid("none of the reviewed listings exists: import the file of listings first")

    def _each(self, source: Iterable[tuple[str, Row]], read: Callable[[str, Row], Item]) -> Iterator[Item]:
        for where, row in source:
            try:
                item = read(where, row)
            except (ValueError, Invalid) as error:
                self._report.refuse(where, str(error))
            else:
                yield item

    # Conversion of rows to objects

    def _listing(self, where: str, row: Row) -> Item:
        key, host = cells.key("listing", row["id"]), cells.key("host", row["host_id"])
        seen = cells.time(row.get("last_scraped", "").strip() or NEVER)
        price = cells.price(row.get("price", ""))
        values = {
            "id": _id("listing", key), "created_at": seen, "updated_at": seen,
            "city_id": self._city_id, "user_id": _id("user", host),
            "number_rooms": cells.whole("bedrooms", row.get("bedrooms", "")),
            "number_bathrooms": cells.bathrooms(row),
            "max_guest": cells.whole("accommodates", row.get("accommodates", "")),
            "price_by_night": price,
            "latitude": cells.degrees("latitude", row["latitude"]),
            "longitude": cells.degrees("longitude", row["longitude"]),
        }
        names = self._names(row.get("amenities", ""))
        if price is None:
            self._report.notes["places without a price; pages say \"Price on request\""] += 1
        values |= {"name": self._name(row), "description": self._text(row.get("description", ""), 1024) or None}
        needs = [*self._location, *self._user(host, row.get("host_name", ""), seen), *self._new_amenities(names)]
        linked = {place_amenity: [self._amenity_id(name) for name in names]} if "amenities" in row else {}
        return Item(where, values, linked, needs, absent=_absent(row))

    def _review(self, where: str, row: Row) -> Item:
        key, listing = cells.key("review", row["id"]), cells.key("listing", row["listing_id"])
        reviewer, written = cells.key("reviewer", row["reviewer_id"]), cells.time(row["date"])
        text = self._text(row["comments"], 1024)
        if not text:
            self._report.notes["reviews without a text"] += 1
        values = {"id": _id("review", key), "created_at": written, "updated_at": written,
                  "place_id": _id("listing", listing), "user_id": _id("user", reviewer), "text": text}
        return Item(where, values, needs=self._user(reviewer, row.get("reviewer_name", ""), written),
                    labels={"place_id": f"listing {listing}"})

    def _name(self, row: Row) -> str:
        name = self._text(row["name"], 128)
        if not name:
            self._report.notes["places without a name; they were named after their type"] += 1
            kinds = (self._text(row.get(each, ""), 128) for each in ("property_type", "room_type"))
            name = next(filter(None, kinds), "Home")
        return name

    def _user(self, key: str, name: str, time: datetime.datetime) -> list[Need]:
        id = _id("user", key)
        if self._importer.is_created(id):
            return []
        return [(User, {
            "id": id, "created_at": time, "updated_at": time, "email": f"{key}@airbnb.invalid",
            "password": passwords.NO_LOGIN, "first_name": self._text(name, 128), "last_name": ""})]

    def _names(self, text: str) -> list[str]:
        names = (self._text(each, 128) for each in cells.amenities(text))
        return list(dict.fromkeys(name for name in names if name))

    def _amenity_id(self, name: str) -> str:
        return self._amenities.get(name) or _id("amenity", name)

    def _new_amenities(self, names: list[str]) -> Iterator[Need]:
        now = utc_now()
        for name in names:
            if name not in self._amenities and not self._importer.is_created(id := _id("amenity", name)):
                yield Amenity, {"id": id, "created_at": now, "updated_at": now, "name": name}

    def _named(self, cls: type[BaseModel], name: str, values: dict[str, str], key: str) -> str:
        """The id of the state or city with that name; if it does not exist, it is created with the first place."""
        schema.clean(cls, {"name": name, **values}, is_new=True)
        table = cls.__table__
        found = models.storage.read(select(table.c.id).where(
            table.c.name == name, *(table.c[each] == value for each, value in values.items())
        ).order_by(table.c.created_at, table.c.id).limit(1)).first()
        if found:
            return str(found["id"])
        now, id = utc_now(), _id(*key.split("/", 1))
        self._location.append((cls, {"id": id, "created_at": now, "updated_at": now, "name": name, **values}))
        return id

    def _text(self, text: str, length: int) -> str:
        return self._report.truncate(strip_html(text), length)


def _absent(row: Row) -> frozenset[str]:
    """The attributes of a place for which the file has no column; the short files have only a few columns."""
    return frozenset(name for name, columns in COLUMNS.items() if not row.keys() & columns)


@lru_cache(maxsize=1 << 14)
def _id(kind: str, id: str) -> str:
    """The same result as `uuid.uuid5` in a third of the time, because an import creates many ids."""
    digest = hashlib.sha1(_NAMESPACE.bytes + f"{kind}/{id}".encode(), usedforsecurity=False).hexdigest()
    variant = "89ab"[int(digest[16], 16) & 3]
    return f"{digest[:8]}-{digest[8:12]}-5{digest[13:16]}-{variant}{digest[17:20]}-{digest[20:32]}"
