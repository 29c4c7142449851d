"""The map and the reviews of the search page, in a real browser."""
from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from models.city import City
from models.place import Place
from models.review import Review
from tests.market import Market
from tests.servers import Server, free_port
from tests.site import ATTACK

COORDINATES = {"Far": (10.0, 20.0), "Near": (42.0, -73.0), "Nearer": (42.5, -73.5)}    # latitude, longitude


@pytest.fixture
def market(storage) -> Market:
    market = Market()
    market.place.latitude = None        # a place with a longitude only has no position
    storage.new(market.place)
    for name, (latitude, longitude) in COORDINATES.items():
        storage.new(Place(name=name, city_id=market.city.id, user_id=market.host.id, price_by_night=len(name),
                          latitude=latitude, longitude=longitude))
    storage.save()
    storage.close()
    return market


def look_at_near(page: Page) -> None:
    """Zoom and drag the map with the mouse, until Near is in its centre and Far is outside."""
    for _ in range(5):
        page.get_by_role("button", name="Zoom in").click()
        page.wait_for_timeout(350)      # the map cannot be dragged while it zooms
        pin = page.locator(".pin", has_text=f"${len('Near')}").locator("span")
        at, frame = pin.bounding_box(), page.locator("#map").bounding_box()
        middle = frame["x"] + frame["width"] / 2, frame["y"] + frame["height"] / 2
        page.mouse.move(frame["x"] + 20, frame["y"] + frame["height"] - 20)
        page.mouse.down()
        page.mouse.move(frame["x"] + 20 + middle[0] - at["x"] - at["width"] / 2,
                        frame["y"] + frame["height"] - 20 + middle[1] - at["y"] - at["height"] / 2, steps=4)
        page.wait_for_timeout(150)      # otherwise the map would keep moving by inertia
        page.mouse.up()


