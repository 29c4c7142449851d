"""Places with an unknown price: the price is null, sorted last, and in no price range."""
from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path

import pytest

import models
from config import Settings
from models.engine.base import Storage
from models.place import Place
from services import backup, schema
from services.search import search
from services.transfer.files import export_file, import_file
from tests import objects
from tests.airbnb import stored
from tests.apps import ready_app
from tests.conftest import Run
from tests.market import Market


@pytest.fixture
def market(storage: Storage) -> Market:
    """Places for 100, 0 and 7, and two with an unknown price, one of them the oldest place."""
    market = Market()
    for name, price in (("Unknown", None), ("Free", 0), ("Cheap", 7), ("Asked", None)):
        place = Place(name=name, price_by_night=price, city_id=market.city.id, user_id=market.host.id)
        if name == "Unknown":
            place.created_at = market.place.created_at.replace(year=2001)
        storage.new(place)
    storage.save()
    storage.close()
    return market


def named(name: str) -> Place:
    [place] = [each for each in models.storage.all(Place).values() if each.name == name]
    return place


CHEAPEST = ["Free", "Cheap", "Loft in Albany", "Unknown", "Asked"]
DEAREST = ["Loft in Albany", "Cheap", "Free", "Unknown", "Asked"]


class TestOrders:
    @pytest.mark.parametrize(("sort", "expected"), [("price_by_night", CHEAPEST), ("-price_by_night", DEAREST)])
    def test_orders_by_price_have_unknown_prices_last_on_all_pages(self, market: Market, sort: str,
                                                                   expected: list[str]):
        client = ready_app().test_client()
        for path in ("places", f"cities/{market.city.id}/places"):
            for page in (f"sort={sort}", f"sort={sort}&limit=9"):
                assert [place["name"] for place in client.get(f"/api/v1/{path}?{page}").json] == expected
            paged = [client.get(f"/api/v1/{path}?sort={sort}&limit=2&offset={each}").json for each in (0, 2, 4)]
            assert [place["name"] for page in paged for place in page] == expected
        assert [place["name"] for place in objects.list(Place, sort=[sort])] == expected

    def test_a_search_sorted_by_price_has_unknown_prices_last(self, market: Market):
        for more in ({}, {"cities": [market.city.id]}, {"limit": 10}, {"bathrooms": 0}):
            assert [place["name"] for place in search({"sort": "price", **more}).all()] == CHEAPEST
            assert [place["name"] for place in search(more, sort=["-price_by_night"]).all()] == DEAREST
        assert [place["name"] for place in search({"sort": "price", "limit": 2, "offset": 2}).all()] == CHEAPEST[2:4]

    def test_orders_by_any_nullable_attribute_have_nulls_last(self, market: Market):
        market.place.save()
        for sort in ("latitude", "-latitude", "description", "-longitude"):
            assert len(objects.list(Place, sort=[sort])) == 5
        assert [objects.list(Place, sort=[sort])[0]["name"] for sort in ("latitude", "-latitude")] == [
            "Loft in Albany"] * 2


class TestRanges:
    @pytest.mark.parametrize(("wanted", "expected"), [
        ({"price_min": 0}, ["Cheap", "Free", "Loft in Albany"]),
        ({"price_max": 2**31 - 1}, ["Cheap", "Free", "Loft in Albany"]),
        ({"price_max": 7}, ["Cheap", "Free"]), ({"price_min": 1, "price_max": 50}, ["Cheap"])])
    def test_price_ranges_exclude_unknown_prices(self, market: Market, wanted: dict[str, int], expected: list[str]):
        assert sorted(place["name"] for place in search(wanted).all()) == expected
        assert search(wanted).total() == len(expected)
        assert sum(each["count"] for each in search(wanted).facets()["cities"]) == len(expected)


class TestAPI:
    def test_the_api_can_set_a_price_to_null_but_not_create_a_place_with_it(self, market: Market):
        client = ready_app().test_client()
        address = f"/api/v1/places/{market.place.id}"
        assert client.put(address, json={"price_by_night": None}).json["price_by_night"] is None
        assert client.get(address).json["price_by_night"] is None
        assert client.put(address, json={"name": "Loft"}).json["price_by_night"] is None
        assert client.put(address, json={"price_by_night": 5}).json["price_by_night"] == 5
        places, new = f"/api/v1/cities/{market.city.id}/places", {"user_id": market.host.id, "name": "New"}
        made = client.post(places, json=new)
        assert (made.status_code, made.json["price_by_night"]) == (201, 0)
        refused = client.post(places, json=new | {"price_by_night": None})
        assert (refused.status_code, refused.json) == (
            400, {"error": "price_by_night must not be null: leave it out, and it will be 0"})

    def test_the_api_documents_the_schemas_that_accept_null(self):
        price = {"minimum": 0, "maximum": 2**31 - 1}
        shown = schema.definition(Place, frozenset())["properties"]["price_by_night"]
        assert shown == {"type": ["integer", "null"], **price}
        for made, kind in ((True, "integer"), (False, ["integer", "null"])):
            assert schema.input_definition(Place, made)["properties"]["price_by_night"] == {"type": kind, **price}


