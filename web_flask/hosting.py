"""The pages of hosts: their places, and the forms to create, change and remove one."""
from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from flask import Response, render_template
from werkzeug.wrappers import Response as Redirect

from errors import Invalid
from models.amenity import Amenity
from models.place import Place
from services import permissions, schema
from services.actor import VISITOR
from services.listing import Listing
from services.regions import regions
from services.registry import service_for
from web import session
from web.forms import Field, Form, answer, done, page_number
from web_flask import pages

PAGE = 20
PRICE = Field("price_by_night", "Price a night in $", "whole", "In whole dollars", wrong="Enter a whole number from 0.")
FIELDS = (
    Field("name", "Name"),
    Field("description", "Description", "lines", required=False),
    Field("city_id", "City", "select"),
    Field("max_guest", "Guests", "whole", wrong="Enter a whole number from 0."),
    Field("number_rooms", "Bedrooms", "whole", wrong="Enter a whole number from 0."),
    Field("number_bathrooms", "Bathrooms", "whole", wrong="Enter a whole number from 0."),
    PRICE,
    Field("latitude", "Latitude", "decimal", "From -90 to 90, such as 42.65258", required=False,
          wrong="Enter a number from -90 to 90, such as 42.65258."),
    Field("longitude", "Longitude", "decimal", "From -180 to 180, such as -73.75623", required=False,
          wrong="Enter a number from -180 to 180, such as -73.75623."),
    Field("amenity_ids", "What the place offers", "boxes", required=False),
    Field("status", "Status", "radio"))
STATUSES = (("draft", "Draft: hidden until it is ready"), ("listed", "Listed: everyone sees it"),
            ("unlisted", "Unlisted: hidden from guests"))


@pages.get("/hosting")
def hosting() -> str:
    actor, page = session.required().actor, page_number()
    own = Listing(Place, having={"user_id": actor.user_id or ""}, sort=["-created_at"], limit=PAGE,
                  offset=(page - 1) * PAGE, fields=[*schema.columns(Place)], include=["city.state"], actor=actor)
    total = own.total()
    return render_template("web_flask/hosting.html", places=own.all(), total=total, page=page,
                           pages=max(1, -(-total // PAGE)))


@pages.get("/hosting/places/new")
def new_place() -> Response:
    session.required()
    return _draw(Form("place", FIELDS, {"status": "draft"}))


@pages.post("/hosting/places/new")
def create_place() -> Response | Redirect:
    actor, form = session.required().actor, Form("place", FIELDS)
    if form.submit(lambda data: service_for(Place).write(actor, None, _positioned(data))):
        return done("web_flask.hosting", "created")
    return _draw(form)


@pages.get("/hosting/places/<id>/edit")
def edit_place(id: str) -> Response:
    place = _own(id)
    return _draw(_form(place), place)


@pages.post("/hosting/places/<id>/edit")
def change_place(id: str) -> Response | Redirect:
    place, actor = _own(id), session.required().actor
    form = _form(place)
    if form.submit(lambda data: service_for(Place).write(actor, place, _positioned(data))):
        return done("web_flask.hosting", "changed")
    return _draw(form, _own(id))


@pages.get("/hosting/places/<id>/remove")
def confirm_removal(id: str) -> str:
    place = _own(id, "remove")
    reviews = service_for(Place).dependents(session.required().actor, place).get("Review", 0)
    return render_template("web_flask/remove_place.html", place=place, reviews=reviews)


@pages.post("/hosting/places/<id>/remove")
def remove_place(id: str) -> Redirect:
    place = _own(id, "remove")
    service_for(Place).remove(session.required().actor, place)
    return done("web_flask.hosting", "removed")


def _own(id: str, action: str = "update") -> Place:
    """The place that the user wants to change.

    Raises:
        NotFound: the user cannot see a place with that id.
        Forbidden: the place is another user's.
    """
    actor = session.required().actor
    place = service_for(Place).find(actor, id)
    permissions.require(actor, Place, action, place)
    return place


def _form(place: Place) -> Form:
    # An imported place may have no price; a host cannot take back a price.
    fields = [replace(PRICE, required=False) if each is PRICE and place.price_by_night is None else each
              for each in FIELDS]
    return Form("place", fields, {each.name: getattr(place, each.name) for each in FIELDS})


def _positioned(data: Mapping[str, Any]) -> Mapping[str, Any]:
    for name, other in (("latitude", "longitude"), ("longitude", "latitude")):
        if data[name] is None and data[other] is not None:
            raise Invalid(f"Enter both {name} and {other}, or neither", name)
    return data


def _draw(form: Form, place: Place | None = None) -> Response:
    cities = [(state["name"], [(city["id"], city["name"]) for city in state["cities"] if city["name"].strip()])
              for state in regions() if state["name"].strip()]
    amenities = [(each["id"], each["name"]) for each in service_for(Amenity).list(VISITOR, sort=["name"])
                 if each["name"].strip()]
    return answer("web_flask/place_form.html", form, place=place, choices={
        "city_id": [(state, found) for state, found in cities if found], "amenity_ids": amenities, "status": STATUSES})
