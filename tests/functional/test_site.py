"""Acceptance tests of a running site, before its release goes to production. They send read-only requests.

Run `STAGING_SERVER=http://staging.example.com make functional`; without the variable, the tests start a server.
"""
from __future__ import annotations

import json
import os
import re
import urllib.error
import urllib.request
from collections.abc import Iterator
from email.message import Message
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urljoin

import pytest

from tests.servers import Server, free_port


class Answer(NamedTuple):
    status: int
    headers: Message
    body: bytes

    @property
    def text(self) -> str:
        return self.body.decode()

    @property
    def json(self) -> object:
        return json.loads(self.body)


class Site:
    def __init__(self, address: str) -> None:
        self.address = address.rstrip("/")

    def ask(self, path: str, body: bytes | None = None, method: str | None = None, **headers: str) -> Answer:
        request = urllib.request.Request(urljoin(f"{self.address}/", path), body, {
            name.replace("_", "-"): value for name, value in headers.items()}, method=method)
        try:
            with urllib.request.urlopen(request, timeout=20) as found:
                return Answer(found.status, found.headers, found.read())
        except urllib.error.HTTPError as error:
            with error:
                return Answer(error.code, error.headers, error.read())


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    if address := os.environ.get("STAGING_SERVER"):
        yield Site(address)
        return
    port, home = free_port(), Path(tmp_path_factory.mktemp("site"))
    own = {name: value for name, value in os.environ.items() if not name.startswith("HBNB_")}
    with Server(["wsgi.py", "--port", str(port)], own | {
            "HBNB_ENV": "staging", "HBNB_FILE_PATH": str(home / "file.json")}, port) as server:
        yield Site(server.address)


def test_the_api_responds(site):
    assert site.ask("/api/v1/status").json == {"status": "OK"}
    assert {*site.ask("/api/v1/stats").json} == {"amenities", "cities", "places", "reviews", "states", "users"}


def test_the_api_lists_as_many_objects_as_it_counts(site):
    counts = site.ask("/api/v1/stats").json
    for name in ("states", "amenities"):
        assert len(site.ask(f"/api/v1/{name}").json) == counts[name]


def test_a_search_finds_no_more_places_than_exist(site):
    found = site.ask("/api/v1/places_search?limit=5", b'{"amenities": []}', Content_Type="application/json")
    assert found.status == 200
    assert len(found.json) <= min(5, site.ask("/api/v1/stats").json["places"])


def test_an_unchanged_list_is_answered_with_304(site):
    tag = site.ask("/api/v1/states").headers["ETag"]
    assert tag is None or site.ask("/api/v1/states", If_None_Match=tag).status == 304


def test_an_unknown_path_is_answered_in_json_by_the_api_and_with_a_page_elsewhere(site):
    missing = site.ask("/api/v1/states/missing")
    assert (missing.status, missing.json) == (404, {"error": "Not found"})
    assert site.ask("/missing").status == 404
    assert "</html>" in site.ask("/missing").text


def test_a_write_without_a_token_is_refused(site):
    refused = site.ask("/api/v1/states", b'{"name": "Nowhere"}', Content_Type="application/json")
    assert refused.status == 401
    assert "token" in refused.json["error"]


def test_no_response_contains_an_email_address_or_a_password(site):
    for user in site.ask("/api/v1/users?limit=50").json:
        assert not {"email", "password"} & {*user}


@pytest.mark.parametrize("path", ["/", "/hbnb", "/states", "/cities_by_states", "/100-hbnb/", "/apidocs/"])
def test_each_file_that_a_page_refers_to_exists(site, path):
    page = site.ask(path)
    assert page.status == 200
    assert "default-src 'none'" in page.headers["Content-Security-Policy"]
    named = {urljoin(f"{site.address}{path}", name)
             for name in re.findall(r'(?:src|<link[^>]*href)="([^"]+)"', page.text)}
    assert named
    for address in named:
        assert address.startswith(site.address)
        assert site.ask(address).status == 200, address


def test_the_openapi_document_exists(site):
    assert site.ask("/apispec_1.json").json["openapi"].startswith("3.")
