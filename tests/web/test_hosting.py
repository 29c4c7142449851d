"""Pages of hosts: their places, and the page of a place that is not listed, on both engines."""
from __future__ import annotations

import re

import pytest
from flask.testing import FlaskClient

import models
from models.city import City
from models.place import Place
from models.user import User
from tests.market import Market
from tests.people import log_in, person
from tests.web.test_accounts import new_client, told, wrong


@pytest.fixture
def market(storage) -> Market:
    return Market()


@pytest.fixture
def ada(market) -> User:
    return person()


@pytest.fixture
def client(ada) -> FlaskClient:
    """A client with a session of Ada's."""
    return log_in(new_client(), ada)


@pytest.fixture
def form(market) -> dict[str, object]:
    """What the form of a place sends."""
    return {"name": "Cabin", "description": "One line\r\nand another", "city_id": market.city.id, "max_guest": "3",
            "number_rooms": "2", "number_bathrooms": "1", "price_by_night": "80", "latitude": "42,5",
            "longitude": " -73.75 ", "amenity_ids": [market.pool.id], "status": "draft"}


def stored(name: str) -> Place | None:
    models.storage.close()
    return next((each for each in models.storage.all(Place).values() if each.name == name), None)


def make(user: User, market: Market, name: str = "Cabin", status: str = "draft") -> Place:
    place = Place(name=name, city_id=market.city.id, user_id=user.id, status=status, price_by_night=80)
    place.save()
    return place


class TestForm:
    def test_creates_a_place_of_the_user(self, client, ada, market, form):
        answer = client.post("/hosting/places/new", data=form)
        assert (answer.status_code, answer.location) == (303, "/hosting?done=created")
        place = stored("Cabin")
        assert (place.user_id, place.city_id, place.status) == (ada.id, market.city.id, "draft")
        assert (place.description, place.latitude, place.longitude) == ("One line\nand another", 42.5, -73.75)
        assert (place.max_guest, place.number_rooms, place.number_bathrooms, place.price_by_night) == (3, 2, 1, 80)
        assert place.amenity_ids == [market.pool.id]
        page = client.get(answer.location).text
        assert "Draft: only you see it" in page
        assert f"/hosting/places/{place.id}/edit" in page

    def test_shows_the_place_and_changes_all_of_it(self, client, ada, market, form):
        other = City(name="Troy", state_id=market.state.id)
        other.save()
        client.post("/hosting/places/new", data=form)
        id = stored("Cabin").id
        shown = client.get(f"/hosting/places/{id}/edit").text
        for expected in ('value="Cabin"', ">\nOne line\nand another</textarea>", 'value="42.5"', 'value="80"',
                         f'<option value="{market.city.id}" selected>Albany', 'value="draft" checked',
                         f'value="{market.pool.id}" checked'):
            assert expected in shown, expected
        assert f'value="{market.wifi.id}" checked' not in shown
        changed = {"name": "Hut", "city_id": other.id, "amenity_ids": [market.wifi.id], "status": "listed",
                   "latitude": "", "longitude": ""}
        assert client.post(f"/hosting/places/{id}/edit", data=form | changed).location == "/hosting?done=changed"
        place = stored("Hut")
        assert (place.id, place.city_id, place.amenity_ids, place.status) == (
            id, other.id, [market.wifi.id], "listed")
        assert place.latitude is place.longitude is None

    def test_explains_invalid_fields_and_keeps_what_was_typed(self, client, ada, market, form):
        place = make(ada, market)
        whole = "Enter a whole number from 0."
        for changed, expected in (
                ({"name": " "}, "Fill in this field."), ({"city_id": ""}, "Fill in this field."),
                ({"city_id": "nope"}, "There is no such city. Choose another one."), ({"max_guest": "two"}, whole),
                ({"number_rooms": "-1"}, whole), ({"price_by_night": "1.5"}, whole),
                ({"price_by_night": ""}, "Fill in this field."), ({"number_bathrooms": "9" * 5000}, whole),
                ({"latitude": "91"}, "Enter a number from -90 to 90, such as 42.65258."),
                ({"latitude": "nan"}, "Enter a number from -90 to 90, such as 42.65258."),
                ({"longitude": ""}, "Enter a number from -180 to 180, such as -73.75623."),
                ({"status": "gone"}, None), ({"amenity_ids": ["nope"]}, None)):
            [(field, value)] = changed.items()
            for path in ("/hosting/places/new", f"/hosting/places/{place.id}/edit"):
                answer = client.post(path, data=form | changed | {"description": "as typed"})
                assert answer.status_code == 400, field
                assert wrong(answer).keys() == {f"place-{field}"}
                assert expected in (None, wrong(answer)[f"place-{field}"])
                assert "as typed</textarea>" in answer.text
                assert not isinstance(value, str) or field in ("city_id", "status") or f'value="{value}"' in answer.text
        models.storage.close()
        assert sorted(each.name for each in models.storage.all(Place).values()) == ["Cabin", "Loft in Albany"]
        assert models.storage.get(Place, place.id).description is None

    def test_an_error_changes_nothing_at_all(self, client, ada, market, form):
        place = make(ada, market)
        answer = client.post(f"/hosting/places/{place.id}/edit",
                             data=form | {"name": "Hut", "amenity_ids": [market.wifi.id, "nope"]})
        assert answer.status_code == 400
        assert (stored("Hut"), stored("Cabin").amenity_ids) == (None, [])

    def test_a_place_without_a_price_may_stay_so(self, client, ada, market, form):
        place = make(ada, market)
        place.price_by_night = None
        place.save()
        path = f"/hosting/places/{place.id}/edit"
        assert client.post(path, data=form | {"price_by_night": ""}).status_code == 303
        assert stored("Cabin").price_by_night is None
        assert client.post(path, data=form | {"price_by_night": "0"}).status_code == 303
        assert client.post(path, data=form | {"price_by_night": ""}).status_code == 400


