"""Rate limits: the requests that a client address may send to the API and the pages; see `HBNB_RATE_LIMIT`."""
from __future__ import annotations

import math
import time
from functools import partial
from typing import TYPE_CHECKING, Any

from flask import Flask, Response, current_app, request
from werkzeug.exceptions import HTTPException

from api.v1.http import requests
from api.v1.openapi.operations import operation_of
from config import NO_REDIS, Settings
from errors import Invalid, Misconfigured
from services import throttling
from services.listing import MAX_WITH_INCLUDED as MAX_CHEAP_LIMIT
from services.search import words
from services.search.value_types import EXCLUSIVE
from serving.concurrency import REPEATED

if TYPE_CHECKING:
    from flask_limiter import RequestLimit

# Endpoints without a limit: those that monitors poll, and the static files of pages.
UNLIMITED = {"api_v1.status", "health.live", "health.ready",
             "look.file", "look.drawn", "docs.static", "flasgger.static"}
SEARCH_PAGES = {"web_flask.hbnb", "web_dynamic.search"}
# A request costs 1, plus these costs for each thing that makes it slow: a search, a list without a limit or with one
# above MAX_CHEAP_LIMIT, facets or clusters, each word of a search, each included relation.
SEARCH, WHOLE, FACETS, WORD, RELATION = 1, 2, 4, 1, 1
REDIS_TIMEOUT = 0.5         # seconds to wait for Redis before a worker counts in its own memory


def init_app(app: Flask, settings: Settings) -> None:
    """Add the rate limit to an application, if the settings have one.

    Raises:
        Misconfigured: the address of Redis is invalid, or the package `redis` is not installed.
    """
    if settings.rate is None:
        return
    from flask_limiter import Limiter
    limiter = Limiter(
        _address, application_limits=[settings.rate], application_limits_cost=partial(_cost, _max_cost(settings.rate)),
        on_breach=_refuse, in_memory_fallback_enabled=True,
        # Requests to unknown paths have no endpoint, and count as well.
        request_identifier=lambda: request.endpoint or "none", **_storage_options(settings.redis_url))
    limiter.logger = app.logger
    limiter.request_filter(_is_exempt)
    limiter.init_app(app)


def _storage_options(url: str) -> dict[str, Any]:
    """The options of the limiter for its storage: Redis, or the memory of the worker if there is no URL."""
    if not url:
        return {"storage_uri": "memory://"}
    try:
        import redis
    except ImportError as error:
        raise Misconfigured("HBNB_REDIS_URL is set, but the package redis is not installed: "
                            "pip install -r requirements/redis.txt") from error
    options: dict[str, Any] = {"socket_timeout": REDIS_TIMEOUT}
    if not url.startswith("unix:"):
        options["socket_connect_timeout"] = REDIS_TIMEOUT
    try:
        redis.Redis.from_url(url, **options).connection_pool.make_connection()      # checks the URL without connecting
    except (TypeError, ValueError):
        raise Misconfigured(NO_REDIS) from None
    return {"storage_uri": url.replace("unix:", "redis+unix:", 1) if url.startswith("unix:") else url,
            "storage_options": options, "key_prefix": "hbnb"}


def _is_exempt() -> bool:
    return request.method == "OPTIONS" or request.endpoint in UNLIMITED or REPEATED in request.environ


def _max_cost(rate: str) -> int:
    """The highest cost of a request: one that costs more than the whole limit could never be accepted."""
    return min(int(each.split()[0].partition("/")[0]) for each in rate.split(";"))


def _cost(most: int) -> int:
    """The cost of a request. It never raises, as the limiter takes any exception for a storage failure."""
    try:
        return min(1 + _extra_cost(), most)
    except (Invalid, HTTPException):    # the view rejects the request for the same reason
        return 1
    except Exception:
        current_app.logger.exception("Could not compute the cost of a request, which counts as 1")
        return 1


def _extra_cost() -> int:
    """The cost of a request beyond 1: of the parameters that its operation accepts and the client sent."""
    if request.endpoint in SEARCH_PAGES:
        return SEARCH + _words(request.args.get("text"))
    if (operation := operation_of(current_app, request.endpoint)) is None:
        return 0
    accepted, values = {*operation.query}, request.args.to_dict()
    if operation.reads and operation.body:
        accepted |= {*operation.body["properties"]}
        values = requests.body() | values
    extra = RELATION * _relations(values.get("include", "")) if "include" in operation.query else 0
    if "limit" in accepted and _is_long(values.get("limit")):
        extra += WHOLE
    if "text" in accepted:
        counts = "zoom" in accepted or values.get("facets") in (True, "true", EXCLUSIVE)
        extra += SEARCH + _words(values.get("text")) + FACETS * counts
    return extra


def _words(text: Any) -> int:
    try:
        return WORD * (0 if text is None else len(words.split("text", text)))
    except Invalid:
        return WORD * words.MOST


def _relations(include: str) -> int:
    """The number of included relations: `reviews.user,reviews.place` includes three."""
    paths = [path.split(".") for path in include.split(",") if path]
    return len({tuple(path[:depth]) for path in paths for depth in range(1, len(path) + 1)})


def _is_long(limit: Any) -> bool:
    try:
        return not 0 <= float(limit) <= MAX_CHEAP_LIMIT
    except (TypeError, ValueError):     # no limit, or an invalid one
        return True


def _address() -> str:
    """The key of the client."""
    return throttling.network(request.remote_addr or "unknown")


def _refuse(limit: RequestLimit) -> Response:
    # Redis reports whole seconds, which may be rounded down by up to half a second.
    seconds = max(math.ceil(limit.window.reset_time - time.time() + 0.5), 1)
    return Response(headers={"Retry-After": str(seconds)})
