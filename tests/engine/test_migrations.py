"""Migrations, and the conversion of an older HBNB's database."""
from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from dataclasses import replace
from typing import Any
from unittest.mock import Mock

import pytest
from click.testing import CliRunner, Result
from sqlalchemy import event

import migrations
import models
import wsgi
from cli.db import db
from config import Settings
from errors import Conflict, Misconfigured, Outdated, Unavailable
from legacy import database as conversion
from migrations import HEAD, SINCE
from migrations.runner import Migrations
from models import passwords
from models.engine.db_storage import DBStorage
from models.place import Place
from models.state import State
from models.user import User
from tests import programs
from tests.airbnb import counts, stored
from tests.conftest import ROOT, TEST_DATABASE, environment, running_server
from tests.database import engines_of
from tests.mariadb import MariaDB
from tests.market import Market

REVISIONS = sorted(path.stem[1:] for path in (ROOT / "migrations/versions").glob("r*.py"))
NEWER = "9999"
CLASSIC = {"State": 11, "City": 32, "User": 30, "Amenity": 47, "Place": 154, "Review": 718}
TABLES = ["states", "cities", "users", "amenities", "places", "reviews", "place_amenity"]
# A small database of an older HBNB.
SMALL = """
CREATE TABLE states (id varchar(60) NOT NULL, created_at datetime NOT NULL, updated_at datetime NOT NULL,
    name varchar(128) NOT NULL, PRIMARY KEY (id)) ENGINE={engine} DEFAULT CHARSET=latin1;
CREATE TABLE cities (id varchar(60) NOT NULL, created_at datetime NOT NULL, updated_at datetime NOT NULL,
    name varchar(128) NOT NULL, state_id varchar(60) NOT NULL, PRIMARY KEY (id), KEY state_id (state_id),
    CONSTRAINT cities_ibfk_1 FOREIGN KEY (state_id) REFERENCES states (id)) ENGINE={engine} DEFAULT CHARSET=latin1;
CREATE TABLE amenities LIKE states;
CREATE TABLE users (id varchar(60) NOT NULL, created_at datetime, updated_at datetime, email varchar(128),
    password varchar(128), first_name varchar(128), last_name varchar(128), PRIMARY KEY (id))
    ENGINE={engine} DEFAULT CHARSET=latin1;
CREATE TABLE places (id varchar(60) NOT NULL, created_at datetime NOT NULL, updated_at datetime NOT NULL,
    city_id varchar(60) NOT NULL, user_id varchar(60) NOT NULL, name varchar(128) NOT NULL, description varchar(1024),
    number_rooms int, number_bathrooms int, max_guest int, price_by_night int, latitude float, longitude float,
    PRIMARY KEY (id)) ENGINE={engine} DEFAULT CHARSET=latin1;
CREATE TABLE reviews (id varchar(60) NOT NULL, created_at datetime NOT NULL, updated_at datetime NOT NULL,
    place_id varchar(60) NOT NULL, user_id varchar(60) NOT NULL, text varchar(1024) NOT NULL, PRIMARY KEY (id))
    ENGINE={engine} DEFAULT CHARSET=latin1;
CREATE TABLE place_amenity (place_id varchar(60) NOT NULL, amenity_id varchar(60) NOT NULL,
    PRIMARY KEY (place_id, amenity_id)) ENGINE={engine} DEFAULT CHARSET=latin1;
SET @t = '2017-03-25 02:17:06';
INSERT INTO states VALUES ('s1', @t, @t, 'New York');
INSERT INTO cities VALUES ('c1', @t, @t, 'Albany', 's1');
INSERT INTO amenities VALUES ('a1', @t, @t, 'Wifi'), ('a2', @t, @t, 'TV');
INSERT INTO users VALUES ('u1', @t, @t, 'Ada@x.org', 'secret', 'Ada', NULL),
    ('u2', @t, @t, 'bob@x.org', '{md5}', 'Bob', 'B'), ('u3', @t, @t, 'cy@x.org', '', 'Cy', 'C');
INSERT INTO places VALUES ('p1', @t, @t, 'c1', 'u1', 'Loft', 'One<BR />Two<br>Three', 1, 2, 3, 40, 37.774, -122.431),
    ('p2', @t, @t, 'c1', 'u2', 'Hut', NULL, NULL, 0, 0, 0, NULL, NULL);
INSERT INTO reviews VALUES ('r1', @t, @t, 'p1', 'u2', 'Nice');
INSERT INTO place_amenity VALUES ('p1', 'a1'), ('p1', 'a2');
"""
MD5 = "5ebe2294ecd0e0f08eab7690d2a6ee69"      # of "secret"


class Database:
    """A database for one test."""

    def __init__(self, server: MariaDB, settings: Settings) -> None:
        self.server, self.settings, self.name = server, settings, settings.mysql_db
        self._opened: list[DBStorage] = []

    def execute(self, statements: str) -> None:
        self.server.execute(statements, self.name)

    def fill(self, engine: str = "InnoDB") -> None:
        self.execute(SMALL.format(engine=engine, md5=MD5))

    def rows(self, statement: str) -> list[Any]:
        with closing(self.server.connect(self.name)) as connection:
            cursor = connection.cursor()
            cursor.execute(statement)
            return list(cursor.fetchall())

    def open(self, env: str = "dev") -> DBStorage:
        self._opened.append(DBStorage(replace(self.settings, env=env)))
        return self._opened[-1]

    @property
    def migrations(self) -> Migrations:
        return self.open().migrations()

    def schema(self) -> dict[str, Any]:
        """Return the sorted lines of each table's definition."""
        names = [name for name, in self.rows("SHOW TABLES") if name != "alembic_version"]
        return {name: sorted(re.sub(" AUTO_INCREMENT=[0-9]+", "", line.strip(" ,"))
                             for line in self.rows(f"SHOW CREATE TABLE {name}")[0][1].splitlines()) for name in names}

    def content(self) -> dict[str, Any]:
        return {name: self.rows(f"SELECT * FROM {name} ORDER BY 1, 2") for name, in self.rows("SHOW TABLES")
                if name not in ("versions", "changes")}

    def close(self) -> None:
        for storage in self._opened:
            storage.close()
            engines_of(storage).transactions.dispose()
            engines_of(storage).statements.dispose()
        self.server.execute(f"DROP DATABASE {self.name}")


