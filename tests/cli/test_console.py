"""The console on both engines: the classic commands of the contract, and HBNB's own."""
from __future__ import annotations

import csv
import gzip
import io
import os
import re
import signal
import subprocess
import sys
import uuid
from contextlib import suppress

import pytest

import models
from cli import lexer
from cli.interpreter import CALLABLE, CLASSIC
from console import HBNBCommand
from errors import Unavailable
from models.amenity import Amenity
from models.city import City
from models.place import Place
from models.state import State
from models.user import User
from tests import programs
from tests.cli.conftest import Session
from tests.conftest import ROOT, Run
from tests.market import Market

OWN = ("audit", "backup", "exit", "export", "find", "import", "restore", "token", "user")
SECRET = "Tr0ub4dor"
STATE, CITY = "421a55f4-7d82-47d9-b54c-a76916479545", "521a55f4-7d82-47d9-b54c-a76916479545"

only_file = pytest.mark.parametrize("engine", ["file"], indirect=True)
only_db = pytest.mark.parametrize("engine", ["db"], indirect=True)


@pytest.fixture
def environ(environ: dict[str, str]) -> dict[str, str]:
    """The environment of a console whose output Python buffers if it goes into a pipe."""
    return {name: value for name, value in environ.items() if name != "PYTHONUNBUFFERED"}


@pytest.fixture
def console(storage, console: Run) -> Run:
    """Runs the console in its own process, on an empty store."""
    return console


@pytest.fixture
def markets(storage) -> tuple[Market, Market]:
    """Albany: 2 guests, 100 a night, Wifi and Pool. Buffalo: 4 guests, 250 a night, Wifi."""
    albany, buffalo = Market("Albany"), Market("Buffalo")
    buffalo.place.max_guest, buffalo.place.price_by_night = 4, 250
    buffalo.place.amenities = [buffalo.wifi]
    buffalo.place.save()
    storage.close()
    return albany, buffalo


def stored(cls, id):
    """The object, read again from the store."""
    models.storage.close()
    return models.storage.get(cls, id)


class TestSession:
    def test_reads_commands_from_standard_input_and_prints_only_answers(self, console: Run):
        answer = console('create State name="Ohio"', "", "   ", "count State", "all City")
        id, count, cities = answer.stdout.splitlines()
        assert (uuid.UUID(id).version, count, cities) == (4, "1", "[]")
        assert (answer.stderr, answer.returncode) == ("", 0)

    @only_file
    def test_console_py_is_executable_and_reads_a_pipe(self, environ, tmp_path):
        path = f"{os.path.dirname(sys.executable)}:{environ['PATH']}"
        answer = subprocess.run(["sh", "-c", f"echo 'all State' | {ROOT}/console.py"], cwd=tmp_path,
                                env={**environ, "PATH": path}, capture_output=True, text=True, timeout=60)
        assert (answer.stdout, answer.stderr, answer.returncode) == ("[]\n", "", 0)

    def test_the_prompt_is_the_classic_one(self):
        assert HBNBCommand.prompt == "(hbnb) "

    @pytest.mark.parametrize("line", ["quit", "EOF", "exit", "quit now", "  quit  "])
    def test_quit_and_eof_end_it_without_output(self, say: Session, line):
        assert (say(line), say.notes, say.ended, say.failed) == ("", "", True, False)

    @pytest.mark.parametrize("line", ["", " \t ", "help quit", "Quit", "eof", "exits", "quitter", "State.quit()",
                                      "State.EOF()", "all", "create", "show State \"", "?", "!quit"])
    def test_nothing_else_ends_it(self, say: Session, line):
        say(line)
        assert say.ended is False

    @only_file
    @pytest.mark.parametrize("last", ["quit", "EOF"])
    def test_commands_after_quit_do_not_run(self, console: Run, last):
        assert console("count State", last, "count City").stdout == "0\n"

    @pytest.mark.parametrize("empty", ["", "   ", "\t"])
    def test_an_empty_line_does_nothing_and_repeats_nothing(self, say: Session, empty):
        say('create State name="Ohio"')
        assert (say(empty), say.notes, say.failed) == ("", "", False)
        assert say("count State") == "1\n"

    @only_file
    def test_the_last_line_needs_no_line_feed(self, console: Run):
        assert console(text="count State").stdout == "0\n"

    @only_file
    def test_accepts_windows_line_ends(self, console: Run):
        assert console(text="count State\r\nState.count()\r\n\r\nquit\r\n").stdout == "0\n0\n"

    @pytest.mark.parametrize("line", ["foo", "State", "State.", "State.create()", "State.find()", "State.foo()",
                                      "State.all(", ".all()", "State.all() x", "!ls", "#"])
    def test_reports_an_unknown_command(self, say: Session, line):
        assert (say(line), say.notes, say.failed) == (f"*** Unknown syntax: {line}\n", "", True)


class TestHelp:
    def test_lists_the_classic_commands_and_hbnbs_own_under_two_headings(self, say: Session):
        assert say("help") == say("?") == (
            "\nDocumented commands (type help <topic>):\n"
            "========================================\n"
            "EOF  all  count  create  destroy  help  quit  show  update\n"
            "\n"
            "HBNB's own commands (type help <topic>):\n"
            "========================================\n"
            f"{'  '.join(OWN)}\n"
            "\n")
        assert (say.notes, say.failed) == ("", False)

    def test_every_command_is_listed(self):
        assert sorted([*CLASSIC, *OWN]) == sorted(name[3:] for name in dir(HBNBCommand) if name.startswith("do_"))

    @pytest.mark.parametrize("command", [*CLASSIC, *OWN])
    def test_every_command_has_a_sentence_its_syntax_and_an_example(self, say: Session, command):
        explained = say(f"help {command}")
        sentence, form, *_ = explained.split("\n\n")
        assert re.fullmatch(r"[A-Z][^\n]+\.", sentence)
        assert form.strip().split()[0] == command
        assert examples(explained) or form.strip() == command
        assert not re.search(r"^ {8}", explained, re.MULTILINE)
        assert say(f"?{command}") == explained

    @only_file
    @pytest.mark.parametrize("command", [*CLASSIC, *OWN])
    def test_every_example_works(self, say: Session, storage, monkeypatch, tmp_path, command):
        monkeypatch.chdir(tmp_path)
        write_listings()
        State(id=STATE, name="New York").save()
        City(id=CITY, name="Albany", state_id=STATE).save()
        User(id="ada", email="a@b.c", password="x").save()
        Place(id=f"6{STATE[1:]}", name="Loft", city_id=CITY, user_id="ada").save()
        Amenity(id=f"7{STATE[1:]}", name="Wifi").save()
        for line in examples(say(f"help {command}")):
            if line.startswith("import reviews"):
                say("import listings.csv.gz --state A --city B")
            if line.endswith("--check"):
                say(line.replace("restore", "backup").removesuffix("--check"))
            say(line)
            assert (say.failed, "**" in say.notes) == (False, False), line

    @pytest.mark.parametrize("topic", ["foo", "foo bar", "do_all", "__class__", "\x00", "*"])
    def test_reports_an_unknown_topic(self, say: Session, topic):
        assert say(f"help {topic}") == f"*** No help on {topic}\n"
        assert say.failed


def examples(explained: str) -> list[str]:
    return re.findall(r"^    (\S.*)$", explained, re.MULTILINE)


def write_listings(name: str = "listings.csv.gz", rows: int = 1) -> None:
    with gzip.open(name, "wt") as file:
        file.write("id,name,host_id,host_name,latitude,longitude\n")
        file.writelines(f"{number},Loft {number},1,Ada,42.6,-73.7\n" for number in range(rows))
    with gzip.open("reviews.csv.gz", "wt") as file:
        file.write("listing_id,id,date,reviewer_id,reviewer_name,comments\n0,5,2024-01-02,9,Bob,Lovely\n")


