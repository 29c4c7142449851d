"""Every page in a real browser: escaping, use without scripts, accessibility and valid HTML."""
from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.apps import ready_app
from tests.processes import ROOT
from tests.servers import Server, free_port
from tests.site import ATTACK, Site, valid
from web_flask import static_export

AXE = ROOT / "tests" / "node_modules" / "axe-core" / "axe.min.js"
# If nothing is selected, the heading for the selected names is empty, and the style sheet shows "All" in it.
RULES = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"],
         "rules": {"empty-heading": {"enabled": False}, "target-size": {"enabled": True}},
         "resultTypes": ["violations"]}
# Dark pages differ only in their colours, so only the rules about colours are checked for them.
COLOURS = {"runOnly": {"type": "rule", "values": ["color-contrast", "link-in-text-block"]},
           "resultTypes": ["violations"]}
WIDTHS = (320, 1280)
# The elements to open and check on a page: the lists of choices, the map, and the reviews of a place.
SENT = "form.panel button"      # sends an empty form, for its errors
OPENED = {"search": (".locations", ".amenities"), "dynamic": (".locations", ".amenities", ".toggle", ".said a"),
          "menu": (".person summary",), **dict.fromkeys(("signup", "login", "reset", "link reset", "new"), (SENT,))}
DISK = sorted(name for name in static_export.pages() if name.endswith(".html"))


@pytest.fixture
def stored(storage) -> Site:
    return Site()


def open_page(page: Page, site: Server, path: str) -> None:
    page.goto(f"{site.address}{path}", wait_until="networkidle")


def overflow(page: Page) -> int:
    return page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")


class TestOnTheServer:
    def test_texts_are_escaped_and_shown_in_full(self, site, page, stored):
        for name, path in stored.pages.items():
            if name not in ("not found", "wrong"):      # whose status is an error for the browser's console
                open_page(page, site, path)
                assert page.locator("img[src=x]").count() == 0
                if name not in ("nothing", "number", "long"):
                    assert ATTACK in page.locator("body").text_content(), name
        open_page(page, site, stored.pages["place"])
        expect(page.locator("h1")).to_have_text(ATTACK)
        expect(page.locator(".place .description")).to_have_css("white-space-collapse", "preserve-breaks")
        open_page(page, site, f"{stored.pages['place']}?reviews=2")
        expect(page.locator(".reviews .text").last).to_have_text(f"{ATTACK}\nsecond line", use_inner_text=True)

    def test_the_search_works_without_scripts(self, site, browser, stored):
        context = browser.new_context(java_script_enabled=False)
        page = context.new_page()
        page.goto(f"{site.address}/")
        expect(page.locator("section.places article")).to_have_count(20)
        expect(page.locator("#result")).to_have_text("25 places")
        page.get_by_role("link", name="More places").click()
        expect(page.locator("section.places article")).to_have_count(5)
        page.hover(".amenities")
        page.locator(f"input[data-id='{stored.market.wifi.id}']").check()
        page.get_by_role("button", name="Search").click()
        expect(page.locator("#result")).to_have_text("1 place")
        expect(page.locator(f"input[data-id='{stored.market.wifi.id}']")).to_be_checked()
        page.locator("section.places article").click()
        expect(page.locator("h1")).to_have_text(ATTACK)
        context.close()

    @pytest.mark.parametrize("width", WIDTHS)
    @pytest.mark.parametrize("engine", ["file"])
    def test_are_accessible(self, site, browser, stored, width):
        check(browser, {name: f"{site.address}{path}" for name, path in stored.pages.items()}, width)

    @pytest.mark.parametrize("width", WIDTHS)
    @pytest.mark.parametrize("engine", ["file"])
    def test_those_of_accounts_are_accessible(self, site, browser, stored, width):
        visitor, own = ({name: f"{site.address}{path}" for name, path in pages.items()}
                        for pages in (stored.account_pages, stored.own_pages))
        check(browser, visitor, width)
        check(browser, own, width, {"name": "hbnb", "value": stored.secret, "url": site.address})

    @pytest.mark.parametrize("engine", ["file"])
    def test_those_of_accounts_escape_texts_and_obey_their_own_policy(self, site, page, stored):
        for pages in (stored.account_pages, stored.own_pages):
            for name, path in pages.items():
                if name != "expired":       # whose status is an error for the browser's console
                    open_page(page, site, path)
                    assert page.locator("img[src=x]").count() == 0
                    assert (ATTACK in page.locator("body").text_content()) == (pages is stored.own_pages), name
            page.context.add_cookies([{"name": "hbnb", "value": stored.secret, "url": site.address}])

    @pytest.mark.parametrize("engine", ["file"])
    def test_are_valid_html(self, stored):
        client = ready_app().test_client()
        visitor = {**stored.pages, **stored.account_pages}
        documents = {name: client.get(path).text for name, path in visitor.items()}
        client.environ_base["HTTP_SEC_FETCH_SITE"] = "same-origin"
        documents |= {f"wrong {path}": client.post(path).text for path in ("/signup", "/login", "/reset")}
        client.set_cookie("hbnb", stored.secret)
        documents |= {f"own {name}": client.get(path).text for name, path in stored.own_pages.items()}
        documents |= {f"own wrong {path}": client.post(path, data={"name": "x", "scope": "read"}).text for path in (
            "/account/names", "/account/password", "/account/tokens", "/account/delete", "/hosting/places/new")}
        assert valid(documents) == ""


