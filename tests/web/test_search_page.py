"""The search page, in a real browser."""
from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress

import pytest
from playwright.sync_api import Error, Page, Route, expect

from models.place import Place
from models.state import State
from tests.market import Market

# White space between elements is not visible, so it is ignored.
CARDS = "all => [...all[0].children].map(card => card.outerHTML.replace(/>\\s+</g, '><'))"
ATTACK = "<img src=x onerror=alert(1)></script>"


def test_places_are_listed_and_filtered_by_the_api(site, page, storage):
    one, two = Market("One"), Market("Two")
    two.place.name, two.place.max_guest, two.place.price_by_night = ATTACK, 1, 7
    two.place.description = f"{ATTACK}\nsecond line"
    two.place.save()
    State(name="empty").save()
    page.goto(site.address)
    expect(page.locator("#api_status")).to_have_class("available")
    expect(page.locator("#api_status")).to_have_css("background-color", "rgb(255, 84, 95)")
    expect(page.locator("section.places article")).to_have_count(2)
    expect(page.locator("#result")).to_have_text("2 places")
    article = page.locator("section.places article").nth(1)
    expect(article.locator(".title_box h2")).to_have_text(ATTACK)
    expect(article.locator(".price_by_night")).to_have_text("$7")
    expect(article.locator(".information .max_guest")).to_have_text("1 Guest")
    expect(page.locator(".information .max_guest").first).to_have_text("2 Guests")
    expect(article.locator(".information .number_rooms")).to_have_text("0 Bedrooms")
    expect(article.locator(".description")).to_contain_text(f"{ATTACK} second line")

    page.hover(".locations")
    page.get_by_label("State of One").check()
    page.locator(f"input[data-id='{two.city.id}']").check()
    expect(page.locator(".locations h4")).to_have_text("State of One, Two")
    page.click(".filters > button")
    expect(page.locator("#result")).to_have_text("2 places")
    page.hover(".locations")
    page.get_by_label("State of One").uncheck()
    expect(page.locator(".locations h4")).to_have_text("Two")
    page.hover(".amenities")
    page.locator(f"input[data-id='{two.wifi.id}']").check()
    page.locator(f"input[data-id='{two.pool.id}']").check()
    expect(page.locator(".amenities h4")).to_have_text("Pool, Wifi")
    page.click(".filters > button")
    expect(page.locator("#result")).to_have_text("1 place")
    expect(page.locator("section.places article h2")).to_have_text([ATTACK])
    page.hover(".amenities")
    page.locator(f"input[data-id='{one.wifi.id}']").check()
    page.click(".filters > button")
    expect(page.locator("#result")).to_have_text("0 places")
    expect(page.locator("section.places article")).to_have_count(0)


def test_the_classic_path_shows_the_same_page_and_static_addresses_depend_on_content_only(site, page, storage):
    page.goto(f"{site.address}/100-hbnb/")
    first = [each.get_attribute("src") for each in page.locator("script").all()]
    response = page.request.get(f"{site.address}{first[0]}")
    assert "immutable" in response.headers["cache-control"]
    page.goto(site.address)
    assert [each.get_attribute("src") for each in page.locator("script").all()] == first
    assert page.request.get(f"{site.address}/static/x/styles/../../../config.py").status == 404
    assert page.request.get(f"{site.address}/static/x/nope/hbnb.css").status == 404
    assert "cache-control" not in page.request.get(f"{site.address}/static/old/styles/hbnb.css").headers or (
        "immutable" not in page.request.get(f"{site.address}/static/old/styles/hbnb.css").headers["cache-control"])


def test_the_policy_allows_no_inline_script_and_no_other_host(site, page, storage):
    policy = page.goto(site.address).headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert "http" not in policy


def test_going_back_restores_the_filters_and_the_result(site, page, storage):
    Market("One")
    two = Market("Two")
    page.goto(site.address)
    page.hover(".amenities")
    page.locator(f"input[data-id='{two.wifi.id}']").check()
    page.click(".filters > button")
    expect(page.locator("#result")).to_have_text("1 place")
    page.goto(f"{site.address}/100-hbnb/?elsewhere")
    page.go_back()
    expect(page.locator(".amenities h4")).to_have_text("Wifi")
    expect(page.locator("#result")).to_have_text("1 place")


def test_the_filters_can_be_used_by_keyboard(site, page, storage):
    one = Market("One")
    page.goto(site.address)
    expect(page.locator("#result")).to_have_text("1 place")
    page.get_by_label("Sort by").focus()
    for _ in range(2):
        page.keyboard.press("Tab")
    page.keyboard.press("Space")
    expect(page.locator(f"input[data-id='{one.state.id}']")).to_be_checked()
    expect(page.locator(".locations h4")).to_have_text("State of One")


