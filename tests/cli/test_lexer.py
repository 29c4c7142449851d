"""Console syntax: calls, quotes, null, escapes, conditions, and suggestions for mistyped names."""
from __future__ import annotations

import re

import pytest

from cli.options import _line
from models.amenity import Amenity
from models.place import Place
from models.state import State
from models.user import User
from tests.cli.conftest import Session
from tests.cli.test_console import stored
from tests.market import Market

only_file = pytest.mark.parametrize("engine", ["file"], indirect=True)


class TestCalls:
    @pytest.mark.parametrize("arguments", [
        "{0}, {{'first_name': 'Jo'}}", "{0},{{'first_name':'Jo'}}", "{0}, first_name, 'Jo'", '{0}, first_name, "Jo"',
        '{0}, {{"first_name": "Jo"}}', "{0}, {{\"first_name\": 'Jo'}}", "{0}, {{first_name: Jo}}", "{0},first_name,Jo",
        "'{0}', {{first_name: \"Jo\"}}", '"{0}", first_name, Jo', " {0} ,  {{ 'first_name' : 'Jo' , }} ",
        "'{0}',first_name,'Jo',",
        "{0}, {{'last_name': 'x, y: {{z}} [1]', 'first_name': 'Jo'}}", "{0}, {{last_name: \"it's\", first_name: 'Jo'}}",
        "{0}, {{'first_name': 'Joe', first_name: 'Jo'}}"])
    def test_accept_any_quotes_or_none(self, say: Session, market: Market, arguments):
        assert (say(f"User.update({arguments.format(market.host.id)})"), say.notes, say.failed) == ("", "", False)
        assert stored(User, market.host.id).first_name == "Jo"

    @only_file
    @pytest.mark.parametrize(("written", "name"), [
        ("'a, b: {c} [d] (e)'", "a, b: {c} [d] (e)"), ('"it\'s"', "it's"), ("'say \"hi\"'", 'say "hi"'),
        (r'"say \"hi\""', 'say "hi"'), (r"'it\'s'", "it's"), ("New name", "New name"), ("it's", "it's"), ("12", "12"),
        ("007", "007"), ('"\\u05d0\\ud83c\\udf3a"', "א🌺"), ("None", "None"), ("''", "")])
    def test_keep_a_text_unchanged(self, say: Session, market: Market, written, name):
        id = market.state.id
        for line in (f"State.update({id}, name, {written})", f'State.update("{id}","name",{written})'):
            assert (say(line), say.notes) == ("", "")
            assert stored(State, id).name == name

    @only_file
    def test_parse_numbers_and_null_in_a_dict(self, say: Session, market: Market):
        say(f"Place.update({market.place.id}, {{max_guest: 7, 'latitude': -1.5e1, longitude: null, description: None, "
            "name: 12}})".replace("}}", "}"))
        place = stored(Place, market.place.id)
        assert (place.max_guest, place.latitude, place.longitude, place.description, place.name) == (
            7, -15.0, None, None, "12")

    @only_file
    @pytest.mark.parametrize("arguments", [
        "ID, {'name': 'x'", "ID, {'name' 'x'}", "ID, {'name': 'x' 'y'}", "ID, {'name': }", "ID, {'name'}",
        "ID, {'name': 'x'}}", "ID, {'name': 'x'} {'name': 'y'}", "ID, " + "{a: " * 50 + "}" * 50, "ID, {'a': [1, 2}"])
    def test_report_a_syntax_error_and_store_nothing(self, say: Session, market: Market, arguments):
        before = say("all")
        assert (say(f"State.update({arguments.replace('ID', market.state.id)})"), say.failed) == ("", True)
        assert say.notes.startswith("** The arguments cannot be parsed: close each quote and bracket")
        assert say("all") == before


