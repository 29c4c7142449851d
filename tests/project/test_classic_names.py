"""Classic import paths and their behaviour, and objects that a storage refuses because it could not store them."""
from __future__ import annotations

import doctest
import importlib
import io
import re
import subprocess
import sys
from collections.abc import Mapping
from contextlib import redirect_stdout
from pathlib import Path
from unittest import mock

import pytest

import models
import wsgi
from config import Settings
from errors import Invalid
from models.base_model import BaseModel
from models.city import City
from models.engine.base import Storage
from models.place import Place
from models.state import State
from tests.conftest import ROOT
from tests.documents import block
from tests.market import Market

MODELS = ("user", "state", "city", "amenity", "place", "review")
NAMES = ["models.storage", "models.storage_t", "models.base_model.BaseModel", "console.HBNBCommand", "api.v1.app.app",
         "models.engine.file_storage.FileStorage", "models.engine.db_storage.DBStorage", "api.v1.views.app_views",
         *(f"models.{name}.{name.title()}" for name in MODELS)]


@pytest.mark.parametrize("name", NAMES)
def test_each_classic_import_path_works_and_is_documented(name):
    module, _, attribute = name.rpartition(".")
    assert hasattr(importlib.import_module(module), attribute)
    documented = (ROOT / "docs" / "classic.md").read_text()
    assert f"from {module} import {attribute}" in documented or f"`{name}`" in documented


@pytest.mark.parametrize("engine", ["file", "db"])
def test_storage_t_is_the_name_of_the_engine(engine, environ):
    program = ("import models\nfrom models.engine.file_storage import FileStorage\n"
               "print(models.storage_t, isinstance(models.storage, FileStorage))")
    ended = subprocess.run([sys.executable, "-c", program], env=environ, capture_output=True, text=True, check=True)
    assert ended.stdout == f"{engine} {engine == 'file'}\n"


def test_the_example_of_the_document_prints_what_it_shows(storage):
    example = block("classic.md", "what is stored").replace("…", "...")
    test = doctest.DocTestParser().get_doctest(example, {}, "classic.md", None, 0)
    told: list[str] = []
    doctest.DocTestRunner(optionflags=doctest.ELLIPSIS).run(test, out=told.append)
    assert len(test.examples) > 5
    assert told == []


def run(environ: Mapping[str, str], folder: Path, *lines: str) -> str:
    """Run a program that imports `models`, and return its output."""
    ended = subprocess.run([sys.executable, "-c", "\n".join(["import models", *lines])], env=environ, cwd=folder,
                           capture_output=True, text=True, check=True)
    return ended.stdout


class TestStorage:
    def test_is_created_at_first_use_and_not_by_imports(self, environ, tmp_path):
        assert run(environ, tmp_path, "import services.crud, cli.interpreter, api.v1, web_dynamic, sample.fill",
                   "print('storage' in vars(models), models.storage is models.storage)") == "False True\n"

    def test_is_created_once_if_several_threads_use_it_first(self, environ, tmp_path):
        assert run(environ, tmp_path, "import time", "from concurrent.futures import ThreadPoolExecutor",
                   "make = models.make_storage",
                   "models.make_storage = lambda settings: (time.sleep(0.1), make(settings))[1]",
                   "with ThreadPoolExecutor(9) as pool:",
                   "    print(len({*pool.map(lambda _: models.storage, range(9))}))") == "1\n"

    def test_is_created_once_even_if_a_mock_replaces_it_first(self, environ, tmp_path):
        assert run(environ, tmp_path, "from unittest import mock", "made, make = [], models.make_storage",
                   "models.make_storage = lambda settings: (made.append(make(settings)), made[-1])[1]",
                   "with mock.patch('models.storage') as mocked: assert models.storage is mocked",
                   "print(made == [models.storage])") == "True\n"

    def test_is_opened_with_the_settings_of_the_application(self, tmp_path):
        environ = {"PYTHONPATH": str(ROOT), "HBNB_TYPE_STORAGE": "db"}
        assert run(environ, tmp_path, "from config import Settings", "from models.state import State",
                   "models.open_storage(Settings(file_path='mine.json'))", "State(name='Ohio').save()",
                   "print(models.storage.count(), models.storage_t)") == "1 file\n"
        assert (tmp_path / "mine.json").exists()

    def test_set_by_a_program_is_not_replaced_by_an_application(self, storage):
        before = models.storage
        wsgi.create_app(Settings(file_path="/nowhere/x.json"))
        assert models.storage is before

    def test_is_replaced_inside_a_block_and_restored_afterwards(self, tmp_path, storage):
        with models.using(Settings(file_path=str(tmp_path / "other.json"))) as other:
            State(name="Ohio").save()
            assert models.storage is other
        assert models.storage is storage
        assert storage.count() == 0


