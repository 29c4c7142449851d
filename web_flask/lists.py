"""Pages that list states and cities."""
from __future__ import annotations

from flask import render_template

from errors import NotFound
from services.regions import regions
from web_flask import pages


@pages.get("/states_list")
@pages.get("/states")       # below, as links lead to the one that is added first
def states() -> str:
    return render_template("web_flask/states.html", states=regions())


@pages.get("/states/<id>")
def state(id: str) -> str:
    for each in regions():
        if each["id"] == id:
            return render_template("web_flask/state.html", state=each)
    raise NotFound()


@pages.get("/cities_by_states")
def cities_by_states() -> str:
    return render_template("web_flask/cities_by_states.html", states=regions())
