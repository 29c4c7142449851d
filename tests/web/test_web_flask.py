"""Pages rendered on the server: their content, errors, headers and files, on both engines."""
from __future__ import annotations

import json
import re

import pytest
from flask.testing import FlaskClient
from sqlalchemy import func, select

import models
import wsgi
from errors import Unavailable
from models.amenity import Amenity, place_amenity
from models.city import City
from models.place import Place
from models.review import Review
from models.state import State
from models.user import User
from services.transfer.files import import_file
from tests import objects
from tests.apps import shared_app
from tests.market import Market
from web import picture
from web_flask import app as alone

ATTACK = "<img src=x onerror=alert(1)></script>"
TEXTS = [
    ("/c/is_fun", "C is fun"), ("/c/is_<b>_&_fun", "C is <b> & fun"), ("/python", "Python is cool"),
    ("/python/is_magic", "Python is magic"), ("/number/89", "89 is a number"), ("/number/0", "0 is a number"),
]
PAGES = ["/hbnb", "/hbnb_filters", "/states", "/states_list", "/cities_by_states", "/number_template/89"]


@pytest.fixture
def client(storage) -> FlaskClient:
    return shared_app().test_client()


def text(answer) -> str:
    """Return the visible text of a page."""
    return " ".join(re.sub(r"<[^>]*>", " ", re.sub(r"</?bdi\b[^>]*>", "", answer.text)).split())


class TestClassicRoutes:
    def test_the_root_of_the_pages_alone_says_hello(self, storage):
        answer = shared_app(alone.create_app).test_client().get("/")
        assert (answer.status_code, answer.text) == (200, "Hello HBNB!")

    @pytest.mark.parametrize(("path", "expected"), TEXTS)
    @pytest.mark.parametrize("end", ["", "/"])
    def test_answer_with_plain_text(self, client, path, expected, end):
        answer = client.get(path + end)
        assert (answer.status_code, answer.text, answer.mimetype) == (200, expected, "text/plain")
        assert answer.headers["X-Content-Type-Options"] == "nosniff"

    @pytest.mark.parametrize(("path", "expected"), [
        ("/number_template/89", "Number: 89"), ("/number_odd_or_even/89", "Number: 89 is odd"),
        ("/number_odd_or_even/32", "Number: 32 is even")])
    @pytest.mark.parametrize("end", ["", "/"])
    def test_show_a_number(self, client, path, expected, end):
        assert f"<h1>{expected}</h1>" in client.get(path + end).text

    @pytest.mark.parametrize("route", ["number", "number_template", "number_odd_or_even"])
    @pytest.mark.parametrize("number", ["python", "1.5", "-1", "", "٣", "9" * 5000])
    def test_an_invalid_number_is_not_found(self, client, route, number):
        assert client.get(f"/{route}/{number}").status_code == 404

    @pytest.mark.parametrize("app", [wsgi, alone])
    @pytest.mark.parametrize("path", PAGES)
    def test_work_with_and_without_a_slash_and_with_an_empty_store(self, storage, app, path):
        for each in (path, f"{path}/"):
            answer = shared_app(app.create_app).test_client().get(each)
            assert (answer.status_code, answer.mimetype) == (200, "text/html")

    @pytest.mark.parametrize("path", ["/states", "/states_list", "/cities_by_states", "/hbnb_filters", "/hbnb"])
    def test_list_states_and_cities_by_name(self, client, storage, path):
        host = User(email="a@b.c", password="x")
        storage.new(host)
        for name in ("Nevada", "Alabama", "Oregon"):
            state = State(name=name)
            storage.new(state)
            for city in (City(name=f"{each} of {name}", state_id=state.id) for each in ("Zeal", "Aloe")):
                storage.new(city)
                storage.new(Place(name="Home", city_id=city.id, user_id=host.id))
        storage.save()
        found = client.get(path).text
        names = [each for name in ("Alabama", "Nevada", "Oregon") for each in (
            [f">{name}<"] if path.startswith("/states") else [name, f"Aloe of {name}", f"Zeal of {name}"])]
        places = [re.search(re.escape(name), found).start() for name in names]
        assert places == sorted(places)

    def test_show_a_state_and_its_cities(self, client):
        market = Market("Albany")
        for end in ("", "/"):
            answer = client.get(f"/states/{market.state.id}{end}")
            assert '<h1>State: <bdi dir="auto">State of Albany</bdi></h1>' in answer.text
            assert "<h2>Cities:</h2>" in answer.text
            assert "Albany 1 place" in text(answer)

    @pytest.mark.parametrize("id", ["nope", "é", "x" * 300])
    def test_an_unknown_state_is_not_found(self, client, id):
        answer = client.get(f"/states/{id}")
        assert answer.status_code == 404
        assert "<h1>Not found!</h1>" in answer.text


