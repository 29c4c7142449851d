"""Column types: a model with a DATE and a JSON column, added to a copy of the project, works everywhere."""
from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from config import Settings
from tests.conftest import ROOT, environment, own_settings, running_server
from tests.mariadb import MariaDB

MODEL = """
from sqlalchemy.orm import Mapped

from models.base_model import BaseModel
from models.columns import Base, Day, Json, Name


class Event(BaseModel, Base):
    __tablename__ = "events"
    name: Mapped[Name]
    day: Mapped[Day]
    details: Mapped[Json]
    last_day: Mapped[Day | None]
    notes: Mapped[Json | None]
"""
VIEWS = """
from api.v1.views.resource import add_resource
from models.event import Event

add_resource(Event, example={"name": "Fair", "day": "2027-01-03", "details": {}})
"""
SITE = """
import json
import sys

import wsgi

client = wsgi.app.test_client()
answers = []
for method, path, sent in json.load(sys.stdin):
    answer = client.open(path, method=method, json=sent)
    answers.append([answer.status_code, answer.json, answer.headers.get("ETag")])
print(json.dumps(answers))
"""
FAIR = {"name": "Fair", "day": "2027-01-03", "details": {"b_c": [1, 2.5, None, True, "é"], "a": {}}}
TIMES = {"created_at": "2026-01-01T00:00:00.000000", "updated_at": "2026-01-01T00:00:00.000000"}
EVENTS = "/api/v1/events"
ALL = "find Event sort name --json"
BAD = [({"day": "2027-02-30"}, "day must be a day such as 2027-01-31"),
       ({"day": "20270103"}, "day must be a day such as 2027-01-31"),
       ({"day": ""}, "day must be a day such as 2027-01-31"),
       ({"day": 5}, "day must be a day such as 2027-01-31"),
       ({"day": "2027-01-03T00:00:00"}, "day must be a day such as 2027-01-31"),
       ({"day": None}, "day must not be null"),
       ({"details": "{}"}, "details must be a JSON object or list"),
       ({"details": 1.5}, "details must be a JSON object or list"),
       ({"details": json.loads("[" * 248 + "]" * 248)},
        "details holds a value that JSON does not have, or is nested too deeply"),
       ({"details": None}, "details must not be null")]


class Project:
    """A copy of the project with an additional model.

    Args:
        folder: the folder of the copy.
        settings: the settings of its store.
        home: the working directory of its programs.
    """

    def __init__(self, folder: Path, settings: Settings, home: Path) -> None:
        self.folder, self.settings = folder, settings
        self._environ = environment(settings, home) | {"HBNB_ENV": "dev", "PYTHONPATH": str(folder)}
        self.home = home

    def request(self, *requests: tuple[str, str, Any]) -> list[list[Any]]:
        """Send requests; return the status, JSON and ETag of each response."""
        return json.loads(self.run("site_of_events.py", json.dumps(requests)).stdout)

    def console(self, *lines: str) -> str:
        ended = self.run("console.py", "".join(f"{line}\n" for line in lines))
        assert ended.stderr == "" or "**" not in ended.stderr, ended.stderr
        return ended.stdout

    def errors(self, *lines: str) -> str:
        """Run lines in the console; return its error output."""
        return self.run("console.py", "".join(f"{line}\n" for line in lines)).stderr

    def find(self, *lines: str) -> list[list[dict[str, Any]]]:
        """Run lines in the console; return the result of each `find … --json` among them."""
        printed = re.findall(r"^\[(?:\]|\n.*?^\])$", self.console(*lines), re.MULTILINE | re.DOTALL)
        return [json.loads(each) for each in printed]

    def events(self, *lines: str) -> list[dict[str, Any]]:
        """Run lines in the console; return all events afterwards."""
        [*_, found] = self.find(*lines, ALL)
        return found

    def run(self, program: str, text: str) -> subprocess.CompletedProcess[str]:
        ended = subprocess.run([sys.executable, str(self.folder / program)], cwd=self.home, env=self._environ,
                               input=text, capture_output=True, text=True, timeout=120)
        assert ended.returncode == 0, ended.stderr
        return ended


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("copy") / "project"
    shutil.copytree(ROOT, folder, ignore=shutil.ignore_patterns(".*", "__pycache__", "node_modules", "tests"))
    (folder / "models" / "event.py").write_text(MODEL)
    (folder / "site_of_events.py").write_text(SITE)
    (folder / "api" / "v1" / "views" / "events.py").write_text(VIEWS)
    return folder


