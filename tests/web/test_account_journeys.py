"""Journeys of users and hosts in a real browser: without scripts, by keyboard alone, and attacked by another site."""
from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Browser, Page, Route, expect

import models
from models.place import Place
from models.session import Session
from models.user import User
from tests.market import Market
from tests.people import PASSWORD, cookie, mails, person
from tests.servers import Server
from tests.web.test_journeys import tab_to

EMAIL = "zoe@people.example"


@pytest.fixture
def market(storage) -> Market:
    market = Market()
    storage.close()
    return market


@pytest.fixture
def plain_page(browser: Browser) -> Iterator[Page]:
    """A page of a browser without scripts."""
    context = browser.new_context(java_script_enabled=False)
    yield context.new_page()
    context.close()


def link(template: str) -> str:
    models.storage.close()
    return f"/{template}/{mails(template)[-1]['secret']}"


def places() -> dict[str, Place]:
    models.storage.close()
    return {each.name: each for each in models.storage.all(Place).values()}


def sending(content: str) -> Callable[[Route], None]:
    """A handler that responds to a request with an HTML document."""
    return lambda route: route.fulfill(content_type="text/html", body=content)


def fill(page: Page, **values: str) -> None:
    for label, value in values.items():
        page.get_by_label(label.replace("_", " "), exact=True).fill(value)


def press(page: Page, name: str) -> None:
    page.get_by_role("main").get_by_role("button", name=name, exact=True).click()


def log_in(page: Page, site: Server, email: str = EMAIL, password: str = PASSWORD) -> None:
    page.goto(f"{site.address}/login")
    page.get_by_label("E-mail address").fill(email)
    page.get_by_label("Password").fill(password)
    press(page, "Log in")


def test_a_host_signs_up_offers_a_place_and_takes_it_back_without_scripts(site, plain_page, market):
    page = plain_page
    page.goto(site.address)
    page.get_by_role("link", name="Sign up").click()
    fill(page, First_name="Zoë", Last_name="Example", Password=PASSWORD)
    page.get_by_label("E-mail address").fill("zoe")
    press(page, "Sign up")
    expect(page.locator(".wrong")).to_have_text("Enter an e-mail address, such as ada@example.com.")
    expect(page.get_by_label("First name")).to_have_value("Zoë")
    page.get_by_label("E-mail address").fill(EMAIL)
    page.get_by_label("Password").fill(PASSWORD)
    press(page, "Sign up")
    expect(page.get_by_role("status")).to_contain_text("We sent you a mail.")

    page.goto(f"{site.address}{link('confirm')}")
    press(page, "Confirm the address")
    expect(page.get_by_role("status")).to_contain_text("Your e-mail address is confirmed.")
    page.get_by_label("E-mail address").fill(EMAIL)
    page.get_by_label("Password").fill(PASSWORD)
    press(page, "Log in")

    page.get_by_role("link", name="Add a place").click()
    fill(page, Name="Cabin", Guests="2", Bedrooms="1", Bathrooms="1")
    page.get_by_label("Price a night in $").fill("75")
    page.get_by_label("City").select_option("Albany")
    page.get_by_label("Pool").check()
    page.get_by_label("Listed: everyone sees it").check()
    press(page, "Add the place")
    expect(page.get_by_role("status")).to_have_text("The place is saved.")
    page.get_by_role("link", name="Edit Cabin").click()
    page.get_by_label("Price a night in $").fill("90")
    press(page, "Save")
    page.goto(f"{site.address}/hbnb?text=cabin")
    expect(page.locator(".price_by_night")).to_have_text("$90")

    page.locator("section.places article h2 a").click()
    page.get_by_role("link", name="Edit the place").click()
    page.get_by_label("Unlisted: hidden from guests").check()
    press(page, "Save")
    page.get_by_role("link", name="Cabin", exact=True).click()
    expect(page.get_by_text("Only you can see this page: it is unlisted.")).to_be_visible()
    address = page.url
    page.locator("summary").click()
    page.get_by_role("button", name="Log out").click()
    expect(page.get_by_role("status")).to_have_text("You are logged out.")
    page.goto(address)
    expect(page.locator("h1")).to_have_text("Not found!")
    page.goto(f"{site.address}/hbnb?text=cabin")
    expect(page.locator("#result")).to_have_text("0 places")


