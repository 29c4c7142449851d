"""Real listings, reviews and old stores: both engines store and find the same objects."""
from __future__ import annotations

import csv
import gzip
import json
import logging
import random
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import migrations
import models
from config import Settings
from models import passwords
from models.amenity import Amenity
from models.city import City
from models.engine.base import Storage
from models.place import Place
from models.review import Review
from models.state import State
from models.user import User
from services.search import search
from services.transfer.dumps import export_objects
from services.transfer.files import export_file, import_file
from services.transfer.report import Report
from tests import objects, programs
from tests.airbnb import Engines, counts, stored
from tests.conftest import ROOT, environment
from tests.database import engines_of
from tests.mariadb import MariaDB

ALBANY = {"State": 1, "City": 1, "User": 21561, "Amenity": 477, "Place": 421, "Review": 25313}
CLASSIC = {"State": 11, "City": 32, "User": 30, "Amenity": 47, "Place": 154, "Review": 718}


@pytest.fixture(scope="module")
def databases(mariadb: MariaDB) -> Iterator[Any]:
    """Returns a function that opens a storage on a new database."""
    opened: list[Storage] = []

    def make(name: str) -> Storage:
        mariadb.execute(f"CREATE DATABASE {name}; GRANT ALL ON {name}.* TO hbnb_test@localhost")
        opened.append(models.make_storage(replace(
            Settings(), type_storage="db", mysql_host=mariadb.socket, mysql_user="hbnb_test",
            mysql_pwd="hbnb_test_pwd", mysql_db=name)))
        return opened[-1]
    yield make
    for storage in opened:
        storage.close()


class Albany(Engines):
    """Listings and reviews of Albany, in both engines."""

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self.reports: dict[str, list[Report]] = {}

    def fill(self, data: Path) -> None:
        for name in ("file", "db"):
            self.use(name)
            self.reports[name] = self.load(data)

    def load(self, data: Path) -> list[Report]:
        return [import_file(str(data / "albany-listings.csv.gz"), "New York", "Albany"),
                import_file(str(data / "albany-reviews.csv.gz"))]


@pytest.fixture(scope="module")
def filled(data: Path, databases: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Albany]:
    folder = tmp_path_factory.mktemp("albany")
    with pytest.MonkeyPatch.context() as patch:
        file = models.make_storage(replace(Settings(), file_path=str(folder / "file.json")))
        albany = Albany(file, databases("albany"), lambda storage: patch.setattr(models, "storage", storage))
        albany.fill(data)
        yield albany


@pytest.fixture
def albany(filled: Albany, monkeypatch: pytest.MonkeyPatch) -> Albany:
    """The imported listings; tests must not change them."""
    filled._use = lambda storage: monkeypatch.setattr(models, "storage", storage)
    filled.use("file")
    return filled


def rows(path: Path) -> list[dict[str, str]]:
    with gzip.open(path, "rt", encoding="utf-8", newline="") as file:
        return [*csv.DictReader(file)]


