"""The storage interface: tests that run on both engines."""
from __future__ import annotations

import threading
from typing import Any

import pytest
from sqlalchemy import select, text
from sqlalchemy.orm import Relationship

import models
from errors import Conflict, HBNBError, Invalid
from models.account import Account
from models.amenity import Amenity, place_amenity
from models.city import City
from models.engine.base import Storage
from models.place import Place
from models.review import Review
from models.state import State
from models.user import User
from services.actor import OPERATOR
from services.registry import service_for
from services.search import search
from tests.market import Market


class TestInterface:
    def test_all_returns_the_objects_by_class_and_id(self, storage: Storage):
        state, user = State(name="S"), User(email="a@b.c", password="x")
        state.save()
        user.save()
        assert storage.all() == {f"State.{state.id}": state, f"User.{user.id}": user}
        assert storage.all(State) == storage.all("State") == {f"State.{state.id}": state}
        assert storage.all(City) == {}

    def test_all_is_ordered_by_creation_and_id(self, storage: Storage):
        states = [State(name=str(number)) for number in range(20)]
        for state in states[::-1]:
            state.created_at = states[0].created_at if state.name > "5" else state.created_at
            storage.new(state)
        storage.save()
        storage.close()
        keys = [(each.created_at, each.id) for each in storage.all(State).values()]
        assert keys == sorted(keys)
        assert len(keys) == 20

    def test_a_new_object_is_visible_before_it_is_saved(self, storage: Storage):
        state = State(name="S")
        storage.new(state)
        assert storage.get(State, state.id) is state
        assert storage.all(State) == {f"State.{state.id}": state}
        assert storage.count(State) == storage.count() == 1

    def test_close_discards_unsaved_objects(self, storage: Storage):
        storage.new(State(name="S"))
        storage.close()
        assert storage.count() == 0
        storage.save()
        assert storage.count() == 0

    def test_a_saved_object_exists_after_a_reload(self, storage: Storage):
        state = State(name="Hawaiʻi 🏝")
        state.save()
        kept = state.to_dict()
        storage.close()
        storage.reload()
        again = storage.get(State, state.id)
        assert again is not state
        assert again.to_dict() == kept

    def test_values_are_read_exactly_as_stored(self, storage: Storage):
        market = Market()
        place = market.place
        place.latitude, place.longitude = 37.7739722, -122.41941557
        place.description = "Line one\nline two\ttab \"quotes\" 'single' \\ ʻokina 🏠"
        place.save()
        kept = place.to_dict()
        storage.close()
        assert storage.get(Place, place.id).to_dict() == kept

    def test_a_time_keeps_its_microseconds(self, storage: Storage):
        for microseconds in ("000000", "000001", "100000", "999999"):
            state = State(name="S", created_at=f"2020-02-29T23:59:59.{microseconds}")
            state.save()
            storage.close()
            assert storage.get(State, state.id).to_dict()["created_at"] == f"2020-02-29T23:59:59.{microseconds}"

    @pytest.mark.parametrize("id", ["", "nope", "ʻ", "%", "_", "' OR 1=1", "\0", None, 5, [], {}])
    def test_get_of_an_unknown_or_invalid_id_returns_none(self, storage: Storage, id):
        State(name="S").save()
        assert storage.get(State, id) is None

    def test_ids_are_compared_exactly(self, storage: Storage):
        state = State(name="S", id="abc")
        state.save()
        storage.close()
        for other in ("ABC", "abc ", " abc", "ab", "abcd", "äbc"):
            assert storage.get(State, other) is None
        assert storage.get(State, "abc") is not None

    def test_get_finds_only_objects_of_the_class(self, storage: Storage):
        state = State(name="S")
        state.save()
        assert storage.get(City, state.id) is None

    @pytest.mark.parametrize("cls", ["Nope", "state", object, 5])
    def test_an_unknown_class_is_refused(self, storage: Storage, cls):
        for ask in (storage.all, storage.count, lambda cls: storage.get(cls, "x")):
            with pytest.raises(Invalid, match="There is no class"):
                ask(cls)

    def test_delete_of_none_or_of_an_unstored_object_does_nothing(self, storage: Storage):
        storage.delete()
        storage.delete(None)
        storage.delete(State(name="never stored"))
        storage.save()

    def test_delete_of_a_new_object_removes_it_from_the_session(self, storage: Storage):
        state = State(name="S")
        storage.new(state)
        storage.delete(state)
        storage.save()
        assert storage.count() == 0

    def test_a_deleted_object_is_hidden_at_once_and_removed_by_save(self, storage: Storage):
        state, other = State(name="S"), State(name="T")
        state.save()
        other.save()
        state.delete()
        assert storage.get(State, state.id) is None
        assert list(storage.all(State).values()) == [other]
        assert storage.count(State) == 1
        storage.close()
        assert storage.count(State) == 2
        storage.get(State, state.id).delete()
        storage.save()
        storage.close()
        assert storage.count(State) == 1

    def test_an_object_of_an_ended_session_can_be_changed_and_saved(self, storage: Storage):
        state = State(name="S")
        state.save()
        storage.close()
        state.name = "T"
        state.save()
        storage.close()
        assert storage.get(State, state.id).name == "T"

    def test_count_and_get_do_not_load_all_objects(self, storage: Storage, sent: list[str]):
        for number in range(50):
            storage.new(State(name=str(number)))
        storage.save()
        storage.close()
        del sent[:]
        assert storage.count(State) == 50
        assert storage.get(State, "nope") is None
        queries = [sql for sql in sent if "FROM states" in sql]
        assert len(queries) == 2
        assert "count(" in queries[0]
        assert "WHERE states.id =" in queries[1]