class TestCreate:
    def test_prints_the_new_id_and_stores_the_object(self, say: Session):
        id = say('create State name="Ohio"').removesuffix("\n")
        assert uuid.UUID(id).version == 4
        assert (say.notes, say.failed) == ("", False)
        assert stored(State, id).name == "Ohio"

    @pytest.mark.parametrize(("typed", "name"), [
        ('"New_York"', "New York"), ('"New York"', "New York"), (r'"My\_little\_house"', "My_little_house"),
        (r'"the_\"Loft\""', 'the "Loft"'), (r'"back\\slash"', "back\\slash"), ('"it\'s"', "it's"), ('"a=b"', "a=b"),
        ('"12"', "12"), ("12", "12"), ("1.5", "1.5"), ("0", "0"), ('"a|b>c;d"', "a|b>c;d"),
        ('"Hawaiʻi_🌺"', "Hawaiʻi 🌺"), ('"a\tb"', "a\tb"), ('"', ""), ('""', "")])
    def test_reads_text_in_quotes(self, say: Session, typed, name):
        id = say(f'create State name="x" name={typed}').strip()
        assert stored(State, id).name == (name if typed != '"' else "x")

    def test_reads_whole_numbers_and_floats_of_either_sign(self, say: Session, market: Market):
        id = say(f'create Place city_id="{market.city.id}" user_id="{market.host.id}" name="Loft" max_guest=4 '
                 'price_by_night=+120 number_rooms=0 latitude=42.65 longitude=-73').strip()
        place = stored(Place, id)
        numbers = (place.max_guest, place.price_by_night, place.number_rooms, place.latitude, place.longitude)
        assert numbers == (4, 120, 0, 42.65, -73.0)
        assert [type(each) for each in numbers] == [int, int, int, float, float]
        assert (place.city_id, place.user_id, place.description) == (market.city.id, market.host.id, None)

    @pytest.mark.parametrize("parameter", [
        "name", "name=", "name=Ohio", "name='Ohio'", 'name="Oh', 'name=Oh"io"', 'name="Oh"io', "=5", '="x"', '"x"',
        "name=1e5", "name=0x10", "name=1_000", "name=--1", "name=1.5.2", "name=nan", "name=True", 'na-me="x"',
        "name=[1]", "name=" + "9" * 301])
    def test_skips_an_invalid_parameter_with_a_note(self, say: Session, parameter):
        id = say(f'create State name="Ohio" {parameter}').removesuffix("\n")
        assert stored(State, id).name == "Ohio"
        assert say.notes == f'** {parameter} was skipped: write NAME="text", NAME=12 or NAME=1.5 **\n'
        assert not say.failed

    @pytest.mark.parametrize("name", ["nickname", "cities", "__class__", "__dict__", "metadata", "save",
                                      "_sa_instance_state", "amenity_ids"])
    def test_skips_an_unknown_attribute_with_a_note(self, say: Session, name):
        id = say(f'create State name="Ohio" {name}="x"').removesuffix("\n")
        assert stored(State, id).name == "Ohio"
        assert say.notes == f"** {name} was skipped: State has no such attribute **\n"

    @only_file
    def test_accepts_missing_parents_and_values_in_a_file(self, say: Session):
        assert stored(State, say("create State").strip()).name == ""
        assert stored(City, say('create City state_id="nope"').strip()).state_id == "nope"
        assert not say.failed

    @only_db
    @pytest.mark.parametrize("line", ["create State", 'create City name="Albany"',
                                      'create City name="Albany" state_id="nope"', 'create User email="a@b.c"'])
    def test_requires_parents_and_values_in_a_database(self, say: Session, line):
        assert say(line) == ""
        assert say.failed
        assert re.fullmatch(
            r"\*\* (name|state_id|password) (is missing|refers to an object that does not exist(: .*)?) \*\*\n",
            say.notes)

    @pytest.mark.parametrize(("line", "reason"), [
        ('User email="host@Albany.example" password="x"', "email"), ('User email="HOST@ALBANY.EXAMPLE" password="x"',
                                                                     "email"),
        (f'State name="{"x" * 129}"', "name must have at most 128 characters"),
        ("Place max_guest=-1", "max_guest must be from 0"), ("Place max_guest=1.5", "max_guest must be a whole number"),
        ('Place max_guest="two"', "max_guest must be a whole number"), ("Place price_by_night=9999999999", "price"),
        ("Place latitude=90.1", "latitude must be from -90 to 90"), ('Place latitude="nan"', "latitude"),
        ("Place latitude=1.5e999", "latitude must be"), ('State created_at="yesterday"', "created_at"),
        ("State updated_at=5", "updated_at"), ('State id="a b"', "id must be an id"), ('State id="" name="x"', "id"),
        ('State name="\x07"', "name must not hold control characters"), ('State name="\udcff"', "name must be valid")])
    def test_with_an_invalid_value_prints_no_id_and_stores_nothing(self, say: Session, market: Market, line, reason):
        before = models.storage.count()
        assert say(f"create {line}") == ""
        assert say.failed
        assert reason in say.notes
        assert re.fullmatch(r"\*\* .* \*\*\n", say.notes)
        assert "Internal error" not in say.notes
        assert models.storage.count() == before
        assert re.fullmatch(r"[0-9a-f-]{36}\n", say('create Amenity name="Sauna"'))

    def test_refuses_an_existing_id(self, say: Session):
        assert say('create State id="ohio" name="Ohio"') == "ohio\n"
        assert say('create State id="ohio" name="Other"') == ""
        assert "id" in say.notes
        assert stored(State, "ohio").name == "Ohio"

    def test_prints_no_id_if_the_store_fails(self, say: Session, monkeypatch):
        def fail():
            raise Unavailable("the disk is full")
        monkeypatch.setattr(models.storage, "save", fail)
        assert say('create State name="Ohio"') == ""
        assert (say.notes, say.failed) == ("** the disk is full **\n", True)
        monkeypatch.undo()
        models.storage.close()
        assert models.storage.count() == 0


class TestShow:
    @pytest.mark.parametrize("name", ["state", "city", "host", "place", "review", "wifi"])
    def test_prints_the_object(self, say: Session, market: Market, name):
        obj = getattr(market, name)
        expected = f"{stored(type(obj), obj.id)}\n"
        assert expected.startswith(f"[{type(obj).__name__}] ({obj.id}) {{'id': '{obj.id}', ")
        assert say(f"show {type(obj).__name__} {obj.id}") == expected
        assert say(f'{type(obj).__name__}.show("{obj.id}")') == expected
        assert say(f"{type(obj).__name__}.show('{obj.id}')") == expected
        assert say(f"{type(obj).__name__}.show({obj.id})") == expected
        assert (say.notes, say.failed) == ("", False)

    def test_needs_the_exact_id(self, say: Session):
        say('create State id="abc-def" name="Ohio"')
        for id in ("abc", "abc-de", "abc-deff", "ABC-DEF", "%", "abc%", "ab_-def", "*", "State.abc-def", "аbc-def"):
            assert say(f"show State {id}") == "** no instance found **\n"
        assert say("show City abc-def") == "** no instance found **\n"
        assert say("show State abc-def").startswith("[State] (abc-def) ")

    def test_shows_what_another_process_has_just_stored(self, say: Session, console: Run):
        assert say("count State") == "0\n"
        id = console('create State name="Ohio"').stdout.strip()
        assert say(f"show State {id}").startswith(f"[State] ({id}) ")
        console(f'update State {id} name "Iowa"')
        assert "'name': 'Iowa'" in say(f"show State {id}")
        console(f"destroy State {id}")
        assert say(f"show State {id}") == "** no instance found **\n"


