"""Every page, as a browser shows it."""
from __future__ import annotations

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.apps import ready_app
from tests.processes import ROOT
from tests.servers import Server, free_port
from tests.site import ATTACK, Site, valid
from web_flask import static_export

AXE = ROOT / "tests" / "node_modules" / "axe-core" / "axe.min.js"
# Where nothing is chosen, the names of what is chosen are an empty heading, which the styles fill with "All".
RULES = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"],
         "rules": {"empty-heading": {"enabled": False}, "target-size": {"enabled": True}},
         "resultTypes": ["violations"]}
# The dark pages differ in their colours only, so only the rules about colours are applied to them.
COLOURS = {"runOnly": {"type": "rule", "values": ["color-contrast", "link-in-text-block"]},
           "resultTypes": ["violations"]}
WIDTHS = (320, 1280)
# What is opened on a page, to be looked at too: the lists of choices, the map, and the reviews of a place.
OPENED = {"search": (".locations", ".amenities"), "dynamic": (".locations", ".amenities", ".toggle", ".said a")}
DISK = sorted(name for name in static_export.pages() if name.endswith(".html"))


@pytest.fixture
def stored(storage) -> Site:
    return Site()


def open_page(page: Page, site: Server, path: str) -> None:
    page.goto(f"{site.address}{path}", wait_until="networkidle")


def overflow(page: Page) -> int:
    return page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")


class TestOnTheServer:
    def test_no_text_becomes_html_and_all_of_it_can_be_read(self, site, page, stored):
        for name, path in stored.pages.items():
            if name not in ("not found", "wrong"):      # of whose status the console complains
                open_page(page, site, path)
                assert page.locator("img[src=x]").count() == 0
                if name not in ("nothing", "number", "long"):
                    assert ATTACK in page.locator("body").text_content(), name
        open_page(page, site, stored.pages["place"])
        expect(page.locator("h1")).to_have_text(ATTACK)
        expect(page.locator(".place .description")).to_have_css("white-space-collapse", "preserve-breaks")
        open_page(page, site, f"{stored.pages['place']}?reviews=2")
        expect(page.locator(".reviews .text").last).to_have_text(f"{ATTACK}\nsecond line", use_inner_text=True)

    def test_nothing_needs_a_script(self, site, browser, stored):
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
    def test_everybody_can_use_them(self, site, browser, stored, width):
        check(browser, {name: f"{site.address}{path}" for name, path in stored.pages.items()}, width)

    @pytest.mark.parametrize("engine", ["file"])
    def test_are_valid_html(self, stored):
        client = ready_app().test_client()
        documents = {name: client.get(path).text for name, path in stored.pages.items()}
        assert valid(documents) == ""


def test_the_pages_are_served_alone_too(environ, page, stored):
    port = free_port()
    with Server(["-m", "web_flask.app", "--port", str(port)], environ, port, "/") as server:
        page.goto(f"{server.address}/hbnb")
        page.get_by_role("link", name="HBNB").click()
        expect(page.locator("#result")).to_have_text("25 places")


class TestFromDisk:
    def test_are_what_the_templates_draw(self):
        drawn = static_export.pages()
        there = [path for path in static_export.FOLDER.rglob("*")
                 if path.suffix == ".html" or static_export.PICTURES in str(path)]
        assert {path.relative_to(static_export.FOLDER).as_posix() for path in there if path.is_file()} == {*drawn}
        for name, content in drawn.items():
            assert (static_export.FOLDER / name).read_text(encoding="utf-8") == content, f"make plain draws {name}"

    @pytest.mark.parametrize("name", DISK)
    def test_show_their_styles_and_pictures_and_lead_to_each_other(self, page, name):
        page.goto((static_export.FOLDER / name).as_uri(), wait_until="networkidle")
        assert page.evaluate("getComputedStyle(document.documentElement).getPropertyValue('--accent')") == "#ff545f"
        page.evaluate("document.querySelectorAll('img').forEach(each => { each.loading = 'eager'; })")
        page.wait_for_function("[...document.images].every(each => each.complete)")
        assert page.evaluate("[...document.images].every(each => each.naturalWidth > 0)")
        for address in page.evaluate("[...document.links].map(each => each.href)"):
            assert address.startswith(static_export.FOLDER.as_uri())
            assert (static_export.FOLDER / address.rpartition("/")[2].partition("#")[0]).is_file()

    @pytest.mark.parametrize("width", WIDTHS)
    def test_everybody_can_use_them(self, browser, width):
        check(browser, {name: (static_export.FOLDER / name).as_uri() for name in DISK}, width)

    def test_are_valid_html(self):
        assert valid({name: (static_export.FOLDER / name).read_text() for name in DISK}) == ""


def check(browser: Browser, addresses: dict[str, str], width: int) -> None:
    """Have axe look at pages, light and dark, and see that none is wider than its window."""
    # The policy lets nobody else's script in, so neither axe.
    context = browser.new_context(viewport={"width": width, "height": 800}, bypass_csp=True,
                                  reduced_motion="reduce")
    page = context.new_page()
    for name, address in addresses.items():
        page.goto(address, wait_until="networkidle")
        assert overflow(page) <= 0, name
        page.evaluate(AXE.read_text())
        for opened in (None, *OPENED.get(name, ())):
            if opened == ".toggle" and width > 1000:
                continue        # the map is there
            if opened in (".toggle", ".said a"):
                page.locator(opened).first.click()
            elif opened:
                page.focus(opened)
            for scheme, rules in (("dark", COLOURS), ("light", RULES)):
                page.emulate_media(color_scheme=scheme)
                assert page.evaluate("document.getAnimations().length") == 0    # the colours change at once
                found = page.evaluate("rules => axe.run(document, rules)", rules)["violations"]
                assert not found, (name, opened, scheme, [(each["id"], each["nodes"][0]["html"]) for each in found])
    context.close()