class TestRows:
    PLACES = select(Place.id, Place.created_at, Place.latitude, Place.price_by_night).order_by(Place.id)

    @pytest.fixture
    def rows(self, storage: Storage) -> list[tuple[Any, ...]]:
        market = Market()
        for number in range(4):
            storage.new(Place(name=f"{number}", city_id=market.city.id, user_id=market.host.id))
        storage.save()
        found = [(each.id, each.created_at, each.latitude, each.price_by_night) for each in storage.all(Place).values()]
        storage.close()
        return sorted(found)

    @pytest.mark.parametrize("values", [None, {}])
    def test_tuples_and_batches_have_the_values_of_the_columns(self, storage: Storage, rows, values):
        def check() -> None:
            found = storage.read(self.PLACES, values)
            assert found.tuples() == rows
            assert found.scalars() == [row[0] for row in rows]
            assert [*found.batches(2)] == [rows[:2], rows[2:4], rows[4:]]
            assert [*found.batches(5)] == [rows]
            assert [*storage.read(self.PLACES.where(Place.id == "none"), values).batches(2)] == []
        check()
        with storage.transaction():
            check()

    @pytest.mark.parametrize("values", [None, {}])
    def test_tuples_have_all_columns_even_if_two_have_the_same_name(self, storage: Storage, values):
        statement = text("SELECT 1 AS a, 2 AS a")
        assert storage.read(statement, values).tuples() == [(1, 2)]
        assert [*storage.read(statement, values).batches(9)] == [[(1, 2)]]
        with storage.transaction():
            assert storage.read(statement, values).tuples() == [(1, 2)]

    def test_other_statements_can_be_sent_between_batches(self, storage: Storage, rows):
        ids = [id for batch in storage.read(self.PLACES).batches(1) for id, *_ in batch if storage.get(Place, id)]
        assert ids == [row[0] for row in rows]


