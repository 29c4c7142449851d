"""Text search: both engines find the words that the pages of places show."""
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
    """Two places; the second one contains more words."""
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
def test_words_are_found_in_name_description_city_state_and_amenities(market, text):
    assert found(text) == ["Loft in Albany"]


@pytest.mark.parametrize(("text", "names"), [
    ("", ["Loft in Albany", "Bare"]), (" \t", ["Loft in Albany", "Bare"]), ("austin pool", []), ("texas", ["Bare"]),
    ("bare, austin, texas", ["Bare"]), ("albany texas", []), ("%", []), ("★", []), ("_", [])])
def test_a_place_must_contain_every_word(market, text, names):
    assert found(text) == names


@pytest.mark.parametrize("mark", [*string.punctuation, "–", "，", "、", "·", "\u3000", "׀", "|"])
def test_any_punctuation_separates_words(market, mark):
    assert found(f"Albany{mark}Wi{mark}Loft") == ["Loft in Albany"]


def test_a_query_without_letters_and_digits_is_searched_unchanged(market):
    market.place.name = "Loft ★★"
    market.place.save()
    assert found("★★") == ["Loft ★★"]


def test_combining_marks_do_not_split_words(market):
    market.place.name, market.pool.name = "हिन्दी घर", "חניה"
    market.place.save()
    market.pool.save()
    assert found("घर, हिन्दी!") == found("״חניה״") == ["हिन्दी घर"]


def test_a_renamed_object_is_found_by_its_new_name_only(market):
    for obj in (market.state, market.city, market.wifi):
        obj.name = f"Renamed{type(obj).__name__}"
        obj.save()
    assert found("RenamedState renamedcity RENAMEDAMENITY") == ["Loft in Albany"]
    assert found("york") == found("Wi-Fi") == []


def test_words_can_be_combined_with_filters_facets_and_orders(market):
    wanted = {"text": "york pool", "amenities": [market.wifi.id], "sort": "price"}
    assert [place["name"] for place in search(wanted).all()] == ["Loft in Albany"]
    assert [each["name"] for each in search(wanted).facets()["states"]] == ["New York"]
    assert search({**wanted, "price_min": 101}).all() == []


@pytest.mark.parametrize("path", ["/hbnb", "/"])
def test_the_search_pages_find_the_same_places(market, path):
    page = ready_app().test_client().get(path, query_string={"text": "Albany, New York; wi-fi"}).text
    assert ">1 place</p>" in page


def test_the_name_of_city_and_state_finds_all_places_of_a_real_city(storage, data):
    import_file(str(data / "albany-listings.csv.gz"), state="New York", city="Albany")
    assert search({"text": "Albany, New York"}).total() == 421
    wifi = {id for id, name in ((each.id, each.name.lower()) for each in storage.all(Amenity).values())
            if "wifi" in name}
    offering = {place.id for place in storage.all(Place).values() if wifi & {*place.amenity_ids}}
    storage.close()
    assert offering <= {place["id"] for place in search({"text": "wifi"}).all()}
