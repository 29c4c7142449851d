"""The routes of reviews, which belong to a place."""
from __future__ import annotations

from api.v1.views.resource import add_resource
from models.place import Place
from models.review import Review

add_resource(Review, parent=Place, example={"user_id": "<id of a user>", "text": "Quiet, and just as described."})