@pytest.mark.parametrize("engine", ["file"])
def test_the_script_and_the_server_render_identical_cards(site, page, storage):
    market = Market(ATTACK)
    for number in (0, 1, 2, 1000):
        Place(name=f"For {number}", city_id=market.city.id, user_id=market.host.id, max_guest=number,
              number_rooms=number, number_bathrooms=number, price_by_night=number or None,
              description="One\nTwo").save()
    storage.close()
    page.goto(site.address)
    drawn = page.locator("section.places").evaluate_all(CARDS)
    assert [f"{number:,} Guest{'s' * (number != 1)}" in " ".join(drawn) for number in (0, 1, 2, 1000)] == [True] * 4
    page.get_by_label("Guests").fill("0")
    expect(page).to_have_url(f"{site.address}/?guests=0")
    expect(page.locator("#result")).to_have_text("5 places")
    assert page.locator("section.places").evaluate_all(CARDS) == drawn


class TestTheAddress:
    """The page's address contains the search, so sharing, reloading and going back show the same result."""

    def test_of_a_search_can_be_shared_reloaded_and_returned_to(self, site, page, browser, storage):
        Market("One")
        two = Market("Two")
        page.goto(site.address)
        expect(page.locator("#result")).to_have_text("2 places")
        page.hover(".amenities")
        for amenity in (two.wifi, two.pool):
            page.locator(f"input[data-id='{amenity.id}']").check()
        page.hover(".locations")
        page.get_by_label("State of Two").check()
        expect(page.locator("#result")).to_have_text("1 place")
        expect(page).to_have_url(
            f"{site.address}/?states={two.state.id}&amenities={two.pool.id}&amenities={two.wifi.id}")
        shared = browser.new_page()     # in a context of its own, which shares only the address
        for tab, again in ((page, page.reload), (shared, lambda: shared.goto(page.url))):
            again()
            expect(tab.locator("section.places h2")).to_have_text(["Loft in Two"])
            expect(tab.locator("#result")).to_have_text("1 place")
            expect(tab.locator(".locations h4")).to_have_text("State of Two")
        shared.close()
        page.locator("section.places h2 a").click()
        expect(page.locator("h1")).to_have_text("Loft in Two")
        page.go_back()
        expect(page.locator("section.places h2")).to_have_text(["Loft in Two"])
        expect(page.locator(".amenities h4")).to_have_text("Pool, Wifi")

    def test_has_a_history_entry_for_each_choice_and_not_for_each_letter(self, site, page, storage):
        one = Market("One")
        Market("Two")
        page.goto(site.address)
        page.hover(".amenities")
        page.locator(f"input[data-id='{one.wifi.id}']").check()
        expect(page.locator("#result")).to_have_text("1 place")
        page.get_by_label("Search", exact=True).press_sequentially("nothing like it", delay=5)
        page.wait_for_url("**text=nothing+like+it**")     # on a busy machine, a search may run for the first letters
        expect(page.locator("#result")).to_have_text("0 places")
        page.go_back()
        expect(page.locator("#result")).to_have_text("1 place")
        expect(page.locator(".amenities h4")).to_have_text("Wifi")
        expect(page.get_by_label("Search", exact=True)).to_have_value("")
        page.go_back()
        expect(page.locator("#result")).to_have_text("2 places")
        expect(page.locator(".amenities h4")).to_have_text("")
        for found in ("1 place", "0 places"):
            page.go_forward()
            expect(page.locator("#result")).to_have_text(found)
        expect(page.get_by_label("Search", exact=True)).to_have_value("nothing like it")


