"""The search page, in a real browser."""
from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import expect

from models.state import State
from tests.market import Market
from tests.servers import Server, free_port

ATTACK = "<img src=x onerror=alert(1)></script>"


@pytest.fixture
def site(environ, storage) -> Iterator[Server]:
    port = free_port()
    with Server(["wsgi.py", "--port", str(port)], environ, port) as server:
        yield server


def test_places_are_listed_and_filtered_through_the_api(site, page, storage):
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


def test_the_classic_address_is_the_same_page_and_static_addresses_change_with_their_content_only(site, page, storage):
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


def test_who_comes_back_finds_what_was_chosen_and_its_result(site, page, storage):
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


def test_the_filters_can_be_reached_and_used_by_keyboard(site, page, storage):
    one = Market("One")
    page.goto(site.address)
    expect(page.locator("#result")).to_have_text("1 place")
    page.get_by_label("Sort by").focus()
    for _ in range(2):
        page.keyboard.press("Tab")
    page.keyboard.press("Space")
    expect(page.locator(f"input[data-id='{one.state.id}']")).to_be_checked()
    expect(page.locator(".locations h4")).to_have_text("State of One")