def test_the_pages_can_be_served_without_the_api(environ, page, stored):
    port = free_port()
    with Server(["-m", "web_flask.app", "--port", str(port)], environ, port, "/") as server:
        page.goto(f"{server.address}/hbnb")
        page.get_by_role("link", name="HBNB").click()
        expect(page.locator("#result")).to_have_text("25 places")


class TestFromDisk:
    def test_are_up_to_date_with_the_templates(self):
        drawn = static_export.pages()
        files = [path for path in static_export.FOLDER.rglob("*")
                 if path.suffix == ".html" or static_export.PICTURES in str(path)]
        assert {path.relative_to(static_export.FOLDER).as_posix() for path in files if path.is_file()} == {*drawn}
        for name, content in drawn.items():
            assert (static_export.FOLDER / name).read_text(encoding="utf-8") == content, f"{name}: run `make plain`"

    @pytest.mark.parametrize("name", DISK)
    def test_load_their_styles_and_pictures_and_link_to_existing_files(self, page, name):
        page.goto((static_export.FOLDER / name).as_uri(), wait_until="networkidle")
        assert page.evaluate("getComputedStyle(document.documentElement).getPropertyValue('--accent')") == "#ff545f"
        page.evaluate("document.querySelectorAll('img').forEach(each => { each.loading = 'eager'; })")
        page.wait_for_function("[...document.images].every(each => each.complete)")
        assert page.evaluate("[...document.images].every(each => each.naturalWidth > 0)")
        for address in page.evaluate("[...document.links].map(each => each.href)"):
            assert address.startswith(static_export.FOLDER.as_uri())
            assert (static_export.FOLDER / address.rpartition("/")[2].partition("#")[0]).is_file()

    @pytest.mark.parametrize("width", WIDTHS)
    def test_are_accessible(self, browser, width):
        check(browser, {name: (static_export.FOLDER / name).as_uri() for name in DISK}, width)

    def test_are_valid_html(self):
        assert valid({name: (static_export.FOLDER / name).read_text() for name in DISK}) == ""


def check(browser: Browser, addresses: dict[str, str], width: int, *cookies: Any) -> None:
    """Assert that axe finds no fault in pages, light and dark, and that no page is wider than its window."""
    # The Content-Security-Policy of the pages would block axe.
    context = browser.new_context(viewport={"width": width, "height": 800}, bypass_csp=True,
                                  reduced_motion="reduce")
    context.add_cookies(cookies)
    page = context.new_page()
    for name, address in addresses.items():
        page.goto(address, wait_until="networkidle")
        assert page.url == address      # and not the log-in page
        page.evaluate(AXE.read_text())
        for opened in (None, *OPENED.get(name, ())):
            if opened == ".toggle" and width > 1000:
                continue        # a wide page shows the map without the button
            if opened == SENT:
                page.locator(opened).first.click()
                expect(page.locator(".wrong").first).to_be_visible()
                page.evaluate(AXE.read_text())
            elif opened in (".toggle", ".said a", ".person summary"):
                page.locator(opened).first.click()
            elif opened:
                page.focus(opened)
            assert overflow(page) <= 0, (name, opened)
            for scheme, rules in (("dark", COLOURS), ("light", RULES)):
                page.emulate_media(color_scheme=scheme)
                assert page.evaluate("document.getAnimations().length") == 0    # of colours, which axe would see
                found = page.evaluate("rules => axe.run(document, rules)", rules)["violations"]
                assert not found, (name, opened, scheme, [(each["id"], each["nodes"][0]["html"]) for each in found])
    context.close()