class TestSearch:
    @pytest.fixture
    def markets(self, storage) -> list[Market]:
        return [Market("Albany"), Market("Berlin")]

    def found(self, client, **query) -> list[str]:
        answer = client.get("/hbnb", query_string=query)
        assert answer.status_code == 200
        return re.findall(r'<h2 dir="auto"><a href="[^"]*">(.*?)</a></h2>', answer.text)

    def test_shows_every_place_with_its_facts_and_the_total(self, client, markets):
        answer = client.get("/hbnb")
        assert ">2 places</p>" in answer.text
        assert "Loft in Albany $100 Albany, State of Albany 2 Guests 0 Bedrooms 0 Bathrooms" in text(answer)

    def test_applies_every_filter_of_the_form(self, client, markets):
        one, two = markets
        two.place.price_by_night, two.place.max_guest, two.place.number_rooms = 30, 5, 3
        two.place.save()
        both = ["Loft in Albany", "Loft in Berlin"]
        for query, expected in (
                ({}, both), ({"states": [one.state.id, two.state.id]}, both), ({"states": one.state.id}, both[:1]),
                ({"cities": two.city.id}, both[1:]), ({"amenities": two.wifi.id}, both[1:]),
                ({"text": "berlin"}, both[1:]),
                ({"guests": 5}, both[1:]), ({"rooms": "1"}, both[1:]), ({"price_min": 31}, both[:1]),
                ({"price_max": 99}, both[1:]), ({"sort": "price"}, both[::-1]), ({"states": "nope"}, []),
                ({"bbox": "-180,-90,180,90"}, both), ({"bbox": "0,0,1,1.5"}, []), ({"bbox": ""}, both),
                ({"states": ""}, both), ({"states": "", "cities": "", "amenities": ["", ""]}, both),
                ({"states": ["", one.state.id]}, both[:1]),
                # The query of a form in which nothing was filled in.
                ({"text": "", "guests": "", "rooms": "", "price_min": "", "price_max": "", "sort": ""}, both)):
            assert self.found(client, **query) == expected, query

    def test_keeps_the_selected_filters_and_names_them(self, client, markets):
        one, two = markets
        answer = client.get("/hbnb", query_string={
            "states": one.state.id, "cities": two.city.id, "amenities": [one.wifi.id, one.pool.id],
            "text": '"quoted" <b>', "guests": 2, "sort": "newest"})
        checked = re.findall(r'value="([^"]*)"[^>]* checked', answer.text)
        assert {*checked} == {one.state.id, two.city.id, one.wifi.id, one.pool.id}
        assert re.findall(r"<h4>(.*)</h4>", re.sub(r"</?bdi.*?>", "", answer.text)) == [
            "State of Albany, Berlin", "Pool, Wifi"]
        assert 'value="&#34;quoted&#34; &lt;b&gt;"' in answer.text
        assert 'name="guests" min="0" max="999999999" step="1" inputmode="numeric" placeholder="Any" value="2"' in (
            answer.text)
        assert '<option value="newest" selected>' in answer.text

    @pytest.mark.parametrize("query", [{"guests": "two"}, {"page": "0"}, {"page": "x"}, {"sort": "nice"},
                                       {"price_min": "-1"}, {"rooms": "9" * 6000}, {"text": "\0"},
                                       {"bbox": "1,2,x,4"}, {"bbox": "1,2,3"}, {"bbox": "nan,0,1,1"}])
    def test_explains_an_invalid_filter(self, client, markets, query):
        answer = client.get("/hbnb", query_string=query)
        assert answer.status_code == 400
        [name] = query
        assert re.findall(r'aria-invalid="true" aria-describedby="wrong_(\w+)" autofocus', answer.text) == (
            [name] if name != "page" else [])
        assert re.findall(r'class="wrong" id="wrong_(\w+)">[A-Z].*\.<', answer.text) == [name] * (name != "page")
        assert not re.search(r"price_|must be|Try again", text(answer))
        assert '<a class="button" href="/hbnb">Clear filters' in answer.text

    def test_explains_each_invalid_field(self, client, markets):
        answer = client.get("/hbnb?guests=1.5&rooms=-1&price_min=x&price_max=5")
        assert re.findall('aria-describedby="wrong_(.*?)"', answer.text) == ["guests", "rooms", "price_min"]
        assert answer.text.count(" autofocus") == 1
        assert 'value="1.5"' in answer.text

    @pytest.mark.parametrize(("query", "marked"), [
        ("price_min=100&price_max=99", ["price_max"]), ("price_min=100&price_max=100", []), ("price_min=100", []),
        ("price_max=0", []), ("price_max=99999999999", ["price_max"]), ("price_min=9&price_max=x", ["price_max"]),
        ("text=" + "+".join(map(str, range(11))), ["text"])])
    def test_refuses_a_lowest_price_above_the_highest_and_too_many_words(self, client, markets, query, marked):
        answer = client.get(f"/hbnb?{query}")
        assert re.findall('aria-describedby="wrong_(.*?)"', answer.text) == marked
        assert (answer.status_code == 400) == bool(marked)

    def test_pages_are_links_that_keep_the_filters(self, client, storage, markets):
        one = markets[0]
        for number in range(44):
            storage.new(Place(name=f"{number:02}", city_id=one.city.id, user_id=one.host.id))
        storage.save()
        seen, address, pages = [], f"/hbnb?states={one.state.id}&guests=&sort=name", 0
        while address:
            answer = client.get(address)
            assert ">45 places</p>" in answer.text
            seen += re.findall(r'<h2 dir="auto"><a href="[^"]*">(.*?)</a></h2>', answer.text)
            following = re.search(r'rel="next" href="(.*?)"', answer.text)
            assert not following or "guests" not in following[1]
            address, pages = following and following[1].replace("&amp;", "&"), pages + 1
        assert seen == [*(f"{number:02}" for number in range(44)), "Loft in Albany"]
        assert pages == 3
        assert "There are no more pages." in client.get("/hbnb?page=9").text

    def test_an_empty_result_offers_to_clear_the_filters(self, client, markets):
        answer = client.get("/hbnb?guests=99")
        assert ">0 places</p>" in answer.text
        assert re.findall("<a (.*)>Clear filters", answer.text) == [
            'class="clear" href="/hbnb" hidden', 'class="button" href="/hbnb"']

    @pytest.mark.parametrize(("query", "hidden"), [
        ("", " hidden"), ("?guests=", " hidden"), ("?guests=1", ""), ("?sort=name", "")])
    def test_offers_to_clear_the_filters_if_there_are_any(self, client, markets, query, hidden):
        assert f'<a class="clear" href="/hbnb"{hidden}>Clear filters' in client.get(f"/hbnb{query}").text


