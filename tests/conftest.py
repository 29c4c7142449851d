"""Fixtures and hooks for all tests: empty stores of both engines, the console, a browser, and the order of the tests.

A test that uses the fixture `storage` runs twice: on the file engine, and on a database. `HBNB_TEST_MYSQL_*` names this
database; without it, the tests start a MariaDB server.
"""
from __future__ import annotations

import os
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import replace
from pathlib import Path

import pytest
from argon2 import PasswordHasher
from playwright.sync_api import Browser, Page, sync_playwright
from sqlalchemy import event
from xdist.scheduler import LoadScopeScheduling
from xdist.workermanage import WorkerController

import models
from config import Settings
from models import passwords
from models.engine.base import Storage
from monitoring import logs
from tests import network, programs
from tests.database import Database, engines_of, settings_from
from tests.mariadb import MariaDB

FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
         "--disable-component-update", "--disable-sync"]
ROOT = Path(__file__).parent.parent
# These modules take about as long as all other deployment tests together.
FIRST_GROUP = {f"tests/deploy/test_{name}.py" for name in ("database", "staging", "provision")}
COLLECTED = pytest.StashKey[list[str]]()
SHARED = ROOT.parent / "shared" / "data"
# The tests and the programs they start ignore the shell's settings; each test names its own store.
for _name in [name for name in os.environ if name.startswith("HBNB_") and not name.startswith("HBNB_TEST_")]:
    del os.environ[_name]
os.environ["HBNB_FILE_PATH"] = "/nonexistent/file.json"
# Without bytecode files, each of the hundreds of processes would compile the product, and each worker all tests.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
sys.dont_write_bytecode = False
TEST_DATABASE = {"mysql_user": "hbnb_test", "mysql_pwd": "hbnb_test_pwd", "mysql_db": "hbnb_test_db"}


@contextmanager
def running_server(*options: str, scripts: Sequence[str] = ("setup_mysql_test.sql",),
                   parent: Path | None = None) -> Iterator[MariaDB]:
    """Run a MariaDB server of the tests that has executed some of the project's SQL scripts."""
    server = MariaDB(*options, parent=parent)
    try:
        for name in scripts:
            server.execute((ROOT / name).read_text())
        yield server
    finally:
        server.remove()


@pytest.fixture(scope="session")
def mariadb() -> Iterator[MariaDB]:
    """A MariaDB server for tests that need several databases or administrator rights."""
    with running_server(scripts=("setup_mysql_dev.sql", "setup_mysql_test.sql")) as server:
        yield server


@pytest.fixture(scope="session")
def own_server() -> Iterator[MariaDB]:
    """A MariaDB server with an empty database, which a test may stop or kill; the test must start it again."""
    with running_server() as server:
        yield server


def own_settings(mariadb: MariaDB, **more: str) -> Settings:
    """Return the settings for the test database on a MariaDB server of the tests, with some of them replaced."""
    return replace(Settings(), type_storage="db", mysql_host=mariadb.socket, **(TEST_DATABASE | more))


@pytest.fixture(scope="session")
def database(request: pytest.FixtureRequest) -> Iterator[Database]:
    database = Database(settings_from(os.environ) or own_settings(request.getfixturevalue("mariadb")))
    database.clear()
    yield database
    database.clear()


@pytest.fixture(scope="session")
def db_settings(database: Database) -> Settings:
    return database.settings


@pytest.fixture(scope="session")
def _db_storage(db_settings: Settings) -> Storage:
    storage = models.make_storage(db_settings)
    storage.reload()
    return storage


