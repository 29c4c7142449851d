"""A site whose texts contain attacks on HTML and very long words, and a validator for its pages."""
from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory

import models
from models.account import Account
from models.outgoing_mail import OutgoingMail
from models.place import Place
from models.review import Review
from services import accounts
from tests.market import Market
from tests.people import cookie, mails
from tests.processes import ROOT

ATTACK = "<img src=x onerror=alert(1)></script><script>alert(2)</script>"
LONG = "Llanfairpwllgwyngyllgogerychwyrndrobwllllantysiliogogogoch" * 2     # a word without a place to break a line


class Site:
    """Objects in the storage, and the paths of all pages by name.

    Attributes:
        pages: the pages of a visitor.
        account_pages: the pages for visitors: to sign up, to log in, and of the links of mails.
        own_pages: the pages of the host, an admin.
        secret: the secret for the cookie of the host's session.
    """

    def __init__(self) -> None:
        self.market = market = Market(ATTACK)
        market.state.name, market.wifi.name = f"State {ATTACK}", f"Wifi {ATTACK}"
        market.place.name, market.review.text = ATTACK, f"{ATTACK}\nsecond line"
        market.place.description = f"{ATTACK}\nsecond line\n{LONG}"
        market.host.first_name, market.guest.last_name = f"Ada {ATTACK}", ATTACK
        market.state.name = f"{market.state.name}{LONG}"[:128]
        # Enough places and reviews for two pages each.
        for number in range(24):
            place = Place(name=f"{LONG[:100]} {number}", city_id=market.city.id, user_id=market.host.id,
                          max_guest=number % 3, number_rooms=number % 2, price_by_night=10**number % 10**6)
            place.amenities = [market.pool]
            self.last = place.id
            models.storage.new(place)
            models.storage.new(Review(text=LONG, place_id=market.place.id, user_id=market.guest.id))
        for obj in (market.state, market.wifi, market.place, market.review, market.host, market.guest):
            models.storage.new(obj)
        draft = Place(name=f"Draft {ATTACK}", city_id=market.city.id, user_id=market.host.id, status="draft",
                      created_at=market.place.created_at)
        models.storage.new(draft)
        models.storage.new(Account(id=market.host.id, user_id=market.host.id, role="admin"))
        models.storage.save()
        for purpose in ("confirm", "reset", "email"):
            models.storage.transact(lambda purpose=purpose: accounts.send_link(market.host, purpose, "new@b.example"))
        self.secret = cookie(market.host)
        links = {each["template"]: f"/{each['template']}/{each['secret']}" for each in mails()}
        for mail in models.storage.all(OutgoingMail).values():
            mail.failed_at, mail.error = mail.created_at, ATTACK
            mail.save()
        models.storage.close()
        self.account_pages = {
            "signup": "/signup", "login": "/login?done=signed_up&next=/account", "reset": "/reset",
            "expired": "/confirm/expired", **{f"link {name}": path for name, path in links.items()}}
        self.own_pages = {
            "account": "/account?done=names", "hosting": "/hosting?done=created", "hosting 2": "/hosting?page=2",
            "new": "/hosting/places/new", "edit": f"/hosting/places/{market.place.id}/edit",
            "remove": f"/hosting/places/{market.place.id}/remove", "draft": f"/places/{draft.id}", "menu": "/states",
            "users": "/admin/users?text=a", "mails": "/admin/mails"}
        self.pages = {
            "search": "/hbnb", "chosen": f"/hbnb?states={market.state.id}&amenities={market.pool.id}&text=a&page=2",
            "nothing": "/hbnb?guests=99", "wrong": "/hbnb?guests=x", "filters": "/hbnb_filters", "dynamic": "/",
            "place": f"/places/{market.place.id}", "long": f"/places/{self.last}", "states": "/states",
            "state": f"/states/{market.state.id}",
            "cities": "/cities_by_states", "number": "/number_odd_or_even/89", "not found": "/nowhere",
        }


def valid(documents: Mapping[str, str]) -> str:
    """Validate HTML documents, given by name; return html-validate's complaints, or "" if all documents are valid."""
    with TemporaryDirectory() as folder:
        for name, document in documents.items():
            (Path(folder) / f"{name.replace('/', ' ').removesuffix('.html')}.html").write_text(document, "utf-8")
        ended = subprocess.run(
            [f"{sys.prefix}/bin/node", "tests/node_modules/html-validate/bin/html-validate.mjs", "--config",
             "tests/htmlvalidate.json", folder], cwd=ROOT, capture_output=True, text=True, encoding="utf-8")
    return f"{ended.stdout}{ended.stderr}" if ended.returncode else ""