class TestPlace:
    def test_shows_every_fact_but_no_email_address(self, client, storage):
        market = Market()
        market.host.last_name = "Lovelace"
        market.place.description = "One line\nand another"
        market.place.number_rooms, market.place.number_bathrooms = 1, 3
        next_door = Place(name="Next door", city_id=market.city.id, user_id=market.host.id)
        for obj in (market.host, market.place, next_door):
            storage.new(obj)
        storage.save()
        answer = client.get(f"/places/{market.place.id}/")
        shown = text(answer)
        for expected in ("Loft in Albany", "$100 a night", "2 Guests 1 Bedroom 3 Bathrooms", "Pool Wifi",
                         "Your host Ada Lovelace", "Albany, State of Albany", "Latitude 42.65258, longitude -73.75623",
                         "1 review", "Lovely.", f'{market.review.created_at:%B} {market.review.created_at.year}',
                         "More places in Albany Next door"):
            assert expected in shown, expected
        assert '<div class="description" dir="auto">One line\nand another</div>' in answer.text
        assert "@Albany" not in answer.text
        assert "<title dir=\"auto\">Loft in Albany in Albany, State of Albany · HBNB</title>" in answer.text
        assert '<meta name="description" content="One line and another">' in answer.text

    @pytest.mark.parametrize(("number", "guests", "rooms", "bathrooms"), [
        (0, "0 Guests", "0 Bedrooms", "0 Bathrooms"), (1, "1 Guest", "1 Bedroom", "1 Bathroom"),
        (2, "2 Guests", "2 Bedrooms", "2 Bathrooms")])
    def test_and_its_card_use_singular_and_plural(self, client, storage, number, guests, rooms, bathrooms):
        market = Market()
        place = market.place
        place.max_guest = place.number_rooms = place.number_bathrooms = number
        place.save()
        for path in (f"/places/{place.id}", "/hbnb"):
            assert f" {guests} {rooms} {bathrooms} " in text(client.get(path)), path
        assert f"Up to {guests.lower()} " in text(client.get(f"/places/{place.id}"))

    def test_has_structured_data_for_search_engines(self, client, storage):
        market = Market(ATTACK)
        [data] = re.findall(r'<script type="application/ld\+json">(.*?)</script>',
                            client.get(f"/places/{market.place.id}").text, re.S)
        assert "<" not in data
        found = json.loads(data)
        assert (found["@type"], found["name"]) == ("VacationRental", f"Loft in {ATTACK}")
        assert found["geo"]["latitude"] == 42.652579
        assert [each["reviewBody"] for each in found["review"]] == ["Lovely."]

    def test_shows_twenty_reviews_per_page_newest_first(self, client, storage):
        market = Market()
        for number in range(40):
            storage.new(Review(text=f"Review {number:02}.", place_id=market.place.id, user_id=market.guest.id))
        storage.save()
        path, seen = f"/places/{market.place.id}", []
        for page in (1, 2, 3):
            answer = client.get(f"{path}?reviews={page}")
            seen += re.findall(r'<p class="text" dir="auto">(.*?)</p>', answer.text)
            assert "41 reviews" in answer.text
            assert ('rel="next"' in answer.text) == (page < 3)
            assert ('rel="prev"' in answer.text) == (page > 1)
        assert seen == [*(f"Review {number:02}." for number in reversed(range(40))), "Lovely."]

    @pytest.mark.parametrize("path", ["nope", "é", "x" * 300, "{id}?reviews=0", "{id}?reviews=x",
                                      "{id}?reviews=" + "9" * 50])
    def test_an_unknown_place_or_page_of_reviews_is_not_found(self, client, storage, path):
        assert client.get(f"/places/{path.format(id=Market().place.id)}").status_code == 404