class TestErrors:
    def test_a_failed_save_is_rolled_back_and_the_next_one_succeeds(self, storage: Storage):
        user = User(email="a@b.c", password="x")
        user.save()
        storage.new(State(name="goes with it"))
        storage.new(User(email="A@B.C", password="x"))
        with pytest.raises(Conflict, match="email"):
            storage.save()
        assert storage.count(State) == 0
        assert storage.count(User) == 1
        State(name="next").save()
        storage.close()
        assert [state.name for state in storage.all(State).values()] == ["next"]

    def test_a_second_object_with_the_same_id_is_refused(self, storage: Storage):
        State(name="S", id="1").save()
        storage.close()
        storage.new(State(name="T", id="1"))
        with pytest.raises(Conflict, match="id"):
            storage.save()
        storage.close()
        assert storage.get(State, "1").name == "S"

    @pytest.mark.parametrize(("values", "attribute"), [
        ({"name": "x" * 129}, "name"), ({"name": 5}, "name"), ({"name": "a\0b"}, "name"), ({"name": "\ud800"}, "name"),
        ({"description": "x" * 1025}, "description"), ({"max_guest": "two"}, "max_guest"),
        ({"max_guest": 1.5}, "max_guest"), ({"max_guest": True}, "max_guest"),
        ({"price_by_night": -1}, "price_by_night"),
        ({"price_by_night": 10**12}, "price_by_night"), ({"latitude": 91.0}, "latitude"),
        ({"longitude": float("nan")}, "longitude"), ({"longitude": float("inf")}, "longitude"),
        ({"latitude": "north"}, "latitude"), ({"created_at": None, "id": "ʻ"}, "id")])
    def test_a_value_that_does_not_fit_is_refused_and_nothing_is_stored(self, storage: Storage, values, attribute):
        market = Market()
        values.pop("created_at", None)
        place = Place(city_id=market.city.id, user_id=market.host.id, **{"name": "new", **values})
        with pytest.raises(Invalid, match=attribute) as caught:
            place.save()
        assert caught.value.field == attribute
        storage.close()
        assert storage.count(Place) == 1

    @pytest.mark.parametrize("value", ["foo", "", "Listed", "listed ", 1, ["listed"]])
    def test_a_text_that_is_not_one_of_its_choices_is_refused_on_every_write(self, storage: Storage, value: Any):
        market = Market()
        values = {"name": "N", "city_id": market.city.id, "user_id": market.host.id, "status": value}
        account, id = {"id": market.host.id, "user_id": market.host.id, "role": value}, market.place.id
        for write in (
                lambda: Place(**values).save(), lambda: storage.insert(Place(**values)),
                lambda: storage.insert(Account(**account)), lambda: Account(**account).save(),
                lambda: service_for(Place).create(OPERATOR, values),
                lambda: service_for(Place).update(OPERATOR, storage.get(Place, id), {"status": value}),
                lambda: service_for(Place).assign(OPERATOR, storage.get(Place, id), {"status": value})):
            with pytest.raises(Invalid, match=r"^(status|role) must be (one of|a text)"):
                write()
            storage.close()
        assert (storage.count(Place), storage.count(Account)) == (1, 0)
        assert storage.get(Place, id).status == "listed"

    def test_an_unset_choice_is_its_default(self, storage: Storage):
        market = Market()
        owners = {"city_id": market.city.id, "user_id": market.host.id}
        for values in ({}, {"status": None}):
            place = Place(name="N", **owners, **values)
            place.save()
            storage.close()
            assert storage.get(Place, place.id).status == "listed"
        assert search({}).total() == 3

    def test_a_change_to_a_value_that_does_not_fit_is_refused(self, storage: Storage):
        market = Market()
        market.place.max_guest = -1
        with pytest.raises(Invalid, match="max_guest"):
            market.place.save()
        assert market.place.max_guest == 2
        assert [place.max_guest for place in storage.all(Place).values()] == [2]

    def test_a_required_attribute_cannot_be_set_to_none(self, storage: Storage):
        state = State(name="S")
        state.save()
        state.name = None
        with pytest.raises(Invalid, match="name is"):
            state.save()
        assert [each.name for each in storage.all(State).values()] == ["S"]

    def test_an_error_message_does_not_show_the_values_of_a_statement(self, storage: Storage):
        with pytest.raises(HBNBError) as caught:
            storage.read(text("SELECT :secret FROM nowhere"), {"secret": "s3cret"}).tuples()
        assert "s3cret" not in str(caught.value)

    def test_128_characters_outside_the_first_plane_fit(self, storage: Storage):
        state = State(name="🏝" * 128)
        state.save()
        storage.close()
        assert storage.get(State, state.id).name == "🏝" * 128

    def test_an_object_that_another_session_removed_cannot_be_changed(self, storage: Storage):
        state = State(name="S")
        state.save()
        loaded = storage.get(State, state.id)
        in_another_thread(lambda: storage.get(State, state.id).delete(), storage.save)
        loaded.name = "T"
        with pytest.raises(HBNBError, match="was removed meanwhile"):
            loaded.save()
        storage.close()
        assert storage.count(State) == 0


