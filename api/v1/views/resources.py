from __future__ import annotations

from flask import Response

import models
from api.v1.answers import answer
from api.v1.views import views
from services import objects


def _listing(name: str) -> None:
    cls = models.classes[name]

    def listing() -> Response:
        return answer(objects.list(cls))
    views.add_url_rule(f"/{cls.__tablename__}", f"list_{cls.__tablename__}", listing, methods=["GET"])


for _name in ("State", "Amenity"):
    _listing(_name)
