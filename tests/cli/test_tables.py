"""Tables of the console: columns, widths, and the counts below them."""
from __future__ import annotations

import json
import tomllib

import pytest

import models
from cli import escaping, formatting
from config import VERSION
from models.place import Place
from sample import Sample
from sample.fill import fill
from tests import objects
from tests.cli.conftest import Session
from tests.cli.test_console import examples
from tests.conftest import ROOT
from tests.market import Market

only_file = pytest.mark.parametrize("engine", ["file"], indirect=True)


class TestColumns:
    def test_are_the_named_ones_in_their_order(self, say: Session, market: Market):
        names = "price_by_night,name,city.state,city.state.name,amenities,reviews.user.email"
        [found] = say.json(f"find Place columns {names}")
        assert list(found.items()) == [
            ("price_by_night", 100), ("name", "Loft in Albany"), ("city.state", "State of Albany"),
            ("city.state.name", "State of Albany"), ("amenities", ["Wifi", "Pool"]),
            ("reviews.user.email", ["guest@Albany.example"])]

    def test_may_be_separated_by_spaces_and_stand_before_or_after_sort(self, say: Session, market: Market):
        Market("Buffalo")
        models.storage.close()
        for rest in ("columns name, city.name sort -name limit 1", "limit 1 sort -name columns name,city.name",
                     "columns name city.name sort -name limit 1"):
            assert say.json(f"find Place {rest}") == [{"name": "Loft in Buffalo", "city.name": "Buffalo"}]

    @only_file
    def test_print_a_table_by_default_and_work_with_csv(self, say: Session, market: Market):
        assert say("find Place columns name,amenities") == (
            "name            amenities\n--------------  ----------\nLoft in Albany  Wifi, Pool\n")
        assert say("find Place columns name,amenities --csv") == 'name,amenities\nLoft in Albany,"Wifi, Pool"\n'

    @only_file
    def test_never_contain_a_password(self, say: Session, market: Market):
        for name in ("password", "places.user.password"):
            assert say(f"find User columns {name}") == ""
            assert "has no attribute password" in say.notes


class TestCounts:
    @pytest.mark.parametrize(("line", "note"), [
        ("find Place --table", "2 places\n"), ("find Place limit 1 --table", "1 of 2 places\n"),
        ("find Place limit 2 --table", "2 places\n"), ("find Place max_guest=77 --table", "No places\n"),
        ("find Place max_guest=77 columns name", "No places\n"), ("find Place name~buff --table", "1 place\n"),
        ("all City --table", "2 cities\n"), ("all --table", "16 objects\n"), ("token list", "No tokens\n"),
        ("find Place", ""), ("find Place --json", ""), ("find Place --csv", ""), ("all City", "")])
    def test_are_printed_below_a_table(self, say: Session, market: Market, line, note):
        Market("Buffalo")
        models.storage.close()
        say(line)
        assert (say.notes, say.failed) == (note, False)


class TestWidth:
    @pytest.mark.parametrize(("text", "columns"), [("abc", 3), ("東京", 4), ("e\u0301", 1), ("a\u200db", 2), ("", 0)])
    def test_is_the_number_of_terminal_columns(self, text, columns):
        assert escaping.width(text) == columns

    @pytest.mark.parametrize("text", ["abcdefgh", "東京東京東京", "a東b京c", "e\u0301" * 9])
    @pytest.mark.parametrize("room", range(1, 9))
    def test_of_a_cut_text_fits_the_room(self, text, room):
        assert escaping.width(escaping.cut(text, room)) <= room

    @pytest.mark.parametrize("room", [1, 10, 30, 60, 80, 200, 1000])
    def test_of_a_table_fits_the_terminal(self, capsys, room):
        rows = [["421a55f4-7d82-47d9-b54c-a76916479545", "x" * 300, 5, None, ["a", "b"]]] * 2
        formatting.table(rows, ["id", "a", "number", "c", "list"], room)
        lines = capsys.readouterr().out.splitlines()
        assert len(lines) == 4
        assert all(len(line) <= max(room, 13) for line in lines)
        assert (rows[0][0] in lines[2]) == (room >= 60)

    def test_escapes_control_characters_in_a_table(self, capsys):
        formatting.table([["a\x9b\x1b[31m\u202eb\nc"]], ["name"])
        assert capsys.readouterr().out.splitlines()[2] == r"a\x9b\x1b[31m\u202eb c"


@only_file
def test_the_examples_of_help_find_objects_in_the_sample(say: Session, storage):
    fill(Sample())
    storage.close()
    lines = [line for command in ("find", "count") for line in examples(say(f"help {command}"))]
    assert len(lines) > 4
    for line in lines:
        assert say(line) not in ("", "0\n", "[]\n"), line
        assert not say.failed


@only_file
def test_the_version_is_that_of_the_project(console):
    assert tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"] == VERSION
    answer = console(args=("--version",), HBNB_RELEASE="r7")
    assert (answer.stdout, answer.returncode) == (f"HBNB {VERSION}, release r7\n", 0)


@only_file
@pytest.mark.parametrize("wrong", [{"HBNB_ENV": "nonsense"}, {"HBNB_TYPE_STORAGE": "db"}, {"HBNB_RATE_LIMIT": "x"}])
def test_the_version_needs_no_valid_settings(console, wrong):
    answer = console(args=("--version",), HBNB_RELEASE="r7", **wrong)
    assert (answer.stdout, answer.stderr, answer.returncode) == (f"HBNB {VERSION}, release r7\n", "", 0)


def test_json_escapes_control_characters(capsys):
    found = [{"name": "a\x9b\x7f\x1b[31m\u202e é\u2028\n\t\\"}]
    formatting.show(found, "--json")
    printed = capsys.readouterr().out
    assert escaping.safe(printed) == printed
    assert r"a\u009b\u007f\u001b[31m\u202e é\u2028\n\t" in printed
    assert json.loads(printed) == found


def test_columns_of_related_objects_work_for_many_objects(market, monkeypatch):
    monkeypatch.setattr("services.listing.MAX_WITH_INCLUDED", 0)
    monkeypatch.setattr("services.listing.MAX_RESPONSE", 0)
    [place] = objects.table(Place, ["name", "city.name"])
    assert place == {"name": market.place.name, "city.name": market.city.name}
