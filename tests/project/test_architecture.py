"""Architecture and project: direction of imports, claims of the documents, settings, the sample, and programs."""
from __future__ import annotations

import ast
import inspect
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import fields
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

import models
import server
from config import ENVIRONMENTS, Settings
from errors import Misconfigured
from models.engine.base import Storage
from models.engine.statements import Result
from models.place import Place
from sample import Sample
from sample.fill import fill_with_people
from sample.people import PEOPLE, with_people
from services import accounts, sessions
from services.actor import OPERATOR
from services.query import Filter
from services.registry import service_for
from tests.conftest import ROOT
from tests.servers import free_port

# Each layer may import itself and the layers before it.
LAYERS = ["config errors", "models legacy migrations", "services", "cli sample monitoring", "serving", "web",
          "api web_flask web_dynamic console server", "wsgi"]

# The same, reversed, for the modules that store objects: each may import itself and those after it.
STORAGE_LAYERS = ["models.engine.db models.engine.file", "legacy", "migrations", "models.engine"]
# Names that modules above the engines may import from them, with the reason.
ENGINE_IMPORTS = {
    "models.engine.base.Storage": "the type of `models.storage`",
    "models.engine.file.json_file.flush_directory": "an export replaces files as safely as the engine does",
}


def layer(module: str) -> int | None:
    """Return the index of a module's layer, or None if it has none."""
    top = module.partition(".")[0]
    return next((number for number, names in enumerate(LAYERS) if top in names.split()), None)


def tracked(*patterns: str) -> list[Path]:
    listed = subprocess.run(["git", "ls-files", "-co", "--exclude-standard", *patterns], cwd=ROOT,
                            capture_output=True, text=True, check=True).stdout
    return [ROOT / name for name in listed.splitlines()]


def own_layer(path: Path) -> int | None:
    """Return the index of a file's layer."""
    return layer(path.relative_to(ROOT).parts[0].removesuffix(".py"))


def storage_layer(module: str) -> int | None:
    """Return the index of a module's storage layer; `models.engine` is the layer of the modules not in db or file."""
    return next((number for number, names in enumerate(STORAGE_LAYERS) if any(
        f"{module}.".startswith(f"{name}.") for name in names.split())), None)


