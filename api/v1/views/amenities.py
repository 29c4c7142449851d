"""The routes of amenities."""
from __future__ import annotations

from api.v1.views.resource import add_resource
from models.amenity import Amenity

add_resource(Amenity, example={"name": "Wifi"})