def test_incomplete_objects_of_the_file_engine_are_shown(tmp_path, monkeypatch):
    from models.engine.file_storage import FileStorage
    storage = FileStorage(tmp_path / "file.json")
    monkeypatch.setattr(models, "storage", storage)
    storage.reload()
    lost = [Place(), Review(), State(), City(), Amenity(), User()]
    lost[1].place_id = lost[0].id
    for obj in lost:
        obj.save()
    client = shared_app().test_client()
    for path in ("/", *PAGES, f"/places/{lost[0].id}", f"/states/{lost[2].id}"):
        assert client.get(path).status_code == 200, path
    storage.close()


class TestChoices:
    def test_filters_omit_states_and_cities_without_places_but_the_classic_lists_are_complete(self, client, storage):
        market = Market()
        empty = State(name="Empty")
        for obj in (empty, City(name="Deserted", state_id=empty.id), City(name="Lonely", state_id=market.state.id)):
            storage.new(obj)
        storage.save()
        for path in ("/hbnb", "/hbnb_filters", "/", "/100-hbnb"):
            names = re.findall('data-name="(.*?)"', client.get(path).text)
            assert names == ["State of Albany", "Albany", "Pool", "Wifi"], path
        assert "Empty 1 city, 0 places" in text(client.get("/states"))
        assert "Deserted 0 places" in text(client.get("/cities_by_states"))
        for path in ("/states", "/cities_by_states", f"/states/{empty.id}", f"/states/{market.state.id}"):
            main = client.get(path).text.partition("<main")[2].partition("</main>")[0]
            assert not re.search("<a [^>]*><bdi dir=.auto.>(Empty|Deserted|Lonely)", main), path
            assert "Show 0" not in main
        objects.remove(storage.get(Place, market.place.id))
        assert "data-name=\"State of" not in client.get("/hbnb_filters").text

    @pytest.mark.parametrize("engine", ["file"], indirect=True)
    @pytest.mark.parametrize("name", ["", " \t"])
    def test_what_has_no_name_or_no_owner_is_no_empty_box_or_link(self, client, storage, name):
        market = Market()
        unnamed, nameless = State(name=name), City(name=name, state_id=market.state.id)
        lost = City(name="Lost", state_id="nowhere")
        inside = City(name="Inside", state_id=unnamed.id)
        places = [Place(name=name, city_id=city.id) for city in (nameless, lost, inside, market.city)]
        market.place.amenities.append(Amenity(name=name))
        for obj in (unnamed, nameless, lost, inside, *places, market.place):
            storage.new(obj)
        storage.save()
        found = [f"/places/{place.id}" for place in (*places, market.place)]
        for path in (*PAGES, "/", f"/states/{unnamed.id}", f"/states/{market.state.id}", *found):
            answer = client.get(path)
            assert answer.status_code == 200
            assert not re.search(r"<(a|li|h[1-3]|label|bdi)\b[^>]*>(<(bdi|input)\b[^>]*>)?\s*</", answer.text), path
            assert "Without a name" not in answer.text
        names = re.findall('data-name="(.*?)"', client.get("/hbnb").text)
        assert names == ["State of Albany", "Albany", "Pool", "Wifi"]