@pytest.fixture(scope="module")
def server() -> Iterator[MariaDB]:
    """A server that does not wait for the disk, because these tests create and drop many tables."""
    with running_server("--innodb-flush-method=nosync", "--innodb-flush-log-at-trx-commit=0") as server:
        yield server


@pytest.fixture
def make(server: MariaDB) -> Iterator[Callable[..., Database]]:
    made: list[Database] = []

    def make(name: str = "migrated") -> Database:
        server.execute(f"CREATE OR REPLACE DATABASE {name} CHARACTER SET latin1; "
                       f"GRANT ALL ON {name}.* TO hbnb_test@localhost")
        made.append(Database(server, replace(Settings(), type_storage="db", mysql_host=server.socket,
                                             **TEST_DATABASE | {"mysql_db": name})))
        return made[-1]
    yield make
    for each in made:
        each.close()


@pytest.fixture
def database(make: Callable[..., Database]) -> Database:
    return make()


@pytest.fixture
def small(database: Database) -> Database:
    database.fill()
    return database


def use(database: Database, monkeypatch: pytest.MonkeyPatch, env: str = "dev") -> DBStorage:
    storage = database.open(env)
    monkeypatch.setattr(models, "storage", storage)
    return storage


class TestSchema:
    def test_the_models_and_the_migrations_make_the_same_schema(self, make):
        migrated, made = make("migrated"), make("made")
        assert migrated.migrations.upgrade() == REVISIONS
        made.open().reload()
        assert migrated.schema() == made.schema()
        assert migrated.rows("SELECT * FROM alembic_version") == made.rows("SELECT * FROM alembic_version")

    def test_head_is_the_last_migration(self, database):
        scripts = database.migrations._scripts
        assert scripts.get_heads() == [migrations.HEAD]
        assert all(isinstance(each.module.backward_compatible, bool) for each in scripts.walk_revisions())

    def test_a_downgrade_and_an_upgrade_keep_all_rows(self, database, monkeypatch):
        storage = use(database, monkeypatch)
        market = Market()
        market.place.latitude, market.place.description = 42.123456789012, "Hawaiʻi 🏝\nuse <br> to break; Ã©"
        storage.save()
        before, schema = stored(storage), database.schema()
        rows = database.content()
        engines_of(storage).transactions.dispose()
        assert database.migrations.downgrade("0001") == REVISIONS[:0:-1]
        assert database.rows("SELECT * FROM alembic_version") == [("0001", "0001")]
        assert "KEY `state_id` (`state_id`)" in database.schema()["cities"]
        assert not any("CASCADE" in line for lines in database.schema().values() for line in lines)
        assert database.migrations.upgrade() == REVISIONS[1:]
        assert database.schema() == schema
        assert database.content() == rows
        assert stored(use(database, monkeypatch)) == before

    def test_a_downgrade_to_0003_sets_unknown_prices_to_0_and_reports_it(self, database, monkeypatch):
        storage = use(database, monkeypatch)
        market = Market()
        market.place.price_by_night = None
        market.place.save()
        engines_of(storage).transactions.dispose()
        reported: list[str] = []
        monkeypatch.setattr("models.engine.db.ddl.report", reported.append)
        assert database.migrations.downgrade("0003") == REVISIONS[:2:-1]
        assert database.rows("SELECT price_by_night FROM places") == [(0,)]
        assert any(each.startswith("Places without a price, which now have the price 0: 1. Import their listings again")
                   for each in reported)
        assert any("`price_by_night` int(11) NOT NULL" in line for line in database.schema()["places"])
        assert database.migrations.upgrade() == REVISIONS[3:]
        assert any("`price_by_night` int(11) DEFAULT NULL" in line for line in database.schema()["places"])

    def test_a_downgrade_to_0005_lists_all_places_and_reports_how_many_were_hidden(self, database, monkeypatch):
        storage = use(database, monkeypatch)
        market = Market()
        Place(name="Hut", city_id=market.city.id, user_id=market.host.id, status="draft").save()
        schema = database.schema()
        engines_of(storage).transactions.dispose()
        reported: list[str] = []
        monkeypatch.setattr("models.engine.db.ddl.report", reported.append)
        newer = REVISIONS[REVISIONS.index("0006"):]
        assert database.migrations.downgrade("0005") == newer[::-1]
        assert "Places that were not listed, and that everyone can see now: 1" in reported
        assert not {"accounts", "sessions", "one_time_links", "personal_tokens", "outgoing_mails", "login_failures",
                    "audit_entries"} & database.schema().keys()
        assert not any("status" in line for line in database.schema()["places"])
        assert database.migrations.upgrade() == newer
        assert database.schema() == schema
        assert database.rows("SELECT status, COUNT(*) FROM places GROUP BY status") == [("listed", 2)]

    def test_places_that_the_previous_release_adds_are_listed(self, database, monkeypatch):
        use(database, monkeypatch)
        market = Market()
        database.execute("INSERT INTO places (id, created_at, updated_at, city_id, user_id, name, number_rooms, "
                         "number_bathrooms, max_guest) SELECT 'old', created_at, updated_at, city_id, user_id, name, "
                         "1, 1, 1 FROM places")
        assert models.storage.get(Place, "old").status == "listed"
        assert {market.place.id, "old"} == {each.id for each in models.storage.all(Place).values()}

    def test_an_upgrade_to_accounts_interrupted_at_any_statement_is_completed_by_the_next(self, database):
        database.migrations.upgrade()
        schema = database.schema()
        database.migrations.downgrade("0005")
        last, until, cuts = [], 1, 0
        while sent := run_until_killed(database, "upgrade", until):
            until = until + 1 if sent == last else 1    # each continues after the end of the last one
            last, cuts = sent, cuts + 1
            assert cuts < 60
        assert cuts > 10
        assert database.schema() == schema

    def test_an_upgrade_after_a_downgrade_of_accounts_interrupted_at_any_statement_restores_the_schema(self, database):
        database.migrations.upgrade()
        schema, until = database.schema(), 1
        while run_until_killed(database, "downgrade", until, "0005"):
            database.migrations.upgrade()
            assert database.schema() == schema
            until += 1
        assert until > 8

    def test_the_schema_of_an_older_release_is_upgraded_at_start_in_dev(self, database, monkeypatch):
        storage = use(database, monkeypatch)
        Market()
        before, schema = stored(storage), database.schema()
        engines_of(storage).transactions.dispose()
        database.migrations.downgrade("0002")
        database.execute("""
            DROP TABLE alembic_version; DROP TABLE tokens; DROP TABLE answers; DROP TABLE versions;
            ALTER TABLE places ADD KEY x (user_id), DROP KEY ix_places_user_id, ADD KEY ix_places_user_id (user_id);
            ALTER TABLE users DROP KEY ix_users_created_at, DROP KEY uq_users_email;
            ALTER TABLE reviews DROP FOREIGN KEY fk_reviews_place_id;
            ALTER TABLE cities DROP FOREIGN KEY fk_cities_state_id;
            ALTER TABLE cities ADD CONSTRAINT fk_cities_state_id FOREIGN KEY (state_id) REFERENCES states (id);""")
        for env in ("staging", "production"):
            with pytest.raises(Outdated, match="older HBNB"):
                database.open(env).reload()
        assert stored(use(database, monkeypatch)) == before
        assert database.schema() == schema

    def test_an_upgrade_adds_missing_indexes_and_keys_again(self, database):
        database.migrations.upgrade()
        schema = database.schema()
        database.migrations.downgrade("0002")
        database.execute("DELETE FROM alembic_version; ALTER TABLE cities DROP FOREIGN KEY fk_cities_state_id;"
                         "ALTER TABLE users DROP KEY uq_users_email; "
                         "ALTER TABLE states MODIFY name varchar(128) NOT NULL DEFAULT 'x'")
        database.migrations.upgrade()
        assert database.schema() == schema


