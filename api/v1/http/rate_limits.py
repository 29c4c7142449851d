"""How many requests an address may send, of the API and of pages; see `HBNB_RATE_LIMIT`."""
from __future__ import annotations

import ipaddress
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
from services.listing import MOST as LONG
from services.search import words
from serving.concurrency import REPEATED

if TYPE_CHECKING:
    from flask_limiter import RequestLimit

# Endpoints that count for nothing: monitors, and the files of a page.
UNLIMITED = {"api_v1.status", "health.live", "health.ready",
             "look.file", "look.drawn", "docs.static", "flasgger.static"}
SEARCH_PAGES = {"web_flask.hbnb", "web_dynamic.search"}
# A request counts for 1, and for more by what makes it slow: a search, a list without a limit (or with one above
# LONG), facets, each word of a search, each relation that is included.
SEARCH, WHOLE, FACETS, WORD, RELATION = 1, 2, 4, 1, 1
PATIENCE = 0.5              # seconds that a Redis may take, before each worker counts for itself


def init_app(app: Flask, settings: Settings) -> None:
    """Limit an application; where nothing is to be limited, nothing is added to it.

    Raises:
        Misconfigured: there is to be a Redis, but it cannot be spoken with.
    """
    if settings.rate is None:
        return
    from flask_limiter import Limiter
    limiter = Limiter(
        _address, application_limits=[settings.rate], application_limits_cost=partial(_cost, _most(settings.rate)),
        on_breach=_refusal, in_memory_fallback_enabled=True,
        # What has no endpoint, as no route fits, counts too.
        request_identifier=lambda: request.endpoint or "none", **_counter(settings.redis_url))
    limiter.logger = app.logger
    limiter.request_filter(_is_free)
    limiter.init_app(app)


def _counter(url: str) -> dict[str, Any]:
    """Where it is counted."""
    if not url:
        return {"storage_uri": "memory://"}
    try:
        import redis
    except ImportError as error:
        raise Misconfigured("HBNB_REDIS_URL is set, which needs redis: "
                            "pip install -r requirements/redis.txt") from error
    options: dict[str, Any] = {"socket_timeout": PATIENCE}
    if not url.startswith("unix:"):
        options["socket_connect_timeout"] = PATIENCE
    try:
        redis.Redis.from_url(url, **options).connection_pool.make_connection()      # which does not connect yet
    except (TypeError, ValueError):
        raise Misconfigured(NO_REDIS) from None
    return {"storage_uri": url.replace("unix:", "redis+unix:", 1) if url.startswith("unix:") else url,
            "storage_options": options, "key_prefix": "hbnb"}


def _is_free() -> bool:
    return request.method == "OPTIONS" or request.endpoint in UNLIMITED or REPEATED in request.environ


def _most(rate: str) -> int:
    """What a request may count for at most: what costs more than is allowed in all would never be let in."""
    return min(int(each.split()[0].partition("/")[0]) for each in rate.split(";"))


def _cost(most: int) -> int:
    """What a request counts for. It raises nothing: the limiter would take any error for a dead store."""
    try:
        return min(1 + _extra(), most)
    except (Invalid, HTTPException):    # the request is refused for the same reason
        return 1
    except Exception:
        current_app.logger.exception("The cost of a request is not known")
        return 1


def _extra() -> int:
    """What a request counts for beyond 1, by what its operation takes and its client asks for."""
    if request.endpoint in SEARCH_PAGES:
        return SEARCH + _words(request.args.get("text"))
    if (operation := operation_of(current_app, request.endpoint)) is None:
        return 0
    takes, asked = {*operation.query}, request.args.to_dict()
    if operation.reads and operation.body:
        takes |= {*operation.body["properties"]}
        asked = requests.body() | asked
    extra = RELATION * _relations(asked.get("include", "")) if "include" in operation.query else 0
    if "limit" in takes and _is_long(asked.get("limit")):
        extra += WHOLE
    if "text" in takes:
        extra += SEARCH + _words(asked.get("text")) + FACETS * (asked.get("facets") in (True, "true"))
    return extra


def _words(text: Any) -> int:
    try:
        return WORD * (0 if text is None else len(words.split("text", text)))
    except Invalid:
        return WORD * words.MOST


def _relations(include: str) -> int:
    """How many relations are included: `reviews.user` and `reviews.place` are three."""
    paths = [path.split(".") for path in include.split(",") if path]
    return len({tuple(path[:depth]) for path in paths for depth in range(1, len(path) + 1)})


def _is_long(limit: Any) -> bool:
    try:
        return not 0 <= float(limit) <= LONG
    except (TypeError, ValueError):     # there is none
        return True


def _address() -> str:
    """Who asks; of IPv6, the network, as one customer has all of its addresses."""
    text = request.remote_addr or "unknown"
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return text
    if isinstance(address, ipaddress.IPv6Address):
        mapped = address.ipv4_mapped
        return str(mapped or ipaddress.ip_network((int(address), 64), strict=False))
    return text


def _refusal(limit: RequestLimit) -> Response:
    # Redis tells whole seconds, of which it may have rounded half a one down.
    seconds = max(math.ceil(limit.window.reset_time - time.time() + 0.5), 1)
    return Response(headers={"Retry-After": str(seconds)})
