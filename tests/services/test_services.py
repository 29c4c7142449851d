"""The services, on both engines."""
from __future__ import annotations

import pytest
from sqlalchemy import select

import models
from errors import Conflict, Invalid, NotFound
from models.amenity import Amenity
from models.city import City
from models.place import Place
from models.review import Review
from models.state import State
from models.user import User
from services import schema
from services.query import OPERATORS, Filter
from services.search import search
from tests import objects
from tests.market import Market


class TestCreate:
    def test_create_stores_an_object(self, storage):
        state = objects.create(State, {"name": "S"})
        storage.close()
        assert storage.get(State, state.id).name == "S"

    def test_an_object_is_created_in_its_parent(self, storage):
        state = objects.create(State, {"name": "S"})
        city = objects.create(City, {"name": "C", "state_id": "ignored"}, {"state_id": state.id})
        assert city.state_id == state.id

    @pytest.mark.parametrize(("cls", "data", "missing"), [
        (State, {}, "name"), (User, {}, "email"), (User, {"email": "a@b.c"}, "password"),
        (City, {"name": "C"}, "state_id"), (Amenity, {"foo": 1}, "name")])
    def test_a_missing_attribute_is_named(self, storage, cls, data, missing):
        with pytest.raises(Invalid, match=f"^Missing {missing}$"):
            objects.create(cls, data)
        assert storage.count() == 0

    def test_errors_are_reported_in_the_order_of_the_contract(self, storage):
        market = Market()
        for data, error, words in (
                ({}, Invalid, "^Missing user_id$"), ({"name": "P"}, Invalid, "^Missing user_id$"),
                ({"user_id": "unknown"}, NotFound, "^Not found$"),
                ({"user_id": 5}, Invalid, "^user_id must be a text$"),
                ({"user_id": market.host.id}, Invalid, "^Missing name$"),
                ({"user_id": market.host.id, "name": "P", "foo": 1}, Invalid, "^Unknown attribute: foo$")):
            with pytest.raises(error, match=words):
                objects.create(Place, data, {"city_id": market.city.id})
        assert storage.count(Place) == 1

    @pytest.mark.parametrize(("name", "value"), [
        ("name", None), ("name", 5), ("name", ""), ("name", "   "), ("name", ["x"]), ("name", "x" * 129),
        ("name", "a\0"), ("name", "\udc80"), ("user_id", ["x"]), ("user_id", None),
        ("price_by_night", "abc"), ("price_by_night", -3), ("price_by_night", 10**12), ("price_by_night", 1.5),
        ("price_by_night", True), ("price_by_night", None), ("max_guest", float("nan")),
        ("latitude", 91), ("latitude", float("inf")), ("latitude", "north"), ("longitude", -180.5),
        ("description", "x" * 1025), ("description", {})])
    def test_an_invalid_value_is_refused_and_its_attribute_named(self, storage, name, value):
        market = Market()
        data = {"name": "P", "user_id": market.host.id, name: value}
        with pytest.raises(Invalid, match=name) as caught:
            objects.create(Place, data, {"city_id": market.city.id})
        assert caught.value.field == name
        assert storage.count(Place) == 1

    @pytest.mark.parametrize("name", ["__dict__", "_sa_instance_state", "metadata", "save", "to_dict", "cities",
                                      "amenities", "reviews", "registry", "__init__", "amenity_ids"])
    def test_names_of_internal_attributes_are_refused_as_unknown(self, storage, name):
        market = Market()
        with pytest.raises(Invalid, match=f"^Unknown attribute: {name}$"):
            objects.create(Place, {"name": "P", "user_id": market.host.id, name: []}, {"city_id": market.city.id})

    def test_read_only_attributes_are_ignored(self, storage):
        state = objects.create(State, {"name": "S", "id": "chosen", "created_at": "yesterday", "__class__": "City"})
        assert state.id != "chosen"
        assert objects.update(state, {**state.to_dict(), "name": "T", "updated_at": 5}).name == "T"
        assert storage.count(State) == 1

    def test_an_email_address_in_use_is_refused_in_any_case(self, storage):
        objects.create(User, {"email": "a@b.c", "password": "x"})
        with pytest.raises(Conflict, match="email"):
            objects.create(User, {"email": "A@B.C", "password": "x"})