@pytest.fixture(params=["file", "db"])
def engine(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def settings(engine: str, request: pytest.FixtureRequest, tmp_path: Path) -> Settings:
    """The settings of an empty store of the current engine."""
    if engine == "file":
        return replace(Settings(), file_path=str(tmp_path / "file.json"))
    return request.getfixturevalue("db_settings")


@pytest.fixture
def storage(engine: str, settings: Settings, request: pytest.FixtureRequest,
            monkeypatch: pytest.MonkeyPatch) -> Iterator[Storage]:
    """An empty storage, which is `models.storage` during the test."""
    if engine == "file":
        storage = models.make_storage(settings)
    else:
        storage = request.getfixturevalue("_db_storage")
        storage.close()
        request.getfixturevalue("database").empty()
    monkeypatch.setattr(models, "storage", storage)
    storage.reload()
    yield storage
    storage.close()


@pytest.fixture
def sent(storage: Storage, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The SQL statements that the storage has sent; the list grows during the test."""
    return watched(storage, monkeypatch)


def watched(storage: Storage, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Return a list to which each SQL statement of a storage is appended when it is sent."""
    found: list[str] = []
    for engine in {*engines_of(storage)}:
        event.listen(engine, "before_cursor_execute", lambda c, cur, sql, *_: found.append(sql))
    sent, streamed = storage._autocommit._sent, storage._autocommit._streamed
    monkeypatch.setattr(storage._autocommit, "_sent", lambda sql, *values: (found.append(sql), sent(sql, *values))[1])
    monkeypatch.setattr(storage._autocommit, "_streamed",
                        lambda sql, *values: (found.append(sql), streamed(sql, *values))[1])
    return found


@pytest.fixture
def environ(settings: Settings, tmp_path: Path) -> dict[str, str]:
    """Environment variables for another process that uses the same store."""
    return environment(settings, tmp_path)


def environment(settings: Settings, home: Path) -> dict[str, str]:
    own = {name: value for name, value in os.environ.items() if not name.startswith(("HBNB_", "SENTRY_"))}
    variables = {
        "HBNB_TYPE_STORAGE": settings.type_storage, "HBNB_FILE_PATH": settings.file_path,
        "HBNB_MYSQL_USER": settings.mysql_user, "HBNB_MYSQL_PWD": settings.mysql_pwd,
        "HBNB_MYSQL_HOST": settings.mysql_host, "HBNB_MYSQL_DB": settings.mysql_db,
        "HBNB_HISTORY": str(home / "history"), "PYTHONPATH": str(ROOT), "HOME": str(home),
    }
    return own | {name: value for name, value in variables.items() if value}


Run = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def console(environ: Mapping[str, str], tmp_path: Path) -> Run:
    """Run `console.py` in a process: `console("count State", …)` sends lines to it, `args=` are its arguments."""
    def run(*lines: str, args: tuple[str, ...] = (), text: str | None = None,
            **more: str) -> subprocess.CompletedProcess[str]:
        return programs.run(
            [ROOT / "console.py", *args], {**environ, **more}, cwd=tmp_path, encoding="utf-8", errors="surrogateescape",
            input="".join(f"{line}\n" for line in lines) if text is None else text)
    return run


@pytest.fixture(autouse=True)
def _quick_hashes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make password hashing fast: the normal cost of 14 ms is too much for tests that create hundreds of users."""
    hasher = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
    monkeypatch.setattr(passwords, "_hasher", lambda: hasher)


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 256 KiB."""
    folder = tmp_path / "disk"
    folder.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", folder], check=True, capture_output=True)
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", folder], check=True)


@pytest.fixture(autouse=True)
def _no_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    """Suppress log lines: they are written by a background thread, into the middle of pytest's own output."""
    monkeypatch.setattr(logs._writer, "put", lambda _: None)


@pytest.fixture(scope="session")
def data() -> Path:
    """The folder with real listings, reviews and old stores, which exists on some machines only."""
    if not SHARED.is_dir():
        pytest.skip(f"{SHARED} does not exist: this test needs real listings")
    return SHARED


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture(autouse=True)
def _steady_network(request: pytest.FixtureRequest) -> Iterator[None]:
    with network.steady() if "browser" in request.fixturenames else nullcontext():
        yield


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """A browser page. Console errors, script errors, dialogs and requests to other hosts fail the test."""
    page = browser.new_page()
    complaints: list[str] = []
    page.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("dialog", lambda dialog: (complaints.append("a script ran"), dialog.dismiss()))
    page.on("request", lambda request: None if request.url.startswith(("http://127.0.0.1:", "file:///")) else (
        complaints.append(request.url)))
    yield page
    page.close()
    assert complaints == []


class Groups(LoadScopeScheduling):
    """A scheduler that runs each group of tests on one worker; see `group`."""

    def _split_scope(self, nodeid: str) -> str:
        return group(nodeid)


def group(nodeid: str) -> str:
    """Return the group of a test: its class or module.

    Deployment tests form two groups only, because booting and provisioning hosts takes long.
    """
    path = nodeid.partition("::")[0]
    if path.startswith("tests/deploy/"):
        return "deployment 1" if path in FIRST_GROUP else "deployment 2"
    return nodeid.partition("[")[0].rpartition("::")[0]


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: object) -> Groups | None:
    return Groups(config, log) if config.getvalue("dist") == "loadscope" else None


def pytest_configure(config: pytest.Config) -> None:
    """Collect all tests before the workers start.

    The workers then find the compiled bytecode, and test_collection.py compares their lists with this one.
    """
    if config.getvalue("dist") == "loadscope" and not config.option.file_or_dir and not hasattr(config, "workerinput"):
        config.stash[COLLECTED] = collected("1")


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: WorkerController) -> None:
    node.workerinput["collected"] = node.config.stash.get(COLLECTED, [])


def collected(seed: str) -> list[str]:
    """Collect all tests in a new process with this PYTHONHASHSEED, and return their ids."""
    command = [sys.executable, "-m", "pytest", "--collect-only", "-q", "-p", "no:cacheprovider", "tests"]
    ended = subprocess.run(command, cwd=ROOT, env=os.environ | {"PYTHONHASHSEED": seed}, capture_output=True, text=True)
    if ended.returncode:
        raise pytest.UsageError(ended.stdout + ended.stderr)
    return [line for line in ended.stdout.splitlines() if "::" in line]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Run the slowest tests first: deployment, then modules with few tests, which are slow ones."""
    tests = Counter(item.path for item in items)
    items.sort(key=lambda item: _deployment_turn(item) or tests[item.path])


def _deployment_turn(item: pytest.Item) -> int:
    """The turn of a deployment test, a negative number; 0 for another test.

    The first group starts to set up its hosts at once. The second group, on another worker, first runs the tests that
    need no such hosts. Meanwhile the first group installs the packages for the hosts of both groups.
    """
    turns = {"deployment 1": -3, "deployment 2": -1 if "production" in getattr(item, "fixturenames", ()) else -2}
    return turns.get(group(item.nodeid), 0)


def pytest_make_parametrize_id(val: object, argname: str) -> str | None:
    """Use the argument's name as the id of bytes: they may contain a timestamp, but all workers need the same ids."""
    return argname if isinstance(val, bytes) else None


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Iterator[None]:
    report = yield
    if report.skipped and os.environ.get("CI") and str(SHARED) not in str(report.longrepr):
        report.outcome = "failed"
        report.longrepr = f"tests must not be skipped in CI: {report.longrepr}"
    return report
