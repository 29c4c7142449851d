"""Every statement that is sent to a database is valid on MySQL 8 and MariaDB.

`pytest tests/engine/test_dialect.py -rP` lists the statements.

sqlfluff knows the grammar of MySQL, and refuses most of MariaDB's extensions. It accepts any function and any type, so
this module lists those that both servers have, and the extensions that sqlfluff accepts.
"""
from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlfluff.core import Linter

import models
from errors import HBNBError
from models.amenity import Amenity
from models.engine.db.connection import LIMITED, ON_CONNECT
from models.engine.db_storage import DBStorage
from models.place import Place
from models.state import State
from models.user import User
from services import tokens
from services.actor import OPERATOR
from services.backup import back_up, restore
from services.idempotency import Reply, run_once
from services.query import Filter
from services.registry import service_for
from services.search import search
from services.transfer.files import export_file, import_file
from tests import objects
from tests.airbnb import Files, listing, review
from tests.airbnb import text as csv
from tests.api.test_contract import TABLE, Conversation
from tests.conftest import own_settings, watched
from tests.database import engines_of
from tests.engine.test_migrations import Database as Old
from tests.mariadb import MariaDB
from tests.market import Market

BOTH_FUNCTIONS = {"cast", "coalesce", "concat", "convert", "count", "database", "date_format", "floor", "get_lock",
                  "last_insert_id", "left", "lower", "max", "min", "nullif", "rand", "release_lock", "rtrim", "values"}
BOTH_TYPES = {"bigint", "binary", "bool", "char", "datetime", "double", "integer", "longtext", "text", "varchar"}
# Statements of both servers that the grammar does not know.
BOTH = re.compile(r"(RELEASE )?SAVEPOINT \w+")
BOTH_ENDS = re.compile(r" LIMIT %s(?= FOR UPDATE$)")
# SQLAlchemy adds this to Alembic's statement on MariaDB, but not on MySQL.
ADDED = " RETURNING alembic_version.version_num"
# Extensions of MariaDB that the grammar accepts and MySQL does not.
MARIADB_ONLY = re.compile(
    r"\bCREATE OR REPLACE TABLE\b|\b(ADD|DROP|MODIFY) (COLUMN |INDEX |CONSTRAINT )?IF (NOT )?EXISTS\b"
    r"|\b(CREATE|DROP) INDEX IF\b|\b(CREATE|ALTER|DROP) SEQUENCE\b|\bVALUE\s*\(|\bPERSISTENT\b"
    r"|\bWITH SYSTEM VERSIONING\b|/\*M!", re.IGNORECASE)
MYSQL_8 = {"ONLY_FULL_GROUP_BY", "STRICT_TRANS_TABLES", "NO_ZERO_IN_DATE", "NO_ZERO_DATE",
           "ERROR_FOR_DIVISION_BY_ZERO", "NO_ENGINE_SUBSTITUTION"}


@pytest.fixture(scope="module")
def wrong() -> Callable[[str], list[str]]:
    """A function that returns the faults of a statement on MySQL 8."""
    linter = Linter(dialect="mysql")

    def wrong(statement: str) -> list[str]:
        if BOTH.fullmatch(statement):
            return []
        parsed = linter.parse_string(BOTH_ENDS.sub("", statement).replace("%s", "1").replace("%%", "%") + ";\n")
        found = [each.desc() for each in parsed.violations]
        if parsed.tree:
            functions = {each.raw.lower() for each in parsed.tree.recursive_crawl("function_name")}
            types = {each.raw.lower() for each in parsed.tree.recursive_crawl("data_type_identifier")}
            found += sorted(functions - BOTH_FUNCTIONS) + sorted(types - BOTH_TYPES)
        return found + [each[0] for each in MARIADB_ONLY.finditer(statement)]
    return wrong


@pytest.fixture
def engine() -> str:
    return "db"


@pytest.mark.parametrize("statement", [
    "INSERT INTO t (a) VALUES (1) RETURNING a", "REPLACE INTO t (a) VALUES (1) RETURNING a",
    "DELETE FROM t RETURNING a", "SET STATEMENT max_statement_time = 1 FOR SELECT 1",
    "SELECT NEXT VALUE FOR s", "SELECT NEXTVAL(s)",
    "SELECT a FROM t ORDER BY a OFFSET 3 ROWS FETCH NEXT 2 ROWS ONLY", "SELECT a FROM t LIMIT ROWS EXAMINED 10",
    "CREATE TABLE t (a INET6)", "CREATE TABLE t (a UUID)", "CREATE OR REPLACE TABLE t (a INT)",
    "ALTER TABLE t ADD COLUMN IF NOT EXISTS a INT", "ALTER TABLE t DROP COLUMN IF EXISTS a",
    "CREATE INDEX IF NOT EXISTS i ON t (a)", "SELECT JSON_DETAILED(a) FROM t", "SELECT a /*M! , b */ FROM t",
    "INSERT INTO t (a) VALUES (1) ON DUPLICATE KEY UPDATE a = VALUE(a)", "SELECT MEDIAN(a) OVER () FROM t",
    "CREATE SEQUENCE s"])
def test_a_statement_that_only_mariadb_accepts_is_detected(wrong, statement):
    assert wrong(statement)