class TestNumbers:
    def test_have_separators_of_thousands_wherever_a_page_says_them(self, client, storage, monkeypatch):
        market = Market()
        for name in ("price_by_night", "max_guest", "number_rooms", "number_bathrooms"):
            setattr(market.place, name, 1234567)
        market.place.save()
        for path in ("/", "/hbnb", f"/places/{market.place.id}"):
            shown = text(client.get(path))
            assert "$1,234,567" in shown, path
            assert "1,234,567 Guests 1,234,567 Bedrooms 1,234,567 Bathrooms" in shown
            assert "234567" not in shown.partition("Skip to")[2]
        monkeypatch.setattr("services.search.Search.total", lambda _: 54321)
        assert "54,321 places" in (shown := text(client.get("/hbnb?page=1234")))
        assert "Page 1,234 of 2,717" in shown
        monkeypatch.setattr("web_flask.lists.regions", lambda: [
            {"id": "x", "name": "S", "places": 9876, "cities": [{"id": "y", "name": "C", "places": 9876}] * 1234}])
        assert "1,234 cities, 9,876 places" in text(client.get("/states"))
        assert "Show 9,876 places" in text(client.get("/states/x"))


def statements(client, sent, path) -> int:
    """Return the number of SQL statements that a page needs."""
    sent.clear()
    assert client.get(path).status_code == 200
    return len(sent)