def imported(path: Path, modules: dict[str, Path]) -> Iterator[str]:
    """Yield the imports of a file, also those inside functions: `module`, or `module:name`."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (each.name for each in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            for each in node.names:
                name = f"{node.module}.{each.name}"
                yield name if name in modules or node.module not in modules else f"{node.module}:{each.name}"


def modules(*patterns: str) -> dict[str, Path]:
    """Return the tracked files that match the patterns, by module name."""
    names = ((".".join(path.relative_to(ROOT).with_suffix("").parts), path) for path in tracked(*patterns))
    return {name.removesuffix(".__init__"): path for name, path in names}


class TestStorageLayers:
    def test_imports_between_storage_layers_go_one_way(self):
        files = modules("models/engine/*.py", "migrations/*.py", "legacy/*.py")
        graph = {name: {each.partition(":")[0] for each in imported(path, files)} & files.keys() - {name}
                 for name, path in files.items()}
        for name, others in graph.items():
            assert all(storage_layer(each) <= storage_layer(name) for each in others), f"{name} imports {others}"
        assert [*TopologicalSorter(graph).static_order()]       # raises CycleError if imports are circular

    def test_a_storage_has_few_public_methods_which_have_docstrings(self):
        public = [name for name in dir(Storage) if not name.startswith("_")
                  and (callable(getattr(Storage, name)) or isinstance(getattr(Storage, name), property))]
        assert {"read", "write"} <= {*public}
        assert len(public) <= 25
        for cls, name in [*((Storage, each) for each in public), *((Result, each) for each in vars(Result))]:
            assert name.startswith("_") or inspect.getdoc(getattr(cls, name)), name

    def test_modules_above_the_engines_import_only_the_listed_names_from_them(self):
        engines = modules("models/engine/*.py")
        for path in tracked("*.py"):
            if (own_layer(path) or 0) > layer("models"):
                names = {each.replace(":", ".") for each in imported(path, engines)}
                assert {each for each in names if each.startswith("models.engine")} <= ENGINE_IMPORTS.keys(), path

    def test_no_module_above_the_engines_uses_a_dialect_of_sql(self):
        # These two choose the fastest statement for a search.
        exempt = {ROOT / "services/search/planner.py", ROOT / "services/search/statistics.py"}
        for path in tracked("*.py"):
            if (own_layer(path) or 0) > layer("models") and path not in exempt:
                assert not re.search(r"FORCE INDEX|STRAIGHT_JOIN|\bdialects?\b", path.read_text()), path


class TestLayers:
    @pytest.mark.parametrize("path", [path for path in tracked("*.py") if own_layer(path) is not None],
                             ids=lambda path: str(path.relative_to(ROOT)))
    def test_imports_go_one_way(self, path):
        own = own_layer(path)
        for node in ast.walk(ast.parse(path.read_text())):
            names = [each.name for each in node.names] if isinstance(node, ast.Import) else (
                [node.module or ""] if isinstance(node, ast.ImportFrom) else [])
            for name in names:
                assert (layer(name) or 0) <= own, f"{path.name} imports {name} of a higher layer"

    def test_deployment_and_application_do_not_import_each_other(self):
        for path in tracked("*.py"):
            parts = path.relative_to(ROOT).parts
            named = set(re.findall(r"^ *(?:from|import) (\w+)", path.read_text(), re.M))
            if parts[0] in ("deploy", "fabfile.py"):
                assert not {name for name in named if layer(name)}, path
            elif own_layer(path) is not None:
                assert "deploy" not in named, path

    def test_the_engine_is_chosen_in_one_place(self):
        using = [path.name for path in tracked("*.py") if "uses_db" in path.read_text() and "tests" not in path.parts]
        assert sorted(using) == ["__init__.py", "config.py"]

    def test_errors_are_handled_in_one_place_and_routes_are_declared_in_one_way(self):
        for path in tracked("*.py"):
            name, text = str(path.relative_to(ROOT)), path.read_text()
            if not name.startswith(("tests/", "bench/", "deploy/")):
                assert name == "serving/errors.py" or not re.search(r"error_?handler\(", text), name
                assert "add_url_rule" not in text, name

    def test_services_and_models_use_neither_http_nor_terminals(self):
        for path in tracked("services/*.py", "models/*.py"):
            foreign = re.search(r"^\s*(import|from) (flask|argparse|sys|readline)\b|\bprint\(", path.read_text(), re.M)
            assert not foreign, path

    def test_a_new_model_file_is_found_without_being_registered(self, tmp_path):
        shutil.copytree(ROOT, tmp_path / "copy", ignore=shutil.ignore_patterns(".*", "__pycache__", "node_modules"))
        (tmp_path / "copy" / "models" / "car.py").write_text("""
from sqlalchemy.orm import Mapped
from models.base_model import BaseModel
from models.columns import Base, Name


class Car(BaseModel, Base):
    __tablename__ = "cars"
    name: Mapped[Name]
