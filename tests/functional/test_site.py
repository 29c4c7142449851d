"""What a site must do before its release may go to production, asked from outside and without changing anything.

`STAGING_SERVER=http://staging.example.com make functional`; where that is not set, a server is started for it.
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


def test_the_api_answers(site):
    assert site.ask("/api/v1/status").json == {"status": "OK"}
    assert {*site.ask("/api/v1/stats").json} == {"amenities", "cities", "places", "reviews", "states", "users"}


def test_what_the_api_lists_is_what_it_counts(site):
    counts = site.ask("/api/v1/stats").json
    for name in ("states", "amenities"):
        assert len(site.ask(f"/api/v1/{name}").json) == counts[name]


def test_a_search_finds_at_most_what_there_is(site):
    found = site.ask("/api/v1/places_search?limit=5", b'{"amenities": []}', Content_Type="application/json")
    assert found.status == 200
    assert len(found.json) <= min(5, site.ask("/api/v1/stats").json["places"])


def test_a_tag_saves_the_answer(site):
    tag = site.ask("/api/v1/states").headers["ETag"]
    assert tag is None or site.ask("/api/v1/states", If_None_Match=tag).status == 304


def test_what_is_not_there_is_said_in_json_by_the_api_and_on_a_page_elsewhere(site):
    lost = site.ask("/api/v1/states/nobody")
    assert (lost.status, lost.json) == (404, {"error": "Not found"})
    assert site.ask("/nobody").status == 404
    assert "</html>" in site.ask("/nobody").text


def test_nobody_writes_without_a_token(site):
    refused = site.ask("/api/v1/states", b'{"name": "Nowhere"}', Content_Type="application/json")
    assert refused.status == 401
    assert "token" in refused.json["error"]


def test_no_answer_holds_an_address_or_a_password(site):
    for user in site.ask("/api/v1/users?limit=50").json:
        assert not {"email", "password"} & {*user}


@pytest.mark.parametrize("path", ["/", "/hbnb", "/states", "/cities_by_states", "/100-hbnb/", "/apidocs/"])
def test_each_file_that_a_page_names_is_there(site, path):
    page = site.ask(path)
    assert page.status == 200
    assert "default-src 'none'" in page.headers["Content-Security-Policy"]
    named = {urljoin(f"{site.address}{path}", name)
             for name in re.findall(r'(?:src|<link[^>]*href)="([^"]+)"', page.text)}
    assert named
    for address in named:
        assert address.startswith(site.address)
        assert site.ask(address).status == 200, address


def test_the_description_is_there(site):
    assert site.ask("/apispec_1.json").json["openapi"].startswith("3.")
