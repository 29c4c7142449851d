"""Text direction: texts in right-to-left scripts are shown in that direction on every page."""
from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, expect

import models
from models.city import City
from models.place import Place
from models.review import Review
from tests.conftest import ROOT
from tests.market import Market

# Each ends with a mark that appears at the wrong end if a page shows the text from left to right.
NAMES = {"state": "מדינה (א)!", "city": "עיר (ב)!", "wifi": "אינטרנט (ג)!", "pool": "برکه (د)!",
         "place": "דירה יפה (2 חדרים)!", "next_door": "בית שני!", "host": "עדה!", "guest": "אורח!"}
DESCRIPTION, REVIEW = "תיאור יפה!\nEnglish too.\nעוד שורה!", "נהדר, תודה!"
LETTERS = re.compile("[\u0590-\u08ff]")
# Returns the texts with right-to-left letters, and the elements whose text has the wrong direction or shares its
# direction with other texts.
SHOWN = """() => {
    const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT), found = [], wrong = [];
    const check = (text, element) => {
        const own = element.closest('[dir=auto]');
        const style = own && getComputedStyle(own);
        const isolated = style && (style.display !== 'inline' || style.unicodeBidi.includes('isolate'));
        found.push(text);
        if (!isolated || getComputedStyle(element).direction !== 'rtl') {
            wrong.push(element.outerHTML.slice(0, 200));
        }
    };
    while (walker.nextNode()) {
        const { data, parentElement } = walker.currentNode;
        if (/[\\u0590-\\u08ff]/.test(data) && parentElement.closest('script') === null) {
            check(data.trim(), parentElement);
        }
    }
    for (const input of document.querySelectorAll('input:not([type=checkbox])')) {
        if (/[\\u0590-\\u08ff]/.test(input.value)) {
            check(input.value, input);
        }
    }
    return [found, wrong];
}"""


@pytest.fixture
def engine() -> str:
    """The pages are the same for both engines."""
    return "file"


@pytest.fixture
def market(storage) -> Market:
    market = Market()
    for name in ("state", "city", "wifi", "pool", "place"):
        getattr(market, name).name = NAMES[name]
    market.place.description, market.review.text = DESCRIPTION, REVIEW
    market.host.first_name, market.guest.first_name = NAMES["host"], NAMES["guest"]
    empty = City(name="ריק!", state_id=market.state.id)
    places = [Place(name=NAMES["next_door"], city_id=market.city.id, user_id=market.host.id) for _ in range(20)]
    more = [Review(text=REVIEW, place_id=market.place.id, user_id=market.guest.id) for _ in range(10)]
    for obj in (*vars(market).values(), empty, *places, *more):
        models.storage.new(obj)
    models.storage.save()
    models.storage.close()
    return market


def shown(page: Page) -> set[str]:
    """Return the right-to-left texts of a page. Fails if one of them has the wrong direction."""
    found, wrong = page.evaluate(SHOWN)
    assert not wrong, page.url
    return {*found}


def test_every_text_of_every_page_has_its_own_direction(site, page, market):
    chosen = f"states={market.state.id}&amenities={market.pool.id}&amenities={market.wifi.id}"
    some = {each for name, each in NAMES.items() if name not in ("host", "guest")}
    for path, expected in {
            "/hbnb": some | {DESCRIPTION}, f"/hbnb?{chosen}&text=דירה": some - {NAMES["next_door"]} | {"דירה"},
            "/hbnb_filters": {NAMES["state"], NAMES["pool"]}, "/": some | {DESCRIPTION},
            f"/?{chosen}": {NAMES["pool"]},
            "/states": {NAMES["state"]}, f"/states/{market.state.id}": {NAMES["state"], NAMES["city"], "ריק!"},
            "/cities_by_states": {NAMES["state"], NAMES["city"], "ריק!"},
            f"/places/{market.place.id}": {*NAMES.values(), DESCRIPTION, REVIEW},
            f"/places/{market.place.id}?reviews=1": {REVIEW}}.items():
        page.goto(f"{site.address}{path}")
        assert expected <= shown(page), path


def test_texts_that_scripts_render_have_their_own_direction(site, page, market):
    page.goto(site.address)
    drawn = shown(page)
    page.locator("section.places article").evaluate_all("all => all.forEach(each => each.remove())")
    page.get_by_label("Guests").fill("0")
    expect(page.locator("section.places article")).to_have_count(20)
    assert shown(page) == drawn
    page.get_by_role("link", name="More places").click()
    expect(page.locator("section.places article")).to_have_count(21)
    page.get_by_label("Search", exact=True).fill("דירה יפה!")
    expect(page.locator("section.places article")).to_have_count(1)
    page.hover(".amenities")
    for name in ("pool", "wifi"):
        page.locator(f"input[data-id='{getattr(market, name).id}']").check()
    expect(page.locator(".amenities h4 [dir=auto]")).to_have_text([NAMES["wifi"], NAMES["pool"]])
    assert "דירה יפה!" in shown(page)
    page.locator(".said a").first.click()
    expect(page.locator("dialog li")).to_have_count(10)
    page.get_by_role("button", name="More reviews").click()
    expect(page.locator("dialog li")).to_have_count(11)
    assert {NAMES["place"], NAMES["guest"], REVIEW} <= shown(page)


def test_a_paragraph_has_a_direction_of_its_own(site, page, market):
    for path, name in ((f"/places/{market.place.id}", ".description"), (f"/places/{market.place.id}", ".text"),
                       ("/", ".description")):
        page.goto(f"{site.address}{path}")
        expect(page.locator(name).first).to_have_css("unicode-bidi", "plaintext")
    assert LETTERS.search(page.title()) is None
    page.goto(f"{site.address}/places/{market.place.id}")
    assert page.locator("title").get_attribute("dir") == "auto"


def test_templates_mark_the_direction_of_every_text_that_users_write():
    """Such a text is an attribute's value, inside an element with `dir="auto"`, or has the filter `written`."""
    shown = re.compile(r"\{\{(?![^}]*\bwritten\b)[^}]*\b(?:\w+\.(?:name|description|text)\b|person\()[^}]*\}\}")
    around = re.compile(r'(?: dir="auto"[^<]*>(?:<a [^>]*>)?|="[^"]*)$')
    for path in ROOT.glob("*/templates/**/*.html"):
        for line in path.read_text(encoding="utf-8").splitlines():
            for found in shown.finditer(line):
                assert around.search(line[:found.start()]), (path.name, line)