class TestStart:
    @pytest.mark.parametrize("env", ["staging", "production"])
    @pytest.mark.parametrize("old", [False, True])
    def test_a_start_on_another_schema_is_refused_in_staging_and_production(self, database, env, old):
        if old:
            database.fill()
        with pytest.raises(Outdated, match=r"[Rr]un `flask --app wsgi db upgrade`"):
            database.open(env).reload()
        assert ("states" in database.schema()) == old

    def test_a_start_on_an_empty_database_creates_the_tables_in_dev(self, database):
        database.open().reload()
        assert database.rows("SELECT * FROM alembic_version") == [(HEAD, SINCE)]

    def test_a_start_in_dev_is_refused_if_an_upgrade_would_change_rows(self, small):
        before = small.content()
        with pytest.raises(Outdated, match="back it up, and run `flask --app wsgi db upgrade`"):
            small.open().reload()
        assert small.content() == before

    @pytest.mark.parametrize(("stamp", "fits"), [
        ((NEWER, HEAD), True), ((NEWER, "0001"), True), ((NEWER, NEWER), False), (("0001", "0001"), False)])
    def test_a_start_on_a_newer_schema_is_allowed_only_if_it_is_compatible(self, database, stamp, fits):
        database.migrations.upgrade()
        database.execute("UPDATE alembic_version SET version_num = '{}', since = '{}'".format(*stamp))
        storage = database.open("production")
        if fits:
            storage.reload()
        else:
            with pytest.raises(Outdated, match=f"{NEWER}, but this HBNB knows revisions up to" if stamp[0] > HEAD else (
                    "has the revision 0001")):
                storage.reload()

    @pytest.mark.parametrize("since", [HEAD, NEWER])
    def test_upgrade_leaves_a_newer_schema_alone(self, database, since):
        database.migrations.upgrade()
        database.execute(f"UPDATE alembic_version SET version_num = '{NEWER}', since = '{since}'")
        stops = database.migrations.plan().stops
        if since == HEAD:
            assert (stops, database.migrations.upgrade()) == ([], [])
        else:
            assert f"has the revision {NEWER}, but this HBNB knows revisions up to {HEAD} only. Start the" in stops[0]
            with pytest.raises(Conflict, match=f"The schema has the revision {NEWER}, but this HBNB"):
                database.migrations.upgrade()
        assert database.rows("SELECT * FROM alembic_version") == [(NEWER, since)]

    @pytest.mark.parametrize("revision", ["0001a", "9999", "bfe1"])
    def test_every_command_refuses_an_unknown_schema(self, small, monkeypatch, revision):
        use(small, monkeypatch, "production")
        small.migrations.upgrade()
        small.execute(f"UPDATE alembic_version SET version_num = '{revision}', since = '{revision}'")
        for command in ("status", "upgrade", "downgrade"):
            found = CliRunner().invoke(db, [command])
            assert found.exit_code == 1
            assert f"revision {revision}, but this HBNB knows revisions up to {HEAD} only. Start" in found.output

    def test_only_a_newer_hbnb_can_downgrade_its_schema(self, small, monkeypatch):
        use(small, monkeypatch)
        small.migrations.upgrade()
        small.execute(f"UPDATE alembic_version SET version_num = '{NEWER}', since = '{HEAD}'")
        found = CliRunner().invoke(db, ["downgrade"])
        assert found.exit_code == 1
        assert found.output == (f"Error: The schema has the revision {NEWER}, which this HBNB does not know. Run "
                                "`flask --app wsgi db downgrade` with the newer HBNB that made it\n")

    def test_a_missing_table_is_refused_at_start_and_by_every_command(self, small, monkeypatch):
        storage = use(small, monkeypatch, "production")
        small.migrations.upgrade()
        small.execute("DROP TABLE reviews")
        with pytest.raises(Outdated, match=r"These tables are missing: reviews\. Save the other .*`fab ENV restore"):
            storage.reload()
        schema = small.schema()
        for command in ("status", "upgrade", "downgrade"):
            found = CliRunner().invoke(db, [command])
            assert found.exit_code == 1
            assert "These tables are missing: reviews. Save the other tables with mysqldump, drop them" in found.output
        assert small.schema() == schema
        assert json.loads(CliRunner().invoke(db, ["status", "--json"]).output)["up_to_date"] is False

    def test_a_created_and_a_migrated_schema_have_the_same_stamp(self, make):
        made, migrated = make("made"), make("migrated")
        made.open().reload()
        migrated.migrations.upgrade()
        assert made.rows("SELECT * FROM alembic_version") == migrated.rows("SELECT * FROM alembic_version")

    def test_a_stamp_of_alembic_without_since_is_read(self, database):
        database.migrations.upgrade()
        database.execute("ALTER TABLE alembic_version DROP since")
        database.open("production").reload()
        assert database.migrations.upgrade() == []
        assert database.rows("SELECT * FROM alembic_version") == [(HEAD, SINCE)]

    @pytest.mark.parametrize("command", [
        ["wsgi.py"], ["-m", "api.v1.app"], ["-m", "web_flask.app"], ["console.py"]])
    def test_every_program_refuses_to_start_with_a_message_of_one_line(self, small, tmp_path, command):
        ended = programs.run(command, environment(small.settings, tmp_path) | {"HBNB_ENV": "production"}, cwd=ROOT)
        assert ended.returncode == 1
        assert ended.stderr == ("hbnb: The database migrated has the tables of an older HBNB. Stop all programs that "
                                "use it, back it up, and run `flask --app wsgi db upgrade`. On a site that fab set up, "
                                "run `fab ENV deploy` instead\n")

    def test_requests_under_another_wsgi_server_are_answered_503_until_the_upgrade(self, small, monkeypatch, caplog):
        use(small, monkeypatch, "staging")
        client = wsgi.create_app(replace(small.settings, env="staging")).test_client()
        assert [client.get(path).status_code for path in ("/api/v1/states", "/", "/health/live")] == [503, 503, 200]
        assert "run `flask --app wsgi db upgrade`" in caplog.text
        small.migrations.upgrade()
        assert client.get("/api/v1/states").status_code == 200

    def test_an_outdated_schema_is_refused_once_the_database_is_reachable(self, small, monkeypatch, tmp_path):
        socket = tmp_path / "socket"
        small.settings = replace(small.settings, mysql_host=str(socket))
        storage = use(small, monkeypatch, "production")
        models.check()
        socket.symlink_to(small.server.socket)
        with pytest.raises(Outdated):
            storage.count()
        with pytest.raises(Misconfigured, match="db upgrade"):
            models.check()
        small.migrations.upgrade()
        assert storage.count(State) == 1
        models.check()

    def test_a_start_during_a_migration_is_refused_at_once(self, small, monkeypatch):
        monkeypatch.setattr(models, "storage", small.open("production"))
        with closing(small.server.connect(small.name)) as other:
            other.cursor().execute("SELECT GET_LOCK('hbnb.migrated', 0)")
            with pytest.raises(Misconfigured, match="db upgrade"):
                models.check()