class TestAll:
    def test_of_an_empty_store_is_an_empty_list(self, say: Session):
        assert say("all") == say("all State") == say("State.all()") == "[]\n"

    def test_prints_a_python_list_of_texts_oldest_first(self, say: Session):
        for name in ("Ohio", "it's", 'a "quoted"', "Hawaiʻi"):
            State(name=name).save()
        models.storage.close()
        states = sorted(models.storage.all(State).values(), key=lambda state: state.created_at)
        assert [state.name for state in states] == ["Ohio", "it's", 'a "quoted"', "Hawaiʻi"]
        expected = f"{[str(state) for state in states]}\n"
        assert say("all State") == say("State.all()") == say("all") == expected
        assert (say.notes, say.failed) == ("", False)

    def test_holds_every_class_or_just_one(self, say: Session, market: Market):
        every, cities = say("all"), say("all City")
        for obj in vars(market).values():
            shown = repr(str(stored(type(obj), obj.id)))
            assert shown in every
            assert (shown in cities) == (obj is market.city)


class TestCount:
    def test_prints_the_number_of_objects_of_a_class(self, say: Session, market: Market):
        for name, count in {"State": 1, "City": 1, "User": 2, "Amenity": 2, "Place": 1, "Review": 1}.items():
            assert say(f"count {name}") == say(f"{name}.count()") == f"{count}\n"
        assert (say.notes, say.failed) == ("", False)


class TestDestroy:
    @pytest.mark.parametrize("line", ["destroy State {}", 'State.destroy("{}")'])
    def test_removes_dependent_objects_and_prints_nothing(self, say: Session, market: Market, line):
        assert say(line.format(market.state.id)) == ""
        assert (say.notes, say.failed) == ("", False)
        models.storage.close()
        left = {type(obj).__name__ for obj in models.storage.all().values()}
        assert left == {"User", "Amenity"}

    def test_is_visible_to_the_next_process(self, say: Session, console: Run, market: Market):
        say(f"destroy Review {market.review.id}")
        assert console(f"show Review {market.review.id}", "count Place").stdout == "** no instance found **\n1\n"

    def test_of_an_amenity_keeps_its_places(self, say: Session, market: Market):
        say(f"destroy Amenity {market.wifi.id}")
        assert [amenity.id for amenity in stored(Place, market.place.id).amenities] == [market.pool.id]

    def test_does_not_ask_for_confirmation_in_a_pipe(self, console: Run, market: Market):
        answer = console(f"destroy User {market.host.id}", "n", "count Place")
        assert answer.stdout == "*** Unknown syntax: n\n0\n"


class TestUpdate:
    @pytest.mark.parametrize(("typed", "name"), [
        ('"New name"', "New name"), ("Iowa", "Iowa"), ('"New_York"', "New_York"), (r'"a \"b\""', 'a "b"'),
        ('""', ""), ("0", "0"), ("5", "5"), ("'New name'", "New name"), ("it's", "it's"), ('"\'tis"', "'tis")])
    def test_sets_an_attribute_without_output(self, say: Session, market: Market, typed, name):
        before = stored(State, market.state.id).updated_at
        assert say(f"update State {market.state.id} name {typed}") == ""
        assert (say.notes, say.failed) == ("", False)
        state = stored(State, market.state.id)
        assert (state.name, state.created_at) == (name, market.state.created_at)
        assert state.updated_at > before

    @pytest.mark.parametrize("line", [
        'State.update("{}", "name", "New name")', "State.update('{}', 'name', 'New name')",
        'State.update({}, name, "New name")', 'State.update("{}", {{"name": "New name"}})',
        "State.update('{}', {{'name': 'New name'}})", ' State.update( "{}" , {{"name": "New name"}} ) ',
        'update "State" "{}" "name" "New name"'])
    def test_accepts_several_syntaxes(self, say: Session, market: Market, line):
        assert say(line.format(market.state.id)) == ""
        assert (say.notes, say.failed) == ("", False)
        assert stored(State, market.state.id).name == "New name"

    def test_is_visible_to_the_next_process(self, say: Session, console: Run, market: Market):
        say(f'State.update("{market.state.id}", {{"name": "Iowa"}})')
        assert "'name': 'Iowa'" in console(f"show State {market.state.id}").stdout

    def test_reads_values_as_the_attributes_type(self, say: Session, market: Market):
        id = market.place.id
        for line in ("max_guest 7", 'number_rooms "3"', "latitude 12", "longitude 1.5", "name 89", "price_by_night 0"):
            assert say(f"update Place {id} {line}") == ""
            assert say.notes == ""
        place = stored(Place, id)
        values = (place.max_guest, place.number_rooms, place.latitude, place.longitude, place.name,
                  place.price_by_night)
        assert values == (7, 3, 12.0, 1.5, "89", 0)
        assert [type(each) for each in values] == [int, int, float, float, str, int]

    def test_zero_null_and_the_empty_text_are_values(self, say: Session, market: Market):
        id = market.place.id
        assert say(f"update Place {id} max_guest 0") == ""
        assert stored(Place, id).max_guest == 0
        assert say(f'Place.update("{id}", "price_by_night", 0)') == ""
        assert stored(Place, id).price_by_night == 0
        assert say(f'Place.update("{id}", {{"latitude": 0, "longitude": null, "name": ""}})') == ""
        place = stored(Place, id)
        assert (place.latitude, place.longitude, place.name) == (0.0, None, "")

    def test_with_a_dict_sets_all_of_its_attributes(self, say: Session, market: Market):
        assert say(f'Place.update("{market.place.id}", {{"name": "X", "max_guest": 9, "latitude": -1.5, '
                   '"description": None})') == ""
        place = stored(Place, market.place.id)
        assert (place.name, place.max_guest, place.latitude, place.description) == ("X", 9, -1.5, None)

    def test_keeps_a_backslash_that_is_not_an_escape(self, say: Session, market: Market):
        say(f'State.update("{market.state.id}", {{"name": "C:\\dir"}})')
        assert stored(State, market.state.id).name == "C:\\dir"
        assert say.notes == ""

    def test_accepts_a_json_object(self, say: Session, market: Market):
        say(f'Place.update("{market.place.id}", {{"description": null, "name": "\\u00e9"}})')
        assert stored(Place, market.place.id).name == "é"

    @pytest.mark.parametrize("name", ["id", "created_at", "updated_at", "__class__"])
    @pytest.mark.parametrize("line", ['update State {} {} "2020-01-01"', 'State.update("{}", "{}", "2020-01-01")',
                                      'State.update("{}", {{"name": "X", "{}": "2020-01-01"}})'])
    def test_refuses_id_and_times(self, say: Session, market: Market, line, name):
        before = str(stored(State, market.state.id))
        assert say(line.format(market.state.id, name)) == ""
        assert (say.notes, say.failed) == (f"** {name} cannot be changed **\n", True)
        assert str(stored(State, market.state.id)) == before

    @pytest.mark.parametrize("bad", [
        '"max_guest": -1', '"max_guest": "two"', '"max_guest": 1.5', '"max_guest": None', '"max_guest": [1]',
        '"latitude": 91', '"latitude": nan', '"nickname": "x"', '"amenity_ids": "x"', '"city": "x"', '"save": 1',
        '"__dict__": {}', '"id": "x"', '"name": None', '"name": ["x"]', '"name": {"a": 1}', '"name": "\\x00"',
        '"name": "\\ud800"', f'"name": "{"x" * 129}"', '"city_id": "a b"', '5: 5', '"": 1'])
    def test_with_an_invalid_value_changes_nothing_now_or_later(self, say: Session, market: Market, bad):
        before = str(stored(Place, market.place.id))
        for parts in ('"description": "New", ' + bad, bad + ', "description": "New"'):
            assert say(f'Place.update("{market.place.id}", {{{parts}}})') == ""
            assert re.fullmatch(r"\*\* .* \*\*\n", say.notes)
            assert say.failed
            assert "Internal error" not in say.notes
        say(f'update State {market.state.id} name "Other"')
        assert stored(State, market.state.id).name == "Other"
        assert str(stored(Place, market.place.id)) == before

    @pytest.mark.parametrize(("bad", "note"), [
        ('"max_guest": None', "max_guest must not be null"), ('"name": None', "name must not be null"),
        ('"name": [1]', "name must be a text"), ('"nickname": 1', "Place has no attribute nickname"),
        ('"max_guest": 1.5', "max_guest must be a whole number"),
        (f'"max_guest": {"9" * 400}', "max_guest must be from 0 to 2147483647"),
        (f'"latitude": {"9" * 400}', "latitude must be"), ('"latitude": 1e999', "latitude must be"),
        ('"name": "\\ud800"', "name must be valid Unicode"), ('"\\ud800": 1', "Place has no attribute")])
    def test_reports_an_invalid_value_in_one_note(self, say: Session, market: Market, bad, note):
        assert say(f'Place.update("{market.place.id}", {{{bad}}})') == ""
        assert say.notes.count("\n") == 1
        assert say.notes.startswith(f"** {note}")

    @pytest.mark.parametrize("typed", ["nickname x", "city x", "reviews x", "to_dict x"])
    def test_refuses_an_unknown_attribute(self, say: Session, market: Market, typed):
        assert say(f"update Place {market.place.id} {typed}") == ""
        assert (say.notes, say.failed) == (f"** Place has no attribute {typed.split()[0]} **\n", True)

    def test_a_database_refuses_a_missing_parent(self, say: Session, market: Market, engine):
        assert say(f"update City {market.city.id} state_id nope") == ""
        assert say.failed == (engine == "db")
        assert stored(City, market.city.id).state_id == ("nope" if engine == "file" else market.state.id)

    def test_of_a_removed_object_finds_no_instance(self, say: Session, console: Run, market: Market):
        say(f"show Review {market.review.id}")
        console(f"destroy Review {market.review.id}")
        assert say(f"update Review {market.review.id} text X") == "** no instance found **\n"