@pytest.fixture(scope="module")
def databases() -> Iterator[MariaDB]:
    """A MariaDB server of this module, because the tables have other columns than in other tests."""
    with running_server() as server:
        yield server


@pytest.fixture
def project(engine: str, folder: Path, tmp_path: Path, request: pytest.FixtureRequest) -> Project:
    """A project with an empty store of the current engine."""
    return empty(engine, folder, tmp_path, request)


@pytest.fixture
def other(engine: str, folder: Path, tmp_path: Path, request: pytest.FixtureRequest) -> Project:
    """A project with an empty store of the other engine."""
    return empty("file" if engine == "db" else "db", folder, tmp_path, request)


def empty(engine: str, folder: Path, home: Path, request: pytest.FixtureRequest) -> Project:
    if engine == "file":
        return Project(folder, replace(Settings(), file_path=str(home / "events.json")), home)
    server = request.getfixturevalue("databases")
    server.execute("DROP DATABASE IF EXISTS hbnb_test_db; CREATE DATABASE hbnb_test_db")
    return Project(folder, own_settings(server), home)


class TestTheAPI:
    def test_creates_shows_and_changes(self, project):
        (status, made, tag), = project.request(("POST", EVENTS, FAIR))
        assert (status, {name: made[name] for name in FAIR}) == (201, FAIR)
        assert (made["last_day"], made["notes"]) == (None, None)
        one = f"{EVENTS}/{made['id']}"
        shown, listed, part, changed, again = project.request(
            ("GET", one, None), ("GET", EVENTS, None), ("GET", f"{one}?fields=day,details", None),
            ("PUT", one, made | {"day": "2027-02-28", "last_day": "2027-03-01", "details": [FAIR], "notes": {}}),
            ("GET", one, None))
        assert (shown, listed[1]) == ([200, made, tag], [made])
        assert part[1] == {"day": FAIR["day"], "details": FAIR["details"]}
        assert again == changed
        assert again[1] == made | {"day": "2027-02-28", "last_day": "2027-03-01", "details": [FAIR], "notes": {},
                                   "updated_at": again[1]["updated_at"]}

    def test_sorts_by_date_and_reads_long_lists(self, project):
        lists = [(f"{EVENTS}?sort={sort}{more}", days) for sort, days in (("day", [1, 2, 3]), ("-day", [3, 2, 1]))
                 for more in ("", "&limit=3", "&offset=0&limit=2000")]
        made, answers = 3, project.request(
            *(("POST", EVENTS, FAIR | {"day": f"2027-01-{number:02}"}) for number in (3, 1, 2)),
            *(("GET", path, None) for path, _ in lists))
        for (path, days), (_, found, _) in zip(lists, answers[made:], strict=True):
            assert [each["day"] for each in found] == [f"2027-01-{number:02}" for number in days], path
            assert [each["details"] for each in found] == [FAIR["details"]] * made

    def test_refuses_invalid_dates_and_json(self, project):
        answers = project.request(*(("POST", EVENTS, FAIR | bad) for bad, _ in BAD), ("POST", EVENTS, {"name": "x"}))
        assert [(status, found) for status, found, _ in answers] == [
            *((400, {"error": error}) for _, error in BAD), (400, {"error": "Missing day"})]
        assert project.events() == []

    def test_documents_both_types(self, project):
        (_, document, _), (_, made, _) = project.request(("GET", "/apispec_1.json", None), ("POST", EVENTS, FAIR))
        found = document["components"]["schemas"]["Event"]
        assert found["properties"]["day"] == {"type": "string", "format": "date", "examples": ["2027-01-31"]}
        assert found["properties"]["details"] == {"type": ["object", "array"]}
        assert found["properties"]["notes"] == {"type": ["object", "array", "null"]}
        assert found["properties"]["last_day"]["type"] == ["string", "null"]
        Draft202012Validator(found).validate(made)
        sent = document["paths"][EVENTS]["post"]["requestBody"]["content"]["application/json"]["schema"]
        assert sent["required"] == ["name", "day", "details"]
        check = Draft202012Validator(sent, format_checker=Draft202012Validator.FORMAT_CHECKER)
        assert check.is_valid(FAIR)
        assert not any(check.is_valid(FAIR | bad) for bad in (BAD[0][0], BAD[3][0], BAD[6][0], BAD[9][0]))


