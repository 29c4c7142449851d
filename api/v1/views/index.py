from __future__ import annotations

from flask import Response

from api.v1.answers import answer
from api.v1.views import views
from services import objects


@views.get("/status")
def status() -> Response:
    return answer({"status": "OK"})


@views.get("/stats")
def stats() -> Response:
    return answer(objects.stats())