@pytest.mark.parametrize("engine", ["file"], indirect=True)
def test_a_password_is_reset_by_the_link_of_a_mail(site, page, storage):
    person("Zoe")
    storage.close()
    page.goto(f"{site.address}/login")
    page.get_by_role("link", name="Forgot your password?").click()
    page.get_by_label("E-mail address").fill(EMAIL)
    press(page, "Send the link")
    expect(page.get_by_role("status")).to_contain_text("We sent you a mail.")
    page.goto(f"{site.address}{link('reset')}")
    page.get_by_label("Password").fill("another password")
    press(page, "Set the password")
    expect(page.get_by_role("status")).to_contain_text("Your new password is set")
    page.goto(f"{site.address}/hosting")
    expect(page.locator("h1")).to_have_text("Your places")


@pytest.mark.parametrize("engine", ["file"], indirect=True)
def test_the_pages_can_be_used_by_keyboard_alone(site, page, market):
    person("Zoe")
    models.storage.close()

    def write(label: str, text: str) -> None:
        tab_to(page, page.get_by_label(label, exact=True))
        page.keyboard.type(text)

    page.goto(f"{site.address}/login?next=/")
    write("E-mail address", EMAIL)
    write("Password", PASSWORD)
    page.keyboard.press("Enter")
    page.wait_for_url(f"{site.address}/")
    tab_to(page, page.locator("summary"))
    page.keyboard.press("Enter")
    tab_to(page, page.get_by_role("link", name="Hosting"))
    page.keyboard.press("Enter")
    tab_to(page, page.get_by_role("link", name="Add a place"))
    page.keyboard.press("Enter")
    write("Name", "Hut")
    write("City", "Alb")
    for label in ("Guests", "Bedrooms", "Bathrooms", "Price a night in $"):
        write(label, "3")
    tab_to(page, page.get_by_label("Wifi"))
    page.keyboard.press("Space")
    tab_to(page, page.get_by_label("Draft: hidden until it is ready"))
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    expect(page.get_by_role("status")).to_have_text("The place is saved.")
    tab_to(page, page.locator("summary"))
    page.keyboard.press("Enter")
    tab_to(page, page.get_by_role("button", name="Log out"))
    page.keyboard.press("Enter")
    expect(page.get_by_role("status")).to_have_text("You are logged out.")
    hut = places()["Hut"]
    assert (hut.status, hut.max_guest, hut.price_by_night, hut.amenity_ids) == ("listed", 3, 3, [market.wifi.id])


@pytest.mark.parametrize("engine", ["file"], indirect=True)
@pytest.mark.parametrize("origin", ["http://evil.example", "http://127.0.0.1:1"])
def test_a_form_of_another_origin_changes_nothing(site, browser, storage, origin):
    user = person("Zoe")
    secret = cookie(user)
    storage.close()
    context = browser.new_context()
    context.add_cookies([{"name": "hbnb", "value": secret, "url": site.address}])
    for path, fields in (("/account/sessions/end", ""), ("/logout", ""), (
            "/account/names", '<input name="first_name" value="Eve"><input name="last_name" value="Eve">'),
            ("/login", f'<input name="email" value="{EMAIL}"><input name="password" value="{PASSWORD}">')):
        form = f'<form method="post" action="{site.address}{path}">{fields}<button>Go</button></form>'
        context.route(f"{origin}/{path}", sending(form))
        page = context.new_page()
        page.goto(f"{origin}/{path}")
        page.get_by_role("button").click()
        expect(page.locator("h1")).to_have_text("You may not do that")
        page.close()
    page = context.new_page()
    page.goto(f"{site.address}/account")
    expect(page.get_by_label("First name")).to_have_value("Zoe")
    context.close()
    storage.close()
    assert [each.first_name for each in storage.all(User).values()] == ["Zoe"]
    assert len(storage.all(Session)) == 1