class TestStatements:
    @pytest.mark.parametrize("places", [1, 300])
    @pytest.mark.parametrize(("path", "most"), [
        ("/hbnb", 2), ("/", 2), ("/hbnb?text=loft&guests=1&page=1", 3), ("/hbnb_filters", 1), ("/states", 3),
        ("/states/{state}", 3), ("/cities_by_states", 3), ("/places/{place}", 10)])
    def test_their_number_does_not_depend_on_the_number_of_places(self, client, storage, sent, places, path, most):
        market = Market()
        for number in range(places - 1):
            place = Place(name=str(number), city_id=market.city.id, user_id=market.host.id)
            place.amenities = [market.wifi]
            storage.new(place)
            storage.new(Review(text="Fine.", place_id=market.place.id, user_id=market.guest.id))
        storage.save()
        storage.close()
        address = path.format(state=market.state.id, place=market.place.id)
        assert statements(client, sent, address) > 0      # the first search also collects statistics
        assert statements(client, sent, address) <= most, "\n".join(sent)

    def test_is_the_same_for_a_city_of_real_listings(self, client, storage, sent, data):
        market = Market()
        ids = {"state": market.state.id, "wifi": market.wifi.id, "place": market.place.id}
        few = self.all(client, sent, ids)
        import_file(str(data / "albany-listings.csv.gz"), state="New York", city="Albany")
        import_file(str(data / "albany-reviews.csv.gz"))
        [ids["state"]] = storage.read(select(State.id).where(State.name == "New York")).scalars()
        for name, column in (("wifi", place_amenity.c.amenity_id), ("place", Review.place_id)):
            [ids[name]] = storage.read(
                select(column).group_by(column).order_by(func.count().desc()).limit(1)).scalars()
        assert self.all(client, sent, ids) == few

    def all(self, client, sent, ids) -> list[int]:
        """Return the number of statements of each page with places, after the search has collected its statistics."""
        searches = ("", "?states={state}&amenities={wifi}", "?guests=1&sort=price")
        templates = [*(f"{page}{query}" for page in ("/", "/hbnb") for query in searches), "/places/{place}"]
        paths = [path.format(**ids) for path in templates]
        for path in paths:
            client.get(path)
        return [statements(client, sent, path) for path in paths]


class TestErrors:
    def test_an_unknown_path_is_answered_with_a_page_and_by_the_api_in_json(self, client):
        for path in ("/nope", "/states/nope/more", "/static/x/nope/x.css", "/pictures"):
            answer = client.get(path)
            assert (answer.status_code, answer.mimetype) == (404, "text/html")
            assert "Find a home" in answer.text
        answer = client.get("/api/v1/nope")
        assert (answer.status_code, answer.json) == (404, {"error": "Not found"})

    @pytest.mark.parametrize("app", [wsgi, alone])
    @pytest.mark.parametrize("path", ["/hbnb//", "/states//x", "/python//x"])
    def test_a_path_with_a_double_slash_is_not_found_and_not_redirected(self, storage, app, path):
        assert shared_app(app.create_app).test_client().get(path).status_code == 404

    def test_every_page_links_to_the_shortest_path_of_the_home_page(self, client):
        for path in ("/", "/100-hbnb", "/hbnb", "/states", "/nope"):
            assert '<a class="brand" href="/">' in client.get(path).text
        assert '<link rel="canonical" href="/">' in client.get("/100-hbnb").text

    def test_an_unsupported_method_is_answered_with_the_supported_ones(self, client):
        answer = client.post("/hbnb")
        assert answer.status_code == 405
        assert "GET" in answer.headers["Allow"]

    @pytest.mark.parametrize("path", ["/hbnb", "/", "/states", "/places/x"])
    def test_an_unavailable_storage_is_answered_with_a_page_without_details(self, client, storage, monkeypatch, path):
        def away(*_, **__):
            raise Unavailable("mysql at 10.1.2.3 is away")
        for name in ("read", "version"):
            monkeypatch.setattr(storage, name, away)
        answer = client.get(path)
        assert (answer.status_code, answer.headers["Retry-After"]) == (503, "5")
        assert "We will be back soon" in answer.text
        assert "10.1.2.3" not in answer.text

    @pytest.mark.parametrize("app", [wsgi, alone])
    def test_an_unexpected_error_is_answered_with_a_page_without_details(self, storage, monkeypatch, app):
        def broken():
            raise RuntimeError("a secret")
        monkeypatch.setattr("web_flask.lists.regions", broken)
        answer = shared_app(app.create_app).test_client().get("/states")
        assert answer.status_code == 500
        assert "Something went wrong" in answer.text
        assert "secret" not in answer.text
        assert "Traceback" not in answer.text