@pytest.mark.parametrize("engine", ["db"], indirect=True)
def test_the_database_engine_takes_its_settings_from_the_environment(environ, storage):
    State(name="Ohio").save()
    program = ("from models.engine.db_storage import DBStorage\n"
               "print(*(state.name for state in DBStorage().all('State').values()))")
    ended = subprocess.run([sys.executable, "-c", program], env=environ, capture_output=True, text=True, check=True)
    assert ended.stdout == "Ohio\n"


def test_the_file_engine_needs_no_argument(tmp_path, monkeypatch):
    from models.engine.file_storage import FileStorage
    monkeypatch.chdir(tmp_path)
    storage = FileStorage()
    state = State(name="Ohio")
    storage.new(state)
    storage.save()
    assert storage.all() == {f"State.{state.id}": state}
    assert f"State.{state.id}" in (tmp_path / "file.json").read_text()
    storage.close()


def test_save_calls_new_and_save_of_a_mocked_storage():
    for cls in (BaseModel, State):
        with mock.patch("models.storage") as storage:
            obj = cls()
            obj.my_number = 89
            obj.save()
        storage.new.assert_called_once_with(obj)
        assert storage.save.called


def test_onecmd_of_the_console_prints_the_result(storage: Storage):
    from console import HBNBCommand
    with redirect_stdout(io.StringIO()) as printed:
        HBNBCommand().onecmd('create State name="Ohio"')
        HBNBCommand().onecmd("count State")
    assert re.fullmatch(r"[0-9a-f-]{36}\n1\n", printed.getvalue())


def test_the_classic_blueprint_has_the_routes_of_the_api():
    from api.v1.app import app
    from api.v1.views import app_views
    assert app.blueprints[app_views.name] is app_views
    assert app.test_client().get("/api/v1/status").json == {"status": "OK"}


class TestRefusedObjects:
    def test_an_object_shows_any_attribute_that_was_set(self):
        for obj in (BaseModel(), State(name="Ohio")):
            obj.my_number = 89
            assert "'my_number': 89" in str(obj)
            assert obj.to_dict()["my_number"] == 89
        obj = BaseModel(my_number=89, name="x")
        assert (obj.my_number, BaseModel(**obj.to_dict()).to_dict()) == (89, obj.to_dict())

    @pytest.mark.parametrize("use", [
        lambda storage: BaseModel().save(), lambda storage: BaseModel().delete(), lambda storage: storage.new("x"),
        lambda storage: storage.new(None), lambda storage: storage.delete("x")])
    def test_a_value_that_is_not_a_model_object_is_refused(self, storage: Storage, use):
        with pytest.raises(Invalid, match=r"A \w+ cannot be stored\. Nothing was stored\. Use one of Amenity, State"):
            use(storage)
        State(name="Ohio").save()
        assert storage.count() == 1

    @pytest.mark.parametrize("save", [
        lambda storage, obj: obj.save(), lambda storage, obj: storage.save(),
        lambda storage, obj: (storage.new(obj), storage.save())])
    @pytest.mark.parametrize("is_new", [True, False])
    def test_an_attribute_that_the_class_lacks_is_refused_until_it_is_deleted(self, storage: Storage, save, is_new):
        obj = State(name="Ohio")
        storage.new(obj)
        if not is_new:
            storage.save()
            storage.close()
            obj = storage.get(State, obj.id)
        obj.my_number = 89
        with pytest.raises(Invalid, match=r"State has no attribute my_number\. Nothing was stored\. .*del obj.my_numb"):
            save(storage, obj)
        del obj.my_number
        obj.save()
        storage.close()
        assert "my_number" not in storage.get(State, obj.id).to_dict()

    def test_an_object_saved_along_with_another_is_checked_too(self, storage: Storage):
        state, city = State(name="Ohio"), City(name="Akron")
        state.cities.append(city)
        city.nickname = "Rubber"
        with pytest.raises(Invalid, match="City has no attribute nickname"):
            state.save()
        assert storage.count() == 0

    @pytest.mark.parametrize(("name", "value"), [
        ("city", "x"), ("city", State()), ("city", BaseModel()), ("amenities", ["x"]), ("amenities", [State()]),
        ("reviews", [5]), ("user", 5)])
    def test_a_relationship_accepts_only_objects_of_the_related_class(self, storage: Storage, name, value):
        place = Market().place
        for use in (lambda: setattr(place, name, value), lambda: Place(**{name: value})):
            with pytest.raises(Invalid, match=rf"Place.{name} takes \w+ objects"):
                use()

    @pytest.mark.parametrize("value", [5, None, "abc", [5], [["x"]], {"a": 1}])
    def test_amenity_ids_must_be_a_list_of_ids(self, storage: Storage, value):
        with pytest.raises(Invalid, match="amenity_ids must be a list of ids"):
            Market().place.amenity_ids = value

    def test_there_are_six_models_and_their_relationships_can_be_cleared(self, storage: Storage):
        assert models.classes.keys() >= {"User", "State", "City", "Amenity", "Place", "Review"}
        place = Market().place
        place.city, place.amenities = None, []
        assert (place.city, place.amenity_ids) == (None, [])