class TestUpdate:
    def test_update_changes_only_the_named_attributes(self, storage):
        market = Market()
        before = market.place.to_dict()
        objects.update(market.place, {"max_guest": 4, "latitude": None, "longitude": 3})
        after = storage.get(Place, market.place.id).to_dict()
        assert after.pop("updated_at") > before.pop("updated_at")
        assert after == {**before, "max_guest": 4, "latitude": None, "longitude": 3.0}

    @pytest.mark.parametrize(("cls", "name"), [
        (City, "state_id"), (Place, "city_id"), (Place, "user_id"), (Review, "place_id"), (Review, "user_id"),
        (User, "email")])
    def test_update_ignores_parents_and_the_email_address(self, storage, cls, name):
        market = Market()
        obj = next(each for each in vars(market).values() if isinstance(each, cls))
        before = getattr(obj, name)
        objects.update(obj, {name: "other"})
        assert getattr(obj, name) == before

    def test_a_refused_change_is_not_stored_by_the_next_save(self, storage):
        market = Market()
        with pytest.raises(Invalid, match="max_guest"):
            objects.update(market.place, {"name": "half", "max_guest": -1})
        storage.save()
        assert [place.name for place in storage.all(Place).values()] == ["Loft in Albany"]

    def test_a_new_password_is_hashed(self, storage):
        user = objects.create(User, {"email": "a@b.c", "password": "old"})
        objects.update(user, {"password": "new"})
        storage.close()
        assert storage.get(User, user.id).check_password("new")


class TestFindAndRemove:
    def test_an_unknown_id_is_not_found(self, storage):
        with pytest.raises(NotFound, match=r"^Not found$"):
            objects.find(State, "nope")

    def test_remove_also_removes_dependents(self, storage):
        market = Market()
        objects.remove(objects.find(State, market.state.id))
        assert objects.stats() == {"amenities": 2, "cities": 0, "places": 0, "reviews": 0, "states": 0, "users": 2}