class TestTheConsole:
    def test_creates_updates_and_finds(self, project):
        made, changed, unset = project.find(
            r'create Event id="e" name="Fair" day="2027-01-03" details="{\"b\_c\": [1], \"d\": \"e f\"}"', ALL,
            "update Event e day 2027-01-05", "update Event e details '[1, {\"a\": null}]'",
            'Event.update("e", {"notes": {"by": "Ada"}, "last_day": "2027-01-06"})', ALL,
            "update Event e notes null", "update Event e last_day null", ALL)
        times = {name: made[0][name] for name in TIMES} | {"updated_at": changed[0]["updated_at"]}
        assert made[0] | {"name": "Fair", "day": "2027-01-03", "details": {"b_c": [1], "d": "e f"}} == made[0]
        assert changed[0] | {"day": "2027-01-05", "details": [1, {"a": None}], "last_day": "2027-01-06",
                             "notes": {"by": "Ada"}} | times == changed[0]
        assert (unset[0]["last_day"], unset[0]["notes"]) == (None, None)
        shown = project.console("show Event e", "all Event", "find Event", "find Event columns day,details --csv")
        assert shown.count("'day': datetime.date(2027, 1, 5), 'details': [1, {'a': None}]") == 3
        assert shown.endswith('day,details\n2027-01-05,"1, {""a"":null}"\n')

    def test_finds_and_sorts_by_date(self, project):
        queries = {"day=2027-01-02": "B", "day > 2026-12-31": "BC", "day<=2027-01-02 sort -day": "BA",
                   "day!=2027-01-02 sort day": "AC", "last_day=null sort name": "ABC", "notes!=null": "",
                   "details=[] sort name": "ABC"}
        found = project.find(
            *(f'create Event name="{name}" day="{day}" details="[]"' for name, day in (
                ("B", "2027-01-02"), ("A", "2026-12-31"), ("C", "2027-10-01"))),
            *(f"find Event {each} --json" for each in queries))
        assert ["".join(each["name"] for each in events) for events in found] == [*queries.values()]

    def test_refuses_invalid_dates_and_json(self, project):
        before = project.events('create Event id="e" name="Fair" day="2027-01-03" details="{}"')
        errors = project.errors("update Event e day tomorrow", "update Event e details '[1'",
                                "update Event e details 12", "find Event day=tomorrow",
                                'create Event name="x" day="2027-02-30" details="{}"')
        assert errors.count("day must be a day such as 2027-01-31") == 3
        assert errors.count("details must be a JSON object or list") == 2
        assert project.events() == before


