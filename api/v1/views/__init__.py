"""The routes of the API, one module for each resource, all on the blueprint `app_views`.

The package imports all of its modules, so adding a module adds its routes.
"""
from __future__ import annotations

import importlib
import pkgutil

from flask import Blueprint, current_app, request

from api.v1.http import conditional, idempotency
from api.v1.http.requests import check_query
from api.v1.openapi.operations import SAFE, operation_of

app_views = Blueprint("api_v1", __name__)


@app_views.before_request
def validate_request() -> None:
    """Reject a request with an unknown parameter or an invalid header before its view runs."""
    operation = operation_of(current_app, request.endpoint)
    if operation is None:
        return
    if request.environ.get("QUERY_STRING") and request.method != "OPTIONS":
        check_query(operation.query)
    if request.method not in SAFE and not operation.reads:
        conditional.validate_headers(operation.conditional)
        idempotency.validate_key()


for _module in pkgutil.iter_modules(__path__):
    importlib.import_module(f"{__name__}.{_module.name}")