class TestList:
    def test_list_returns_the_json_form_oldest_first(self, storage):
        Market("One")
        Market("Two")
        for cls in models.classes.values():
            expected = [obj.to_dict() for obj in storage.all(cls).values()]
            assert objects.list(cls) == expected
            assert expected
            assert "password" not in expected[0]

    @pytest.mark.parametrize(("operator", "names"), [
        ("=", ["b"]), ("!=", ["a", "c"]), ("<", ["a"]), ("<=", ["a", "b"]), (">", ["c"]), (">=", ["b", "c"])])
    def test_filters_compare_values(self, storage, operator, names):
        market = Market()
        objects.remove(market.place)
        for price, name in ((100, "a"), (200, "b"), (300, "c")):
            Place(name=name, price_by_night=price, city_id=market.city.id, user_id=market.host.id).save()
        found = objects.list(Place, [Filter("price_by_night", operator, 200)], ["name"])
        assert [place["name"] for place in found] == names
        assert operator in OPERATORS

    def test_filters_reach_related_objects(self, storage):
        one, two = Market("One"), Market("Two")
        for filters, expected in (
                ([Filter("city", "=", "One")], [one]), ([Filter("city.state.name", "=", "State of Two")], [two]),
                ([Filter("amenities", "=", "Wifi")], [one, two]), ([Filter("reviews.text", "~", "LOVE")], [one, two]),
                ([Filter("city", "=", "One"), Filter("city", "=", "Two")], []),
                ([Filter("city_id", "=", two.city.id)], [two]),
                ([Filter("user.first_name", "=", "Ada"), Filter("city", "~", "tw")], [two])):
            assert [place["id"] for place in objects.list(Place, filters)] == [each.place.id for each in expected]

    def test_texts_compare_exactly_and_wildcards_have_no_meaning(self, storage):
        for name in ("Café", "cafe", "100%", "a_b", "aXb"):
            State(name=name).save()

        def found(operator: str, value: str) -> list[str]:
            return [state["name"] for state in objects.list(State, [Filter("name", operator, value)])]
        assert found("=", "cafe") == ["cafe"]
        assert found("=", "CAFE") == []
        assert found("~", "CAF") == ["Café", "cafe"]
        assert found("~", "%") == ["100%"]
        assert found("~", "a_b") == ["a_b"]

    @pytest.mark.parametrize("wanted", [
        Filter("nope", "=", 1), Filter("password", "=", "x"), Filter("places.nope", "=", 1), Filter("places.", "=", 1),
        Filter("email.x", "=", 1), Filter("__class__", "=", "User")])
    def test_a_filter_by_an_unknown_attribute_is_refused(self, storage, wanted):
        if wanted.path == "places.":
            assert objects.list(User, [wanted]) == []
            return
        with pytest.raises(Invalid, match="has no attribute"):
            objects.list(User, [wanted])

    def test_a_filter_through_too_many_relations_is_refused(self, storage):
        assert objects.list(Place, [Filter("city.state.cities.places.name", "=", "x")]) == []
        with pytest.raises(Invalid, match="more than 4 relations"):
            objects.list(Place, [Filter("city.state." + "cities.state." * 500 + "name", "=", "x")])

    def test_a_filter_with_an_invalid_value_is_refused(self, storage):
        with pytest.raises(Invalid, match="max_guest must be a whole number"):
            objects.list(Place, [Filter("max_guest", "<", "two")])

    def test_times_can_be_compared(self, storage):
        State(name="old", created_at="2020-01-01").save()
        State(name="new").save()
        assert [s["name"] for s in objects.list(State, [Filter("created_at", "<", "2021-01-01 00:00")])] == ["old"]

    def test_objects_with_equal_keys_are_sorted_by_age(self, storage):
        for name in "bab":
            State(name=name).save()
        by_age = [state["id"] for state in objects.list(State)]
        assert [state["id"] for state in objects.list(State, sort=["-name"])] == [by_age[0], by_age[2], by_age[1]]
        assert [state["id"] for state in objects.list(State, sort=["name"], limit=1, offset=1)] == [by_age[0]]
        with pytest.raises(Invalid, match="has no attribute nope"):
            objects.list(State, sort=["-nope"])


