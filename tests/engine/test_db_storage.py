"""The database engine: wrong settings, the schema, and recovery from faults of the server."""
from __future__ import annotations

import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager, nullcontext, suppress
from dataclasses import replace
from typing import Any

import MySQLdb
import pytest
from sqlalchemy import event, text

import models
from config import Settings
from errors import Conflict, Invalid, Misconfigured, Stale, Unavailable
from models.amenity import Amenity
from models.columns import Base
from models.engine.base import Storage
from models.engine.db import connection as db_connection
from models.engine.db.connection import ON_CONNECT, _address
from models.engine.db.errors import DEADLOCK
from models.engine.db_storage import DBStorage
from models.place import Place
from models.state import State
from models.user import User
from services import registry
from services.actor import Actor
from services.crud import Service
from services.idempotency import Reply, run_once
from tests import objects, programs
from tests.conftest import ROOT, environment, own_settings
from tests.database import Database, engines_of
from tests.mariadb import MariaDB
from tests.market import Market
from tests.processes import finish, start


@pytest.fixture
def engine() -> str:
    return "db"


@pytest.fixture
def other_server() -> Iterator[Callable[..., MariaDB]]:
    """A function that starts a separate server with options."""
    servers: list[MariaDB] = []

    def make(*options: str) -> MariaDB:
        servers.append(MariaDB(*options))
        servers[-1].execute((ROOT / "setup_mysql_test.sql").read_text())
        return servers[-1]
    yield make
    for server in servers:
        server.remove()


def run(environ: dict[str, str], *code: str) -> subprocess.CompletedProcess[str]:
    return programs.run(["-c", "\n".join(["import models", *code])], environ)


