"""The routes of states."""
from __future__ import annotations

from api.v1.views.resource import add_resource
from models.state import State

add_resource(State, example={"name": "New York"})