class TestFiles:
    def test_an_export_can_be_imported_by_the_other_engine(self, project, other, tmp_path):
        project.request(("POST", EVENTS, FAIR), ("POST", EVENTS, FAIR | {"name": "Two", "notes": [], "last_day": None}))
        before, _ = project.find(ALL, "export out.jsonl", ALL)
        lines = (tmp_path / "out.jsonl").read_text().splitlines()
        assert [json.loads(line) for line in lines] == sorted(before, key=lambda each: each["id"])
        (tmp_path / "twice.jsonl").write_text("\n".join(lines * 2))
        new = [each | {"day": "2028-02-29", "details": {"new": True}} for each in before]
        (tmp_path / "new.jsonl").write_text("\n".join(map(json.dumps, new)))
        assert other.find("import twice.jsonl", ALL, "import new.jsonl", ALL) == [before, new]

    def test_an_import_refuses_invalid_dates_and_json(self, project, tmp_path):
        rows = [FAIR | TIMES | {"__class__": "Event", "id": str(number)} | bad for number, (bad, _) in enumerate(BAD)]
        (tmp_path / "bad.jsonl").write_text("\n".join(map(json.dumps, rows)))
        ended = self.console(project, "import bad.jsonl --keep-going", ALL)
        printed = ended.stdout + ended.stderr
        assert "line 1: day: '2027-02-30' is not a valid day" in printed
        assert "line 7: details must be a JSON object or list" in printed
        assert ended.stdout.endswith("[]\n")

    @staticmethod
    def console(project: Project, *lines: str) -> subprocess.CompletedProcess[str]:
        return project.run("console.py", "".join(f"{line}\n" for line in lines))

    def test_a_classic_file_is_imported(self, project, tmp_path):
        (tmp_path / "old.json").write_text(json.dumps({"Event.1": FAIR | TIMES | {"__class__": "Event", "id": "1"}}))
        [event] = project.events("import old.json")
        assert {name: event[name] for name in FAIR} == FAIR

    def test_a_backup_is_restored_by_the_other_engine_and_back(self, project, other, tmp_path):
        project.request(("POST", EVENTS, FAIR), ("POST", EVENTS, FAIR | {"name": "Two", "notes": {"x": "\u0000"}}))
        before = project.events("backup a.backup")
        assert other.events("restore a.backup", "backup b.backup") == before
        assert project.events("restore b.backup --replace") == before


class TestTheFile:
    @pytest.fixture
    def project(self, folder, tmp_path, request):
        return empty("file", folder, tmp_path, request)

    def test_contains_dates_as_text_and_json_unchanged(self, project):
        project.request(("POST", EVENTS, FAIR))
        [event] = json.loads(Path(project.settings.file_path).read_text()).values()
        assert {name: event[name] for name in FAIR} == FAIR
        assert "notes" not in event

    @pytest.mark.parametrize("head", ["", " \n"], ids=["older", "own"])
    def test_can_be_opened_if_an_older_program_or_this_one_wrote_it(self, project, head):
        Path(project.settings.file_path).write_text(json.dumps({"Event.1": FAIR | TIMES | {
            "__class__": "Event", "id": "1"}}).replace("{", f"{{{head}", 1))
        opened, changed = project.find(ALL, "update Event 1 day 2027-01-04", ALL)
        assert {name: opened[0][name] for name in FAIR} == FAIR
        assert changed[0]["day"] == "2027-01-04"

    @pytest.mark.parametrize("bad", [{"day": "2027-02-30"}, {"details": "x"}], ids=str)
    def test_written_by_this_engine_with_an_invalid_value_is_damaged(self, project, bad):
        Path(project.settings.file_path).write_text("{ \n" + json.dumps({"Event.1": FAIR | TIMES | bad | {
            "__class__": "Event", "id": "1"}})[1:])
        [(name, value)] = bad.items()
        assert f"{name} is {value!r}, which" in project.errors("count Event")

    def test_accepts_objects_without_required_values(self, project):
        [event] = project.events("create Event")
        assert (event["name"], event["day"], event["details"]) == ("", "1970-01-01", {})


def test_an_attribute_accepts_a_date_in_iso_format_and_no_other_text(folder, tmp_path):
    program = """
import datetime
import models
from errors import Invalid
from models.event import Event

event = Event(day="2027-01-03", details=[1])
assert event.day == datetime.date(2027, 1, 3)
assert event.to_dict()["day"] == "2027-01-03" and event.to_dict()["details"] == [1]
assert Event(**event.to_dict()).day == event.day and Event(last_day=None).last_day is None
assert Event().details == {} and Event().details is not Event().details
for value in ("today", 5):
    try:
        Event(day=value)
    except Invalid as error:
        assert str(error) == f"day: {value!r} is not a day"
    else:
        raise AssertionError(value)
for value in ({"details": {1: 2}}, {"details": [float("nan")]}, {"day": datetime.datetime.now()}):
    Event(**{"day": "2027-01-03", "details": []} | value)
    try:
        Event(**{"day": "2027-01-03", "details": []} | value).save()
    except Invalid:
        continue
    raise AssertionError(value)
"""
    subprocess.run([sys.executable, "-c", program], cwd=tmp_path, check=True,
                   env={**os.environ, "PYTHONPATH": str(folder), "HBNB_FILE_PATH": str(tmp_path / "f.json")})