class TestEnvironment:
    @pytest.mark.parametrize("missing", [
        ["HBNB_MYSQL_USER"], ["HBNB_MYSQL_PWD"], ["HBNB_MYSQL_HOST"], ["HBNB_MYSQL_DB"],
        ["HBNB_MYSQL_USER", "HBNB_MYSQL_PWD", "HBNB_MYSQL_HOST", "HBNB_MYSQL_DB"]])
    @pytest.mark.parametrize("program", [
        "import models; models.storage", "from models import storage_t", "import console; console.main([])",
        "import console; console.HBNBCommand()", "import api.v1.app", "import web_flask.app", "import wsgi"])
    def test_one_line_names_every_variable_that_is_missing(self, environ, missing, program):
        for name in missing:
            del environ[name]
        ended = programs.run(["-c", program], environ)
        assert ended.returncode != 0
        assert ended.stdout == ""
        assert ended.stderr.count("\n") == 1
        assert all(name in ended.stderr for name in missing)
        assert not [name for name in environ if name.startswith("HBNB_MYSQL") and name in ended.stderr]

    @pytest.mark.parametrize("name", ["hbnb_dev_db", "latest_db", "contest", "hbnbtest", "production"])
    def test_the_environment_test_is_refused_unless_the_database_is_named_as_a_test_database(self, settings, name):
        with pytest.raises(Misconfigured, match=f"{name} is not named as a test database"):
            DBStorage(replace(settings, env="test", mysql_db=name))

    def test_the_environment_test_recreates_all_tables_and_dev_keeps_them(self, storage, environ):
        State(name="S").save()
        assert run({**environ, "HBNB_ENV": "dev"}, "print(models.storage.count())").stdout == "1\n"
        assert run({**environ, "HBNB_ENV": "test"}, "print(models.storage.count())").stdout == "0\n"
        storage.close()
        assert storage.count() == 0

    @pytest.mark.parametrize(("setting", "value", "words"), [
        ("mysql_pwd", "wrong", "Access denied"), ("mysql_user", "unknown", "Access denied"),
        ("mysql_db", "no_such_test_db", "no_such_test_db")])
    def test_a_refused_login_is_reported_in_one_line(self, settings, tmp_path, setting, value, words):
        ended = run(environment(replace(settings, **{setting: value}), tmp_path), "models.check()")
        assert ended.returncode != 0
        assert words in ended.stderr
        assert ended.stderr.count("\n") == 1
        assert settings.mysql_pwd not in ended.stderr

    @pytest.mark.parametrize("host", ["/no/such/socket", "127.0.0.1:1", "no-such-host.invalid"])
    def test_an_unreachable_server_is_reported_by_each_command(
            self, settings, tmp_path, host, monkeypatch):
        storage = DBStorage(replace(settings, mysql_host=host))
        with pytest.raises(Unavailable, match=f"The database {settings.mysql_db} at {host} cannot be used"):
            storage.count()
        with pytest.raises(Unavailable):
            storage.reload()
        ended = programs.run([ROOT / "console.py"], environment(replace(settings, mysql_host=host), tmp_path),
                             input="count State\nfoo\n")
        assert "Traceback" not in ended.stderr
        assert "cannot be used" in ended.stderr
        assert ended.stdout == "*** Unknown syntax: foo\n"

    def test_a_missing_driver_is_reported_in_one_line_that_says_what_to_install(self, environ):
        code = "import sys; sys.modules['MySQLdb'] = None; import wsgi"
        ended = subprocess.run([sys.executable, "-c", code], env=environ, capture_output=True, text=True)
        assert ended.returncode != 0
        assert "pip install -r requirements/mysql.txt" in ended.stderr
        assert ended.stderr.count("\n") == 1

    @pytest.mark.parametrize(("host", "address"), [
        ("localhost", {"host": "localhost", "port": 3306}), ("db.example:3307", {"host": "db.example", "port": 3307}),
        ("[::1]:3307", {"host": "::1", "port": 3307}), ("::1", {"host": "::1", "port": 3306}),
        ("/run/mysqld/mysqld.sock", {"unix_socket": "/run/mysqld/mysqld.sock"})])
    def test_a_host_may_have_a_port_or_be_a_socket(self, host, address):
        assert _address(host) == address

    @pytest.mark.parametrize("host", ["db:", "db:x", "db:0", "db:99999", "db:-1"])
    def test_an_invalid_port_is_refused(self, host):
        if host == "db:":
            assert _address(host) == {"host": "db", "port": 3306}
            return
        with pytest.raises(Misconfigured, match="port"):
            _address(host)

    def test_a_password_may_have_any_characters(self, other_server):
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        server = other_server("--skip-networking=0", f"--port={port}", "--bind-address=127.0.0.1")
        password = "p@ss/w:o?r%d#&+ 'é\"\\"
        cursor = server.connect().cursor()
        cursor.execute("CREATE USER odd@'%%' IDENTIFIED BY %s", (password,))
        cursor.execute("GRANT ALL ON hbnb_test_db.* TO odd@'%'")
        storage = DBStorage(replace(own_settings(server), mysql_user="odd", mysql_pwd=password,
                                    mysql_host=f"127.0.0.1:{port}"))
        storage.reload()
        assert storage.count() == 0

    def test_the_setup_scripts_can_run_again(self, mariadb, monkeypatch):
        storage = DBStorage(own_settings(mariadb))
        monkeypatch.setattr(models, "storage", storage)
        State(name="S").save()
        before = storage.count()
        for name in ("dev", "test"):
            mariadb.execute((ROOT / f"setup_mysql_{name}.sql").read_text())
            connection = MySQLdb.connect(unix_socket=mariadb.socket, user=f"hbnb_{name}",
                                         password=f"hbnb_{name}_pwd", database=f"hbnb_{name}_db")
            cursor = connection.cursor()
            cursor.execute("SELECT COUNT(*) FROM performance_schema.threads")
            cursor.execute("SHOW GRANTS")
            assert f"GRANT ALL PRIVILEGES ON `hbnb_{name}_db`.*" in str(cursor.fetchall())
            connection.close()
        storage.close()
        assert storage.count() == before


