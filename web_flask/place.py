"""The page of a place."""
from __future__ import annotations

from typing import Any

from flask import render_template, url_for

from models.place import Place
from models.review import Review
from services import permissions, schema
from services.actor import VISITOR, Actor
from services.listing import Listing
from services.registry import service_for
from web import session
from web.forms import page_number
from web_flask import pages
from web_flask.json_ld import described

REVIEWS, MORE = 20, 4


@pages.get("/places/<id>")
def place(id: str) -> str:
    me = session.current()
    actor = me.actor if me else VISITOR
    found = service_for(Place).show(actor, id, fields=[*schema.columns(Place)], include=[
        "user", "city.state", "amenities"])
    found["amenities"] = sorted((each for each in found["amenities"] if each["name"].strip()),
                                key=lambda each: each["name"].casefold())
    page = page_number("reviews")
    own = Listing(Review, having={"place_id": id}, sort=["-created_at"], limit=REVIEWS, offset=(page - 1) * REVIEWS,
                  include=["user"], actor=actor)
    reviews, total = own.all(), own.total()
    beside = Listing(Place, having={"city_id": found["city_id"]}, limit=MORE + 1).all()
    text = " ".join((found["description"] or found["name"]).split())
    return render_template(
        "web_flask/place.html", place=found, city=found["city"], reviews=reviews, total=total,
        newer=_address(id, page - 1) if page > 1 else None,
        older=_address(id, page + 1) if page * REVIEWS < total else None,
        more=[each for each in beside if each["id"] != id][:MORE], summary=text[:160],
        linked=described(found, reviews), is_listed=found["status"] == permissions.LISTED,
        **(_rights(actor, id) if me else {}))


def _rights(actor: Actor, id: str) -> dict[str, bool]:
    stored = service_for(Place).find(actor, id)
    return {"is_own": permissions.users(actor, stored),
            "may_change": permissions.allows(actor, Place, "update", stored)}


def _address(id: str, page: int) -> str:
    more: dict[str, Any] = {"reviews": page} if page > 1 else {}
    return url_for("web_flask.place", id=id, _anchor="reviews", **more)