class TestErrors:
    @pytest.mark.parametrize(("line", "message"), [
        *((command, "** class name missing **") for command in ("create", "show", "destroy", "update", "count")),
        *((f"{command} Foo", "** class doesn't exist **")
          for command in ("create", "show", "destroy", "all", "update", "count")),
        *((f"Foo.{command}()", "** class doesn't exist **") for command in CALLABLE),
        ("show Foo x", "** class doesn't exist **"), ('Foo.update("x", {"name": "y"})', "** class doesn't exist **"),
        *((f"{command} State", "** instance id missing **") for command in ("show", "destroy", "update")),
        *((f"State.{command}()", "** instance id missing **") for command in ("show", "destroy", "update")),
        *((f'State.{command}("")', "** instance id missing **") for command in ("show", "destroy", "update")),
        ('show State ""', "** instance id missing **"),
        ('State.update("", {"name": "x"})', "** instance id missing **"),
        *((f"{command} State nope", "** no instance found **") for command in ("show", "destroy", "update")),
        *((f'State.{command}("nope")', "** no instance found **") for command in ("show", "destroy", "update")),
        ('State.update("nope", {"name": "x"})', "** no instance found **"),
        ('update State nope name "x"', "** no instance found **"), ('show State "', "** no instance found **"),
        ("update State ohio", "** attribute name missing **"), ('State.update("ohio")', "** attribute name missing **"),
        ("update State ohio name", "** value missing **"), ('State.update("ohio", "name")', "** value missing **")])
    def test_are_those_of_the_contract_word_for_word(self, say: Session, line, message):
        State(id="ohio", name="Ohio").save()
        before = say("all")
        assert (say(line), say.notes, say.failed) == (f"{message}\n", "", True)
        assert say("all") == before


class TestFind:
    @pytest.mark.parametrize(("conditions", "cities"), [
        ("price_by_night=100", "Albany"), ("price_by_night!=100", "Buffalo"), ("price_by_night<250", "Albany"),
        ("price_by_night<=250", "Albany Buffalo"), ("price_by_night>100", "Buffalo"),
        ("price_by_night>=100", "Albany Buffalo"), ("price_by_night>250", ""), ('price_by_night="100"', "Albany"),
        ("latitude=42.652579", "Albany Buffalo"), ("latitude>42.7", ""), ("longitude<-73", "Albany Buffalo"),
        ("name~albany", "Albany"), ("name~LOFT", "Albany Buffalo"), ('name~"t in B"', "Buffalo"), ("name~%", ""),
        ("name~_", ""), ('name="Loft in Albany"', "Albany"), ('name="loft in albany"', ""), ("name=Loft", ""),
        ('name!="Loft in Albany"', "Buffalo"), ("city=Albany", "Albany"), ("city!=Albany", "Buffalo"),
        ("city~BUFF", "Buffalo"), ("city.name=Albany", "Albany"), ('city.state="State of Buffalo"', "Buffalo"),
        ("city.state.name~albany", "Albany"), ("amenities=Wifi", "Albany Buffalo"), ("amenities=Pool", "Albany"),
        ("amenities=Wifi amenities=Pool", "Albany"), ("amenities=Sauna", ""), ("amenities.name~poo", "Albany"),
        ("user.email=host@Buffalo.example", "Buffalo"), ("user.email=HOST@BUFFALO.EXAMPLE", "Buffalo"),
        ("reviews.text~lovely", "Albany Buffalo"), ("reviews.user.email~guest@albany", "Albany"),
        ("max_guest>=2 price_by_night<200 city=Albany", "Albany"), ("max_guest>2 price_by_night<200", ""),
        ("created_at>2020-01-01", "Albany Buffalo"), ("created_at<2020-01-01T00:00:00.000001", ""),
        ("", "Albany Buffalo")])
    def test_prints_the_objects_that_match_all_conditions(self, say: Session, markets, conditions, cities):
        line = f"find Place {conditions}"
        assert say.names(line) == [f"Loft in {city}" for city in cities.split()]
        assert (say.notes, say.failed) == ("", False)

    def test_follows_relationships_in_both_directions(self, say: Session, markets):
        assert say.names("find State cities.places.price_by_night>200") == ["State of Buffalo"]
        assert say.names("find Amenity places.city=Albany") == ["Wifi", "Pool"]
        assert [user["email"] for user in say.json("find User places.max_guest=4")] == ["host@Buffalo.example"]

    @pytest.mark.parametrize(("order", "cities"), [
        ("sort price_by_night", "Albany Buffalo"), ("sort -price_by_night", "Buffalo Albany"),
        ("sort -name", "Buffalo Albany"), ("sort latitude -name", "Buffalo Albany"), ("sort", "Albany Buffalo"),
        ("limit 1", "Albany"), ("limit 0", ""), ("limit 99", "Albany Buffalo"), ("sort -name limit 1", "Buffalo"),
        ("max_guest>0 sort -created_at limit 1", "Buffalo")])
    def test_applies_sort_and_limit(self, say: Session, markets, order, cities):
        assert say.names(f"find Place {order}") == [f"Loft in {city}" for city in cities.split()]

    def test_prints_the_same_format_as_all(self, say: Session, markets):
        for name in models.classes:
            assert say(f"find {name}") == say(f"all {name}")
        assert say("find Place name=nope") == "[]\n"

    @pytest.mark.parametrize(("rest", "note"), [
        ("nickname=5", "Place has no attribute nickname; it has id, created_at"), ("nickname.name=5", "Place has no"),
        ("city.nickname=5", "City has no attribute nickname"), ("city..name=5", "City has no attribute .name"),
        ("user=Ada", "User has no attribute name; it has"), ("user.password~x", "User has no attribute password"),
        ("name.city=5", "Place has no attribute name.city"), ("amenity_ids=x", "Place has no attribute amenity_ids"),
        ("price_by_night=abc", "price_by_night must be a whole number"), ("price_by_night=1.5", "price_by_night must"),
        ("price_by_night=", "price_by_night must be a whole number"), ("price_by_night=-1", "price_by_night must be"),
        ("latitude<abc", "latitude must be a number"), ("latitude<91", "latitude must be from -90 to 90"),
        ("latitude<1.5e999", "latitude must be"), ("created_at>yesterday", "created_at must be a time"),
        ('city_id="a b"', "city_id must be an id"), ("name~\x07", "name must not hold control characters"),
        ("price_by_night~1", "price_by_night"), ("latitude~1.5", "latitude"), ("created_at~2024-01-01", "created_at"),
        ("name", "name is not a condition"), ("name = x = y", "= is not a condition"),
        ("name=x y", "y is not a condition"), ("name=x or name=y", "or is not a condition"),
        ("<5", "<5 is not a condition"), ('"', '" is not a condition'),
        ("sort nickname", "Place has no attribute nickname"), ("sort --name", "Place has no attribute -name"),
        ("sort city", "Place has no attribute city"), ("sort password", "Place has no attribute password"),
        ("limit", "limit needs a number"), ("limit x", "limit needs a number"), ("limit -1", "limit needs a number"),
        ("limit 1.5", "limit needs a number"), ("limit 1 2", "limit needs a number"), ("limit ٣", "limit needs a"),
        (f"limit {'9' * 30}", "limit needs a number"), ("limit 5 limit 5", "limit needs a number"),
        ("columns", "columns needs names"), ("columns ,", "columns needs names"),
        ("columns nickname", "Place has no attribute nickname"), ("columns city.nickname", "City has no attribute"),
        ("columns user", "User has no attribute name"), ("columns user.password", "User has no attribute password"),
        ("columns city.state.cities.name", "city.state.cities.name passes through more than 2 relations"),
        ("nam=x", "Place has no attribute nam (did you mean name?)")])
    def test_reports_invalid_conditions_and_clauses(self, say: Session, market: Market, rest, note):
        assert (say(f"find Place {rest}"), say.failed) == ("", True)
        assert say.notes.startswith(f"** {note}")
        assert re.fullmatch(r".* \*\*\n", say.notes)

    def test_without_a_known_class_is_a_classic_error(self, say: Session):
        assert say("find") == "** class name missing **\n"
        assert say("find Foo name=x") == "** class doesn't exist **\n"


