"""The table of search filters: a new row adds a filter to the API, its documentation, the form and the script."""
from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from models.place import Place
from services.query import OPERATORS
from services.search.filters import FILTERS, FORM
from tests.apps import ready_app
from tests.conftest import ROOT
from tests.market import Market
from tests.servers import Server, free_port

ROWS = """
    "baths": SearchFilter(WHOLE, "number_bathrooms", ">=", "Baths from", "Any"),
    "baths_max": SearchFilter(WHOLE, "number_bathrooms", "<=", "Baths to", "Any", not_below="baths"),"""


@pytest.fixture
def site(environ, storage, tmp_path: Path) -> Iterator[str]:
    """The address of a server with two more filters, and places with 0, 1 and 3 bathrooms."""
    for name, bathrooms in (("Zero", 0), ("One", 1), ("Three", 3)):
        place = Market(name).place
        place.number_bathrooms = bathrooms
        place.save()
    copy = tmp_path / "copy"
    shutil.copytree(ROOT, copy, ignore=shutil.ignore_patterns(".*", "__pycache__", "node_modules", "tests"))
    table = copy / "services/search/filters.py"
    table.write_text(table.read_text().replace('{\n    "text": ', f'{{{ROWS}\n    "text": '))
    port = free_port()
    with Server([str(copy / "wsgi.py"), "--port", str(port)], environ | {"PYTHONPATH": str(copy)}, port) as server:
        yield server.address


def test_a_new_filter_needs_only_a_row_in_the_table(site: str, page: Page):
    def names(answer) -> list[str]:
        return sorted(re.findall(r"Loft in (\w+)", answer.text()))

    def post(**wanted: object):
        return page.request.post(f"{site}/api/v1/places_search", data=wanted)

    found = {0: ["One", "Three", "Zero"], 1: ["One", "Three"], 2: ["Three"], 4: []}
    for least, expected in found.items():
        assert names(post(baths=least)) == expected
        assert names(page.request.get(f"{site}/api/v1/places?fields=name&baths={least}")) == expected
    assert names(post(baths=1, baths_max=2)) == ["One"]
    assert names(post(baths=None)) == found[0]
    for wrong in ("x", -1, 1.5, True, [1]):
        answer = post(baths=wrong)
        assert (answer.status, answer.json()) == (400, {"error": "baths must be a whole number from 0 to 2147483647"})
    assert page.request.get(f"{site}/api/v1/places?baths=x").status == 400

    paths = page.request.get(f"{site}/apispec_1.json").json()["paths"]
    body = paths["/api/v1/places_search"]["post"]["requestBody"]["content"]["application/json"]["schema"]
    assert body["properties"]["baths"] == body["properties"]["guests"]
    described = {each["name"]: each["description"] for each in paths["/api/v1/places"]["get"]["parameters"]}
    assert described["baths"] == "Places whose number_bathrooms is at least this"
    assert described["baths_max"] == "Places whose number_bathrooms is at most this"

    marked = page.request.get(f"{site}/hbnb?baths=x&baths_max=1")
    assert (marked.status, re.findall(r'describedby="wrong_(\w+)"', marked.text())) == (400, ["baths"])
    marked = page.request.get(f"{site}/hbnb?baths=2&baths_max=1")
    assert (marked.status, re.findall(r'describedby="wrong_(\w+)"', marked.text())) == (400, ["baths_max"])
    page.goto(f"{site}/hbnb?baths=2")
    expect(page.get_by_label("Baths from")).to_have_value("2")
    expect(page.locator("#result")).to_have_text("1 place")

    page.goto(site)
    page.get_by_label("Baths from").fill("2")
    expect(page.locator("#result")).to_have_text("1 place")
    page.get_by_label("Baths to").fill("1")
    expect(page.locator("#wrong_baths_max")).to_have_text(
        "Enter a whole number from 0 to 999,999,999, not below “Baths from” if that is set.")
    page.get_by_label("Baths from").fill("1")
    expect(page.locator("section.places h2")).to_have_text(["Loft in One"])
    expect(page).to_have_url(f"{site}/?baths=1&baths_max=1")


@pytest.mark.parametrize("engine", ["file"])
def test_every_row_is_in_the_api_and_every_label_in_the_form(storage):
    client = ready_app().test_client()
    paths = client.get("/apispec_1.json").json["paths"]
    body = paths["/api/v1/places_search"]["post"]["requestBody"]["content"]["application/json"]["schema"]
    assert body["properties"].keys() == FILTERS.keys()
    assert FILTERS.keys() <= {each["name"] for each in paths["/api/v1/places"]["get"]["parameters"]}
    Market()
    drawn = client.get("/hbnb").text
    assert {*re.findall(r'<(?:input|select)[^>]* name="(\w+)"', drawn)} == FORM.keys()
    for each in FILTERS.values():
        assert not each.column or (each.column in Place.__table__.c and each.operator in OPERATORS)
        assert not each.not_below or each.not_below in FORM