class TestMore:
    def test_places_are_appended_and_the_first_new_one_gets_the_focus(self, site, page, storage):
        market = Market()
        for number in range(44):
            storage.new(Place(name=f"Home {number}", city_id=market.city.id, user_id=market.host.id))
        storage.save()
        storage.close()
        page.goto(site.address)
        cards = page.locator("section.places article")
        expect(cards).to_have_count(20)
        page.get_by_role("link", name="More places").click()
        expect(cards).to_have_count(40)
        expect(page.locator("section.places h2 a").nth(20)).to_be_focused()
        expect(page.locator(".pages span")).to_have_text("40 of 45")
        page.get_by_role("link", name="More places").press("Enter")
        expect(cards).to_have_count(45)
        expect(page.locator(".pages")).to_have_count(0)
        page.reload()
        expect(cards).to_have_count(45)

    def test_an_empty_result_offers_to_clear_the_filters(self, site, page, storage):
        Market()
        page.goto(site.address)
        page.get_by_label("Guests").fill("99")
        expect(page.locator("#result")).to_have_text("0 places")
        page.get_by_role("link", name="Clear filters").click()
        expect(page.locator("#result")).to_have_text("1 place")
        expect(page).to_have_url(f"{site.address}/")

    def test_the_filters_can_be_cleared(self, site, page, storage):
        market = Market()
        page.goto(site.address)
        clear = page.get_by_role("link", name="Clear filters")
        expect(clear).to_be_hidden()
        page.get_by_label("Guests").fill("2")
        clear.click()
        expect(clear).to_be_hidden()
        expect(page.get_by_label("Guests")).to_have_value("")
        expect(page).to_have_url(f"{site.address}/")
        page.goto(f"{site.address}/?amenities={market.wifi.id}")
        expect(clear).to_be_visible()


class TestResponses:
    """Responses that are late, missing or errors."""

    @pytest.fixture
    def free(self, browser) -> Iterator[Page]:
        """A browser page without the check for console errors."""
        page = browser.new_page()
        yield page
        page.close()

    def test_a_late_response_does_not_replace_a_newer_one(self, site, free, storage):
        Market("One")
        Market("Two")
        held: list[Route] = []
        free.route("**/places_search", lambda route: held.append(route))
        free.goto(site.address)
        free.get_by_label("Search", exact=True).fill("One")
        expect(free.locator("#result")).to_have_text("Searching…")
        free.wait_for_timeout(400)      # until the request is sent
        free.get_by_label("Search", exact=True).fill("Two")
        free.wait_for_timeout(400)
        expect(free.locator("#result")).to_have_text("Searching…")
        expect(free.locator(".empty")).to_have_count(0)     # an aborted request is not shown as a failure
        held[1].continue_()
        expect(free.locator("section.places h2")).to_have_text(["Loft in Two"])
        with suppress(Error):   # the page may have aborted it already
            held[0].continue_()
        free.wait_for_timeout(300)
        expect(free.locator("section.places h2")).to_have_text(["Loft in Two"])

    def test_a_failed_search_can_be_retried(self, site, free, storage):
        Market()
        free.goto(site.address)
        free.route("**/places_search", lambda route: route.fulfill(status=503, json={"error": "away"}))
        free.get_by_label("Guests").fill("1")
        expect(free.locator("#result")).to_have_text("The search failed")
        expect(free.locator("section.places article")).to_have_count(1)     # the previous result stays
        expect(free.locator(".tally + .empty + section.places")).to_have_count(1)
        free.unroute("**/places_search")
        free.get_by_role("link", name="Try again").click()
        expect(free.locator("#result")).to_have_text("1 place")
        expect(free.locator(".empty")).to_have_count(0)

    @pytest.mark.parametrize("engine", ["file"])
    @pytest.mark.parametrize(("label", "value", "sentence"), [
        *((label, value, "Enter a whole number from 0 to 999,999,999.")
          for label, value in (("Price from", "1.5"), ("Price from", "-5"), ("Guests", "1e9"), ("Bedrooms", "0.5"))),
        *(("Price to", value, "Enter a whole number from 0 to 999,999,999, not below “Price from” if that is set.")
          for value in ("-1", "99")),
        ("Search", " ".join(map(str, range(11))), "Enter at most 10 words.")])
    def test_an_invalid_value_is_explained_at_its_field(self, site, free, storage, label, value, sentence):
        Market()
        free.goto(f"{site.address}/?price_min=100")
        field, marked = free.get_by_label(label, exact=True), free.locator("[aria-invalid]")
        for again in (lambda: None, free.reload):       # the script shows the message, and after the reload the server
            if again != free.reload:
                field.fill(value)
            again()
            expect(free.locator("#result")).to_have_text("Please check the marked fields.")
            expect(free.locator(".wrong").filter(visible=True)).to_have_text([sentence])
            expect(field).to_have_attribute("aria-invalid", "true")
            expect(field).to_have_accessible_description(sentence)
            expect(marked).to_have_count(1)
            expect(free.get_by_text("Try again")).to_have_count(0)
            assert "_" not in free.locator("body").inner_text()
            free.locator("h1").click()
            free.locator(".filters > button").click()
            expect(field).to_be_focused()
        field.fill("")
        expect(free.locator("#result")).to_have_text("1 place")
        expect(marked).to_have_count(0)
        expect(free.locator(".wrong").filter(visible=True)).to_have_count(0)

    @pytest.mark.parametrize("engine", ["file"])
    def test_an_error_that_belongs_to_no_field_offers_to_clear_the_filters(self, site, free, storage):
        Market()
        free.goto(f"{site.address}/?price_min=100&guests=1")
        free.route("**/places_search", lambda route: route.fulfill(status=400, json={"error": "limit is odd"}))
        free.get_by_label("Guests").fill("2")
        expect(free.locator(".empty p").first).to_have_text("This search is not valid.")
        free.unroute("**/places_search")
        free.get_by_role("link", name="Clear filters").first.click()
        expect(free.locator("#result")).to_have_text("1 place")


