"""Pages that list states and cities."""
from __future__ import annotations

from flask import Blueprint, Flask, render_template

from errors import NotFound
from services.regions import regions


def add_routes(app: Flask, pages: Blueprint) -> None:
    pages.add_url_rule("/states", view_func=states)
    pages.add_url_rule("/states_list", view_func=states_list)
    pages.add_url_rule("/states/<id>", view_func=state)
    pages.add_url_rule("/cities_by_states", view_func=cities_by_states)


def states() -> str:
    return render_template("web_flask/states.html", states=regions())


states_list = states


def state(id: str) -> str:
    for each in regions():
        if each["id"] == id:
            return render_template("web_flask/state.html", state=each)
    raise NotFound()


def cities_by_states() -> str:
    return render_template("web_flask/cities_by_states.html", states=regions())