class TestFormats:
    TEXT = 'a, "b" and more than forty characters, in\ntwo lines; Hawaiʻi'

    @pytest.fixture
    def _place(self, market: Market) -> None:
        place = stored(Place, market.place.id)
        place.name, place.description = "=1+1", self.TEXT
        place.save()
        models.storage.close()

    @pytest.mark.usefixtures("_place")
    @pytest.mark.parametrize("line", ["show Place {}", "all Place", "find Place name==1+1", "find Place"])
    def test_json_has_the_objects_of_to_dict(self, say: Session, market: Market, line):
        expected = stored(Place, market.place.id).to_dict()
        assert expected["description"] == self.TEXT
        assert say.json(line.format(market.place.id)) == [expected]
        assert "Hawaiʻi" in say(f"{line.format(market.place.id)} --json")

    @pytest.mark.usefixtures("_place")
    def test_csv_can_be_parsed(self, say: Session, market: Market):
        expected = {name: "" if value is None else str(value)
                    for name, value in stored(Place, market.place.id).to_dict().items()} | {"name": "'=1+1"}
        for line in (f"show Place {market.place.id}", "all Place", "find Place"):
            text = say(f"{line} --csv")
            assert text.startswith("__class__,id,")
            assert list(csv.DictReader(io.StringIO(text, newline=""))) == [expected]

    @pytest.mark.usefixtures("_place")
    def test_a_table_has_a_heading_and_a_row_per_object_and_cuts_long_texts(self, say: Session, market: Market):
        for line in (f"show Place {market.place.id}", "all Place", "find Place"):
            heading, rule, row = say(f"{line} --table").splitlines()
            assert heading.split()[:3] == ["__class__", "id", "created_at"]
            assert set(rule) == {"-", " "}
            assert row.startswith(f"Place      {market.place.id}")
            assert "a, \"b\" and more than forty characters, …" in row
            assert "two lines" not in row
            assert "None" not in row

    def test_several_classes_share_one_heading(self, say: Session, market: Market):
        rows = list(csv.DictReader(io.StringIO(say("all --csv"))))
        assert sorted(row["__class__"] for row in rows) == sorted(type(obj).__name__ for obj in vars(market).values())
        assert next(row for row in rows if row["__class__"] == "State")["price_by_night"] == ""
        assert len(say("all --table").splitlines()) == 2 + len(rows)
        assert len(say.json("all")) == len(rows)

    def test_of_no_objects_print_nothing(self, say: Session):
        for line in ("all", "all State", "find State"):
            assert say(f"{line} --csv") == ""
            assert say.json(line) == []
            assert (say.notes, say.failed) == ("", False)
            assert say(f"{line} --table") == ""
            assert (say.notes, say.failed) == ("No objects\n" if line == "all" else "No states\n", False)

    def test_the_last_option_wins_at_any_position(self, say: Session, market: Market):
        expected = say("all State --csv")
        assert expected.startswith("__class__")
        assert say("all --table State --csv") == say("all --csv State") == expected

    def test_without_an_option_the_output_is_classic(self, say: Session, market: Market):
        assert say("all State").startswith("[")
        assert say(f"show State {market.state.id}").startswith("[State] (")


class TestTransfer:
    @pytest.fixture(autouse=True)
    def _here(self, monkeypatch, tmp_path) -> None:
        monkeypatch.chdir(tmp_path)

    def test_import_prints_a_report(self, say: Session):
        write_listings(rows=3)
        line = 'import listings.csv.gz --state "New York" --city Albany'
        report = [row.split() for row in say(line).splitlines()]
        assert ["State", "1", "0", "0"] in report
        assert ["Place", "3", "0", "0"] in report
        assert (say.notes, say.failed) == ("", False)
        assert say("count Place") == "3\n"
        assert say.names("find City state=\"New York\"") == ["Albany"]
        assert ["Place", "0", "0", "3"] in [row.split() for row in say(line).splitlines()]

    def test_a_dry_run_imports_nothing(self, say: Session):
        write_listings()
        assert "Dry run: nothing was imported" in say("import listings.csv.gz --state A --city B --dry-run")
        assert (say.failed, models.storage.count()) == (False, 0)

    @pytest.mark.parametrize(("option", "places"), [("", 0), (" --keep-going", 1)])
    def test_an_invalid_row_is_reported_and_prevents_the_import_unless_keep_going(
            self, say: Session, option, places, tmp_path):
        write_listings()
        with gzip.open("listings.csv.gz", "at") as file:
            file.write("7,Bad,1,Ada,95,-73.7\n")
        report = say(f"import listings.csv.gz --state A --city B{option}")
        assert "\n  line 3: latitude must be from -90 to 90\n" in report
        assert ("Nothing was imported" in report) == (not places)
        assert say.failed
        assert models.storage.count(Place) == places

    def test_an_export_can_be_imported(self, say: Session, market: Market, tmp_path):
        count = models.storage.count()
        assert say('export "my store.jsonl.gz"') == f"Exported {count} objects to my store.jsonl.gz\n"
        assert stat_mode("my store.jsonl.gz") == 0o600
        before = say("all --json")
        for name in ("State", "User", "Amenity"):
            for obj in say.json(f"all {name}"):
                say(f"destroy {name} {obj['id']}")
        assert models.storage.count() == 0
        say('import "my store.jsonl.gz"')
        assert say("all --json") == before

    def test_export_contains_password_hashes_only_with_the_option(self, say: Session, market: Market):
        say("export without.jsonl")
        say("export with.jsonl --passwords")
        assert "$argon2" not in open_text("without.jsonl")
        assert "$argon2" in open_text("with.jsonl")

    @pytest.mark.parametrize("line", [
        "import", "import a b", "import --foo", "import --state", 'import ""', "import nope.csv", "import .",
        "import \x00", "import a\x00b", "export", "export a b", "export --foo", 'export ""', "export .",
        "export nope/x.jsonl", "export x\x00", "import ../../../../../../etc/hostname"])
    def test_reports_invalid_arguments_and_files(self, say: Session, line):
        assert (say(line), say.failed) == ("", True)
        assert re.fullmatch(r"\*\* .+ \*\*\n", say.notes)
        assert "Internal error" not in say.notes
        assert "** :" not in say.notes