class TestOpenQuotes:
    """A value that begins with a quote must end with the same quote; otherwise the command fails."""

    VALUES = ('"unclosed', "'unclosed", "'O'Brien'", r'"a\u0041\qb\"', '"New York', '"', "'", "'tis",
              '"a"b"', '"a"b', "'x\"")

    @only_file
    @pytest.mark.parametrize("value", VALUES)
    def test_are_refused_by_update_and_nothing_is_stored(self, say: Session, market: Market, value):
        id, name = market.state.id, market.state.name
        for line in (f"update State {id} name {value}", f"State.update({id}, name, {value})",
                     f'State.update("{id}", {{"name": {value}}})', f"State.update({id}, {{name: [{value}]}})"):
            assert (say(line), say.failed) == ("", True)
            assert re.search("(?i)close (the|each) quote", say.notes), line
            assert stored(State, id).name == name

    @only_file
    @pytest.mark.parametrize("value", VALUES)
    def test_are_refused_by_conditions(self, say: Session, market: Market, value):
        for line in (f"count Place name={value}", f"find Place name = {value}", f"find Place city.name!={value} --json",
                     f"count Place max_guest>=2 name~{value}"):
            assert (say(line), say.failed) == ("", True)
            assert say.notes.startswith("** Close the quote"), line

    @only_file
    def test_are_refused_in_calls(self, say: Session, market: Market):
        for line in ('State.show("x)', 'State.destroy("ID)', 'Place.count(name="x)', "State.update('ID, name, x)"):
            line = line.replace("ID", market.state.id)
            assert (say(line), say.failed) == ("", True)
            assert re.search("(?i)close (the|each) quote", say.notes), line

    @only_file
    def test_are_refused_on_the_command_line(self, say: Session, market: Market):
        for arguments in (("count", "Place", 'name="x y'), ("update", "State", market.state.id, "name", '"New York'),
                          ("update", "State", market.state.id, "name", "'tis")):
            assert (say(_line(*arguments)), say.failed) == ("", True)
            assert say.notes.startswith("** Close the quote")

    @only_file
    @pytest.mark.parametrize("line", ['token create "partner', 'export "x', 'import x --state "Iowa'])
    def test_are_refused_by_the_other_commands(self, say: Session, line):
        assert (say(line), say.failed) == ("", True)
        assert say.notes.startswith("** Close the quote")

    @only_file
    @pytest.mark.parametrize("line", ['show State "', "destroy State \"x", 'show State "x y'])
    def test_match_no_object(self, say: Session, line):
        assert say(line) == "** no instance found **\n"


class TestDicts:
    @only_file
    @pytest.mark.parametrize("value", ['__import__("os")', "f(x)", "b'x'", "x[0]", "{1}", 'say "hi"', "os.getcwd()"])
    def test_accept_only_texts_numbers_and_null(self, say: Session, market: Market, value):
        id, name = market.state.id, market.state.name
        assert (say(f'State.update("{id}", {{"name": {value}}})'), say.failed) == ("", True)
        assert say.notes.startswith("** The arguments cannot be parsed")
        assert stored(State, id).name == name


class TestNull:
    @pytest.mark.parametrize("line", [
        "update Place {} price_by_night null", 'Place.update("{}", "price_by_night", null)',
        'Place.update("{}", {{"price_by_night": null}})'])
    def test_removes_the_value_and_can_be_searched(self, say: Session, market: Market, line):
        assert say("count Place price_by_night = null") == "0\n"
        assert (say(line.format(market.place.id)), say.notes, say.failed) == ("", "", False)
        assert stored(Place, market.place.id).price_by_night is None
        for arguments in ("price_by_night=null", "price_by_night = null"):
            assert say(f"count Place {arguments}") == "1\n"
        assert say("Place.count(price_by_night=null)") == "1\n"
        assert say(_line("count", "Place", "price_by_night=null")) == "1\n"
        assert say("count Place price_by_night!=null") == "0\n"
        assert say("count City places.price_by_night=null") == "1\n"

    @only_file
    def test_is_a_text_in_quotes_and_for_required_attributes(self, say: Session, market: Market):
        for typed, description in (('"null"', "null"), ("null", None), ("'null'", "null"), ("Null", "Null")):
            say(f"update Place {market.place.id} description {typed}")
            assert stored(Place, market.place.id).description == description
            assert say(f"count Place description={typed}") == "1\n"
        for line in ("update State {} name null", "State.update({}, name, null)"):
            say(f"update State {market.state.id} name x")
            say(line.format(market.state.id))
            assert stored(State, market.state.id).name == "null"
            assert say("count State name=null") == "1\n"

    @only_file
    def test_is_refused_by_other_operators(self, say: Session, market: Market):
        for condition in ("price_by_night<null", "latitude >= null", "description~null"):
            assert (say(f"find Place {condition}"), say.failed) == ("", True)
            assert "null is invalid: use = or !=" in say.notes

    @only_file
    def test_is_documented_in_the_help(self, say: Session):
        for command in ("update", "find"):
            assert "null without quotes" in say(f"help {command}")