""")
        ended = subprocess.run(
            [sys.executable, "console.py"], cwd=tmp_path / "copy", text=True, capture_output=True,
            env={**os.environ, "HBNB_FILE_PATH": str(tmp_path / "f.json")},
            input='create Car name="T"\ncount Car\nCar.all()\nfind Car name=T --csv\n')
        assert ended.stderr == ""
        assert ended.stdout.splitlines()[1] == "1"


class TestDocuments:
    def test_a_document_lists_every_setting_with_its_default_and_meaning(self):
        text = (ROOT / "docs" / "settings.md").read_text()
        rows = re.findall(r"^\| `([A-Z_]+)` \| (?:`(.*?)`)? ?\| (.*?) \|$", text, re.M)
        assert {(name, default) for name, default, _ in rows} == {
            (each.metadata["variable"], each.default) for each in fields(Settings)}
        for name, _, meaning in rows:
            [setting] = [each for each in fields(Settings) if each.metadata["variable"] == name]
            assert setting.metadata["meaning"].partition(";")[0] in meaning

    def test_the_environment_is_read_in_one_place(self):
        for path in tracked("*.py"):
            if path.name != "config.py" and not {"tests", "bench"} & {*path.relative_to(ROOT).parts}:
                assert "os.environ" not in path.read_text(), path
                assert "getenv" not in path.read_text(), path

    def test_only_entry_points_read_settings_from_the_environment(self):
        reading = {str(path.relative_to(ROOT)) for path in tracked("*.py") if "from_environ" in path.read_text()}
        assert {path for path in reading if not path.startswith(("tests/", "bench/"))} == {
            "config.py", "console.py", "wsgi.py", "server.py", "api/v1/app.py", "web_flask/app.py", "cli/db.py",
            "cli/work.py", "sample/__main__.py",
            # Entry points of classic programs: `models.storage`, `DBStorage()`, `HBNBCommand()`.
            "models/__init__.py", "models/engine/db_storage.py", "cli/interpreter.py"}

    def test_the_files_that_the_documents_name_exist(self):
        paths = [f"/{path.relative_to(ROOT)}" for path in tracked()]
        for document in tracked("*.md"):
            for name in re.findall(r"`([\w./]+\.(?:py|sql|txt|md))`", document.read_text()):
                assert any(path.endswith(f"/{name}") for path in paths), f"{document} names {name}"

    def test_make_without_a_target_prints_the_targets(self):
        printed = subprocess.run(["make"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
        for target in ("run", "test", "lint", "coverage", "bench", "bench-scale", "plain", "screenshots", "help"):
            assert f"make {target} " in printed

    def test_every_dependency_is_pinned(self):
        for path in tracked("requirements/*.in"):
            for line in path.read_text().splitlines():
                assert re.fullmatch(r"#.*|-r .*|[\w-]+==[\w.]+|", line), line
        for name, version in json.loads((ROOT / "tests/package.json").read_text())["devDependencies"].items():
            assert re.fullmatch(r"[\d.]+", version), name


class TestSettings:
    def test_have_sound_defaults(self):
        settings = Settings.from_environ({})
        assert (settings.env, settings.uses_db, settings.file_path) == ("dev", False, "file.json")
        assert (settings.api_host, settings.api_port) == ("0.0.0.0", "5000")

    def test_that_are_empty_have_their_defaults(self):
        empty = {each.metadata["variable"]: "" for each in fields(Settings)}
        assert Settings.from_environ(empty) == Settings(history="")

    @pytest.mark.parametrize("env", ENVIRONMENTS)
    def test_accept_each_environment(self, env):
        assert Settings.from_environ({"HBNB_ENV": env}).env == env

    @pytest.mark.parametrize(("environ", "words"), [
        ({"HBNB_ENV": "prod"}, "HBNB_ENV is 'prod': set it to one of dev, test, staging, production"),
        ({"HBNB_API_PORT": "x"}, "HBNB_API_PORT"), ({"HBNB_API_PORT": "99999"}, "HBNB_API_PORT"),
        ({"HBNB_TYPE_STORAGE": "db", "HBNB_MYSQL_USER": "", "HBNB_MYSQL_PWD": "", "HBNB_MYSQL_DB": "x"},
         "these must be set too: HBNB_MYSQL_USER, HBNB_MYSQL_HOST"),
        # The host goes into the Content-Security-Policy, so nothing else may.
        *(({"HBNB_TILES": tiles}, "HBNB_TILES is .*: set it to the address of map tiles on one host") for tiles in (
            "https://{s}.tiles.test/{z}/{x}/{y}.png", "https://tiles.test/{z}/{x}.png", "javascript:{z}{x}{y}", "x",
            "https://[x/{z}/{x}/{y}",
            "https://tiles.test; script-src *://x/{z}/{x}/{y}", "//tiles.test/{z}/{x}/{y}"))])
    def test_that_are_invalid_are_refused(self, environ, words):
        with pytest.raises(Misconfigured, match=words):
            Settings.from_environ(environ)

    @pytest.mark.parametrize("value", ["file", "", "DB", "json", "nonsense"])
    def test_any_type_but_db_is_the_file_engine(self, value):
        assert not Settings.from_environ({"HBNB_TYPE_STORAGE": value}).uses_db


class TestSample:
    def test_is_the_same_every_time(self):
        assert list(Sample(places=20)) == list(Sample(places=20))

    def test_has_three_hundred_places_in_twelve_states(self):
        counts: dict[str, int] = {}
        for obj in Sample():
            counts[obj["__class__"]] = counts.get(obj["__class__"], 0) + 1
        assert counts["Place"] == 300
        assert counts["State"] == 12
        assert counts["City"] == 36
        assert counts["Review"] > 1000
        assert {*counts} <= {*models.classes}


class TestPeople:
    def test_come_after_the_sample_which_they_leave_as_it_is(self):
        plain, with_them = [*Sample()], [*with_people(Sample())]
        assert with_them[:len(plain)] == plain
        assert [obj["__class__"] for obj in with_them[len(plain):]] == ["User"] * 3 + ["Place"] * 3
        assert [obj["id"] for obj in with_people(Sample())] == [obj["id"] for obj in with_them]
        assert max(obj["created_at"] for obj in plain) < with_them[-1]["created_at"]

    def test_can_log_in_and_are_a_guest_a_host_and_an_admin(self, storage):
        fill_with_people(Sample())
        found = {}
        for person in PEOPLE:
            session = sessions.resume(accounts.log_in(person.email, person.password, "192.0.2.1", "browser"))
            places = service_for(Place).list(OPERATOR, [Filter("user_id", "=", person.id)])
            statuses = {models.storage.get(Place, place["id"]).status for place in places}
            found[person.role] = (session.actor.is_admin, statuses)
        assert found == {"guest": (False, set()), "host": (False, {"listed", "draft"}), "admin": (True, set())}


class TestMakeRun:
    def test_creates_sample_data_once_and_serves_it(self, tmp_path):
        for path in tracked():
            target = tmp_path / path.relative_to(ROOT)
            target.parent.mkdir(parents=True, exist_ok=True)
            if path.exists():
                shutil.copy(path, target)
        environ = {name: value for name, value in os.environ.items() if not name.startswith(("HBNB_", "MAKE"))}
        first = self.run(tmp_path, environ)
        assert "The store was empty. Sample data was added: 40 amenities, 12 states" in first[0]
        assert "log in as host@hbnb.example with the password host-password." in first[0]
        assert '"places":302' in first[1]       # one of the host's places is a draft
        subprocess.run([sys.executable, "console.py", "create", "State", "name=Mine Own"], cwd=tmp_path, env=environ)
        second = self.run(tmp_path, environ)
        assert "Nothing was added" in second[0]
        assert '"states":13' in second[1]

    @staticmethod
    def run(folder: Path, environ: dict[str, str]) -> tuple[str, str]:
        """Run `make run`; return its output, and the response of `/api/v1/stats`."""
        port = free_port()
        venv = Path(sys.executable).parent.parent
        # This environment has everything that `make` would install.
        command = ["make", "run", f"VENV={venv}", f"PORT={port}", f"--old-file={venv}/run"]
        with subprocess.Popen(command, cwd=folder, env=environ, text=True, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, start_new_session=True) as process:
            printed = ""
            try:
                while f"HBNB is at http://127.0.0.1:{port}" not in printed:
                    line = process.stdout.readline()
                    assert line, printed
                    printed += line
                return printed, answer(f"http://127.0.0.1:{port}/api/v1/stats")
            finally:
                os.killpg(process.pid, signal.SIGTERM)


def answer(address: str) -> str:
    for _ in range(100):
        try:
            with urllib.request.urlopen(address, timeout=5) as found:
                return found.read().decode()
        except OSError:
            time.sleep(0.1)
    raise AssertionError(f"{address} does not respond")


class TestPrograms:
    @pytest.mark.parametrize(("command", "settings", "words"), [
        (["-m", "sample"], {"HBNB_FILE_PATH": "bad.json"}, "bad.json is damaged"),
        (["-m", "sample"], {"HBNB_FILE_PATH": "/proc/x.json"}, "/proc/x.json cannot be written"),
        (["wsgi.py", "--port", "99999"], {}, "cannot listen on port 99999"),
        (["wsgi.py", "--socket", "/nowhere/app.sock"], {}, "cannot listen on /nowhere/app.sock: No such file")])
    def test_print_one_line_if_they_cannot_start(self, tmp_path, command, settings, words):
        (tmp_path / "bad.json").write_text("{")
        ended = subprocess.run([sys.executable, *command], cwd=tmp_path if command[0] == "-m" else ROOT,
                               env={**os.environ, "PYTHONPATH": str(ROOT), **settings}, capture_output=True, text=True)
        assert ended.returncode == 1
        assert ended.stderr.startswith("hbnb: ")
        assert words in ended.stderr
        assert ended.stderr.count("\n") == 1

    @pytest.mark.parametrize("env", ["test", "staging", "production"])
    def test_sample_data_is_created_in_dev_only(self, tmp_path, env):
        ended = subprocess.run([sys.executable, "-m", "sample"], cwd=tmp_path, capture_output=True, text=True, env={
            **os.environ, "PYTHONPATH": str(ROOT), "HBNB_ENV": env, "HBNB_FILE_PATH": str(tmp_path / "f.json")})
        assert "dev only" in ended.stdout
        assert not (tmp_path / "f.json").exists()

    def test_an_invalid_port_is_refused_before_sample_data_is_created(self, tmp_path):
        environ = {**os.environ, "HBNB_FILE_PATH": str(tmp_path / "f.json")}
        ended = subprocess.run(["make", "run", "PORT=abc", f"VENV={Path(sys.executable).parent.parent}"], cwd=ROOT,
                               env=environ, capture_output=True, text=True)
        assert ended.returncode != 0
        assert "PORT is 'abc'" in ended.stdout
        assert not (tmp_path / "f.json").exists()

    def test_the_server_listens_on_a_unix_socket_for_its_owner_and_group(self, tmp_path):
        path = tmp_path / "app.sock"
        with subprocess.Popen([sys.executable, "wsgi.py", "--socket", str(path), "--workers", "2"], cwd=ROOT, env={
                **os.environ, "HBNB_FILE_PATH": str(tmp_path / "f.json")}, stderr=subprocess.DEVNULL) as process:
            try:
                answered = b""
                while not answered.startswith(b"HTTP/1.1 200"):
                    assert process.poll() is None
                    time.sleep(0.1)
                    with socket.socket(socket.AF_UNIX) as connection, suppress(OSError):
                        connection.connect(str(path))
                        connection.sendall(b"GET /api/v1/status HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
                        answered = connection.recv(1000)
                assert path.stat().st_mode & 0o777 == 0o660
            finally:
                process.terminate()

    def test_a_server_can_be_terminated_while_it_starts(self, tmp_path):
        slow = ("import sys, time, types\nfrom pathlib import Path\nimport server\n"
                "class Slow(types.ModuleType):\n"
                "    def __getattr__(self, name): print('it begins', flush=True); time.sleep(60)\n"
                "sys.modules['slow'] = Slow('slow')\n"
                "server.serve_socket('slow:app', Path(sys.argv[1]), 2)\n")
        with subprocess.Popen([sys.executable, "-c", slow, str(tmp_path / "app.sock")], cwd=ROOT, text=True, env={
                **os.environ, "HBNB_FILE_PATH": str(tmp_path / "f.json")}, stdout=subprocess.PIPE,
                start_new_session=True) as process:
            try:
                while process.stdout.readline() != "it begins\n":
                    assert process.poll() is None
                process.terminate()
                assert process.wait(server.ENDING - 5) == 0
            finally:
                with suppress(ProcessLookupError):
                    os.killpg(process.pid, signal.SIGKILL)

    def test_the_console_starts_without_flask(self):
        code = "import sys, console; print({'flask', 'granian', 'MySQLdb'} & {*sys.modules})"
        ended = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
        assert ended.stdout == "set()\n"

    @pytest.mark.parametrize("closed", ["<&-", "2>&-", "<&- 2>&-"])
    def test_the_console_works_with_closed_standard_streams(self, tmp_path, closed):
        ended = subprocess.run(f"{sys.executable} {ROOT / 'console.py'} count State {closed}", shell=True, cwd=tmp_path,
                               env={**os.environ, "HBNB_FILE_PATH": "f.json"}, capture_output=True, text=True)
        assert ended.stdout == "0\n"
        assert ended.stderr == ""

    def test_output_that_cannot_be_written_is_an_error(self, tmp_path):
        command = f"{sys.executable} {ROOT / 'console.py'} count State > /dev/full"
        ended = subprocess.run(command, shell=True, cwd=tmp_path, env={**os.environ, "HBNB_FILE_PATH": "f.json"},
                               capture_output=True, text=True)
        assert ended.returncode == 1
        assert ended.stderr == "** The output could not be written: No space left on device **\n"

    def test_a_removed_working_directory_is_an_error(self, tmp_path):
        command = f"mkdir gone; cd gone; rmdir ../gone; {sys.executable} {ROOT / 'console.py'} count State"
        ended = subprocess.run(command, shell=True, cwd=tmp_path, env={**os.environ, "HBNB_FILE_PATH": "file.json"},
                               capture_output=True, text=True)
        assert ended.returncode == 1
        assert ended.stderr == "hbnb: the working directory was removed: change to a directory that exists\n"