class TestConversion:
    def test_texts_defaults_and_passwords_are_converted_and_nothing_else(self, small, monkeypatch):
        small.migrations.upgrade()
        storage = use(small, monkeypatch, "production")
        assert counts() == {"State": 1, "City": 1, "User": 3, "Amenity": 2, "Place": 2, "Review": 1}
        loft, hut = storage.get(Place, "p1"), storage.get(Place, "p2")
        assert loft.description == "One\nTwo\nThree"
        assert (loft.latitude, loft.longitude) == (37.774, -122.431)
        assert loft.to_dict()["created_at"] == "2017-03-25T02:17:06.000000"
        assert sorted(loft.amenity_ids) == ["a1", "a2"]
        assert (hut.description, hut.number_rooms, hut.latitude) == (None, 0, None)
        ada, bob, cy = (storage.get(User, f"u{number}") for number in (1, 2, 3))
        assert (ada.email, ada.last_name) == ("Ada@x.org", "")
        assert all(passwords.is_hash(each.password) for each in (ada, bob, cy))
        assert cy.password == passwords.NO_LOGIN
        assert ada.check_password("secret")
        assert bob.check_password("secret")
        assert not bob.check_password(MD5)

    def test_it_makes_the_same_schema_as_in_an_empty_database(self, small, make):
        small.migrations.upgrade()
        other = make("other")
        other.migrations.upgrade()
        assert small.schema() == other.schema()

    def test_myisam_tables_are_converted(self, database):
        database.fill("MyISAM")
        database.migrations.upgrade()
        assert database.rows("SELECT COUNT(*) FROM place_amenity") == [(2,)]
        assert any("fk_place_amenity_place_id" in line for line in database.schema()["place_amenity"])

    def test_each_text_is_decoded_by_its_bytes(self, small):
        texts = {"E9": "é", "C3A9": "é", "436166E920939294": "Café “’”", "E28099F09F8F9D": "’🏝", "": "", "41": "A",
                 "C9": "É"}
        for number, kept in enumerate(texts):
            small.execute(f"INSERT INTO amenities SELECT 'x{number}', created_at, updated_at, X'{kept}' FROM states")
        assert any("name with a wrong encoding, to be corrected: 2" in line for line in small.migrations.plan().lines)
        small.migrations.upgrade()
        assert small.rows("SELECT name FROM amenities WHERE id LIKE 'x%' ORDER BY id") == [
            (meant,) for meant in texts.values()]

    def test_the_plan_lists_all_changes_and_changes_nothing(self, small):
        before, schema = small.content(), small.schema()
        plan = small.migrations.plan()
        assert (small.content(), small.schema()) == (before, schema)
        assert plan.stops == []
        [users] = [line for line in plan.lines if line.startswith("users: ")]
        assert users.startswith("users: 3 rows; new column types: id, created_at, updated_at, email, password, first_n")
        assert "last_name to be set to its default instead of NULL: 1" in users
        assert "passwords to hash: 3" in users
        assert any("places: 2 rows; " in line and "description with <BR />, to be replaced by line breaks: 1" in line
                   for line in plan.lines)

    @pytest.mark.parametrize(("statement", "words"), [
        ("UPDATE users SET email = 'ADA@X.org' WHERE id = 'u3'",
         r"users have the same e-mail address, .*: u1 \(Ada@x.org\), u3 \(ADA@X.org\)"),
        ("SET FOREIGN_KEY_CHECKS = 0; DELETE FROM states", r"cities.state_id is not the id of one of the states.*: c1"),
        ("DELETE FROM users WHERE id = 'u2'",
         r"places.user_id is not the id of one of the users.*: p2\n.*reviews.user_id.*: r1"),
        ("DELETE FROM amenities WHERE id = 'a2'", r"place_amenity.amenity_id is not the id of one of .*: p1/a2"),
        ("UPDATE reviews SET user_id = 'U2'", "reviews.user_id is not the id of one of the users, or differs from it"),
        ("UPDATE users SET email = NULL WHERE id <> 'u2'", r"users.email is NULL, but required.*: u1, u3"),
        ("UPDATE reviews SET text = X'E28099E9'", r"reviews.text mixes UTF-8 with other bytes.*: r1"),
        ("ALTER TABLE reviews CONVERT TO CHARACTER SET utf8mb3; "
         "UPDATE reviews SET text = CONVERT(X'C3A2C280C29920C3A9' USING utf8mb4)",
         r"reviews.text mixes UTF-8 with other bytes: store the text again, in UTF-8. Rows: r1"),
        ("UPDATE reviews SET text = X'81'", r"reviews.text holds bytes that are neither.*: r1"),
        ("SET FOREIGN_KEY_CHECKS = 0; UPDATE states SET name = X'E9', id = X'E9'; UPDATE cities SET state_id = X'E9'",
         r"states.id is not an id"),
        ("ALTER TABLE places MODIFY name TEXT; UPDATE places SET name = REPEAT('x', 129) WHERE id = 'p1'",
         "places.name has more than 128 characters.*: p1"),
        ("ALTER TABLE places ADD stars int", r"places.stars is not a column of HBNB"),
        ("ALTER TABLE reviews DROP text", r"reviews has no column text"),
        ("ALTER TABLE places MODIFY price_by_night double; UPDATE places SET price_by_night = 9.5 WHERE id = 'p1'",
         "places.price_by_night is not a whole number.*: p1"),
        ("CREATE TABLE mine (s varchar(60), t int, FOREIGN KEY f (s) REFERENCES states (id)) CHARSET=latin1",
         "mine, which is not HBNB's, has a foreign key to a table of HBNB"),
        ("CREATE TABLE mine (id varchar(60) PRIMARY KEY, t int) CHARSET=latin1; "
         "INSERT INTO mine VALUES ('New York', 1); ALTER TABLE states ADD CONSTRAINT theirs "
         " FOREIGN KEY (name) REFERENCES mine (id)",
         r"states has a foreign key to a table that is not HBNB's: drop the key \(theirs\)"),
        ("ALTER TABLE users ADD CONSTRAINT hmm CHECK (email LIKE '%@%')",
         r"users has a check constraint: drop it \(hmm\)"),
        ("CREATE TABLE places__new (mine int, own int); INSERT INTO places__new VALUES (1, 2)",
         "places__new exists, but was not made by an upgrade: drop it, or rename it"),
        ("CREATE TABLE users__old AS SELECT * FROM users", "users__old is left over .* did not make the present users"),
        ("CREATE TRIGGER tr BEFORE INSERT ON users FOR EACH ROW SET NEW.first_name = 'x'",
         r"users has a trigger.*\(tr\)"),
        ("ALTER TABLE place_amenity DROP PRIMARY KEY; INSERT INTO place_amenity VALUES ('p1', 'a1')",
         r"place_amenity has several rows with the same place_id and amenity_id: remove all but one. Rows: p1/a1")])
    def test_rows_that_cannot_be_converted_stop_it_before_anything_changes(self, small, statement, words):
        small.execute(statement)
        before, schema = small.content(), small.schema()
        with pytest.raises(Conflict, match=words) as stopped:
            small.migrations.upgrade()
        assert str(stopped.value).startswith("The upgrade cannot run. Nothing was changed. Correct this first:\n- ")
        assert (small.content(), small.schema()) == (before, schema)
        assert re.search(words, "\n".join(small.migrations.plan().stops))

    @pytest.mark.parametrize(("statement", "stops"), [
        ("ALTER TABLE states ADD stars int", ["states.stars is not a column of HBNB: move it into another table, or "
                                              "drop it"]),
        ("ALTER TABLE users DROP email", ["users has no column email: add it, with its values"]),
        ("ALTER TABLE states ADD stars int, ADD hue int; UPDATE cities SET state_id = 's2'", [
            "states.hue is not a column", "states.stars is not a column",
            "cities.state_id is not the id of one of the states"])])
    def test_each_fault_is_reported_once(self, small, statement, stops):
        small.execute(f"SET FOREIGN_KEY_CHECKS = 0; {statement}")
        found = small.migrations.plan().stops
        assert [said[:len(meant)] for said, meant in zip(sorted(found), sorted(stops), strict=True)] == sorted(stops)

    @pytest.mark.parametrize("missing", ["reviews", "place_amenity", "cities, places, reviews, place_amenity"])
    def test_missing_tables_are_created(self, small, make, missing):
        small.execute(f"SET FOREIGN_KEY_CHECKS = 0; DROP TABLE {missing}")
        plan = small.migrations.plan()
        assert plan.stops == []
        for name in missing.split(", "):
            assert f"{name} does not exist, and will be created" in plan.lines
        assert small.migrations.upgrade() == REVISIONS
        other = make("other")
        other.migrations.upgrade()
        assert small.schema() == other.schema()
        assert small.rows("SELECT COUNT(*) FROM users") == [(3,)]

    def test_the_plan_for_an_empty_database_lists_only_the_migrations(self, database):
        assert [line[:6] for line in database.migrations.plan().lines] == [f"{each}: " for each in REVISIONS]

    def test_a_foreign_key_of_another_database_stops_it(self, small):
        small.execute("CREATE DATABASE bills; GRANT SELECT ON bills.* TO hbnb_test@localhost; CREATE TABLE bills.bills "
                      "(s varchar(60) CHARSET latin1, FOREIGN KEY f (s) REFERENCES migrated.states (id))")
        try:
            assert small.migrations.plan().stops == [
                "bills.bills, which is not HBNB's, has a foreign key to a table of HBNB: drop the key (f), and create "
                "it again afterwards"]
        finally:
            small.execute("DROP DATABASE bills")

    def test_a_user_with_too_few_rights_is_told_where_the_rights_are_listed(self, small):
        small.execute("CREATE USER few@localhost IDENTIFIED BY 'few'; GRANT SELECT ON migrated.* TO few@localhost")
        try:
            few = DBStorage(replace(small.settings, mysql_user="few", mysql_pwd="few"))
            with pytest.raises(Unavailable, match=r"denied.* Give the user the rights that docs/database.md lists"):
                few.migrations().upgrade()
        finally:
            small.execute("DROP USER few@localhost")

    def test_values_with_a_default_are_set_and_counted(self, small):
        small.execute("SET sql_mode = ''; ALTER TABLE users MODIFY created_at datetime NOT NULL DEFAULT '0000-00-00';"
                      "UPDATE users SET created_at = '0000-00-00', updated_at = NULL, password = NULL WHERE id = 'u1'")
        assert any("created_at to be set to its default instead of NULL: 1" in line
                   for line in small.migrations.plan().lines)
        small.migrations.upgrade()
        [row] = small.rows("SELECT YEAR(created_at), YEAR(updated_at), password FROM users WHERE id = 'u1'")
        assert row == (1970, 1970, passwords.NO_LOGIN)

    def test_an_upgrade_interrupted_at_any_statement_is_completed_by_the_next(self, small, make):
        """The upgrade ends before each statement that changes something, as if its process were killed."""
        whole = make("whole")
        whole.fill()
        whole.migrations.upgrade()
        before, sent = small.content(), []
        while "RENAME" not in " ".join(sent):
            assert {name: rows for name, rows in small.content().items() if name in before} == before
            sent = run_until_killed(small, "upgrade", until=len(sent) + 1)
        assert len(sent) > 15
        cuts, last, until = 0, sent, 1
        while sent := run_until_killed(small, "upgrade", until):    # each continues after the end of the last one
            cuts, last, until = cuts + 1, sent, until + 1 if sent == last else 1
            assert cuts < 60
        assert cuts > 20
        assert small.schema() == whole.schema()
        small.execute("UPDATE users SET password = ''")
        whole.execute("UPDATE users SET password = ''")
        assert small.content() == whole.content()

    def test_the_old_tables_are_restored_if_another_program_wrote_meanwhile(self, small, monkeypatch):
        before, schema = small.content(), small.schema()
        swap = conversion._swap

        def late(connection: Any, metadata: Any) -> None:
            small.execute("UPDATE states SET name = 'Late'")
            swap(connection, metadata)
        monkeypatch.setattr(conversion, "_swap", late)
        with pytest.raises(Conflict, match=r"table states do not .*: 1 row with .* Another program wrote meanwhile"):
            small.migrations.upgrade()
        after = {name: rows for name, rows in small.content().items() if name in TABLES}
        assert after.pop("states")[0][3] == "Late"
        del before["states"]
        assert after == before
        assert {name: lines for name, lines in small.schema().items() if name in TABLES} == schema
        monkeypatch.undo()
        small.migrations.upgrade()
        assert small.rows("SELECT name FROM states") == [("Late",)]

    def test_the_documented_rights_are_enough(self, small):
        [rights] = re.findall(r"The user needs\s`(.*?)`", (ROOT / "docs" / "database.md").read_text())
        small.server.execute(f"CREATE OR REPLACE USER lodger@localhost IDENTIFIED BY 'p';"
                             f"GRANT {rights} ON migrated.* TO lodger@localhost")
        small.settings = replace(small.settings, mysql_user="lodger", mysql_pwd="p")
        assert small.migrations.plan().stops == []
        assert small.migrations.upgrade() == REVISIONS

    def test_the_plan_names_the_indexes_that_are_dropped(self, small):
        small.execute("ALTER TABLE users ADD UNIQUE mine (first_name, email)")
        assert [line for line in small.migrations.plan().lines if "dropped" in line] == [
            "users: these indexes are not HBNB's and are dropped: mine; create them again later if you need them"]

    def test_a_downgrade_names_the_indexes_that_are_dropped(self, small, monkeypatch):
        use(small, monkeypatch)
        small.migrations.upgrade()
        small.execute("ALTER TABLE states ADD INDEX mine (name)")
        assert "states: these indexes are not HBNB's and are dropped: mine; create them again later" in (
            CliRunner().invoke(db, ["downgrade", "0001"]).output)

    def test_rows_written_after_an_interrupted_upgrade_are_kept(self, small):
        interrupted_after_renaming(small)
        small.execute("INSERT INTO states SELECT 's9', created_at, updated_at, name FROM states")
        with pytest.raises(Conflict, match="DROP TABLE amenities__apart1, states__apart1, users__apart1, "):
            small.migrations.upgrade()
        small.migrations.upgrade()
        assert small.rows("SELECT id FROM states") == [("s1",)]
        assert small.rows("SELECT id FROM states__apart1") == [("s1",), ("s9",)]

    def test_a_copy_named_old_made_after_a_downgrade_stops_it(self, small):
        small.migrations.upgrade()
        small.migrations.downgrade("0001")
        small.execute("CREATE TABLE users__old AS SELECT * FROM users; "
                      "INSERT INTO users SELECT 'u9', created_at, updated_at, 'new@x.org', password, 'N', 'N' "
                      "FROM users WHERE id = 'u1'")
        before = small.content()
        with pytest.raises(Conflict, match=r"users__old is left over .* did not make the present users"):
            small.migrations.upgrade()
        assert small.content() == before
        small.execute("DROP TABLE users__old")
        assert small.migrations.upgrade() == REVISIONS[1:]
        assert small.rows("SELECT COUNT(*) FROM users") == [(4,)]

    def test_an_upgrade_after_a_downgrade_interrupted_at_any_statement_restores_everything(self, small, monkeypatch):
        small.migrations.upgrade()
        schema, content, until = small.schema(), small.content(), 1
        while run_until_killed(small, "downgrade", until, "0001"):
            use(small, monkeypatch, "production")
            assert CliRunner().invoke(db, ["status"]).exit_code == 1
            if small.rows("SELECT since FROM alembic_version WHERE since < '0002'"):
                with pytest.raises(Outdated):
                    models.storage.reload()
            small.migrations.upgrade()
            assert (small.schema(), small.content()) == (schema, content)
            until += 3
        assert until > 20

    def test_a_backup_restored_after_an_interrupted_upgrade_stops_it(self, small):
        interrupted_after_renaming(small)
        small.execute(f"SET FOREIGN_KEY_CHECKS = 0; DROP TABLE {', '.join(TABLES)}")
        small.fill()
        small.execute("INSERT INTO states SELECT 's9', created_at, updated_at, name FROM states")
        before = small.content()
        for _ in range(2):
            with pytest.raises(Conflict, match=r"states__old is left over .* did not make the present states"):
                small.migrations.upgrade()
        assert small.content() == before
        small.execute(f"SET FOREIGN_KEY_CHECKS = 0; DROP TABLE {', '.join(f'{name}__old' for name in TABLES)}")
        small.migrations.upgrade()
        assert small.rows("SELECT id FROM states") == [("s1",), ("s9",)]

    def test_two_upgrades_at_the_same_time_run_one_after_the_other(self, small, tmp_path):
        environ = environment(small.settings, tmp_path)
        command = ["-m", "flask", "--app", "wsgi", "db", "upgrade"]
        processes = [programs.Program(command, environ, cwd=ROOT, text=True, stdout=subprocess.PIPE,
                                      stderr=subprocess.PIPE) for _ in range(2)]
        printed = sorted(process.communicate(timeout=60) for process in processes)
        assert [error for _, error in printed] == ["", ""]
        assert printed[0][0].startswith("0001: ") or f"{HEAD}: done" in printed[0][0]
        assert printed[1][0] == "Nothing to do: the schema is up to date\n"