class TestEscapes:
    @pytest.mark.parametrize(("typed", "text"), [
        (r'"a\nb"', "a\nb"), (r'"a\tb"', "a\tb"), (r'"a\"b"', 'a"b'), (r'"a\\nb"', r"a\nb"), (r'"C:\dir"', r"C:\dir"),
        (r'"\u00e9"', "é"), (r'"\_"', "_")])
    def test_mean_the_same_in_every_command(self, say: Session, market: Market, typed, text):
        id = market.place.id
        for line in (f"update Place {id} description {typed}", f'Place.update("{id}", "description", {typed})',
                     f"Place.update({id}, {{'description': {typed}}})"):
            say(f"update Place {id} description x")
            assert (say(line), say.notes) == ("", "")
            assert stored(Place, id).description == text
        assert say.json(f"find Place description={typed}")[0]["id"] == id
        made = say(f'create Place city_id="{market.city.id}" user_id="{market.host.id}" name="x" description={typed}')
        assert stored(Place, made.strip()).description == text

    @only_file
    def test_are_documented(self, say: Session):
        for command in ("create", "update"):
            assert r"\n for a line break and \t for a tab" in " ".join(say(f"help {command}").split())


class TestConditions:
    @pytest.mark.parametrize("conditions", [
        "price_by_night<150 max_guest>=2", "price_by_night < 150 max_guest >= 2", "price_by_night <150 max_guest>= 2",
        'city = "Albany"', "city = 'Albany'", "city='Albany'", '"price_by_night < 150"', '"city = \\"Albany\\""',
        "city.state ~ albany price_by_night<=100"])
    def test_may_have_spaces_and_mean_the_same_in_count_and_find(self, say: Session, market: Market, conditions):
        Market("Buffalo").place.price_by_night = 250
        Place(name="Tent", city_id=market.city.id, user_id=market.host.id, price_by_night=250, max_guest=9).save()
        found = len(say.json(f"find Place {conditions}"))
        assert say(f"count Place {conditions}") == f"{found}\n"
        assert (say.notes, say.failed) == ("of 3 places\n", False)
        assert 0 < found < 3

    @only_file
    def test_work_in_calls(self, say: Session, market: Market):
        assert say("Place.count(price_by_night<60)") == "0\n"
        assert say('Place.count(city="Albany", max_guest >= 2)') == "1\n"

    @only_file
    @pytest.mark.parametrize("rest", ["foo", "price_by_night", "max_guest<6 foo", "sort name", "--csv", "limit 5"])
    def test_count_reports_invalid_conditions(self, say: Session, market: Market, rest):
        assert (say(f"count Place {rest}"), say.failed) == ("", True)
        assert "is not a condition: see help count" in say.notes

    @only_file
    def test_count_and_find_report_the_same_errors(self, say: Session, market: Market):
        for bad in ("nickname=5", "price_by_night<abc", "user.password~x"):
            say(f"find Place {bad}")
            note = say.notes
            assert (say(f"count Place {bad}"), say.notes) == ("", note)

    def test_count_with_only_a_format_counts_each_class_and_all_objects(self, say: Session, market: Market):
        counts = {each["class"]: each["count"] for each in say.json("count")}
        assert counts == {"Amenity": 2, "State": 1, "User": 2, "City": 1, "Place": 1, "Review": 1, "total": 8}


@only_file
class TestSurplusWords:
    @pytest.mark.parametrize(("line", "ignored"), [
        ("all State price_by_night<60", "price_by_night<60"), ("show State {} x y", "x y"), ("State.all(5)", "5"),
        ('update State {} name "Iowa" and more', "and more"), ("update State {} name Iowa name", "name"),
        ('State.update({}, {{"name": "Iowa"}}, 5)', "5")])
    def test_are_reported_and_the_classic_answer_stays(self, say: Session, market: Market, line, ignored):
        answer = say(line.format(market.state.id))
        assert say.notes.startswith(f"** {ignored} was ignored")
        assert not say.failed
        assert answer == ("" if "update" in line else say("all State") if "all" in line
                          else say(f"show State {market.state.id}"))
        assert stored(State, market.state.id).name == ("Iowa" if "update" in line else market.state.name)

    def test_of_destroy_are_reported(self, say: Session, market: Market):
        say(f"destroy Amenity {market.wifi.id} {market.pool.id}")
        assert say.notes == f"** {market.pool.id} was ignored **\n"
        assert say("count Amenity") == "1\n"

    def test_that_may_contain_a_password_are_not_shown(self, say: Session, market: Market):
        say(f"update User {market.host.id} password Tr0ub4dor Tr0ub4dor2")
        assert "Tr0ub4dor" not in say.notes
        assert "was ignored" in say.notes