def open_text(name: str) -> str:
    with open(name) as file:
        return file.read()


def stat_mode(name: str) -> int:
    return os.stat(name).st_mode & 0o777


@only_file
class TestCommandLine:
    def test_runs_the_commands_of_the_option_c(self, console: Run):
        answer = console(args=("-c", 'create State name="Ohio"', "-c", "count State"))
        assert re.fullmatch(r"[0-9a-f-]{36}\n1\n", answer.stdout)
        assert (answer.stderr, answer.returncode) == ("", 0)

    def test_runs_the_commands_of_a_file_and_skips_comments(self, console: Run, tmp_path):
        lines = '\ufeff# ignored\n\ncreate State id="x" name="Ohio"\n  # so is this\ncount State'
        (tmp_path / "lines").write_text(lines, encoding="utf-8")
        answer = console("count City", args=("-f", "lines"))
        assert (answer.stdout, answer.stderr, answer.returncode) == ("x\n1\n", "", 0)

    @pytest.mark.parametrize("text", ["", "\n", "# nothing\n"])
    def test_a_file_without_commands_does_nothing(self, console: Run, tmp_path, text):
        (tmp_path / "lines").write_text(text)
        answer = console("count State", args=("-f", "lines"))
        assert (answer.stdout, answer.stderr, answer.returncode) == ("", "", 0)

    def test_reports_an_unreadable_file(self, console: Run, tmp_path):
        for name in ("nope", str(tmp_path), ""):
            answer = console("count State", args=("-f", name))
            assert (answer.stdout, answer.returncode) == ("", 2)
            assert f"{name} cannot be read: " in answer.stderr
            assert "Traceback" not in answer.stderr

    @pytest.mark.parametrize("bad", ["foo", "all Foo", "find State name", "help foo", "import nope", "show State x",
                                     "update State x id y", 'create State id="a b"'])
    def test_every_kind_of_error_marks_the_command_as_failed(self, say: Session, bad):
        say(bad)
        assert say.failed

    def test_continues_after_an_error_and_ends_with_status_1(self, console: Run):
        answer = console(args=("-c", "show State x", "-c", "count State"))
        assert (answer.stdout, answer.returncode) == ("** no instance found **\n0\n", 1)

    @pytest.mark.parametrize("bad", ["foo", "find State name", "show State x"])
    def test_stop_on_error_stops_at_the_first_error(self, console: Run, bad, tmp_path):
        (tmp_path / "lines").write_text(f"count State\n{bad}\ncount City\n")
        for lines, args in (((), ("--stop-on-error", "-f", "lines")),
                            (("count State", bad, "count City"), ("--stop-on-error",))):
            answer = console(*lines, args=args)
            assert answer.stdout.startswith("0\n")
            assert not answer.stdout.endswith("\n0\n")
            assert answer.returncode == 1

    def test_stop_on_error_runs_all_commands_without_an_error(self, console: Run):
        answer = console('create State name="x" foo', "", "help", "all", "count State", args=("--stop-on-error",))
        assert answer.stdout.endswith("\n1\n")
        assert answer.returncode == 0

    def test_errors_of_piped_commands_do_not_change_the_status(self, console: Run):
        assert console("all Foo", "foo").returncode == 0

    @pytest.mark.parametrize(("args", "line"), [
        (("create", "State", "name=New York"), 'create State name="New York"'),
        (("create", "State", "name=Ohio"), 'create State name="Ohio"'),
        (("create", "State", 'name="New York"'), 'create State name="New York"'),
        (("create", "State", r'name="a\_b"'), r'create State name="a\_b"'),
        (("create", "State", 'name=5"'), r'create State name="5\""'),
        (("create", "State", "name="), 'create State name=""'),
        (("create", "Place", "max_guest=2", "latitude=1.5"), "create Place max_guest=2 latitude=1.5"),
        (("find", "Place", "city.state=New York", "price_by_night<=9"),
         'find Place city.state="New York" price_by_night<=9'),
        (("find", "Place", "name~a b", "sort", "-name"), 'find Place name~"a b" sort -name'),
        (("update", "State", "x", "name", "New name"), 'update State x name "New name"'),
        (("update", "State", "x", "name", "a=b c"), 'update State x name "a=b c"'),
        (("update", "State", "x", "name", "a=b"), "update State x name a=b"),
        (("update", "State", "x", "name", ""), 'update State x name ""'),
        (("import", "a b.csv", "--state", "New York"), 'import "a b.csv" --state "New York"'),
        (('State.update("x", "name", "a b")',), 'State.update("x", "name", "a b")'),
        (("create State name=\"New York\"",), 'create State name="New York"')])
    def test_restores_the_quotes_that_the_shell_removed(self, engine, args, line):
        from cli.options import run_with_options
        ran = []
        assert run_with_options(HBNBCommand(), lambda _, lines, __: not ran.extend(lines), [*args]) == 0
        assert ran == [line]

    def test_runs_a_command_of_its_own_command_line(self, console: Run):
        id = console(args=("create", "State", "name=New York")).stdout.strip()
        assert "'name': 'New York'" in console(args=("show", "State", id)).stdout
        assert console(args=("State.count()",)).stdout == "1\n"
        answer = console("count City", args=("show", "State", "nope"))
        assert (answer.stdout, answer.returncode) == ("** no instance found **\n", 1)

    def test_quit_ends_the_option_c(self, console: Run):
        answer = console(args=("-c", "quit", "-c", "count State"))
        assert (answer.stdout, answer.returncode) == ("", 0)

    def test_help_lists_the_options(self, console: Run):
        answer = console(args=("--help",))
        assert answer.returncode == 0
        for option in ("-c", "-f", "--stop-on-error", "exit status"):
            assert option in answer.stdout

    @pytest.mark.parametrize("args", [("--foo",), ("-c",), ("-f",)])
    def test_invalid_options_end_with_status_2(self, console: Run, args):
        answer = console("count State", args=args)
        assert (answer.stdout, answer.returncode) == ("", 2)
        assert "usage: console.py" in answer.stderr