class TestCascades:
    def test_an_object_whose_owner_has_no_list_of_its_kind_is_stored(self, storage: Storage, monkeypatch):
        monkeypatch.setattr(Relationship, "back_populates", None)
        market = Market()
        Review(place_id=market.place.id, user_id=market.guest.id, text="Second").save()
        assert storage.count(Review) == 2

    def test_deleting_a_state_removes_its_cities_places_reviews_and_links(self, storage: Storage):
        gone, kept = Market("Gone"), Market("Kept")
        gone.state.delete()
        storage.save()
        storage.close()
        counts = {"State": 1, "City": 1, "Place": 1, "Review": 1, "User": 4, "Amenity": 4}
        assert {name: storage.count(name) for name in counts} == counts
        assert storage.get(Place, gone.place.id) is None
        assert storage.get(Place, kept.place.id).amenity_ids == [kept.wifi.id, kept.pool.id]
        assert links(storage) == {(kept.place.id, kept.wifi.id), (kept.place.id, kept.pool.id)}

    def test_deleting_a_city_removes_its_places(self, storage: Storage):
        market = Market()
        market.city.delete()
        storage.save()
        assert (storage.count(State), storage.count(City), storage.count(Place), storage.count(Review)) == (1, 0, 0, 0)

    def test_deleting_a_user_removes_its_places_and_reviews(self, storage: Storage):
        market = Market()
        market.guest.delete()
        storage.save()
        assert (storage.count(User), storage.count(Place), storage.count(Review)) == (1, 1, 0)
        Review(text="own", place_id=market.place.id, user_id=market.host.id).save()
        market.host.delete()
        storage.save()
        assert (storage.count(User), storage.count(Place), storage.count(Review)) == (0, 0, 0)
        assert links(storage) == set()

    def test_deleting_a_place_removes_its_reviews_and_links(self, storage: Storage):
        market = Market()
        market.place.delete()
        storage.save()
        assert (storage.count(Place), storage.count(Review), storage.count(Amenity)) == (0, 0, 2)
        assert links(storage) == set()

    def test_deleting_an_amenity_removes_its_links_only(self, storage: Storage):
        market = Market()
        storage.close()
        storage.get(Amenity, market.wifi.id).delete()
        storage.save()
        storage.close()
        assert storage.get(Place, market.place.id).amenity_ids == [market.pool.id]
        assert links(storage) == {(market.place.id, market.pool.id)}

    def test_objects_removed_with_their_owner_are_hidden_in_the_same_session(self, storage: Storage):
        market = Market()
        assert storage.get(Review, market.review.id) is not None
        assert market.place.reviews
        market.state.delete()
        storage.save()
        assert storage.get(Review, market.review.id) is None
        assert storage.get(Place, market.place.id) is None
        assert storage.all(Place) == {}

    def test_an_owner_and_its_objects_can_be_deleted_together(self, storage: Storage):
        market = Market()
        for obj in (market.review, market.place, market.city, market.state):
            obj.delete()
        storage.save()
        assert storage.count(State) + storage.count(City) + storage.count(Place) + storage.count(Review) == 0

    def test_dependents_are_counted_by_class(self, storage: Storage):
        market = Market()
        City(name="empty", state_id=market.state.id).save()
        for obj, counts in ((market.state, {"City": 2, "Place": 1, "Review": 1}),
                            (market.host, {"Place": 1, "Review": 1}), (market.review, {})):
            assert service_for(type(obj)).dependents(OPERATOR, obj) == counts

    @pytest.mark.parametrize("places", [1, 1500])
    def test_the_number_of_statements_of_a_cascade_does_not_depend_on_the_rows(
            self, storage: Storage, sent: list[str], places):
        market = Market()
        for number in range(places):
            storage.new(Place(name=str(number), city_id=market.city.id, user_id=market.host.id))
        storage.save()
        storage.close()
        state = storage.get(State, market.state.id)
        del sent[:]
        state.delete()
        storage.save()
        assert storage.count(Place) == 0
        assert len([sql for sql in sent if sql.startswith(("SELECT", "DELETE"))]) < 30


