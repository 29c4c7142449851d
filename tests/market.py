"""A minimal stored market for tests: at least one object of each class, all related to each other."""
from __future__ import annotations

import re

import models
from models.amenity import Amenity
from models.city import City
from models.place import Place
from models.review import Review
from models.state import State
from models.user import User

# The routes of static files, each with the path of an existing file.
FILES = {"/apidocs/static/<path:filename>": "/apidocs/static/docs.js",
         "/flasgger_static/<path:filename>": "/flasgger_static/swagger-ui.css",
         "/static/<version>/<folder>/<path:name>": "/static/x/styles/hbnb.css",
         "/pictures/<version>/<id>.svg": "/pictures/x/1.svg"}
# What the paths of accounts begin with. Without a session or a valid link, a client is not shown the pages themselves.
ACCOUNTS = ("/account", "/admin", "/confirm", "/email", "/hosting", "/login", "/logout", "/reset", "/signup",
            "/api/v1/me")


class Market:
    """A place with its state, city, host, amenities and review. The name makes several markets distinguishable.

    Args:
        host: the host of the place, if it is a stored user.
    """

    def __init__(self, name: str = "Albany", host: User | None = None) -> None:
        self.state = State(name=f"State of {name}")
        self.city = City(name=name, state_id=self.state.id)
        self.host = host or User(email=f"host@{name}.example", password="host", first_name="Ada")
        self.guest = User(email=f"guest@{name}.example", password="guest")
        self.wifi, self.pool = Amenity(name="Wifi"), Amenity(name="Pool")
        self.place = Place(name=f"Loft in {name}", city_id=self.city.id, user_id=self.host.id, max_guest=2,
                           price_by_night=100, latitude=42.652579, longitude=-73.756232)
        self.place.amenities = [self.wifi, self.pool]
        self.review = Review(text="Lovely.", place_id=self.place.id, user_id=self.guest.id)
        for obj in vars(self).copy().values():
            models.storage.new(obj)
        models.storage.save()

    def path(self, rule: str) -> str:
        """The path of a route rule, with the ids of this market as arguments."""
        ids = {obj.__tablename__: obj.id for obj in reversed(vars(self).values())}      # the first one of each class
        own = next((ids[part] for part in rule.split("/") if part in ids), "x")
        values = {"<amenity_id>": self.wifi.id, "<text>": "is_fun", "<number:n>": "89"}
        return FILES.get(rule) or re.sub("<.*?>", lambda match: values.get(match[0], own), rule)
