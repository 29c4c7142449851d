"""The API's routes."""
from __future__ import annotations

from flask import Blueprint

views = Blueprint("api_v1", __name__)

from api.v1.views import index, resources, search  # noqa: E402,F401
