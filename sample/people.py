"""The people with passwords that `python -m sample` adds. Benchmarks and tests use the sample without them."""
from __future__ import annotations

import uuid
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

CITY = "Ivory Sands"    # of the host's places
TIME = "2025-01-01T12:00:00.000000"     # later than any other object of the sample


class Person(NamedTuple):
    """A person with a known password.

    Args:
        role: what the person shows: a `guest`, a `host` with places, or an `admin`.
    """

    role: str
    first_name: str
    last_name: str

    @property
    def id(self) -> str:
        return _id(self.email)

    @property
    def email(self) -> str:
        return f"{self.role}@hbnb.example"

    @property
    def password(self) -> str:
        return f"{self.role}-password"


GUEST, HOST, ADMIN = PEOPLE = (
    Person("guest", "Gemma", "Okafor"), Person("host", "Henrik", "Lindqvist"), Person("admin", "Amara", "Vance"))
# The host's places: name, description, guests, price and status.
PLACES = (
    ("Boathouse at the quay", "The boats are next door, and the ferry leaves at eight.", 4, 140, "listed"),
    ("Lighthouse keeper's house", "Two floors, thick walls, and the sea on three sides.", 6, 210, "listed"),
    ("Attic with a skylight", "Not open yet: the stairs are being renewed.", 2, 95, "draft"))


def with_people(sample: Iterable[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """Yield the objects of a sample, and after them the people and the host's places."""
    city, beside = "", {}
    for obj in sample:
        yield obj
        if obj["__class__"] == "City" and obj["name"] == CITY:
            city = obj["id"]
        elif obj["__class__"] == "Place" and obj["city_id"] == city:
            beside = obj
    for person in PEOPLE:
        yield _object("User", person.email, email=person.email, password=person.password,
                      first_name=person.first_name, last_name=person.last_name)
    for number, (name, description, guests, price, status) in enumerate(PLACES, 1):
        yield _object(
            "Place", name, city_id=city, user_id=HOST.id, name=name, description=description, number_rooms=guests // 2,
            number_bathrooms=1, max_guest=guests, price_by_night=price, status=status,
            latitude=beside["latitude"], longitude=round(beside["longitude"] + number / 100, 6),
            amenity_ids=beside["amenity_ids"])


def _object(cls: str, key: str, /, **attributes: Any) -> dict[str, Any]:
    return {"id": _id(key), "created_at": TIME, "updated_at": TIME, **attributes, "__class__": cls}


def _id(name: str) -> str:
    """An id that is the same in every store."""
    return str(uuid.uuid5(uuid.NAMESPACE_URL, f"https://hbnb.example/{name}"))