@pytest.mark.parametrize("engine", ["file"])
class TestTheMap:
    def test_each_place_with_coordinates_has_a_pin_and_pins_and_cards_highlight_each_other(self, site, page, market):
        page.set_viewport_size({"width": 1440, "height": 900})
        page.goto(site.address)
        expect(page.locator("section.places article")).to_have_count(4)
        expect(page.locator(".pin")).to_have_text(["$3", "$4", "$6"])
        assert len({tuple(pin.bounding_box().values()) for pin in page.locator(".pin span").all()}) == 3
        card, pin = page.locator("article", has_text="Nearer"), page.locator(".pin", has_text="$6")
        card.hover()
        expect(pin).to_contain_class("lit")
        pin.hover()
        expect(pin).not_to_contain_class("lit")
        expect(card).to_contain_class("lit")
        page.locator(".pin", has_text="$3").click()
        expect(page.get_by_role("link", name="Far", exact=True)).to_be_focused()
        expect(page.locator(".pin", has_text="$3")).to_contain_class("lit")

    def test_searches_the_area_that_it_shows(self, site, page, market):
        page.set_viewport_size({"width": 1440, "height": 900})
        page.goto(site.address)
        search_area = page.get_by_role("button", name="Search this area")
        within = page.get_by_label("Only in the area of the map")
        expect(page.locator(".pin")).to_have_count(3)
        expect(search_area).to_be_hidden()
        expect(within).to_be_hidden()
        look_at_near(page)
        search_area.click()
        expect(page.locator("#result")).to_have_text("2 places")
        expect(page.locator("section.places h2")).to_have_text(["Near", "Nearer"])
        expect(page.locator(".pin")).to_have_text(["$4", "$6"])
        expect(search_area).to_be_hidden()
        expect(within).to_be_checked()
        expect(page.locator("#map")).to_be_focused()
        assert "bbox=" in page.url
        page.reload()
        expect(page.locator("section.places h2")).to_have_text(["Near", "Nearer"])
        expect(page.locator(".pin")).to_have_text(["$4", "$6"])
        within.uncheck()
        expect(page.locator("#result")).to_have_text("4 places")
        expect(page.locator(".pin")).to_have_count(3)
        page.go_back()
        expect(within).to_be_checked()
        expect(page.locator("#result")).to_have_text("2 places")
        expect(search_area).to_be_hidden()
        pin, frame = (page.locator(each).bounding_box() for each in (".pin >> nth=0", "#map"))
        assert abs(pin["x"] - frame["x"] - frame["width"] / 2) < 60     # the map returned to its area too
        assert abs(pin["y"] - frame["y"] - frame["height"] / 2) < 60

    @pytest.mark.parametrize("bbox", ["", "abc", "1,2,x,4", "1,2", "0,0,0,0"])
    def test_is_shown_even_if_the_address_has_an_invalid_area(self, site, browser, market, bbox):
        page = browser.new_page(viewport={"width": 1440, "height": 900})    # without the check for console errors
        errors: list[str] = []
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.goto(f"{site.address}/?bbox={bbox}")
        expect(page.locator("#map.leaflet-container")).to_be_visible()
        expect(page.locator(".within")).to_be_visible(visible=bool(bbox))
        page.set_viewport_size({"width": 1300, "height": 700})
        page.get_by_label("Guests").fill("0")
        page.wait_for_timeout(400)      # until the script searches
        assert errors == []
        page.close()

    def test_shows_an_area_across_the_date_line_in_one_piece(self, site, page, market, storage):
        for longitude in (179.0, -179.0):
            storage.new(Place(name="Taveuni", city_id=market.city.id, user_id=market.host.id, latitude=-17.0,
                              longitude=longitude))
        storage.save()
        storage.close()
        page.set_viewport_size({"width": 1440, "height": 900})
        page.goto(f"{site.address}/?bbox=170,-30,-170,0")
        expect(page.locator("#result")).to_have_text("2 places")
        expect(page.locator(".pin")).to_have_count(2)
        frame = page.locator("#map").bounding_box()
        for pin in page.locator(".pin span").all():
            assert frame["x"] < pin.bounding_box()["x"] < frame["x"] + frame["width"]

    def test_shows_places_on_both_sides_of_the_date_line_together_and_searches_there(self, site, page, market, storage):
        fiji = City(name="Fiji", state_id=market.state.id)
        storage.new(fiji)
        for longitude in (177.5, 179.0, -179.0):
            storage.new(Place(name="Taveuni", city_id=fiji.id, user_id=market.host.id, latitude=-17.0,
                              longitude=longitude))
        storage.save()
        storage.close()
        page.set_viewport_size({"width": 1440, "height": 900})
        page.goto(f"{site.address}/?cities={fiji.id}")
        frame = page.locator("#map").bounding_box()

        def within() -> list[bool]:
            return [frame["x"] < pin.bounding_box()["x"] < frame["x"] + frame["width"]
                    for pin in page.locator(".pin span").all()]
        assert within() == [True] * 3
        page.get_by_role("button", name="Zoom out").click()
        page.get_by_role("button", name="Search this area").click()
        expect(page.locator(".within input")).to_be_checked()
        expect(page.locator("#result")).to_have_text("3 places")
        expect(page.locator(".pin")).to_have_count(3)
        page.wait_for_timeout(400)
        assert within() == [True] * 3

    def test_ignores_a_place_with_only_one_coordinate(self, site, page, market):
        page.set_viewport_size({"width": 1440, "height": 900})
        page.goto(site.address)
        page.get_by_label("Sort by").select_option("name")
        expect(page.locator("section.places h2").first).to_have_text("Far")
        expect(page.locator("section.places article")).to_have_count(4)
        expect(page.locator(".pin")).to_have_count(3)
        expect(page.locator("section.places")).not_to_have_attribute("aria-busy", "true")

    def test_is_opened_by_a_button_on_a_phone_and_hidden_without_scripts(self, site, page, browser, market):
        page.set_viewport_size({"width": 390, "height": 844})
        page.goto(site.address)
        expect(page.locator("#map")).to_be_hidden()
        page.get_by_role("button", name="Map").click()
        expect(page.locator("#map")).to_be_visible()
        frame = page.locator("#map").bounding_box()
        for pin in page.locator(".pin span").all():
            at = pin.bounding_box()
            assert frame["x"] < at["x"] < frame["x"] + frame["width"]
        context = browser.new_context(java_script_enabled=False, viewport={"width": 1440, "height": 900})
        plain = context.new_page()
        plain.goto(f"{site.address}/?bbox=-80,40,-70,45")
        expect(plain.locator("section.places h2")).to_have_text(["Near", "Nearer"])
        expect(plain.get_by_label("Only in the area of the map")).to_be_checked()
        expect(plain.locator("#map")).to_be_hidden()
        expect(plain.locator(".toggle")).to_be_hidden()
        context.close()

    def test_requests_tiles_if_an_address_is_configured(self, environ, browser, market):
        port, context = free_port(), browser.new_context(viewport={"width": 1440, "height": 900})
        page, messages, requests = context.new_page(), [], []
        page.on("console", lambda message: messages.append(message.text))

        def respond(route):
            requests.append(route.request)
            route.fulfill(body='<svg xmlns="http://www.w3.org/2000/svg"/>', content_type="image/svg+xml")
        page.route("http://tiles.test/**", respond)
        tiles = {"HBNB_TILES": "http://tiles.test/{z}/{x}/{y}.svg", "HBNB_TILES_CREDIT": f"© maps {ATTACK}"}
        with Server(["wsgi.py", "--port", str(port)], environ | tiles, port) as server:
            page.goto(f"{server.address}/?states={market.state.id}", wait_until="networkidle")
            expect(page.locator("#map .leaflet-tile").first).to_be_visible()
            expect(page.locator(".credit")).to_have_text(f"© maps {ATTACK}")
        context.close()
        assert messages == []
        assert requests
        # The tile server must not learn what the user searches for.
        assert {request.headers.get("referer") for request in requests} == {f"{server.address}/"}


