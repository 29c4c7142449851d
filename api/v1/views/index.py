"""Whether the API answers, and what it holds."""
from __future__ import annotations

from flask import Response

from api.v1.http.responses import answer
from api.v1.openapi.operations import describe
from api.v1.views import app_views
from services.registry import stats as stats_by_table

STATUS = {"type": "object", "required": ["status"], "properties": {"status": {"const": "OK"}}}
COUNTS = {"type": "object", "additionalProperties": {"type": "integer"}}


@app_views.get("/status")
@describe("Tell that the API answers.", "index", {200: STATUS},
          description="It says OK whatever the storage does, and does not count for the rate limit.")
def status() -> Response:
    return answer({"status": "OK"})


@app_views.get("/stats")
@describe("Count the objects of each kind.", "index", {200: COUNTS},
          description="The number of objects, by the name of their resource.")
def stats() -> Response:
    return answer(stats_by_table())
