"""The status of the API, and the number of objects of each class."""
from __future__ import annotations

from flask import Response

from api.v1.http.responses import json_response
from api.v1.openapi.operations import describe
from api.v1.views import app_views
from services.stats import stats as stats_by_table

STATUS = {"type": "object", "required": ["status"], "properties": {"status": {"const": "OK"}}}
COUNTS = {"type": "object", "additionalProperties": {"type": "integer"}}


@app_views.get("/status")
@describe("Check that the API responds.", "index", {200: STATUS},
          description="Returns OK even if the storage cannot be reached. The rate limit does not apply.")
def status() -> Response:
    return json_response({"status": "OK"})


@app_views.get("/stats")
@describe("Count the objects of each class.", "index", {200: COUNTS},
          description="Returns the number of objects of each resource, such as `states`.")
def stats() -> Response:
    return json_response(stats_by_table())
