"""User journeys on the search page, in a real browser, with many places."""
from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

import pytest
from playwright.sync_api import Locator, Page, Route, expect

import models
from config import Settings
from models.place import Place
from tests.conftest import environment
from tests.market import Market
from tests.servers import Server, free_port

MANY, SOME = 120, 25        # all places, and those of the smaller market


@dataclass
class Crowd:
    """A running site with many places.

    Args:
        address: the server's address.
        one: the market with most places.
        some: the market with `SOME` places, each of which has both of its amenities.
        environ: environment variables for another server of the same store.
    """

    address: str
    one: Market
    some: Market
    environ: Mapping[str, str]


@pytest.fixture(scope="module")
def crowd(tmp_path_factory) -> Iterator[Crowd]:
    folder = tmp_path_factory.mktemp("crowd")
    settings = replace(Settings(), file_path=str(folder / "file.json"))
    with models.using(settings) as storage:
        one, some = Market("One"), Market("Two")
        for number in range(MANY - 2):
            market = some if number < SOME - 1 else one
            place = Place(name=f"Home {number:03}", city_id=market.city.id, user_id=market.host.id)
            place.amenities = [some.wifi, some.pool] if market is some else [one.wifi]
            storage.new(place)
        storage.save()
    environ, port = environment(settings, folder), free_port()
    with Server(["wsgi.py", "--port", str(port)], environ, port) as server:
        yield Crowd(server.address, one, some, environ)


def cards(page: Page) -> Locator:
    return page.locator("section.places article")


def tab_to(page: Page, target: Locator) -> None:
    """Press the tab key until the target has the focus."""
    for _ in range(100):
        page.keyboard.press("Tab")
        if target.evaluate("element => element === document.activeElement"):
            return
    raise AssertionError(f"the tab key does not lead to {target}")


def test_all_places_can_be_shown_on_one_page_and_survive_a_reload_and_going_back(crowd, page):
    page.goto(crowd.address)
    for shown in range(20, MANY, 20):
        expect(cards(page)).to_have_count(shown)
        page.get_by_role("link", name="More places").click()
    for again in (lambda: None, page.reload, lambda: (page.goto(f"{crowd.address}/states"), page.go_back())):
        again()
        expect(cards(page)).to_have_count(MANY)
        expect(page.locator(".pages")).to_have_count(0)
        for name, every in (("data-id", "section.places article"), ("id", "[id]")):
            ids = page.locator(every).evaluate_all("(all, name) => all.map(each => each.getAttribute(name))", name)
            assert len(ids) == len({*ids})


def test_the_search_can_be_used_by_keyboard_alone(crowd, page):
    page.goto(crowd.address)
    tab_to(page, page.locator(f"input[data-id='{crowd.some.state.id}']"))
    page.keyboard.press("Space")
    for amenity in (crowd.some.pool, crowd.some.wifi):
        tab_to(page, page.locator(f"input[data-id='{amenity.id}']"))
        page.keyboard.press("Space")
    expect(page.locator("#result")).to_have_text(f"{SOME} places")
    tab_to(page, page.get_by_role("link", name="More places"))
    page.keyboard.press("Enter")
    expect(cards(page)).to_have_count(SOME)
    expect(cards(page).nth(20).locator("h2 a")).to_be_focused()
    name = cards(page).nth(21).locator("h2").text_content()
    tab_to(page, cards(page).nth(21).locator("h2 a"))
    page.keyboard.press("Enter")
    expect(page.locator("h1")).to_have_text(name)
    page.go_back()      # its key belongs to the browser
    expect(cards(page)).to_have_count(SOME)
    expect(page.locator("#result")).to_have_text(f"{SOME} places")
    expect(page.locator(".locations h4")).to_have_text("State of Two")
    expect(page.locator(".amenities h4")).to_have_text("Pool, Wifi")


def test_the_layout_does_not_shift_while_pictures_load(crowd, page):
    held: list[Route] = []
    page.route("**/pictures/**", lambda route: held.append(route))
    page.add_init_script("""
        window.shifts = [];
        new PerformanceObserver(list => window.shifts.push(...list.getEntries())).observe(
            { type: 'layout-shift', buffered: true });
    """)

    def shifts(since: float) -> float:
        """Load the pictures, and return the sum of layout shifts since then."""
        assert held
        while held:
            held.pop().continue_()
        page.wait_for_function("""() => [...document.images].every(image => {
            const { top, bottom } = image.getBoundingClientRect();
            return image.naturalWidth || bottom < 0 || top > innerHeight;
        })""")
        page.wait_for_timeout(200)      # until they are painted
        return page.evaluate(
            "since => window.shifts.filter(each => each.startTime > since).reduce((sum, each) => sum + each.value, 0)",
            since)

    page.goto(crowd.address, wait_until="domcontentloaded")
    expect(page.locator("#api_status")).to_have_class("available")
    page.wait_for_timeout(100)
    assert shifts(0) < 0.01
    for act, count in ((lambda: page.get_by_label("Sort by").select_option("newest"), 20),
                       (lambda: page.get_by_role("link", name="More places").click(), 40)):
        act()
        expect(page.locator("section.places[aria-busy]")).to_have_count(0)
        expect(cards(page)).to_have_count(count)
        page.wait_for_timeout(600)      # until the shifts that the action itself causes are over
        assert shifts(page.evaluate("performance.now()")) == 0


def test_a_search_can_be_retried_after_the_server_was_down_and_keeps_the_focus(crowd, browser):
    page, port = browser.new_page(), free_port()
    command = ["wsgi.py", "--port", str(port)]
    with Server(command, crowd.environ, port) as server:
        page.goto(server.address)
        expect(page.locator("#api_status")).to_have_css("background-color", "rgb(255, 84, 95)")
    page.get_by_label("Search", exact=True).fill("Loft")
    expect(page.locator("#result")).to_have_text("The search failed")
    expect(page.locator("#api_status")).to_have_css("background-color", "rgb(204, 204, 204)")
    expect(cards(page)).to_have_count(20)
    retry = page.get_by_role("link", name="Try again")
    retry.press("Enter")
    expect(page.locator("#result")).to_have_text("The search failed")
    expect(retry).to_be_focused()
    with Server(command, crowd.environ, port):
        retry.press("Enter")
        expect(page.locator("#result")).to_have_text("2 places")
        expect(page.locator("#api_status")).to_have_css("background-color", "rgb(255, 84, 95)")
        expect(cards(page).first.locator("h2 a")).to_be_focused()
    page.close()