@only_file
class TestDidYouMean:
    @pytest.mark.parametrize(("line", "printed", "note"), [
        ("cout State", "*** Unknown syntax: cout State\n", "There is no command cout (did you mean count?)"),
        ("créate State", "*** Unknown syntax: créate State\n", "There is no command créate (did you mean create?)"),
        ("State.updat(x)", "*** Unknown syntax: State.updat(x)\n", "There is no command updat (did you mean update?)"),
        ("help cuont", "*** No help on cuont\n", "There is no command cuont (did you mean count?)"),
        ("count state", "** class doesn't exist **\n", "There is no class state (did you mean State?)"),
        ("all Stat", "** class doesn't exist **\n", "There is no class Stat (did you mean State?)"),
        ("Plac.all()", "** class doesn't exist **\n", "There is no class Plac (did you mean Place?)"),
        ('create State nam="x" name="y"', None, "nam was skipped: State has no such attribute (did you mean name?)"),
        ("update User {} frist_name x", "", "User has no attribute frist_name (did you mean first_name?)"),
        ("find Place pric_by_night<5", "", "Place has no attribute pric_by_night (did you mean price_by_night?); it")])
    def test_suggests_a_similar_name_after_the_classic_error(self, say: Session, market: Market, line, printed,
                                                             note):
        answer = say(line.format(market.host.id))
        assert printed is None or answer == printed
        assert say.notes.startswith(f"** {note}")

    @pytest.mark.parametrize("line", ["foo", "all Foo", "State.foo()", "help foo"])
    def test_suggests_nothing_without_a_similar_name(self, say: Session, line):
        say(line)
        assert say.notes == ""


class TestAmenities:
    @pytest.fixture
    def sauna(self, storage) -> Amenity:
        sauna = Amenity(id="sauna", name="Sauna")
        sauna.save()
        storage.close()
        return sauna

    @pytest.mark.parametrize("line", [
        "update Place {0} amenity_ids '[\"{1}\", \"sauna\"]'", 'update Place {0} amenity_ids ["{1}", "sauna"]',
        "update Place {0} amenity_ids [{1},sauna]", "Place.update({0}, amenity_ids, ['{1}', 'sauna'])",
        'Place.update("{0}", {{"amenity_ids": ["{1}", "sauna"], "name": "Hut"}})'])
    def test_of_a_place_are_replaced_by_the_list(self, say: Session, market: Market, sauna, line):
        before = stored(Place, market.place.id).updated_at
        assert (say(line.format(market.place.id, market.wifi.id)), say.notes, say.failed) == ("", "", False)
        place = stored(Place, market.place.id)
        assert {*place.amenity_ids} == {market.wifi.id, "sauna"}
        assert place.updated_at > before
        assert place.name == ("Hut" if "Hut" in line else market.place.name)
        assert say.names("find Place amenities=Sauna") == [place.name]

    @pytest.mark.parametrize(("ids", "note"), [
        ('["nope"]', "amenity_ids: there is no amenity nope"), ('["sauna", "nope"]', "amenity_ids: there is no "),
        ("sauna", "amenity_ids must be a list of ids"), ("[5]", "amenity_ids must be a list of ids"),
        ("[", "The arguments cannot be parsed")])
    def test_that_do_not_exist_are_refused_and_nothing_changes(self, say: Session, market: Market, sauna, ids, note):
        for line in (f"update Place {market.place.id} amenity_ids {ids}",
                     f'Place.update("{market.place.id}", {{"name": "Hut", "amenity_ids": {ids}}})'):
            assert (say(line), say.failed) == ("", True)
            assert say.notes.startswith(("** The arguments", f"** {note}"))
            place = stored(Place, market.place.id)
            assert (place.name, {*place.amenity_ids}) == (market.place.name, {market.wifi.id, market.pool.id})

    def test_may_be_an_empty_list(self, say: Session, market: Market):
        say(f"update Place {market.place.id} amenity_ids []")
        assert stored(Place, market.place.id).amenity_ids == []

    @only_file
    def test_belong_only_to_places(self, say: Session, market: Market):
        say(f"update State {market.state.id} amenity_ids []")
        assert say.notes == "** State has no attribute amenity_ids **\n"

    @only_file
    def test_cannot_be_set_by_create(self, say: Session, market: Market):
        say('create Place amenity_ids="x"')
        assert say.notes == "** amenity_ids was skipped: set it with update **\n"
