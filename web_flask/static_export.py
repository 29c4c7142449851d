"""Export of the design as static pages, drawn by the same templates: `python -m web_flask.static_export`."""
from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

from flask import render_template

import models
from config import Settings
from sample import Sample
from sample.fill import fill
from web import picture
from web_flask.app import create_app

FOLDER = Path(__file__).parent.parent / "web_static"
PICTURES = "images/places"
# The pages by what draws them; each stands for all of its kind.
NAMES = {"web_flask.hbnb": "index.html", "web_flask.place": "place.html", "web_flask.states": "states.html",
         "web_flask.state": "state.html", "web_flask.cities_by_states": "cities.html"}


def pages() -> dict[str, str]:
    """The content of each file, by its name."""
    with tempfile.TemporaryDirectory() as folder:
        settings = Settings(file_path=f"{folder}/file.json")
        with models.using(settings):
            sample = list(Sample(places=10, states=4, cities=2, reviews=4))
            fill(sample)
            return _drawn(settings, {
                obj["__class__"]: obj["id"] for obj in sample if obj["__class__"] in ("Place", "State")})


def _drawn(settings: Settings, last: dict[str, str]) -> dict[str, str]:
    pictures: dict[str, str] = {}

    def address(endpoint: str, **_: Any) -> str:
        return NAMES[endpoint]

    def drawn(id: str) -> str:
        name = f"{PICTURES}/{id}.svg"
        pictures[name] = picture.draw(id)
        return name

    app = create_app(settings)
    app.jinja_env.globals |= {"url_for": address, "static": "{}/{}".format, "picture": drawn,
                              "has_accounts": False}
    client = app.test_client()
    found = {name: client.get(path).text for name, path in (
        ("index.html", "/hbnb"), ("place.html", f"/places/{last['Place']}"), ("states.html", "/states"),
        ("state.html", f"/states/{last['State']}"), ("cities.html", "/cities_by_states"),
        ("not_found.html", "/nowhere"))}
    with app.test_request_context():
        found["maintenance.html"] = render_template("web/unavailable.html")
    return {**found, **pictures}


def main() -> None:
    (FOLDER / PICTURES).mkdir(exist_ok=True)
    for old in (*FOLDER.glob("*.html"), *(FOLDER / PICTURES).glob("*.svg")):
        old.unlink()
    for name, content in pages().items():
        (FOLDER / name).write_text(content, encoding="utf-8")


if __name__ == "__main__":
    main()