class TestSchema:
    def test_columns_have_the_types_for_all_characters_exact_times_and_coordinates(self, storage, database):
        cursor = database.connect().cursor()
        cursor.execute("SELECT table_name, column_name, column_type, character_set_name, collation_name "
                       "FROM information_schema.columns WHERE table_schema = DATABASE()")
        found = {(table, column): rest for table, column, *rest in cursor.fetchall()}
        assert {table for table, _ in found} == {
            "users", "states", "cities", "amenities", "places", "reviews", "place_amenity", "versions", "changes",
            "tokens", "answers", "alembic_version", "accounts", "sessions", "one_time_links", "personal_tokens",
            "outgoing_mails", "login_failures", "audit_entries"}
        for (table, column), (kind, charset, collation) in found.items():
            if column == "id" or column.endswith("_id") or (table, column) in (
                    ("tokens", "name"), ("outgoing_mails", "dedupe_key")):
                assert (kind, collation) == ("varchar(60)", "ascii_bin")
            elif column.endswith(("_at", "_until")):
                assert kind == "datetime(6)"
            elif column in ("latitude", "longitude"):
                assert kind == "double"
            elif charset is not None:
                assert charset == "utf8mb4"

    def test_each_foreign_key_has_an_index_and_place_amenity_one_in_each_direction(self, storage, database):
        cursor = database.connect().cursor()
        cursor.execute("SELECT table_name, GROUP_CONCAT(column_name ORDER BY seq_in_index) "
                       "FROM information_schema.statistics WHERE table_schema = DATABASE() "
                       "GROUP BY table_name, index_name")
        found = set(cursor.fetchall())
        for table in Base.metadata.sorted_tables:
            for key in table.foreign_keys:
                assert any(name == table.name and columns.split(",")[0] == key.parent.name for name, columns in found)
        assert {("place_amenity", "place_id,amenity_id"), ("place_amenity", "amenity_id,place_id")} <= found

    def test_tables_in_a_latin1_database_are_utf8mb4(self, mariadb, monkeypatch):
        mariadb.execute("CREATE OR REPLACE DATABASE old_test_db CHARACTER SET latin1; "
                        "GRANT ALL ON old_test_db.* TO hbnb_test@localhost")
        storage = DBStorage(own_settings(mariadb, mysql_db="old_test_db"))
        monkeypatch.setattr(models, "storage", storage)
        state = State(name="Hawaiʻi 🏝")
        state.save()
        storage.close()
        assert storage.get(State, state.id).name == "Hawaiʻi 🏝"
        storage.close()

    def test_a_too_long_text_is_refused_instead_of_cut(self, storage):
        with pytest.raises(Exception, match="name is too long"):
            storage.write(State.__table__.insert(), [
                {"id": "1", "name": "x" * 129, "created_at": State().created_at, "updated_at": State().updated_at}])

    def test_a_server_that_is_not_in_strict_mode_is_refused(self, settings, monkeypatch):
        monkeypatch.setattr("models.engine.db.connection.ON_CONNECT", "SET SESSION sql_mode = ''")
        with pytest.raises(Misconfigured, match="strict mode"):
            DBStorage(settings).reload()

    def test_a_connection_that_is_not_utf8mb4_is_refused(self, settings):
        storage = DBStorage(settings)
        event.listen(engines_of(storage).transactions, "connect",
                     lambda connection, _: connection.query("SET NAMES latin1"))
        with pytest.raises(Misconfigured, match="uses the character set latin1"):
            storage.reload()

    def test_processes_that_start_together_create_the_tables_once(self, mariadb, tmp_path):
        mariadb.execute("CREATE OR REPLACE DATABASE new_test_db; GRANT ALL ON new_test_db.* TO hbnb_test@localhost")
        environ = environment(own_settings(mariadb, mysql_db="new_test_db"), tmp_path)
        processes = [start("State(name='S').save()", environ) for _ in range(6)]
        for process in processes:
            finish(process)
        assert run(environ, "print(models.storage.count())").stdout == "6\n"


class TestBatches:
    def test_they_are_received_when_they_are_needed_on_a_connection_that_is_free_afterwards(self, storage):
        for number in range(30):
            storage.new(State(name=str(number)))
        storage.save()
        storage.close()
        batches = storage.read(State.__table__.select()).batches(10)
        assert storage.pools()["streams"].used == 0
        assert len(next(batches)) == 10
        assert storage.pools()["streams"].used == 1
        batches.close()     # as when a caller stops reading
        assert storage.pools()["streams"].used == 0
        assert [len(each) for each in storage.read(State.__table__.select()).batches(20)] == [20, 10]


