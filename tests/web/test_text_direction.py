"""People who write from right to left read their texts in that direction, wherever pages show them."""
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

# Each ends with a mark that stands at the wrong end if a page takes the text for one from left to right.
NAMES = {"state": "מדינה (א)!", "city": "עיר (ב)!", "wifi": "אינטרנט (ג)!", "pool": "برکه (د)!",
         "place": "דירה יפה (2 חדרים)!", "beside": "בית שני!", "host": "עדה!", "guest": "אורח!"}
DESCRIPTION, REVIEW = "תיאור יפה!\nEnglish too.\nעוד שורה!", "נהדר, תודה!"
LETTERS = re.compile("[\u0590-\u08ff]")
# The texts with such letters, and the names of elements around those that a browser does not read from right to left,
# or that share their direction with other texts.
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
    """The pages do not know it."""
    return "file"


@pytest.fixture
def market(storage) -> Market:
    market = Market()
    for name in ("state", "city", "wifi", "pool", "place"):
        getattr(market, name).name = NAMES[name]
    market.place.description, market.review.text = DESCRIPTION, REVIEW
    market.host.first_name, market.guest.first_name = NAMES["host"], NAMES["guest"]
    empty = City(name="ריק!", state_id=market.state.id)
    places = [Place(name=NAMES["beside"], city_id=market.city.id, user_id=market.host.id) for _ in range(20)]
    more = [Review(text=REVIEW, place_id=market.place.id, user_id=market.guest.id) for _ in range(10)]
    for obj in (*vars(market).values(), empty, *places, *more):
        models.storage.new(obj)
    models.storage.save()
    models.storage.close()
    return market


def shown(page: Page) -> set[str]:
    """The texts from right to left that a page shows, each of them in its direction."""
    found, wrong = page.evaluate(SHOWN)
    assert not wrong, page.url
    return {*found}


def test_every_text_of_every_page_has_its_own_direction(site, page, market):
    chosen = f"states={market.state.id}&amenities={market.pool.id}&amenities={market.wifi.id}"
    some = {each for name, each in NAMES.items() if name not in ("host", "guest")}
    for path, expected in {
            "/hbnb": some | {DESCRIPTION}, f"/hbnb?{chosen}&text=דירה": some - {NAMES["beside"]} | {"דירה"},
            "/hbnb_filters": {NAMES["state"], NAMES["pool"]}, "/": some | {DESCRIPTION},
            f"/?{chosen}": {NAMES["pool"]},
            "/states": {NAMES["state"]}, f"/states/{market.state.id}": {NAMES["state"], NAMES["city"], "ריק!"},
            "/cities_by_states": {NAMES["state"], NAMES["city"], "ריק!"},
            f"/places/{market.place.id}": {*NAMES.values(), DESCRIPTION, REVIEW},
            f"/places/{market.place.id}?reviews=1": {REVIEW}}.items():
        page.goto(f"{site.address}{path}")
        assert expected <= shown(page), path


def test_so_do_those_that_the_scripts_draw(site, page, market):
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


def test_no_template_shows_what_a_person_wrote_without_it():
    """Texts stand in an attribute, in an element that has it, or are marked as written."""
    shown = re.compile(r"\{\{(?![^}]*\bwritten\b)[^}]*\b(?:\w+\.(?:name|description|text)|person\()[^}]*\}\}")
    around = re.compile(r'(?: dir="auto"[^<]*>(?:<a [^>]*>)?|="[^"]*)$')
    for path in ROOT.glob("*/templates/**/*.html"):
        for line in path.read_text(encoding="utf-8").splitlines():
            for found in shown.finditer(line):
                assert around.search(line[:found.start()]), (path.name, line)
