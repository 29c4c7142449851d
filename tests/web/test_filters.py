"""The cached HTML of the search filters: it is refreshed after every change of the store."""
from __future__ import annotations

import re

import pytest
from flask.testing import FlaskClient

import models
from models.amenity import Amenity
from models.engine.file_storage import FileStorage
from tests.apps import ready_app, shared_app
from tests.market import Market
from tests.processes import finish, start
from web_flask import app as alone
from web_flask.filters import filters

HEAD = """from models.amenity import Amenity
from models.city import City
from models.place import Place
from tests import objects
def home(city):
    city.save()
    Place(name='Home', city_id=city.id, user_id=ids['host']).save()
"""
# Each change with the names that the filters show afterwards.
CHANGES = [
    ("state = State(name='Ohio'); state.save(); home(City(name='Dayton', state_id=state.id))",
     "Albany, Dayton, Ohio, Pool, State of Albany, Wifi"),
    ("home(City(name='Akron', state_id=ids['state']))", "Akron, Albany, Dayton, Ohio, Pool, State of Albany, Wifi"),
    ("Amenity(name='Sauna').save()", "Akron, Albany, Dayton, Ohio, Pool, Sauna, State of Albany, Wifi"),
    ("objects.update(models.storage.get(State, ids['state']), {'name': 'Iowa'})",
     "Akron, Albany, Dayton, Iowa, Ohio, Pool, Sauna, Wifi"),
    ("objects.update(models.storage.get(City, ids['city']), {'name': 'Boone'})",
     "Akron, Boone, Dayton, Iowa, Ohio, Pool, Sauna, Wifi"),
    ("objects.update(models.storage.get(Amenity, ids['wifi']), {'name': 'Lift'})",
     "Akron, Boone, Dayton, Iowa, Lift, Ohio, Pool, Sauna"),
    ("objects.remove(models.storage.get(Amenity, ids['pool']))", "Akron, Boone, Dayton, Iowa, Lift, Ohio, Sauna"),
    ("objects.remove(models.storage.get(State, ids['state']))", "Dayton, Lift, Ohio, Sauna"),
]


@pytest.fixture
def client(storage) -> FlaskClient:
    return shared_app().test_client()


def names(client: FlaskClient, query: str = "") -> str:
    return ", ".join(sorted(re.findall(r'data-name="(.*?)"', client.get(f"/hbnb_filters{query}").text)))


@pytest.mark.parametrize("other_process", [False, True])
def test_the_next_page_shows_every_change(client, storage, environ, other_process):
    ids = {name: obj.id for name, obj in vars(Market()).items()}
    assert names(client) == "Albany, Pool, State of Albany, Wifi"
    for change, expected in CHANGES:
        code = f"{HEAD}ids = {ids!r}\n{change}"
        if other_process:
            finish(start(code, environ))
        else:
            exec(f"import models\nfrom models.state import State\n{code}", {})
        assert names(client) == expected, change
        assert names(client, f"?states={ids['state']}&amenities={ids['wifi']}") == expected, change


def test_one_request_does_not_show_the_choices_of_another(client, storage):
    market = Market()
    for query in (f"?cities={market.city.id}", f"?amenities={market.pool.id}", "", f"?states={market.state.id}"):
        found = client.get(f"/hbnb_filters{query}").text
        assert re.findall(r'value="([^"]*)"[^>]* checked', found) == [query.rpartition("=")[2]] * bool(query)


def test_a_name_may_look_like_the_checked_attribute(client, storage):
    for name in ("a checked>", "> checked", '" checked>'):
        Amenity(name=name).save()
    last = max(storage.all(Amenity).values(), key=lambda each: each.name)
    found = client.get(f"/hbnb_filters?amenities={last.id}").text
    assert re.findall(r'data-name="([^"]*)"( checked)?>', found) == [
        ("&#34; checked&gt;", ""), ("&gt; checked", ""), ("a checked&gt;", " checked")]


def test_uncommitted_changes_are_not_cached(client, storage):
    with storage.transaction(dry_run=True):
        storage.new(Amenity(name="Nowhere"))
        models.storage._session.flush()
        with client.application.test_request_context():
            assert "Nowhere" in filters()["lists"]["amenities"]
    assert "Nowhere" not in names(client)


def test_each_application_and_storage_shows_its_own_filters(client, storage, tmp_path, monkeypatch):
    Amenity(name="Sauna").save()
    assert names(client) == names(ready_app(alone.create_app).test_client()) == "Sauna"
    other = FileStorage(tmp_path / "other.json")
    other.reload()
    monkeypatch.setattr(models, "storage", other)
    assert names(client) == ""
    other.close()