class TestFaults:
    def test_a_statement_after_a_killed_connection_succeeds(self, storage, database):
        State(name="S").save()
        storage.close()
        database.disconnect()
        State(name="T").save()
        assert storage.count(State) == 2

    def test_a_connection_killed_inside_a_transaction_raises_unavailable_and_stores_nothing(self, storage, database):
        State(name="S").save()
        with pytest.raises(Unavailable), storage.transaction():
            storage.write(text("UPDATE states SET name = 'half'"))
            [id] = storage.read(text("SELECT CONNECTION_ID()")).scalars()
            database.connect().cursor().execute(f"KILL {id}")
            storage.write(text("UPDATE states SET name = 'whole'"))
        storage.close()
        assert [state.name for state in storage.all(State).values()] == ["S"]

    @pytest.mark.parametrize("end", ["close", "reload", "dry run", "snapshot", "error"])
    def test_a_connection_killed_in_a_transaction_without_changes_raises_no_error(self, storage, database, end):
        State(name="S").save()
        storage.close()
        ending = {"dry run": storage.transaction(dry_run=True), "snapshot": storage.snapshot(),
                  "error": storage.transaction()}
        with suppress(KeyError), ending.get(end, nullcontext()):
            assert storage.count(State) == 1
            database.disconnect()
            if end == "error":
                raise KeyError
        if end in ("close", "reload"):
            getattr(storage, end)()
        assert storage.count(State) == 1

    def test_a_commit_without_a_response_is_reported_as_uncertain(self, storage, database, monkeypatch):
        storage.new(State(name="S"))
        monkeypatch.setattr(engines_of(storage).transactions.dialect, "do_commit", lambda connection: (
            connection.commit(), database.disconnect(), connection.ping()))
        with pytest.raises(Unavailable, match="lost before it confirmed the change, which may or may not"):
            storage.save()
        monkeypatch.undo()
        assert storage.count(State) == 1

    def test_the_console_works_again_after_the_server_was_killed_and_restarted(
            self, other_server, tmp_path):
        server = other_server()
        environ = environment(own_settings(server), tmp_path)
        console = subprocess.Popen([sys.executable, "-u", ROOT / "console.py"], env=environ, text=True,
                                   stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)

        def ask(line: str) -> str:
            console.stdin.write(f"{line}\n")
            console.stdin.flush()
            return console.stdout.readline()
        assert len(ask('create State name="S"')) == 37
        server.kill()
        server.start()
        assert ask("count State") == "1\n"
        assert len(ask('create State name="T"')) == 37
        server.kill()
        assert "cannot be used" in ask("count State")
        server.start()
        assert ask("count State") == "2\n"
        console.communicate("quit\n", timeout=30)
        assert console.returncode == 0

    def test_a_forked_worker_does_not_use_its_parents_connections(self, settings):
        storage = DBStorage(settings)   # a new one, with one connection; the fixture's may have several
        [parents] = storage.read(text("SELECT CONNECTION_ID()")).scalars()
        storage.close()
        read, write = os.pipe()
        child = os.fork()
        if child == 0:
            os.write(write, str(storage.read(text("SELECT CONNECTION_ID()")).scalars()[0]).encode())
            os._exit(0)
        os.waitpid(child, 0)
        assert int(os.read(read, 100)) != parents
        assert storage.read(text("SELECT CONNECTION_ID()")).scalars() == [parents]

    def test_the_statement_after_a_failed_one_succeeds(self, storage):
        with pytest.raises(Unavailable):
            storage.read(text("SELECT nonsense")).tuples()
        assert storage.count() == 0

    def test_errors_are_translated_if_the_server_is_set_to_another_language(self, own_server, monkeypatch):
        storage = DBStorage(own_settings(own_server))
        monkeypatch.setattr(models, "storage", storage)
        own_server.execute("SET GLOBAL lc_messages = 'de_DE'")
        try:
            with closing(own_server.connect()) as connection, pytest.raises(MySQLdb.Error, match="Unbekannte"):
                connection.query("USE nowhere")
            storage.insert(User(email="one@b.c", password="x"))
            with pytest.raises(Conflict, match="Another object has this email already"):
                storage.insert(User(email="one@b.c", password="x"))
            with pytest.raises(Invalid, match=r"^name is too long$"):
                storage.write(text("INSERT INTO states VALUES ('1', NOW(), NOW(), REPEAT('x', 200))"))
        finally:
            own_server.execute("SET GLOBAL lc_messages = DEFAULT")
            storage.close()

    def test_a_duplicate_is_refused_even_if_the_error_message_cannot_be_parsed(self, settings, storage, monkeypatch):
        monkeypatch.setattr(db_connection, "ON_CONNECT", ON_CONNECT.replace("en_US", "de_DE"))
        german = DBStorage(settings)
        monkeypatch.setattr(models, "storage", german)
        german.insert(User(email="a@b.c", password="x"))
        with pytest.raises(Conflict, match="Another object has this value already"):
            german.insert(User(email="a@b.c", password="x"))
        assert german.count(User) == 1
        german.close()

    def test_each_command_sees_the_changes_of_other_processes(self, storage, environ):
        assert storage.count(State) == 0
        finish(start("State(name='S').save()", environ))
        assert storage.count(State) == 1

    def test_save_is_tried_again_after_a_deadlock(self, storage, database):
        deleted, changed = two_users(storage)
        other = Other(database)
        other.execute("UPDATE users SET last_name = 'theirs' WHERE id = '2'")
        other.change_more_rows_than_the_test()
        errors: list[int] = []
        event.listen(engines_of(storage).transactions, "handle_error",
                     lambda context: errors.append(context.original_exception.args[0]))
        changed.first_name = "ours"
        storage.get(User, "2").first_name = "ours"
        storage.new(State(name="new"))
        storage.get(State, deleted.id).delete()
        with other.when_another_waits("UPDATE users SET last_name = 'theirs' WHERE id = '1'"):
            storage.save()
        assert errors == [1213]
        storage.close()
        users = storage.all(User).values()
        assert {(user.first_name, user.last_name) for user in users} == {("ours", "theirs")}
        assert [state.name for state in storage.all(State).values()] == ["new"]

    def test_rows_that_stay_locked_raise_unavailable(self, storage, database, settings, monkeypatch):
        two_users(storage)
        impatient = DBStorage(replace(settings, mysql_timeout="3"))     # a third of it is the timeout of locks
        impatient.enforce_timeouts()
        monkeypatch.setattr(models, "storage", impatient)
        other = Other(database)
        other.execute("UPDATE users SET last_name = 'theirs' WHERE id = '1'")
        impatient.new(State(name="goes with it"))
        impatient.get(User, "1").first_name = "ours"
        with pytest.raises(Unavailable, match="Try again"):
            impatient.save()
        other.commit()
        assert impatient.get(User, "1").first_name == ""
        assert impatient.count(State) == 1
        impatient.close()

    def test_a_transaction_with_written_statements_is_rolled_back_completely_after_a_deadlock(self, storage, database):
        two_users(storage)
        other = Other(database)
        other.execute("UPDATE users SET last_name = 'theirs' WHERE id = '2'")
        other.change_more_rows_than_the_test()
        with (other.when_another_waits("UPDATE users SET last_name = 'theirs' WHERE id = '1'"),
                pytest.raises(Unavailable, match="Try again"), storage.transaction()):
            storage.write(text("UPDATE states SET name = 'half'"))
            storage.get(User, "1").first_name = "ours"
            storage.get(User, "2").first_name = "ours"
        assert [state.name for state in storage.all(State).values()] == ["old"]
        assert {user.first_name for user in storage.all(User).values()} == {""}

    def test_a_rule_is_checked_again_after_a_deadlock(self, storage, monkeypatch):
        taken, once = set(), iter([True])

        class States(Service[State]):
            def validate(self, actor: Actor, values: Mapping[str, Any], before: Mapping[str, Any] | None) -> None:
                if taken:
                    raise Conflict("The name is taken")

        def insert(_: Any, statement: str, *__: Any) -> None:
            if "INSERT INTO states" in statement and next(once, False):
                taken.add("by another client, meanwhile")
                raise MySQLdb.OperationalError(DEADLOCK, "Deadlock found when trying to get lock")
        monkeypatch.setitem(registry.SERVICES, State, States(State))
        event.listen(engines_of(storage).transactions, "do_execute", insert)
        try:
            with pytest.raises(Conflict, match="The name is taken"):
                objects.create(State, {"name": "ours"})
        finally:
            event.remove(engines_of(storage).transactions, "do_execute", insert)
        assert storage.count(State) == 0

    @pytest.mark.parametrize("change", [lambda state, check: objects.update(state, {"name": "ours"}, check),
                                        lambda state, check: objects.remove(state, check)])
    def test_a_check_under_a_lock_is_repeated_if_the_lock_was_lost(self, waiting, change):
        state = waiting("UPDATE states SET name = 'theirs'")
        checked: list[str] = []

        def check() -> None:
            checked.append(state.name)
            if state.name != "old":
                raise Stale("changed")
        with pytest.raises(Stale):
            change(state, check)
        assert checked == ["old", "theirs"]
        assert [each.name for each in models.storage.all(State).values()] == ["theirs"]

    def test_an_update_is_repeated_if_its_lock_was_lost(self, waiting):
        state = waiting("UPDATE states SET updated_at = NOW()")
        assert objects.update(state, {"name": "ours"}).name == "ours"
        models.storage.close()
        assert [each.name for each in models.storage.all(State).values()] == ["ours"]

    def test_a_request_with_an_idempotency_key_is_repeated_if_its_lock_was_lost(self, waiting):
        state = waiting("UPDATE states SET updated_at = NOW()")

        def work() -> Reply:
            objects.update(state, {"name": "ours"})
            return Reply(201, {}, objects.create(State, {"name": "new"}).id)
        reply, replayed = run_once(("key",), b"", work)
        assert (reply.status, replayed) == (201, False)
        models.storage.close()
        assert {each.name: each.id for each in models.storage.all(State).values()} == {
            "ours": state.id, "new": reply.body}
        assert run_once(("key",), b"", work) == (reply, True)

    def test_unlinking_an_amenity_is_repeated_if_its_lock_was_lost(self, market, waiting):
        waiting("UPDATE states SET updated_at = NOW()")
        place, wifi = models.storage.get(Place, market.place.id), models.storage.get(Amenity, market.wifi.id)
        objects.unlink(place, wifi)
        models.storage.close()
        assert [each.name for each in models.storage.get(Place, place.id).amenities] == ["Pool"]

    def test_an_update_within_an_outer_transaction_is_not_repeated_if_its_lock_was_lost(self, waiting):
        state = waiting("UPDATE states SET name = 'theirs'")
        with pytest.raises(Unavailable, match="Try again"), models.storage.transaction():
            objects.update(state, {"name": "ours"})
        assert [each.name for each in models.storage.all(State).values()] == ["theirs"]

    @pytest.fixture
    def market(self, storage: Storage) -> Market:
        market = Market()
        storage.close()
        return market

    @pytest.fixture
    def waiting(self, storage: Storage, database: Database, settings: Settings,
                monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str], State]]:
        """A function that returns a state whose first change fails by a lock timeout.

        Another transaction executes the given statement after this failure.
        """
        State(name="old").save()
        storage.close()
        impatient = DBStorage(replace(settings, mysql_timeout="2"))     # half of it is the timeout of locks
        impatient.enforce_timeouts()
        monkeypatch.setattr(models, "storage", impatient)
        other = Other(database)
        other.execute("SELECT * FROM versions FOR UPDATE")      # each transaction writes this row last

        def waiting(statement: str) -> State:
            [state] = [each for each in impatient.all(State).values() if each.name == "old"]

            def meanwhile(*_: object) -> None:
                other.execute(statement)
                other.commit()
            # At this event, its locks have been released.
            event.listen(engines_of(impatient).transactions, "checkin", meanwhile, once=True)
            return state
        yield waiting
        other.commit()
        impatient.close()