class TestAlbany:
    def test_both_engines_import_all_listings_and_reviews(self, albany: Albany):
        for name in ("file", "db"):
            albany.use(name)
            assert counts() == ALBANY
            listings, reviews = albany.reports[name]
            assert listings.refused == reviews.refused == []
            assert listings.notes == {'places without a price; pages say "Price on request"': 37}
            assert reviews.notes == {"texts that were too long; they were shortened at a word boundary": 119}

    def test_both_engines_store_the_same_objects(self, albany: Albany):
        """Except for the times of objects without times in the source, which get the time of the import."""
        found = {}
        for name in ("file", "db"):
            albany.use(name)
            found[name] = stored(models.storage)
            for key, obj in found[name].items():
                if key.startswith(("State.", "City.", "Amenity.")):
                    del obj["created_at"], obj["updated_at"]
        assert found["file"] == found["db"]

    def test_the_stored_objects_match_the_files(self, albany: Albany, data: Path):
        listings, reviews = rows(data / "albany-listings.csv.gz"), rows(data / "albany-reviews.csv.gz")
        names = Counter(amenity.name for place in models.storage.all(Place).values() for amenity in place.amenities)
        expected = Counter(name for row in listings for name in {each.strip() for each in json.loads(row["amenities"])})
        assert names == expected
        assert sum(place.price_by_night or 0 for place in models.storage.all(Place).values()) == sum(
            int(float(row["price"].strip("$").replace(",", "")) + 0.5) for row in listings if row["price"])
        assert sorted((place.latitude, place.longitude) for place in models.storage.all(Place).values()) == sorted(
            (float(row["latitude"]), float(row["longitude"])) for row in listings)
        found = [*models.storage.all(Review).values()]
        assert Counter(str(review.created_at.date()) for review in found) == Counter(row["date"] for row in reviews)
        assert sorted(Counter(review.place_id for review in found).values()) == sorted(
            Counter(row["listing_id"] for row in reviews).values())

    def test_texts_have_no_html_and_keep_their_line_breaks(self, albany: Albany):
        texts = [review.text for review in models.storage.all(Review).values()]
        assert not any("<br" in text.lower() or "\r" in text for text in texts)
        assert sum("\n" in text for text in texts) > 1000
        assert max(map(len, texts)) <= 1024
        assert sum(text.endswith("…") and len(text) > 900 for text in texts) >= 119
        assert all(texts)

    def test_imported_users_cannot_log_in(self, albany: Albany):
        users = models.storage.all(User).values()
        assert {user.password for user in users} == {passwords.NO_LOGIN}
        assert all(user.email.endswith("@airbnb.invalid") for user in users)

    def test_both_engines_find_the_same_places(self, albany: Albany):
        chance = random.Random(7)
        [state], [city] = ([*models.storage.all(cls).values()] for cls in (State, City))
        amenities = {place.id: place.amenity_ids for place in models.storage.all(Place).values()}
        known = sorted(amenity for ids in amenities.values() for amenity in ids)     # frequent ones more often
        for _ in range(100):
            wanted = {"states": chance.sample([state.id, "none"], chance.randrange(3)),
                      "cities": chance.sample([city.id, "none"], chance.randrange(3)),
                      "amenities": chance.sample([*chance.choices(known, k=3), "none"],
                                                 chance.choice([0, 1, 1, 2, 3]))}
            found = {}
            for name in ("file", "db"):
                albany.use(name)
                found[name] = search(wanted).all()
            assert found["file"] == found["db"]
            where = {*wanted["states"], *wanted["cities"]}
            assert {each["id"] for each in found["db"]} == {
                id for id, ids in amenities.items() if set(wanted["amenities"]) <= set(ids)
                and (not where or where & {state.id, city.id})}

    @pytest.mark.parametrize("name", ["file", "db"])
    def test_a_second_import_changes_nothing(self, albany: Albany, data: Path, name: str):
        albany.use(name)
        before = lines()
        for report in albany.load(data):
            assert not report.new.total() + report.changed.total()
            assert report.same.total()
        assert lines() == before

    def test_a_move_to_mariadb_and_back_changes_nothing(self, albany: Albany, databases: Any, tmp_path: Path):
        before, path = lines(), str(tmp_path / "store.jsonl.gz")
        assert export_file(path, with_passwords=True) == sum(ALBANY.values())
        albany._use(databases("moved"))
        assert not import_file(path).refused
        export_file(path, with_passwords=True)
        albany._use(models.make_storage(replace(Settings(), file_path=str(tmp_path / "back.json"))))
        import_file(path)
        assert counts() == ALBANY
        assert lines() == before


def lines() -> list[bytes]:
    """All objects of the store with all attributes, as lines of an export."""
    found: list[bytes] = []
    export_objects(found.append, with_passwords=True)
    return found