class TestThreads:
    def test_no_object_is_lost_when_threads_create_objects(self, storage: Storage):
        in_threads(8, lambda number: [State(name=f"{number}-{each}").save() for each in range(25)])
        assert storage.count(State) == 200
        storage.close()
        storage.reload()
        assert storage.count(State) == 200

    def test_a_thread_can_list_while_others_add_and_remove(self, storage: Storage):
        for number in range(30):
            storage.new(State(name=str(number)))
        storage.save()

        def work(number: int) -> None:
            for each in range(20):
                if number % 2:
                    assert all(state.name for state in storage.all(State).values())
                else:
                    state = State(name=str(each))
                    state.save()
                    state.delete()
                    storage.save()
                storage.close()
        in_threads(6, work)
        assert storage.count(State) == 30

    def test_each_thread_has_its_own_session(self, storage: Storage):
        storage.new(State(name="mine"))
        in_another_thread(storage.save)
        assert storage.count(State) == 1
        storage.close()
        assert storage.count(State) == 0


class TestTransaction:
    def test_changes_are_stored_at_the_end_of_the_block(self, storage: Storage):
        with storage.transaction():
            storage.new(State(name="S"))
        storage.close()
        assert storage.count(State) == 1

    def test_nothing_is_stored_after_an_error(self, storage: Storage):
        with pytest.raises(ZeroDivisionError), storage.transaction():
            storage.new(State(name="S"))
            storage.write(State.__table__.insert(), [row(State(name="T"))])
            raise ZeroDivisionError
        assert storage.count(State) == 0
        storage.reload()
        assert storage.count(State) == 0

    def test_a_dry_run_stores_nothing(self, storage: Storage):
        with storage.transaction(dry_run=True):
            storage.write(State.__table__.insert(), [row(State(name="T"))])
            assert storage.count(State) == 1
        assert storage.count(State) == 0
        storage.reload()
        assert storage.count(State) == 0

    def test_a_snapshot_does_not_show_later_changes(self, storage: Storage, engine: str):
        State(name="S").save()
        storage.close()
        with storage.snapshot():
            assert storage.count(State) == 1
            adder = threading.Thread(target=lambda: (State(name="T").save(), storage.close()))
            adder.start()
            adder.join(1 if engine == "file" else 30)   # with the file engine, a writer waits for the snapshot's end
            assert len(storage.read(State.__table__.select()).tuples()) == 1
        adder.join()
        assert storage.count(State) == 2


def row(obj) -> dict:
    return {column.key: getattr(obj, column.key) for column in obj.__table__.c}


def links(storage: Storage) -> set[tuple[str, str]]:
    return {*storage.read(place_amenity.select()).tuples()}


def in_threads(count: int, work) -> None:
    errors: list[BaseException] = []

    def guarded(number: int) -> None:
        try:
            work(number)
        except BaseException as error:
            errors.append(error)
        finally:
            models.storage.close()
    threads = [threading.Thread(target=guarded, args=(number,)) for number in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []


def in_another_thread(*work) -> None:
    in_threads(1, lambda _: [each() for each in work])