@pytest.mark.parametrize("engine", ["file"])
class TestReviews:
    def test_of_a_place_are_shown_in_a_dialog_and_more_are_loaded_on_demand(self, site, page, market, storage):
        for number in range(12):
            guest = market.guest if number else market.host
            storage.new(Review(text=f"{ATTACK}\n{number}", place_id=market.place.id, user_id=guest.id))
        market.host.first_name, market.host.last_name = "", ""
        market.guest.last_name = "Lovelace"
        storage.new(market.host)
        storage.new(market.guest)
        storage.save()
        storage.close()
        page.goto(site.address)
        link = page.get_by_role("link", name="Reviews of Loft")
        link.click()
        dialog = page.get_by_role("dialog")
        expect(dialog.get_by_role("heading")).to_have_text(page.locator("section.places h2").first.text_content())
        expect(dialog.get_by_role("status")).to_have_text("13 reviews")
        expect(dialog.locator("li")).to_have_count(10)
        expect(dialog.locator("li").first).to_contain_text(f"{ATTACK}\n11", use_inner_text=True)
        expect(page.locator("img[src=x]")).to_have_count(0)
        dialog.get_by_role("button", name="More reviews").press("Enter")
        expect(dialog.locator("li")).to_have_count(13)
        expect(dialog.locator("li").nth(10)).to_be_focused()
        expect(dialog.get_by_role("button", name="More reviews")).to_be_hidden()
        shown = dialog.locator("li").all_inner_texts()
        times = [each.get_attribute("datetime") for each in dialog.locator("time").all()]
        page.keyboard.press("Escape")
        expect(dialog).to_be_hidden()
        expect(link).to_be_focused()
        assert page.url == f"{site.address}/"
        page.get_by_role("link", name="Reviews of Far").click()
        expect(dialog.get_by_role("status")).to_have_text("There are no reviews yet.")
        expect(dialog.locator("li")).to_have_count(0)
        page.goto(f"{site.address}/places/{market.place.id}")     # rendered on the server
        assert page.locator("#reviews li").all_inner_texts() == shown
        assert [each.get_attribute("datetime") for each in page.locator("#reviews time").all()] == times
        assert "A guest" in shown[-2]

    def test_that_cannot_be_loaded_can_be_retried(self, site, browser, market):
        page = browser.new_page()       # without the check for console errors
        page.goto(site.address)
        dialog = page.get_by_role("dialog")
        page.route("**/reviews?**", lambda route: route.fulfill(status=503, json={"error": "away"}))
        page.get_by_role("link", name="Reviews of Loft").click()
        expect(dialog.get_by_role("status")).to_have_text("The reviews cannot be loaded.")
        page.unroute("**/reviews?**")
        dialog.get_by_role("button", name="Try again").click()
        expect(dialog.get_by_role("status")).to_have_text("1 review")
        page.close()