class TestPrivacy:
    @pytest.fixture
    def user(self, say: Session) -> str:
        return say(f'create User email="a@b.c" password="{SECRET}" first_name="Ada"').strip()

    @pytest.mark.parametrize("form", ["", " --table", " --json", " --csv"])
    def test_no_output_contains_a_password_or_its_hash(self, say: Session, user, form):
        kept = stored(User, user).password
        assert kept.startswith("$argon2id$")
        for line in (f"show User {user}", "all User", "all", "find User", "find User email~b", "find User sort email"):
            printed = say(line + form)
            assert "a@b.c" in printed
            assert SECRET not in printed + say.notes
            assert kept not in printed + say.notes
            assert "password" not in printed

    def test_a_changed_password_is_hashed_and_valid(self, say: Session, user):
        for line in (f"update User {user} password {{}}", f'User.update("{user}", "password", "{{}}")',
                     f'User.update("{user}", {{{{"password": "{{}}"}}}})'):
            new = uuid.uuid4().hex + "!"
            assert (say(line.format(new)), say.notes) == ("", "")
            assert stored(User, user).check_password(new)
            assert new not in stored(User, user).password

    @pytest.mark.parametrize("line", [
        f"create User email=x password={SECRET}", f"create User password='{SECRET}'",
        f'create User password "{SECRET}"', f'create User password = "{SECRET}"', f'create User Password="{SECRET}',
        f"create State password={SECRET}", f'create State password="{SECRET}"', f'creat User password="{SECRET}"',
        f'User.create(password="{SECRET}")', f'PASSWORD "{SECRET}"', f"find User password={SECRET}",
        f"find User password~{SECRET}", f'update User nope password "{SECRET}"',
        f'User.update("nope", {{"password": "{SECRET}"}})', f'User.update("{{id}}", {{"password": ["{SECRET}"]}})',
        f'User.update("{{id}}", {{"password": "{SECRET}\\x00"}})', f'update User {{id}} password "{SECRET}{"x" * 128}"',
        f'User.update("{{id}}", {{"password": "{SECRET}", "nope": 1}})',
        f'User.updat("{{id}}", "password", "{SECRET}")',
        f'create User email="a@b.c" password="{SECRET}"', f'create State name="x" password="{SECRET}"'])
    def test_no_error_contains_a_password(self, say: Session, user, line):
        printed = say(line.replace("{id}", user))
        assert printed + say.notes
        assert SECRET not in printed + say.notes
        assert stored(User, user).check_password(SECRET)

    @only_file
    def test_no_internal_error_contains_a_password(self, say: Session, monkeypatch):
        def fail(*_):
            raise RuntimeError("boom")
        monkeypatch.setattr(models.storage, "save", fail)
        assert SECRET not in say(f'create User email="a@b.c" password="{SECRET}"') + say.notes
        assert "boom" in say.notes


class TestNotes:
    def test_go_to_standard_error(self, console: Run):
        answer = console('create State name="Ohio" foo nickname="x"', "count State", "find State foo", "count State")
        assert re.fullmatch(r"[0-9a-f-]{36}\n1\n1\n", answer.stdout)
        assert answer.stderr.splitlines() == [
            '** foo was skipped: write NAME="text", NAME=12 or NAME=1.5 **',
            "** nickname was skipped: State has no such attribute **",
            "** foo is not a condition, sort, columns or limit: see help find **"]

    def test_the_classic_errors_go_to_standard_output(self, console: Run):
        answer = console("show", "foo")
        assert (answer.stdout, answer.stderr) == ("** class name missing **\n*** Unknown syntax: foo\n", "")


class TestTransactions:
    def test_a_failed_command_leaves_no_changes_for_the_next(self, say: Session, market: Market):
        before = say("all --json")
        for line in ('create User email="host@Albany.example" password="x"', f'create State name="{"x" * 200}"',
                     f'Place.update("{market.place.id}", {{"name": "X", "max_guest": -1}})',
                     f"update Place {market.place.id} latitude 91"):
            say(line)
            assert say.failed
            assert say("all --json") == before
        id = say('create Amenity name="Sauna"').strip()
        say(f"destroy Amenity {id}")
        assert say("all --json") == before

    def test_each_command_is_committed_before_its_output(self, environ, storage):
        with running_console(environ) as process:
            process.stdin.write('create State name="Ohio"\n')
            process.stdin.flush()
            id = process.stdout.readline().strip()
            assert storage.get(State, id).name == "Ohio"
            storage.close()
            process.stdin.write(f"destroy State {id}\ncount State\n")
            process.stdin.flush()
            assert process.stdout.readline() == "0\n"
            assert storage.get(State, id) is None

    def test_the_database_session_is_closed_after_each_command(self, say: Session, monkeypatch):
        closed = []
        monkeypatch.setattr(models.storage, "close", lambda: closed.append(True))
        for line in ("count State", "all Foo", "foo", "find State x", ""):
            say(line)
        assert len(closed) == 5


class running_console:
    """A running console that reads a pipe."""

    def __init__(self, environ) -> None:
        self._process = subprocess.Popen(
            [sys.executable, str(ROOT / "console.py")], env=environ, text=True, stdin=subprocess.PIPE,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE)

    def __enter__(self) -> subprocess.Popen[str]:
        return self._process

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.wait(60)
        for stream in (self._process.stdin, self._process.stdout, self._process.stderr):
            with suppress(BrokenPipeError):     # unsent lines
                stream.close()


