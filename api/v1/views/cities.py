"""The routes of cities, which belong to a state."""
from __future__ import annotations

from api.v1.views.resource import add_resource
from models.city import City
from models.state import State

add_resource(City, parent=State, example={"name": "Albany"})