def test_each_statement_is_valid_on_mysql_and_mariadb(database, storage, old, monkeypatch, tmp_path, wrong):
    database.disconnect()       # an open transaction would block the creation of the tables
    storage = DBStorage(replace(database.settings, env="test"))     # also creates the tables
    monkeypatch.setattr(models, "storage", storage)
    sent = watched(storage, monkeypatch)
    everything(tmp_path)
    storage.close()
    older = old.open()
    monkeypatch.setattr(models, "storage", older)
    sent_to_older = watched(older, monkeypatch)
    kept_up(older, tmp_path)
    found = shapes([*sent, *(each.removesuffix(ADDED) for each in sent_to_older)])
    print(f"{len(found)} statements:", *found, sep="\n")
    assert len(found) > 150
    assert {first for each in found if (first := each.split()[0])} == {
        "SELECT", "INSERT", "REPLACE", "UPDATE", "DELETE", "CREATE", "ALTER", "RENAME", "DROP", "DESCRIBE", "SHOW",
        "SET", "SAVEPOINT", "RELEASE"}
    assert {each: reasons for each in {*map(short, found)} if (reasons := wrong(each))} == {}


def test_the_first_statement_of_a_connection_is_valid_on_mysql_and_mariadb(wrong):
    """The conditional comments are left out, because each server executes only its own."""
    first = ON_CONNECT + LIMITED.format(lock=1, seconds=2)
    own = re.findall(r"/\*(.*?)\*/", first)
    assert own == ["M!100101 , max_statement_time = 2", "!80000 , max_execution_time = 2000"]
    assert wrong(re.sub(r"/\*.*?\*/", "", first)) == []


def test_every_connection_has_the_sql_modes_of_mysql_8(storage):
    for engine in engines_of(storage):
        engine.dispose()    # another test may have ended its connections
        with engine.connect() as connection:
            assert {*connection.scalar(text("SELECT @@sql_mode")).split(",")} >= MYSQL_8
    with pytest.raises(HBNBError, match="GROUP BY"):
        storage.read(text("SELECT name, COUNT(*) FROM states GROUP BY created_at")).tuples()


@pytest.fixture
def old(mariadb: MariaDB) -> Iterator[Old]:
    """A small database of an older HBNB."""
    name = "old_dialect_test"
    mariadb.execute(f"CREATE OR REPLACE DATABASE {name} CHARACTER SET latin1; "
                    f"GRANT ALL ON {name}.* TO hbnb_test@localhost")
    database = Old(mariadb, own_settings(mariadb, mysql_db=name))
    database.fill()
    yield database
    database.close()


def everything(folder: Path) -> None:
    """Use all features of HBNB: every route, searches, lists, tokens, idempotency keys, imports and exports."""
    models.storage.reload()
    conversation = Conversation()
    for row in TABLE:
        conversation.ask(row)
    models.storage.close()
    market = Market()
    models.storage.all()
    near = {"latitude": 42.6, "longitude": -73.7, "km": 50}
    for filters in ({}, {"text": "lo%ft"}, {"guests": 1, "rooms": 0, "bathrooms": 0, "price_min": 1, "price_max": 500},
                    {"bbox": [-80, 40, -70, 45]}, {"near": near, "sort": "distance"}, {"sort": "price"},
                    {"states": [market.state.id], "amenities": [market.wifi.id, market.pool.id]}):
        for page in ({}, {"limit": 1}, {"limit": 1, "offset": 1}):
            found = search(filters | page)
            found.all()
            found.total()
        found.facets()
    objects.list(Place, [Filter("name", each, "Loft") for each in ("=", "!=", "~")] + [
        Filter("price_by_night", each, "100") for each in ("<", "<=", ">", ">=")], ["-price_by_night"], 5, 1)
    objects.list(User)
    tokens.create("one")
    tokens.list()
    tokens.revoke("one")
    for _ in range(2):
        run_once(("key",), b"", lambda: Reply(200, {}, "{}"))
    place, amenity = objects.find(Place, market.place.id), objects.find(Amenity, market.wifi.id)
    objects.unlink(place, amenity)
    objects.link(place, amenity)
    objects.update(objects.find(State, market.state.id), {"name": "Changed"})
    files = Files(folder)
    for name, content, place in (("listings.csv", listing(), "Albany"), ("reviews.csv", review(), None)):
        import_file(files.write(csv(content), name), place and "New York", place)
    with models.storage.snapshot():
        models.storage.count()
    path = str(folder / "store.jsonl")
    export_file(path, with_passwords=True)
    import_file(path)
    market.state = objects.find(State, market.state.id)
    service_for(State).dependents(OPERATOR, market.state)
    objects.remove(market.state)


def kept_up(storage: DBStorage, folder: Path) -> None:
    """Upgrade a database of an older HBNB, downgrade and upgrade it again, back it up and restore it."""
    migrations = storage.migrations()
    migrations.upgrade()
    migrations.downgrade()
    migrations.upgrade()
    path = str(folder / "backup")
    back_up(path)
    restore(path, replace=True)
    storage.close()


def shapes(statements: list[str]) -> list[str]:
    """Return the distinct statements, after normalizing white space and lists of values."""
    return sorted({re.sub(r"%s(, %s)+", "%s, %s", re.sub(r"\s+", " ", each)).strip() for each in statements})


def short(statement: str) -> str:
    """Return a statement with one of several similar columns: its grammar is the same, and parsing is faster."""
    for column in (r"DATE_FORMAT\([^()]*\)(?: AS \w+)?", r"\w+\.\w+(?: AS \w+)?", r"\w+=%s",
                   r"CAST\(`\w+` AS BINARY\)", r"CAST\(`\w+` AS CHAR\)", r"CONVERT\(`\w+` USING \w+\)"):
        statement = re.sub(rf"(?:{column}, )+({column})", r"\1", statement)
    return statement
