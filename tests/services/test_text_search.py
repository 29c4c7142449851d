"""The search for words finds what the cards and pages of places say, the same on both engines."""
from __future__ import annotations

import string

import pytest

from models.amenity import Amenity
from models.city import City
from models.place import Place
from models.state import State
from services.search import search
from services.transfer.files import import_file
from tests.apps import ready_app
from tests.market import Market


@pytest.fixture
def market(storage) -> Market:
    """Two places, of which one shows more."""
    market = Market("Albany")
    for obj, name in ((market.state, "New York"), (market.wifi, "Wi-Fi"), (market.pool, "Heated Pool")):
        obj.name = name
        obj.save()
    market.place.description = "Café by the Élan river. Joe's house."
    market.place.save()
    other = State(name="Texas")
    city = City(name="Austin", state_id=other.id)
    bare = Place(name="Bare", city_id=city.id, user_id=market.host.id)
    for obj in (other, city, bare):
        storage.new(obj)
    storage.save()
    return market


def found(text: str) -> list[str]:
    listing = search({"text": text, "limit": 10})
    names = [place["name"] for place in listing.all()]
    assert listing.total() == len(names)
    return names


@pytest.mark.parametrize("text", [
    "Albany, New York", "new york", "NEW; YORK/albany", "(pool)", "heated pool", "wi-fi", "Wi Fi",
    "river…café", "éLAN", "joe’s", "loft in albany", "Albany\u200f, \u2066New York\u2069", "york_albany"])
def test_each_word_counts_that_name_description_city_state_or_amenity_holds(market, text):
    assert found(text) == ["Loft in Albany"]


@pytest.mark.parametrize(("text", "names"), [
    ("", ["Loft in Albany", "Bare"]), (" \t", ["Loft in Albany", "Bare"]), ("austin pool", []), ("texas", ["Bare"]),
    ("bare, austin, texas", ["Bare"]), ("albany texas", []), ("%", []), ("★", []), ("_", [])])
def test_a_place_must_show_every_word(market, text, names):
    assert found(text) == names


@pytest.mark.parametrize("mark", [*string.punctuation, "–", "，", "、", "·", "\u3000", "׀", "|"])
def test_every_punctuation_separates(market, mark):
    assert found(f"Albany{mark}Wi{mark}Loft") == ["Loft in Albany"]


def test_what_holds_no_word_is_looked_for_as_it_is(market):
    market.place.name = "Loft ★★"
    market.place.save()
    assert found("★★") == ["Loft ★★"]


def test_letters_that_are_written_with_marks_are_not_taken_apart(market):
    market.place.name, market.pool.name = "हिन्दी घर", "חניה"
    market.place.save()
    market.pool.save()
    assert found("घर, हिन्दी!") == found("״חניה״") == ["हिन्दी घर"]


def test_what_is_renamed_is_found_by_its_new_name_only(market):
    for obj in (market.state, market.city, market.wifi):
        obj.name = f"Renamed{type(obj).__name__}"
        obj.save()
    assert found("RenamedState renamedcity RENAMEDAMENITY") == ["Loft in Albany"]
    assert found("york") == found("Wi-Fi") == []


def test_filters_facets_and_orders_hold_beside_words(market):
    wanted = {"text": "york pool", "amenities": [market.wifi.id], "sort": "price"}
    assert [place["name"] for place in search(wanted).all()] == ["Loft in Albany"]
    assert [each["name"] for each in search(wanted).facets()["states"]] == ["New York"]
    assert search({**wanted, "price_min": 101}).all() == []


@pytest.mark.parametrize("path", ["/hbnb", "/"])
def test_the_pages_find_the_same(market, path):
    page = ready_app().test_client().get(path, query_string={"text": "Albany, New York; wi-fi"}).text
    assert ">1 place</p>" in page


def test_all_of_a_real_city_is_found_by_its_name_with_its_state(storage, data):
    import_file(str(data / "albany-listings.csv.gz"), state="New York", city="Albany")
    assert search({"text": "Albany, New York"}).total() == 421
    wifi = {id for id, name in ((each.id, each.name.lower()) for each in storage.all(Amenity).values())
            if "wifi" in name}
    offering = {place.id for place in storage.all(Place).values() if wifi & {*place.amenity_ids}}
    storage.close()
    assert offering <= {place["id"] for place in search({"text": "wifi"}).all()}