class TestAddresses:
    """The migration from revision 0002, which compared addresses by a collation of the server."""

    @pytest.fixture
    def before(self, small: Database) -> Database:
        small.migrations.upgrade()
        small.migrations.downgrade("0002")
        return small

    def insert(self, database: Database, *emails: str, password: str = "$nologin$") -> None:
        for number, email in enumerate(emails):
            database.execute(f"INSERT INTO users (id, created_at, updated_at, email, password, first_name, last_name) "
                             f"VALUES ('n{number}', NOW(), NOW(), '{email}', '{password}', '', '')")

    def test_an_old_database_keeps_users_whose_addresses_differ_in_accents_only(self, small, monkeypatch):
        small.execute("UPDATE users SET email = X'6A6F73E9' WHERE id = 'u1'; UPDATE users SET email = 'jose' "
                      "WHERE id = 'u2'; UPDATE users SET email = '' WHERE id = 'u3'; INSERT INTO users "
                      "SELECT 'u4', created_at, updated_at, email, password, '', '' FROM users WHERE id = 'u3'")
        small.migrations.upgrade()
        assert small.rows("SELECT id, email, email_key FROM users ORDER BY id") == [
            ("u1", "josé", "josé"), ("u2", "jose", "jose"), ("u3", "", None), ("u4", "", None)]

    def test_a_downgrade_restores_the_older_index_of_addresses(self, before):
        assert any("uq_users_email" in line and "(`email`)" in line for line in before.schema()["users"])
        assert not any("email_key" in line for line in before.schema()["users"])

    def test_the_index_also_binds_programs_of_the_previous_release(self, before):
        before.migrations.upgrade()
        assert before.rows("SELECT since FROM alembic_version") == [("0002",)]
        self.insert(before, "ADA@y.org")
        with pytest.raises(subprocess.CalledProcessError) as refused:
            before.execute("INSERT INTO users (id, created_at, updated_at, email, password, first_name, last_name) "
                           "VALUES ('x', NOW(), NOW(), 'ada@Y.org', '', '', '')")
        assert b"for key 'uq_users_email'" in refused.value.stderr

    def test_users_with_equal_addresses_are_named_and_nothing_is_changed(self, before):
        self.insert(before, "k@x.org", "\u212a@x.org")      # the Kelvin sign, whose small letter is k
        content, schema = before.content(), before.schema()
        with pytest.raises(Conflict, match=r"the same e-mail address, .*: n0 \(k@x.org\), n1 \(\u212a@x.org\)"):
            before.migrations.upgrade()
        assert (before.content(), before.schema()) == (content, schema)

    def test_a_downgrade_names_users_whose_addresses_the_previous_release_takes_for_equal(self, small, monkeypatch):
        use(small, monkeypatch)
        small.migrations.upgrade()
        schema = small.schema()
        self.insert(small, "josé@x.org", "jose@x.org")
        assert re.search(r"treats these addresses as equal: n0 \(josé@x.org\), n1 \(jose@x.org\)",
                         CliRunner().invoke(db, ["downgrade", "0002"]).output)
        assert not any("uq_users_email" in line for line in small.schema()["users"])
        small.migrations.upgrade()
        assert small.schema() == schema

    def test_passwords_that_a_restore_left_as_text_become_hashes(self, before, monkeypatch):
        self.insert(before, "n@x.org", password="123456")
        assert "users: passwords to hash: 1" in before.migrations.plan().lines
        before.migrations.upgrade()
        assert use(before, monkeypatch).get(User, "n0").check_password("123456")