class TestOwnership:
    def test_only_the_host_and_admins_change_or_remove_a_place(self, client, ada, market, form):
        place = make(person("Eve"), market, "Cabin of Eve", "listed")
        draft = make(models.storage.get(User, place.user_id), market, "Draft of Eve")
        for action in ("edit", "remove"):
            for method in ("GET", "POST"):
                assert client.open(f"/hosting/places/{place.id}/{action}", method=method, data=form).status_code == 403
                assert client.open(f"/hosting/places/{draft.id}/{action}", method=method, data=form).status_code == 404
                assert client.open(f"/hosting/places/nope/{action}", method=method, data=form).status_code == 404
        assert "Eve" not in client.get("/hosting").text
        assert stored("Cabin of Eve")
        root = log_in(new_client(), person("Root", "admin"))
        assert root.post(f"/hosting/places/{draft.id}/edit", data=form | {"name": "Edited"}).status_code == 303
        assert stored("Edited").user_id == place.user_id
        assert root.post(f"/hosting/places/{place.id}/remove").status_code == 303
        assert stored("Cabin of Eve") is None

    def test_the_user_of_a_form_cannot_be_chosen(self, client, ada, market, form):
        client.post("/hosting/places/new", data=form | {"user_id": market.host.id})
        assert stored("Cabin").user_id == ada.id

    def test_a_place_is_removed_after_it_was_confirmed(self, client, ada, market):
        place = make(ada, market)
        page = client.get(f"/hosting/places/{place.id}/remove")
        assert (page.status_code, "is removed for good." in page.text) == (200, True)
        assert stored("Cabin")
        answer = client.post(f"/hosting/places/{place.id}/remove")
        assert (answer.location, stored("Cabin")) == ("/hosting?done=removed", None)
        assert told(client.get(answer.location)) == "The place is removed."
        assert client.post(f"/hosting/places/{place.id}/remove").status_code == 404

    def test_lists_the_places_of_the_user_by_pages(self, client, ada, market):
        assert "You have no places yet" in client.get("/hosting").text
        for number in range(25):
            make(ada, market, f"Cabin {number:02}", ("draft", "listed", "unlisted")[number % 3])
        found = []
        for page in (1, 2, 3):
            found += re.findall(r'<h2 dir="auto"><a href="/places/[^"]*">(.*?)</a>',
                                client.get(f"/hosting?page={page}").text)
        assert found == [f"Cabin {number:02}" for number in range(24, -1, -1)]
        assert "Page 2 of 2" in client.get("/hosting?page=2").text
        assert "There are no more places." in client.get("/hosting?page=3").text
        assert client.get("/hosting?page=x").status_code == 404


class TestPage:
    @pytest.mark.parametrize(("status", "note"), [
        ("draft", "Only you can see this page: it is a draft."),
        ("unlisted", "Only you can see this page: it is unlisted.")])
    def test_a_place_that_is_not_listed_is_seen_by_its_host_and_admins(self, client, ada, market, status, note):
        place = make(ada, market, status=status)
        own = client.get(f"/places/{place.id}")
        assert (own.status_code, told(own)) == (200, note)
        assert '<meta name="robots" content="noindex">' in own.text
        assert "ld+json" not in own.text
        assert "canonical" not in own.text
        assert f'href="/hosting/places/{place.id}/edit"' in own.text
        root = log_in(new_client(), person("Root", "admin")).get(f"/places/{place.id}")
        assert (root.status_code, told(root)) == (200, note.replace("you", "its host and admins"))
        for other in (new_client(), log_in(new_client(), person("Eve"))):
            answer = other.get(f"/places/{place.id}")
            assert (answer.status_code, "Cabin" in answer.text) == (404, False)
            for path in ("/", "/hbnb", "/cities_by_states", f"/places/{market.place.id}"):
                assert "Cabin" not in other.get(path).text

    def test_a_listed_place_is_the_same_for_all_but_its_host(self, client, ada, market):
        place = make(ada, market, status="listed")
        answer = new_client().get(f"/places/{place.id}")
        assert (told(answer), "noindex" in answer.text, "ld+json" in answer.text) == ("", False, True)
        assert "/edit" not in answer.text
        assert "/edit" not in client.get(f"/places/{market.place.id}").text
        assert "/edit" in client.get(f"/places/{place.id}").text