class TestHeaders:
    @pytest.mark.parametrize("path", ["/", "/hbnb", "/states", "/python", "/nope", "/static/x/styles/hbnb.css"])
    def test_forbid_foreign_content_on_every_page(self, client, path):
        headers = client.get(path).headers
        policy = headers["Content-Security-Policy"]
        for part in ("default-src 'none'", "script-src 'self'", "frame-ancestors 'none'",
                     "require-trusted-types-for 'script'", "base-uri 'none'", "form-action 'self'"):
            assert part in policy
        assert "unsafe" not in policy
        assert "http" not in policy
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["Referrer-Policy"] == "same-origin"
        assert "camera=()" in headers["Permissions-Policy"]

    def test_no_page_has_inline_styles_or_scripts(self, client):
        market = Market()
        for path in ("/", *PAGES, f"/places/{market.place.id}", f"/states/{market.state.id}", "/nope"):
            found = client.get(path).text
            assert not re.search(r"<style|\sstyle=|\son\w+=|javascript:", found), path
            assert not re.search(r"<script(?! src=| type=.application/ld\+json)", found), path
            assert not re.search(r'(?:src|href|action)="(?:https?:)?//', found), path


class TestStaticFiles:
    def test_are_cached_forever_only_at_addresses_with_their_hash(self, client):
        page = client.get("/hbnb").text
        for address in re.findall(r'"(/static/[^"]*)"', page):
            answer = client.get(address)
            assert answer.status_code == 200
            assert "immutable" in answer.headers["Cache-Control"]
            old = re.sub(r"/static/\w+/", "/static/0/", address)
            assert "immutable" not in client.get(old).headers.get("Cache-Control", "")

    def test_the_scripts_of_the_search_are_small(self, client):
        weights = {}
        for address in {*re.findall(r'"(/static/[^"]*\.js)"', client.get("/").text)}:
            answer = client.get(address, headers={"Accept-Encoding": "gzip"})
            assert answer.headers["Content-Encoding"] == "gzip"
            weights[address] = len(answer.data)
        assert len(weights) >= 3
        assert sum(weight for address, weight in weights.items() if not re.search("leaflet|map.js", address)) <= 45_000
        assert sum(weights.values()) <= 120_000

    def test_are_served_from_their_folders_only(self, client):
        for path in ("styles/../../config.py", "styles/%2e%2e/%2e%2e/config.py", "styles/", "nope/hbnb.css"):
            assert client.get(f"/static/x/{path}").status_code == 404


class TestPictures:
    def test_are_the_same_for_the_same_id_and_cached_forever(self, client):
        addresses = [re.search(r'class="picture" src="(.*?)"', client.get(f"/places/{Market(name).place.id}").text)[1]
                     for name in ("One", "Two")]
        answers = [client.get(address) for address in addresses]
        assert answers[0].data == client.get(addresses[0]).data != answers[1].data
        for answer in answers:
            assert answer.mimetype == "image/svg+xml"
            assert "immutable" in answer.headers["Cache-Control"]

    @pytest.mark.parametrize("id", [ATTACK, "é", "x" * 2000, "'"])
    def test_do_not_contain_the_id(self, client, id):
        found = client.get(f"/pictures/{picture.VERSION}/{id.replace('/', '')}.svg")
        assert found.status_code == 200
        assert "script" not in found.text
        assert "onerror" not in found.text