class TestClassicFile:
    def test_the_file_engine_opens_the_classic_file(self, data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
        path = tmp_path / "file.json"
        path.write_bytes((data / "classic-file.json").read_bytes())
        monkeypatch.setattr(models, "storage", models.make_storage(replace(Settings(), file_path=str(path))))
        assert counts() == CLASSIC
        assert sum(len(place.amenity_ids) for place in models.storage.all(Place).values()) == links(data)

    def test_both_engines_import_the_classic_file_alike(self, data: Path, tmp_path: Path, databases: Any,
                                                        monkeypatch: pytest.MonkeyPatch):
        file = models.make_storage(replace(Settings(), file_path=str(tmp_path / "file.json")))
        engines = Engines(file, databases("classic"), lambda storage: monkeypatch.setattr(models, "storage", storage))
        found = []
        for name in ("file", "db"):
            engines.use(name)
            report = import_file(str(data / "classic-file.json"))
            assert report.refused == []
            assert report.new == counts() == CLASSIC
            assert import_file(str(data / "classic-file.json")).same == CLASSIC
            found.append(stored(models.storage))
        store = json.loads((data / "classic-file.json").read_text())
        for each in found:
            for key, obj in each.items():
                if "password" in obj:
                    assert obj.pop("password") != store[key]["password"]
                    assert models.storage.get(User, obj["id"]).check_password(store[key]["password"])
        assert found[0] == found[1]
        assert not any("<br" in json.dumps(obj).lower() for obj in found[0].values())
        assert "You’ll love" in str(found[0])
        assert found[0].keys() == store.keys()


def links(data: Path) -> int:
    store = json.loads((data / "classic-file.json").read_text())
    return sum(len(obj.get("amenity_ids", [])) for obj in store.values())


def old_passwords(data: Path) -> dict[str, str]:
    """The passwords of the users of the classic stores, by their ids."""
    store = json.loads((data / "classic-file.json").read_text())
    return {obj["id"]: obj["password"] for obj in store.values() if "password" in obj}


def load_dump(server: MariaDB, data: Path, name: str) -> None:
    """Load the classic dump into the database `name`, instead of the one that the dump names."""
    dump = (data / "classic-dump.sql").read_text(encoding="utf-8")
    head, _, tables = dump.partition("USE hbnb_dev_db;")
    server.execute(f"CREATE OR REPLACE DATABASE {name} CHARACTER SET latin1; "
                   f"GRANT ALL ON {name}.* TO hbnb_test@localhost; USE {name};"
                   f"{head.partition('DROP DATABASE')[0]}{tables}")


class TestClassicDump:
    """The database of an older HBNB, after its conversion."""

    @pytest.fixture
    def old(self, data: Path, mariadb: MariaDB, db_settings: Settings,
            monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[MariaDB, Settings]]:
        load_dump(mariadb, data, "old_db")
        settings = replace(db_settings, mysql_db="old_db")
        storage = models.make_storage(settings)
        monkeypatch.setattr(models, "storage", storage)
        assert storage.migrations().upgrade()[-1] == migrations.HEAD
        yield mariadb, settings
        storage.close()
        engines_of(storage).transactions.dispose()
        engines_of(storage).statements.dispose()
        mariadb.execute("DROP DATABASE old_db")

    def test_the_classic_dump_is_converted_without_losing_a_row(self, old: tuple[MariaDB, Settings]):
        server, _ = old
        assert counts() == CLASSIC
        assert sum(len(place.amenity_ids) for place in models.storage.all(Place).values()) == 2726
        cursor = server.connect("old_db").cursor()
        assert cursor.execute("SELECT 1 FROM place_amenity") == 2726

    def test_the_classic_dump_equals_the_classic_file(self, old: tuple[MariaDB, Settings], data: Path, tmp_path: Path,
                                                      monkeypatch: pytest.MonkeyPatch):
        path = tmp_path / "file.json"
        path.write_bytes((data / "classic-file.json").read_bytes())
        found = [stored(models.storage)]
        monkeypatch.setattr(models, "storage", models.make_storage(replace(Settings(), file_path=str(path))))
        found.append(stored(models.storage))
        for id, password in old_passwords(data).items():
            assert all(passwords.matches(each[f"User.{id}"].pop("password"), password) for each in found)
        assert links(data) == 0     # older file engines did not store links
        for each in found:
            for obj in each.values():
                obj.pop("amenity_ids", None)
            # This object was saved again after the dump.
            del each["Place.ad124633-a610-483f-862a-6f54dda19c6e"]["updated_at"]
        assert found[0] == found[1]
        text = str(found)
        assert text.count("You’ll love") > 20
        assert "fiancé" in text
        assert "<BR" not in text

    def test_the_converted_database_answers_searches(self, old: tuple[MariaDB, Settings]):
        assert len(search({}).all()) == 154
        state = max(models.storage.all(State).values(),
                    key=lambda state: sum(len(city.places) for city in state.cities))
        places = [place for city in state.cities for place in city.places]
        assert places
        assert {each["id"] for each in search({"states": [state.id]}).all()} == {place.id for place in places}
        amenity = max(models.storage.all(Amenity).values(), key=lambda amenity: len(amenity.places))
        having = {place.id for place in amenity.places}
        assert {each["id"] for each in search({"amenities": [amenity.id]}).all()} == having
        assert {each["id"] for each in search({"states": [state.id], "amenities": [amenity.id]}).all()} == (
            {place.id for place in places} & having)

    def test_the_converted_database_can_be_changed(self, old: tuple[MariaDB, Settings]):
        state = objects.create(State, {"name": "New"})
        city = objects.create(City, {"name": "Town"}, {"state_id": state.id})
        user = objects.create(User, {"email": "new@b.c", "password": "secret"})
        place = objects.create(Place, {"name": "Loft", "user_id": user.id}, {"city_id": city.id})
        place.amenities = [*models.storage.all(Amenity).values()][:2]
        objects.update(place, {"name": "Attic", "latitude": 42.25})
        objects.create(Review, {"text": "Nice", "user_id": user.id}, {"place_id": place.id})
        models.storage.close()
        assert models.storage.get(Place, place.id).name == "Attic"
        assert counts() == {"State": 12, "City": 33, "User": 31, "Amenity": 47, "Place": 155, "Review": 719}

    def test_removing_an_object_removes_its_dependents(self, old: tuple[MariaDB, Settings]):
        server, _ = old
        for state in [*models.storage.all(State).values()]:
            objects.remove(state)
        assert counts() == {"State": 0, "City": 0, "User": 30, "Amenity": 47, "Place": 0, "Review": 0}
        assert server.connect("old_db").cursor().execute("SELECT 1 FROM place_amenity") == 0
        for user in [*models.storage.all(User).values()]:
            objects.remove(user)
        assert counts()["User"] == 0

    def test_old_passwords_work_and_are_never_shown(self, old: tuple[MariaDB, Settings], data: Path, tmp_path: Path,
                                                    capsys: pytest.CaptureFixture[str],
                                                    caplog: pytest.LogCaptureFixture):
        from console import HBNBCommand
        logins = old_passwords(data)
        caplog.set_level(logging.DEBUG)
        console = HBNBCommand()
        for line in ("all User", "all", f"show User {min(logins)}", "all User --json", "all User --csv", "find User",
                     f"export {tmp_path}/x.jsonl", f"export {tmp_path}/p.jsonl --passwords"):
            console.onecmd(line)
        shown = capsys.readouterr()
        text = "".join([shown.out, shown.err, caplog.text, *(each.read_text() for each in tmp_path.glob("*.jsonl"))])
        assert shown.out.count(min(logins)) >= 5
        words = set(text.replace('"', " ").replace("'", " ").replace(",", " ").split())
        assert not words & {*logins.values()}
        for id, password in logins.items():
            assert models.storage.get(User, id).check_password(password)

    def test_a_move_to_the_file_engine_keeps_the_logins(self, old: tuple[MariaDB, Settings], data: Path, tmp_path: Path,
                                                        monkeypatch: pytest.MonkeyPatch):
        before = stored(models.storage)
        path = str(tmp_path / "x.jsonl.gz")
        assert export_file(path, with_passwords=True) == 992
        monkeypatch.setattr(models, "storage", models.make_storage(replace(Settings(),
                                                                           file_path=str(tmp_path / "f.json"))))
        assert not import_file(path).refused
        after = stored(models.storage)
        for store in (before, after):
            for obj in store.values():
                obj.pop("password", None)
        assert after == before
        for id, password in old_passwords(data).items():
            assert models.storage.get(User, id).check_password(password)

    def test_the_console_opens_the_converted_database(self, old: tuple[MariaDB, Settings], tmp_path: Path):
        _, settings = old
        ran = programs.run([ROOT / "console.py"], environment(settings, tmp_path), cwd=tmp_path,
                           input="count Place\ncount Review\n")
        assert ran.stdout == "154\n718\n"
        assert ran.returncode == 0