def two_users(storage: Storage) -> tuple[State, User]:
    state = State(name="old")
    storage.new(state)
    for id in ("1", "2"):
        storage.new(User(id=id, email=f"{id}@b.c", password="x"))
    storage.save()
    storage.close()
    return state, storage.get(User, "1")


class Other:
    """A transaction of another program."""

    def __init__(self, database: Database) -> None:
        self._connection = database.connect()
        self._watch = database.connect()

    def execute(self, statement: str) -> None:
        self._connection.cursor().execute(statement)

    def commit(self) -> None:
        self._connection.commit()

    def change_more_rows_than_the_test(self) -> None:
        """Change many rows: in a deadlock, the server rolls back the transaction that changed fewer rows."""
        for number in range(50):
            self.execute(f"INSERT INTO amenities VALUES ('{number}', NOW(), NOW(), 'x')")
        self.execute("DELETE FROM amenities")

    @contextmanager
    def when_another_waits(self, statement: str) -> Iterator[None]:
        """Execute a statement and commit as soon as another connection waits for a lock."""
        def work() -> None:
            cursor, deadline = self._watch.cursor(), time.monotonic() + 20
            while time.monotonic() < deadline:
                # Only an administrator can read the locks; other users can read how long a statement has been running.
                cursor.execute("SELECT COUNT(*) FROM information_schema.processlist WHERE db = DATABASE() "
                               "AND command = 'Query' AND time >= 1 AND id <> CONNECTION_ID()")
                if cursor.fetchone()[0]:
                    break
                time.sleep(0.1)
            self.execute(statement)
            self.commit()
        thread = threading.Thread(target=work)
        thread.start()
        try:
            yield
        finally:
            thread.join()