class TestRobustness:
    @pytest.mark.parametrize("line", [
        'create State name="', 'create State name="x" "', "create State name=''", 'create "State" name="x"',
        'show State "', 'show "', "show '", 'update State "x', "all \"", "count \\", "create \\\"", "State.show(\")",
        "State.show(')", 'State.show("a" "b")', "State.show(x y)", "State.show(,)", "State.show((((", "State.show([[])",
        "State.show({})", "State.show({[]: 1})", 'State.update("x", {[]: 1})', 'State.update("x", {"name"})',
        'State.update("x", {"name": })', "State.update({}, {})", "State.update(None, None)", "State.show(None)",
        'State.update("x", {"name": "\\d"})', "State.show(0x" + "f" * 5000 + ")", "State.show(" + "9" * 5000 + ")",
        "State.show(1e999)", "State.show(b'x')", "State.show(1+2j)", "State.show(*x)", "State.show(**{})",
        "State.show(\x00)", "\x00", "show State \x00", "State.show(" + "[" * 10000 + ")", "(" * 10000,
        "State.show(" + "-" * 10000 + "1)", "State.all(" + "{'a':" * 5000 + ")", "\udcff\udcfe", "show State \udcff",
        "create \udcff", "help \udcff", "State.show('\\ud800')", 'State.update("x", {"\\ud800": 1})',
        "State.update(, , )",
        "а́ll", "?" * 50, "!" * 50, "...", "State..all()", "State.all()()", "State.all().all()", "help State.all()",
        "find State " + "(" * 100, "find State =", "find State name==", "find State name=\"", "find State sort sort",
        "find State limit limit", "find \"", "import \"", "export \"\" \"\"", "EOF.all()", "quit.all()",
        "find City state" + ".cities.state" * 3 + "=x"])
    def test_a_malformed_line_is_answered_and_the_session_continues(self, say: Session, line):
        printed = say(line)
        if say.ended:
            assert line.startswith(("quit", "EOF"))
        assert "Traceback" not in printed + say.notes
        assert "Internal error" not in say.notes
        assert "Warning" not in say.notes
        assert re.fullmatch(r"\d+\n", say("count State"))

    @pytest.mark.parametrize("expression", [
        "__import__('os').mkdir('{0}/hacked')", "open('{0}/hacked', 'w')", "[].__class__", "exec('x')", "1/0",
        "(lambda: 1)()", "f'{{1/0}}'"])
    def test_input_is_never_evaluated(self, say: Session, market: Market, tmp_path, expression):
        typed, id = expression.format(tmp_path), market.state.id
        for line in (f"State.show({typed})", f'State.update("{id}", "name", {typed})',
                     f'State.update("{id}", {{"name": {typed}}})', f"create State name={typed}",
                     f"State.update({typed}, {{}})", f"update State {id} name {typed}"):
            say(line)
            assert not (tmp_path / "hacked").exists()
            assert "Internal error" not in say.notes

    @pytest.mark.parametrize("error", [RuntimeError("boom"), KeyError("boom"), RecursionError("boom"),
                                       MemoryError("boom"), UnicodeError("boom"), OSError("boom")])
    def test_an_unexpected_error_is_one_note_without_a_traceback(self, say: Session, monkeypatch, error):
        def fail(*_):
            raise error
        monkeypatch.setattr(models.storage, "count", fail)
        assert say("count State") == ""
        assert re.fullmatch(r"\*\* Internal error, please report it: \w+: '?boom'? \*\*\n", say.notes)
        assert (say.failed, say.ended) == (True, False)
        monkeypatch.undo()
        assert say("all") == "[]\n"

    def test_an_unavailable_store_is_one_note_per_command(self, say: Session, monkeypatch):
        def fail(*_):
            raise Unavailable("it is away: start it")
        monkeypatch.setattr(models.storage, "count", fail)
        assert (say("count State"), say.notes) == ("", "** it is away: start it **\n")

    @only_file
    def test_a_damaged_file_is_reported_and_not_changed(self, console: Run, tmp_path, storage):
        (tmp_path / "file.json").write_text('{"State.x": {"name": "Oh')
        answer = console("count State", 'create State name="x"', "all", "help quit")
        assert answer.stdout == "Quit the console.\n\nquit\n"
        assert len(answer.stderr.splitlines()) == 3
        assert all("file.json" in line for line in answer.stderr.splitlines())
        assert (tmp_path / "file.json").read_text() == '{"State.x": {"name": "Oh'

    @pytest.fixture
    def _many(self, storage) -> None:
        for number in range(1500):
            storage.new(State(name=f"State {number}"))
        storage.save()
        storage.close()

    @only_file
    @pytest.mark.usefixtures("_many")
    @pytest.mark.parametrize("form", ["", " --table", " --json", " --csv"])
    def test_a_reader_that_closes_the_pipe_early_causes_no_error(self, environ, tmp_path, form):
        program = f"'{sys.executable}' '{ROOT}/console.py' -c 'all State{form}' -c 'count State'"
        answer = subprocess.run(["sh", "-c", f"{{ {program}; echo $? >status; }} | head -c 1"], cwd=tmp_path,
                                env=environ, text=True, capture_output=True, timeout=60)
        assert len(answer.stdout) == 1
        assert answer.stderr == ""
        assert (tmp_path / "status").read_text() == "141\n"

    @only_file
    @pytest.mark.parametrize("line", ["count State", "find State x", "help", "create State foo"])
    def test_a_closed_output_pipe_causes_no_error(self, environ, line, storage):
        reading, writing = os.pipe()
        os.close(reading)
        process = programs.run([ROOT / "console.py", "-c", line], environ, stdout=writing)
        os.close(writing)
        assert "Traceback" not in process.stderr
        assert "BrokenPipe" not in process.stderr

    @only_file
    def test_a_closed_pipe_for_output_and_notes_causes_no_error(self, environ, storage):
        reading, writing = os.pipe()
        os.close(reading)
        process = programs.run([ROOT / "console.py", "-c", "find State x"], environ, stdout=writing, stderr=writing)
        os.close(writing)
        assert process.returncode > 0

    def test_input_that_is_not_utf8_is_accepted(self, console: Run):
        answer = console('caf\udce9', 'create State name="caf\udce9"', 'show State caf\udce9', 'State.show("\udce9")',
                         'create State name="café"', 'count State', 'find State name~\udce9', 'State.update("\\ud800")')
        first, *rest = answer.stdout.splitlines()
        assert first == "*** Unknown syntax: caf\udce9"
        assert rest[:2] == ["** no instance found **"] * 2
        assert rest[3:] == ["1", "** no instance found **"]
        assert len(answer.stderr.splitlines()) == 2
        assert "Traceback" not in answer.stderr
        assert "Internal error" not in answer.stderr
        assert answer.returncode == 0

    def test_a_note_can_show_any_character(self, console: Run, market: Market):
        answer = console(f'State.update("{market.state.id}", {{"\\ud800": 1}})', "find State \udcff\U0001f33a",
                         "count State")
        assert answer.stdout == "1\n"
        assert answer.stderr == ("** State has no attribute \\ud800 **\n"
                                 "** \\udcff\U0001f33a is not a condition, sort, columns or limit: see help find **\n")

    @only_file
    def test_output_is_utf8_in_every_locale(self, console: Run):
        answer = console('create State id="x" name="Hawaiʻi"', "show State x", LC_ALL="C", PYTHONUTF8="0",
                         PYTHONIOENCODING="latin-1")
        assert "'name': 'Hawaiʻi'" in answer.stdout
        assert answer.stderr == ""

    def test_an_interrupt_ends_a_pipe_without_a_traceback(self, environ, storage):
        with running_console(environ) as process:
            process.stdin.write("count State\n")
            process.stdin.flush()
            assert process.stdout.readline() == "0\n"
            process.send_signal(signal.SIGINT)
            assert process.wait(60) == 130
            assert process.stderr.read() == ""

    @only_file
    def test_an_interrupt_during_a_command_ends_all_commands_and_changes_nothing(self, environ, storage, tmp_path):
        os.mkfifo(tmp_path / "slow.csv")
        process = subprocess.Popen(
            [sys.executable, str(ROOT / "console.py"), "-c", "import slow.csv --state A --city B", "-c", "count State"],
            env=environ, cwd=tmp_path, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        with open(tmp_path / "slow.csv", "w") as slow:      # waits until it is being read
            slow.write("id,name,host_id,latitude,longitude\n1,Loft,1,42.6,-73.7\n")
            slow.flush()
            process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=60)
        assert (out, err, process.returncode) == ("", "", 130)
        assert storage.count() == 0

    def test_two_concurrent_consoles_lose_no_objects(self, environ, storage):
        lines = "".join(f'create State name="{number}"\n' for number in range(100)) + "count State\n"
        with running_console(environ) as one, running_console(environ) as other:
            for process in (one, other):
                process.stdin.write(lines)
                process.stdin.close()
            answers = [process.stdout.read().splitlines() for process in (one, other)]
            assert [process.stderr.read() for process in (one, other)] == ["", ""]
        ids = {line for answer in answers for line in answer[:-1]}
        assert len(ids) == 200
        assert {state.id for state in storage.all(State).values()} == ids
        assert max(int(answer[-1]) for answer in answers) == 200

    def test_two_consoles_see_each_other(self, environ, storage):
        def ask(process, line):
            process.stdin.write(f"{line}\n")
            process.stdin.flush()
            return process.stdout.readline().strip()
        with running_console(environ) as one, running_console(environ) as other:
            assert ask(one, "count State") == ask(other, "count State") == "0"
            id = ask(one, 'create State name="Ohio"')
            assert ask(other, f"show State {id}").startswith(f"[State] ({id})")
            ask(other, f'update State {id} name "Iowa"\ncount State')
            assert "'Iowa'" in ask(one, f"show State {id}")
            ask(one, f"destroy State {id}\ncount State")
            assert ask(other, f"show State {id}") == "** no instance found **"


class TestLexer:
    """Functions of `cli.lexer` that no command shows directly."""

    @pytest.mark.parametrize("text", ["", " ", '"', "\\", 'a "b" c', "a\\\"b", "_", "\n", "\\\\", "é\udcff"])
    def test_quoted_and_bare_are_inverse(self, text):
        [word] = lexer.split(lexer.quoted(text))
        assert lexer.bare(word) == text

    @pytest.mark.parametrize(("line", "public"), [
        ("count User", "count User"), ('create User password="x"', "create User …"), ("PassWord x", "…"), ("", "")])
    def test_public_cuts_a_line_before_a_password(self, line, public):
        assert lexer.public(line) == public

    def test_a_long_line_is_parsed_without_an_internal_error(self, say: Session):
        for line in ('show State "' + '\\"' * 2000, "show State " + '"' * 5000, "State.show(" + ")" * 5000 + "x",
                     "find State " + "name=x " * 500):
            say(line)
            assert "Internal error" not in say.notes
