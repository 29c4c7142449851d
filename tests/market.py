"""The smallest market with one of everything, stored."""
from __future__ import annotations

import models
from models.amenity import Amenity
from models.city import City
from models.place import Place
from models.review import Review
from models.state import State
from models.user import User


class Market:
    def __init__(self, name: str = "Albany") -> None:
        self.state = State(name=f"State of {name}")
        self.city = City(name=name, state_id=self.state.id)
        self.host = User(email=f"host@{name}.example", password="host", first_name="Ada")
        self.guest = User(email=f"guest@{name}.example", password="guest")
        self.wifi, self.pool = Amenity(name="Wifi"), Amenity(name="Pool")
        self.place = Place(name=f"Loft in {name}", city_id=self.city.id, user_id=self.host.id, max_guest=2,
                           price_by_night=100, latitude=42.652579, longitude=-73.756232)
        self.place.amenities = [self.wifi, self.pool]
        self.review = Review(text="Lovely.", place_id=self.place.id, user_id=self.guest.id)
        for obj in vars(self).copy().values():
            models.storage.new(obj)
        models.storage.save()
