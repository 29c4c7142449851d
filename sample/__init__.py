"""Sample data from a seeded generator: the same arguments give the same objects."""
from __future__ import annotations

import datetime
import random
import uuid
from collections.abc import Iterator
from typing import Any

from models.columns import TIME_FORMAT
from sample import vocabulary as words

SEED = 20260
START = datetime.datetime(2024, 1, 1)


class Sample:
    """The objects of a fictional marketplace, in the form of `to_dict`.

    Args:
        places: the number of places.
        states: the number of states; after the first twelve, names are numbered.
        cities: the number of cities in each state.
        reviews: the average number of reviews of a place.
    """

    def __init__(self, places: int = 300, states: int = 12, cities: int = 3, reviews: int = 5) -> None:
        self._random = random.Random(SEED)
        self._places, self._states, self._cities, self._reviews = places, states, cities, reviews
        self._moment = START

    def __iter__(self) -> Iterator[dict[str, Any]]:
        """Yield every object, parents first."""
        amenities = [self._object("Amenity", name=name) for name in words.AMENITIES]
        users = [self._user(number) for number in range(max(40, self._places // 5))]
        yield from amenities
        yield from users
        cities: list[tuple[dict[str, Any], float, float]] = []
        for number in range(self._states):
            state = self._object("State", name=_numbered(words.STATES, number))
            yield state
            latitude, longitude = self._random.uniform(31, 47), self._random.uniform(-118, -76)
            for each in range(self._cities):
                city = self._object("City", state_id=state["id"],
                                    name=_numbered(words.CITIES, number * self._cities + each))
                yield city
                cities.append((city, latitude + self._random.gauss(0, 1), longitude + self._random.gauss(0, 1)))
        for _ in range(self._places):
            place = self._place(*self._random.choice(cities), users, amenities)
            yield place
            for _ in range(min(self._reviews * 4, int(self._random.expovariate(1 / max(self._reviews, 1)) + 0.5))):
                yield self._object("Review", place_id=place["id"], user_id=self._random.choice(users)["id"],
                                   text=self._sentences(words.REVIEWS, 1, 3))

    def _object(self, cls: str, **attributes: Any) -> dict[str, Any]:
        self._moment += datetime.timedelta(seconds=self._random.randrange(30, 9000), microseconds=1)
        time = self._moment.strftime(TIME_FORMAT)
        id = uuid.UUID(int=self._random.getrandbits(128), version=4)
        return {"id": str(id), "created_at": time, "updated_at": time, **attributes, "__class__": cls}

    def _user(self, number: int) -> dict[str, Any]:
        first, last = self._random.choice(words.FIRST_NAMES), self._random.choice(words.LAST_NAMES)
        return self._object("User", email=f"user{number}@hbnb.example", first_name=first, last_name=last)

    def _place(self, city: dict[str, Any], latitude: float, longitude: float,
               users: list[dict[str, Any]], amenities: list[dict[str, Any]]) -> dict[str, Any]:
        guests = self._random.choice((1, 2, 2, 2, 3, 4, 4, 5, 6, 8, 10))
        rooms = max(1, round(guests / 2))
        kind = self._random.choice(words.KINDS)
        # Common amenities first: each further one is in fewer places.
        offered = [each["id"] for rank, each in enumerate(amenities) if self._random.random() < 0.95 * 0.93 ** rank]
        return self._object(
            "Place", city_id=city["id"], user_id=self._random.choice(users)["id"],
            name=f"{self._random.choice(words.ADJECTIVES)} {kind} {self._random.choice(words.SETTINGS)}",
            description=f"{self._sentences(words.OPENINGS, 1, 2)}\n\n{self._sentences(words.DETAILS, 2, 4)}",
            number_rooms=rooms, number_bathrooms=max(1, rooms - self._random.randrange(0, 3)), max_guest=guests,
            price_by_night=int(25 + guests * self._random.lognormvariate(3.2, 0.45)),
            latitude=round(latitude + self._random.gauss(0, 0.03), 6),
            longitude=round(longitude + self._random.gauss(0, 0.04), 6), amenity_ids=offered)

    def _sentences(self, choices: tuple[str, ...], least: int, most: int) -> str:
        return " ".join(self._random.sample(choices, self._random.randint(least, most)))


def _numbered(names: tuple[str, ...], number: int) -> str:
    again, index = divmod(number, len(names))
    return f"{names[index]} {again + 1}" if again else names[index]