class TestUsability:
    """Faults that a first-time user found."""

    @pytest.fixture
    def rivers(self, storage) -> Market:
        market = Market()
        for number in range(70):
            storage.new(Place(name=f"{'River' if number < 45 else 'Hill'} {number:02}", city_id=market.city.id,
                              user_id=market.host.id, price_by_night=number))
        storage.save()
        storage.close()
        return market

    @pytest.mark.parametrize("engine", ["file"])
    def test_more_places_during_a_new_search_waits_for_its_result(self, site, page, rivers):
        page.goto(f"{site.address}/?sort=name")
        page.get_by_label("Search", exact=True).fill("river")
        page.get_by_role("link", name="More places").click()        # before the script searches
        expect(page.locator("#result")).to_have_text("45 places")
        expect(page.locator("section.places h2")).to_have_text([f"River {number:02}" for number in range(20)])

    @pytest.mark.parametrize("engine", ["file"])
    def test_a_change_of_the_fragment_does_not_search_again(self, site, page, rivers):
        page.goto(f"{site.address}/?page=2")
        page.get_by_role("link", name="More places").click()
        expect(page.locator("section.places article")).to_have_count(40)
        page.locator(".skip").press("Enter")
        expect(page).to_have_url(f"{site.address}/?page=2#content")
        page.wait_for_timeout(300)
        expect(page.locator("section.places article")).to_have_count(40)

    @pytest.mark.parametrize("engine", ["file"])
    def test_going_back_shows_the_previous_page_of_results(self, site, page, rivers):
        page.goto(f"{site.address}/?page=3")
        before = page.locator("section.places h2").all_inner_texts()
        page.get_by_label("Sort by").select_option("price")
        expect(page.locator("section.places h2").first).not_to_have_text(before[0])
        page.go_back()
        expect(page.locator("section.places h2")).to_have_text(before)

    @pytest.mark.parametrize("engine", ["file"])
    @pytest.mark.parametrize("width", [390, 1280])
    def test_the_search_button_works_at_once_while_a_list_of_choices_is_open(self, site, page, rivers, width):
        page.set_viewport_size({"width": width, "height": 844})
        page.goto(site.address)
        page.route("**/places_search", lambda route: route.continue_())
        page.locator(".amenities h3").click()
        expect(page.locator(".amenities .popover")).to_be_visible()
        with page.expect_request("**/places_search"):
            page.locator(".filters > button").click()

    @pytest.mark.parametrize("engine", ["file"])
    def test_a_list_of_choices_can_be_closed(self, site, page, rivers):
        page.set_viewport_size({"width": 390, "height": 844})
        page.goto(site.address)
        title, choices = page.locator(".amenities h3"), page.locator(".amenities .popover")
        title.click()
        expect(choices).to_be_visible()
        title.click()
        expect(choices).to_be_hidden()
        title.click()
        expect(choices).to_be_visible()
        page.keyboard.press("Tab")
        page.keyboard.press("Escape")
        expect(choices).to_be_hidden()
        expect(page.locator(".amenities")).to_be_focused()
        page.keyboard.press("Enter")
        expect(choices).to_be_visible()

    @pytest.mark.parametrize("engine", ["file"])
    @pytest.mark.parametrize("answer", [{"json": None}, {"body": "<p>A proxy", "content_type": "text/html"}])
    def test_a_response_that_is_not_from_the_api_is_shown_as_a_failure(self, site, page, rivers, answer):
        page.goto(site.address)
        page.route("**/places_search", lambda route: route.fulfill(**answer))
        page.get_by_label("Guests").fill("1")
        expect(page.locator("#result")).to_have_text("The search failed")
        expect(page.locator("section.places")).not_to_have_attribute("aria-busy", "true")
        page.route("**/reviews?**", lambda route: route.fulfill(**answer))
        page.get_by_role("link", name="Reviews of River 00").click()
        expect(page.get_by_role("dialog").get_by_role("status")).to_have_text("The reviews cannot be loaded.")
