"""Writing an answer."""
from __future__ import annotations

import hashlib
from collections.abc import Generator, Iterator
from contextlib import closing
from itertools import chain
from typing import Any
from urllib.parse import urlencode

import orjson
from flask import Response, request

from services.listing import Listing, Objects
from services.search import Search

JSON = "application/json"
LINKS = 12_000      # bytes of a `Link`: servers in front take headers of a bounded size


def answer(value: Any, status: int = 200) -> Response:
    return Response(to_json(value), status, content_type=JSON)


def tagged(value: Any, status: int = 200) -> Response:
    """An answer with its tag; nothing but that, where the client has it already."""
    return _tagged(to_json(value), status)


def _tagged(body: bytes, status: int = 200) -> Response:
    response = Response(body, status, content_type=JSON)
    response.headers["ETag"] = body_tag(body)
    if status == 200 and "HTTP_IF_NONE_MATCH" in request.environ:
        response.make_conditional(request)
    return response


def tag(value: Any) -> str:
    """What changes with every change of an answer."""
    return body_tag(to_json(value))


def to_json(value: Any) -> bytes:
    """A value as JSON, as every answer has it."""
    return orjson.dumps(value, option=orjson.OPT_APPEND_NEWLINE)


def body_tag(body: bytes) -> str:
    return f'"{hashlib.blake2b(body, digest_size=12).hexdigest()}"'


def listed(listing: Listing) -> Response:
    """A list, as it comes from the storage; a page has its neighbours and the total beside it."""
    response = _whole(listing.parts(), b"", b"\n")
    if listing.limit is not None or listing.offset:
        total = listing.total()
        response.headers["X-Total-Count"] = str(total)
        if links := _links(total, listing.limit, listing.offset):
            response.headers["Link"] = links
    return response


def faceted(search: Search) -> Response:
    """The places of a search with their total and facets."""
    parts = search.parts()
    rest = orjson.dumps({"total": search.total(), "facets": search.facets()})
    return _whole(parts, b'{"places":', b"," + rest[1:] + b"\n")


def _whole(parts: Generator[Objects, None, None], before: bytes, after: bytes) -> Response:
    """A whole list; a long one is read while it is sent, and has no tag, as none is known before its end."""
    first, second = next(parts, []), next(parts, None)
    if second is None:
        return _tagged(before + orjson.dumps(first) + after)

    def written() -> Iterator[bytes]:
        with closing(parts):
            yield before + orjson.dumps(first)[:-1]
            for part in chain([second], parts):
                yield b"," + orjson.dumps(part)[1:-1]
        yield b"]" + after
    response = Response(written(), content_type=JSON)
    response.call_on_close(parts.close)     # what nobody reads to its end
    return response


def _links(total: int, limit: int | None, offset: int) -> str:
    size = limit if limit is not None else max(total - offset, 1)
    if not size:
        return ""
    last = max(total - 1, 0) // size * size
    pages = {"first": 0, "prev": min(max(offset - size, 0), last) if offset else None,
             "next": offset + size if offset + size < total else None, "last": last}
    kept = [(name, value) for name, value in request.args.items(multi=True) if name not in ("limit", "offset")]
    address = f"{request.path}?{urlencode(kept)}{'&' if kept else ''}limit={size}&offset="
    links = {name: f'<{address}{start}>; rel="{name}"' for name, start in pages.items() if start is not None}
    for name in ("last", "first", "prev", "next"):      # what a client can do without goes first
        if len(", ".join(links.values())) > LINKS:
            links.pop(name, None)
    return ", ".join(links.values())
