from __future__ import annotations

from flask import Response

from api.v1.answers import answer, body
from api.v1.views import views
from services.search import search


@views.post("/places_search")
def places_search() -> Response:
    return answer(search(body()))
