"""Responses: JSON, ETags, pages of lists and streamed lists."""
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
MAX_LINK_LENGTH = 12_000      # bytes: proxies limit the size of response headers


def json_response(value: Any, status: int = 200) -> Response:
    return Response(to_json(value), status, content_type=JSON)


def etag_response(value: Any, status: int = 200) -> Response:
    """A JSON response with its ETag, or a 304 if the client's `If-None-Match` matches."""
    return _with_etag(to_json(value), status)


def _with_etag(body: bytes, status: int = 200) -> Response:
    response = Response(body, status, content_type=JSON)
    response.headers["ETag"] = body_etag(body)
    if status == 200 and "HTTP_IF_NONE_MATCH" in request.environ:
        response.make_conditional(request)
    return response


def etag(value: Any) -> str:
    """The ETag of a value: the one that a response with this value has."""
    return body_etag(to_json(value))


def to_json(value: Any) -> bytes:
    """The body of a response with a value."""
    return orjson.dumps(value, option=orjson.OPT_APPEND_NEWLINE)


def body_etag(body: bytes) -> str:
    return f'"{hashlib.blake2b(body, digest_size=12).hexdigest()}"'


def list_response(listing: Listing) -> Response:
    """The response for a list. A page also gets `X-Total-Count` and the `Link`s to the other pages."""
    response = _stream(listing.parts(), b"", b"\n")
    if listing.limit is not None or listing.offset:
        total = listing.total()
        response.headers["X-Total-Count"] = str(total)
        if links := _page_links(total, listing.limit, listing.offset):
            response.headers["Link"] = links
    return response


def faceted_response(search: Search) -> Response:
    """The response for a search with facets: its places, their total number and the facets."""
    parts = search.parts()
    rest = orjson.dumps({"total": search.total(), "facets": search.facets()})
    return _stream(parts, b'{"places":', b"," + rest[1:] + b"\n")


def _stream(parts: Generator[Objects, None, None], before: bytes, after: bytes) -> Response:
    """The response for a list that comes in parts; with several parts, it is streamed while the rest is read.

    A streamed response has no ETag, because the headers are sent before the whole list is known.

    Args:
        parts: the parts of the list, which are closed with the response.
        before: the bytes before the list.
        after: the bytes after the list.
    """
    first, second = next(parts, []), next(parts, None)
    if second is None:
        return _with_etag(before + orjson.dumps(first) + after)

    def stream() -> Iterator[bytes]:
        with closing(parts):
            yield before + orjson.dumps(first)[:-1]
            for part in chain([second], parts):
                yield b"," + orjson.dumps(part)[1:-1]
        yield b"]" + after
    response = Response(stream(), content_type=JSON)
    response.call_on_close(parts.close)     # also if the client disconnects early
    return response


def _page_links(total: int, limit: int | None, offset: int) -> str:
    size = limit if limit is not None else max(total - offset, 1)
    if not size:
        return ""
    last = max(total - 1, 0) // size * size
    pages = {"first": 0, "prev": min(max(offset - size, 0), last) if offset else None,
             "next": offset + size if offset + size < total else None, "last": last}
    query = [(name, value) for name, value in request.args.items(multi=True) if name not in ("limit", "offset")]
    address = f"{request.path}?{urlencode(query)}{'&' if query else ''}limit={size}&offset="
    links = {name: f'<{address}{start}>; rel="{name}"' for name, start in pages.items() if start is not None}
    for name in ("last", "first", "prev", "next"):      # drops the least important link first
        if len(", ".join(links.values())) > MAX_LINK_LENGTH:
            links.pop(name, None)
    return ", ".join(links.values())