class TestStores:
    def test_stores_distinguish_an_unknown_price_from_an_unset_one(self, market: Market, storage: Storage,
                                                                   settings: Settings):
        Place(name="Unset", city_id=market.city.id, user_id=market.host.id).save()
        before = stored(storage)
        assert named("Unset").price_by_night == 0
        again = models.make_storage(settings)
        assert stored(again) == before
        for name, price in (("Cheap", None), ("Asked", 9)):
            place = named(name)
            place.price_by_night = price
            place.save()
            assert [each.price_by_night for each in again.all(Place).values() if each.name == name] == [price]
            again.close()

    def test_a_file_stores_null_and_reads_an_absent_price_as_0(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
        path = tmp_path / "file.json"
        path.write_text(json.dumps({"Place.1": {"id": "1", "price_by_night": None}, "Place.2": {"id": "2"}}))
        storage = models.make_storage(replace(Settings(), file_path=str(path)))
        monkeypatch.setattr(models, "storage", storage)
        for _ in range(2):
            assert [storage.get(Place, id).price_by_night for id in "12"] == [None, 0]
            storage.get(Place, "1").save()
            storage.get(Place, "2").save()
            found = json.loads(path.read_text())
            assert [found[f"Place.{id}"]["price_by_night"] for id in "12"] == [None, 0]
            storage.reload()

    def test_move_by_export_and_import_and_by_backup_and_restore(self, market: Market, storage: Storage, tmp_path: Path,
                                                                 monkeypatch: pytest.MonkeyPatch):
        before = stored(storage)
        exported, backed = str(tmp_path / "x.jsonl"), str(tmp_path / "x.backup")
        export_file(exported, with_passwords=True)
        backup.back_up(backed)
        file = models.make_storage(replace(Settings(), file_path=str(tmp_path / "other.json")))
        monkeypatch.setattr(models, "storage", file)
        import_file(exported)
        assert stored(file) == before
        again = str(tmp_path / "again.backup")
        backup.restore(backed, replace=True)
        assert stored(file) == before
        backup.back_up(again)
        monkeypatch.setattr(models, "storage", storage)
        backup.restore(again, replace=True)
        assert stored(storage) == before
        import_file(str(tmp_path / "other.json"))      # a classic file
        assert stored(storage) == before

    def test_import_accepts_an_export_with_a_null_or_absent_price(self, market: Market, tmp_path: Path):
        path = tmp_path / "x.jsonl"
        export_file(str(path))
        lines = [json.loads(line) for line in path.read_text().splitlines()]
        for place in (line for line in lines if line["__class__"] == "Place"):
            place["id"] += "x"
            if place.pop("price_by_night") is None:
                place |= {"price_by_night": None, "max_guest": None}
        path.write_text("".join(json.dumps(line) + "\n" for line in lines))
        assert import_file(str(path)).new["Place"] == 5
        found = {place.name: (place.price_by_night, place.max_guest)
                 for id, place in models.storage.all(Place).items() if id.endswith("x")}
        assert found == {"Loft in Albany": (0, 2), "Free": (0, 0), "Cheap": (0, 0), "Unknown": (None, 0),
                         "Asked": (None, 0)}


class TestPages:
    def test_pages_show_price_on_request(self, market: Market):
        client = ready_app().test_client()
        cards = re.findall(r'class="(price_by_night[^"]*)">(.*?)<', client.get("/hbnb?sort=price").text)
        assert cards == [("price_by_night", "$0"), ("price_by_night", "$7"), ("price_by_night", "$100"),
                         *[("price_by_night unknown", "Price on request")] * 2]
        page = client.get(f"/places/{named('Asked').id}").text
        assert '<p class="price">Price on request</p>' in page
        assert '"priceRange": "Price on request"' in page
        assert "None" not in page
        assert '"priceRange": "$7 a night"' in client.get(f"/places/{named('Cheap').id}").text


class TestConsole:
    def test_the_console_shows_and_sets_an_unknown_price(self, market: Market, console: Run):
        id = market.place.id
        ran = console(f"show Place {named('Asked').id}", f'Place.update("{id}", {{"price_by_night": None}})',
                      f"show Place {id}", "find Place price_by_night<8 --csv")
        printed, shown, _, *rows = ran.stdout.splitlines()
        assert "'price_by_night': None" in printed
        assert "'price_by_night': None" in shown
        assert len(rows) == 2
        assert ran.stderr == ""