class TestSearch:
    @pytest.fixture
    def markets(self, storage) -> list[Market]:
        return [Market("One"), Market("Two"), Market("Three")]

    def test_a_search_without_criteria_returns_all_places_oldest_first(self, markets):
        everything = [market.place.to_dict() for market in markets]
        assert search_all({}) == everything
        assert search_all({"states": [], "cities": [], "amenities": []}) == everything

    def test_states_and_cities_are_a_union_and_a_city_counts_once(self, markets):
        one, two, _ = markets
        assert ids(search_all({"states": [one.state.id]})) == [one.place.id]
        assert ids(search_all({"states": [one.state.id], "cities": [one.city.id, two.city.id]})) == [
            one.place.id, two.place.id]

    def test_a_place_must_have_all_amenities(self, markets):
        one, two, _ = markets
        two.place.amenities = [two.pool, one.wifi]
        two.place.save()
        assert ids(search_all({"amenities": [one.wifi.id]})) == [one.place.id, two.place.id]
        assert ids(search_all({"amenities": [one.wifi.id, two.pool.id]})) == [two.place.id]
        assert ids(search_all({"amenities": [one.wifi.id, one.wifi.id]})) == [one.place.id, two.place.id]
        assert ids(search_all({"amenities": [one.wifi.id, two.wifi.id]})) == []

    def test_unknown_ids_match_no_place(self, markets):
        one = markets[0]
        for unknown in ("nope", one.state.id[:-1], one.state.id.upper() + " ", "", "ʻ", "%"):
            assert search_all({"states": [unknown]}) == []
            assert search_all({"cities": [unknown]}) == []
            assert search_all({"amenities": [unknown]}) == []
            assert search_all({"amenities": [one.wifi.id, unknown]}) == []
            assert ids(search_all({"states": [unknown, one.state.id]})) == [one.place.id]
            assert ids(search_all({"states": [unknown], "cities": [one.city.id]})) == [one.place.id]

    def test_a_state_without_places_combined_with_an_amenity_matches_no_place(self, markets):
        empty = State(name="empty")
        empty.save()
        assert search_all({"states": [empty.id], "amenities": [markets[0].wifi.id]}) == []
        assert search_all({"states": [empty.id]}) == []

    def test_a_search_accepts_any_number_of_amenities(self, storage, markets):
        many = [Amenity(name=str(number)) for number in range(1200)]
        for amenity in many:
            storage.new(amenity)
        markets[0].place.amenities = many
        storage.save()
        selected = [amenity.id for amenity in many]
        assert ids(search_all({"amenities": selected})) == [markets[0].place.id]
        assert search_all({"amenities": [*selected, markets[1].wifi.id]}) == []
        with pytest.raises(Invalid, match="at most 10000 ids"):
            search_all({"states": ["x"] * 10_001})

    @pytest.mark.parametrize("name", ["states", "cities", "amenities"])
    @pytest.mark.parametrize("value", ["x", 5, {}, [[]], [{}], [None], [5], True])
    def test_values_that_are_not_lists_of_ids_are_refused(self, storage, name, value):
        with pytest.raises(Invalid, match=f"{name} must "):
            search_all({name: value})

    @pytest.mark.parametrize("places", [1, 300])
    def test_a_search_needs_two_statements_and_a_page_needs_one(self, storage, markets, places, sent):
        one = markets[0]
        for number in range(places):
            storage.new(Place(name=str(number), city_id=one.city.id, user_id=one.host.id))
        storage.save()
        storage.close()
        wanted = {"states": [market.state.id for market in markets], "cities": [one.city.id]}
        assert len(search_all(wanted)) == places + 3    # 3 more statements read the market statistics
        for more, most in (({}, 2), ({"limit": 3}, 1), ({"limit": 2, "offset": 1}, 1)):
            sent.clear()
            found = search(wanted | more)
            assert len(found.all()) == more.get("limit", places + 3)
            assert len(sent) <= most
        assert found.total() == places + 3
        sent.clear()
        assert found.total() == places + 3
        assert sent == []


class TestSchema:
    def test_the_json_form_equals_to_dict(self, storage):
        market = Market()
        for obj in vars(market).values():
            cls = type(obj)
            form = schema.form(cls, schema.on_request(cls))
            assert storage.read(select(*form).where(cls.id == obj.id)).all() == [obj.to_dict()]

    @pytest.mark.parametrize(("column", "typed", "value"), [
        (Place.__table__.c.max_guest, "3", 3), (Place.__table__.c.max_guest, "x", "x"),
        (Place.__table__.c.name, 12, "12"), (Place.__table__.c.latitude, "1.5", 1.5),
        (Place.__table__.c.latitude, 3, 3.0), (Place.__table__.c.max_guest, "1.5", "1.5")])
    def test_typed_values_are_converted_to_the_type_of_their_column(self, column, typed, value):
        assert schema.convert_typed(column, typed) == value
        assert type(schema.convert_typed(column, typed)) is type(value)


def ids(places: list[dict]) -> list[str]:
    return [place["id"] for place in places]


def search_all(wanted: dict) -> list[dict]:
    return search(wanted).all()