class TestCommands:
    """The commands `flask db …`, in an environment in which the server cannot start yet."""

    @pytest.fixture
    def run(self, small: Database, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Result]:
        use(small, monkeypatch, "production")

        def run(*arguments: str, **options: Any) -> Result:
            return CliRunner().invoke(db, arguments, **options)
        return run

    def test_the_commands_run_in_production_before_the_first_upgrade(self, small, tmp_path):
        environ = environment(small.settings, tmp_path) | {"HBNB_ENV": "production"}
        command = [sys.executable, "-m", "flask", "--app", "wsgi", "db"]
        for words, status, printed in (
                (["status"], 1, f"The schema has no revision; this HBNB needs revision {HEAD}\n0001: "),
                (["upgrade"], 0, "0001: done\n"),
                (["status"], 0, f"The schema has revision {HEAD}; this HBNB needs revision {HEAD}\n")):
            ended = subprocess.run([*command, *words], cwd=ROOT, env=environ, capture_output=True, text=True,
                                   timeout=60)
            assert (ended.returncode, ended.stderr) == (status, "")
            assert printed in ended.stdout

    @pytest.mark.parametrize("env", ["dev", "test"])
    def test_the_commands_do_not_create_tables_at_start(self, make, tmp_path, env):
        own = make("own_test")
        environ = environment(own.settings, tmp_path) | {"HBNB_ENV": env}

        def run(*words: str) -> str:
            return programs.run(["-m", "flask", "--app", "wsgi", "db", *words], environ, cwd=ROOT).stdout
        assert "0002: utf8mb4" in run("upgrade", "--dry-run")
        assert own.rows("SHOW TABLES") == []
        own.migrations.upgrade()
        own.execute("INSERT INTO states VALUES ('s1', NOW(), NOW(), 'Here')")
        assert "0002: undone" in run("downgrade", "0001")
        assert f"The schema has revision 0001; this HBNB needs revision {HEAD}" in run("status")
        assert own.rows("SELECT version_num, name FROM alembic_version, states") == [("0001", "Here")]

    def test_status_prints_json_for_programs(self, run, small):
        found = run("status", "--json")
        assert found.exit_code == 1
        status = json.loads(found.output)
        pending = status.pop("pending")
        assert status == {"current": None, "head": HEAD, "up_to_date": False, "trouble": None}
        assert [each["revision"] for each in pending] == REVISIONS
        assert pending[1] == {"revision": "0002", "about": "utf8mb4, exact times and coordinates, indexes, hashed "
                              "passwords, line breaks", "backward_compatible": False}
        assert "(not backward compatible)" in run("status").output
        small.migrations.upgrade()
        found = run("status", "--json")
        assert found.exit_code == 0
        assert json.loads(found.output) == {"current": HEAD, "head": HEAD, "up_to_date": True, "pending": [],
                                            "trouble": None}

    def test_a_dry_run_lists_all_stops(self, run, small):
        before = small.content()
        assert run("upgrade", "--dry-run").exit_code == 0
        small.execute("UPDATE users SET email = 'ADA@x.org'")
        for arguments in (["upgrade", "--dry-run"], ["upgrade"]):
            found = run(*arguments)
            assert found.exit_code == 1
            assert "u1 (ADA@x.org), u2 (ADA@x.org), u3 (ADA@x.org)" in found.output
        small.execute("UPDATE users SET email = ELT(RIGHT(id, 1), 'Ada@x.org', 'bob@x.org', 'cy@x.org')")
        assert small.content() == before

    def test_upgrade_prints_rows_and_checksums_and_downgrade_what_stays(self, run):
        found = run("upgrade").output
        assert re.search(r"place_amenity: 2 rows before and after, checksum [0-9a-f]{16}\n", found)
        assert found.endswith(f"{HEAD}: done\n")
        assert run("upgrade").output == "Nothing to do: the schema is up to date\n"
        found = run("downgrade", "0001").output
        assert "and hashed passwords. An older HBNB cannot check these, so its users cannot log in" in found
        found = run("downgrade")
        assert (found.exit_code, "There is no revision before 0001" in found.output) == (1, True)

    @pytest.mark.parametrize(("revision", "words"), [
        ("0009", "There is no revision 0009"), (HEAD, "is not an earlier revision")])
    def test_downgrade_to_an_unknown_or_later_revision_is_refused(self, run, small, revision, words):
        small.migrations.upgrade()
        found = run("downgrade", revision)
        assert found.exit_code == 1
        assert words in found.output

    def test_recreate_asks_first_and_runs_in_dev_and_test_only(self, run, small, monkeypatch):
        monkeypatch.setenv("HBNB_MYSQL_DB", "migrated")
        small.migrations.upgrade()
        for env in ("staging", "production"):
            monkeypatch.setenv("HBNB_ENV", env)
            found = run("recreate", "--yes")
            assert (found.exit_code, "works only in dev and test" in found.output) == (1, True)
        monkeypatch.setenv("HBNB_ENV", "dev")
        assert run("recreate", input="n\n").exit_code == 1
        assert small.rows("SELECT COUNT(*) FROM states") == [(1,)]
        assert run("recreate", input="y\n").output.endswith("All tables were dropped and created again\n")
        assert small.rows("SELECT COUNT(*) FROM states") == [(0,)]

    @pytest.mark.parametrize("arguments", [["status"], ["upgrade"], ["upgrade", "--dry-run"], ["downgrade"]])
    def test_an_unreachable_database_is_reported_in_one_line(self, small, monkeypatch, arguments):
        away = DBStorage(replace(small.settings, mysql_host="/no/such/socket"))
        monkeypatch.setattr(models, "storage", away)
        found = CliRunner().invoke(db, arguments)
        assert found.exit_code == 1
        advice = {"upgrade": r"\. Make sure that it is running, .*An interrupted upgrade continues where it stopped",
                  "downgrade": r"\. Make sure that it is running, .*then the downgrade again"}.get(arguments[-1], "")
        assert re.fullmatch(r"Error: The database migrated cannot be used: Can't connect to local server through "
                            rf"socket '/no/such/socket' \(2\){advice}\n", found.output)

    def test_ctrl_c_is_reported_and_nothing_is_lost(self, run, small, monkeypatch):
        before = small.content()
        with monkeypatch.context() as patched:
            patched.setattr(passwords, "all_protected", Mock(side_effect=KeyboardInterrupt))
            found = run("upgrade")
        assert found.exit_code == 1
        assert found.output.endswith("Interrupted. To complete the schema, run `flask --app wsgi db upgrade`, or "
                                     "repeat your fab command\n")
        assert {name: rows for name, rows in small.content().items() if name in before} == before
        assert run("upgrade").exit_code == 0

    def test_a_table_in_use_by_another_program_is_reported(self, run, small, monkeypatch):
        monkeypatch.setattr("migrations.runner.LOCK_TIMEOUT", 1)
        before = small.content()
        with closing(small.server.connect("migrated")) as other:
            other.cursor().execute("SELECT * FROM states")      # in a transaction that does not end
            found = run("upgrade")
            assert found.exit_code == 1
            assert "that no other program holds a lock" in found.output
            assert {name: rows for name, rows in small.content().items() if name in before} == before
        assert run("upgrade").exit_code == 0

    @pytest.mark.parametrize("command", ["status", "upgrade", "downgrade"])
    def test_with_the_file_engine_the_commands_do_nothing(self, tmp_path, monkeypatch, command):
        monkeypatch.setattr(models, "storage", models.make_storage(replace(Settings(), file_path=str(tmp_path / "f"))))
        found = CliRunner().invoke(db, [command])
        assert (found.exit_code, found.output) == (
            0, "The store is a file, which has no schema: nothing to do\n")


class Killed(BaseException):
    """Stands for a kill of the process."""


def interrupted_after_renaming(database: Database) -> None:
    with pytest.MonkeyPatch.context() as patched, suppress(Killed):
        patched.setattr(conversion, "_compare", Mock(side_effect=Killed))
        database.migrations.upgrade()


def run_until_killed(database: Database, work: str, until: int, *values: str) -> list[str]:
    """Upgrade or downgrade, and end after some statements that change something.

    Args:
        work: `upgrade` or `downgrade`.
        until: the number of statements that are executed.
    Returns: these statements; empty if the work was completed.
    """
    storage, sent = database.open(), []

    def count(connection: Any, cursor: Any, sql: str, *_: Any) -> None:
        if re.match(r"\s*(CREATE|ALTER|INSERT|RENAME|DROP|UPDATE|DELETE|REPLACE) (?!TEMPORARY)", sql):
            if len(sent) == until:
                raise Killed
            sent.append(sql)
    event.listen(engines_of(storage).statements, "before_cursor_execute", count)
    with suppress(Killed):
        getattr(storage.migrations(), work)(*values)
        return []
    return sent
