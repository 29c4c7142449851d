"""The models, as programs and tests of the classic HBNB use them, on both engines."""
from __future__ import annotations

import datetime
import hashlib
import re
import uuid

import pytest

import models
from errors import Invalid
from models import codec, passwords
from models.amenity import Amenity
from models.base_model import BaseModel
from models.city import City
from models.engine.base import Storage
from models.place import Place
from models.review import Review
from models.state import State
from models.user import User
from tests import objects
from tests.market import Market

ALL = [Amenity, City, Place, Review, State, User]


class TestBaseModel:
    def test_a_new_object_has_an_id_and_two_equal_utc_times(self):
        before = datetime.datetime.now(datetime.UTC).replace(tzinfo=None)
        obj = BaseModel()
        assert uuid.UUID(obj.id).version == 4
        assert before <= obj.created_at == obj.updated_at <= datetime.datetime.now(datetime.UTC).replace(tzinfo=None)

    def test_each_object_gets_its_own_times(self):
        first, second = State(), State()
        assert first.created_at < second.created_at
        assert first.id != second.id

    def test_an_object_can_be_created_from_to_dict(self):
        obj = BaseModel()
        obj.name, obj.number = "Holberton", 89
        again = BaseModel(**obj.to_dict())
        assert again is not obj
        assert again.to_dict() == obj.to_dict()
        assert isinstance(again.created_at, datetime.datetime)
        assert "__class__" not in vars(again)

    def test_to_dict_has_every_attribute_and_the_class(self):
        obj = BaseModel()
        obj.name, obj.my_number = "x", 1
        assert obj.to_dict() == {
            "__class__": "BaseModel", "id": obj.id, "name": "x", "my_number": 1,
            "created_at": obj.created_at.strftime("%Y-%m-%dT%H:%M:%S.%f"),
            "updated_at": obj.updated_at.strftime("%Y-%m-%dT%H:%M:%S.%f")}

    def test_str_shows_class_id_and_attributes(self):
        obj = BaseModel()
        assert str(obj) == f"[BaseModel] ({obj.id}) {vars(obj)}"

    def test_a_time_without_a_fraction_is_written_with_one(self):
        obj = BaseModel(created_at="2017-03-25T02:17:06.000000", updated_at="2017-03-25 02:17:06")
        assert obj.to_dict()["created_at"] == obj.to_dict()["updated_at"] == "2017-03-25T02:17:06.000000"

    def test_a_year_before_1000_is_written_with_four_digits(self):
        obj = BaseModel(created_at="0999-01-02 03:04:05")
        assert obj.to_dict()["created_at"] == "0999-01-02T03:04:05.000000"

    def test_a_time_with_an_offset_becomes_utc(self):
        assert BaseModel(created_at="2020-01-01T02:00:00+02:00").created_at == datetime.datetime(2020, 1, 1)

    def test_a_datetime_with_an_offset_becomes_utc(self, storage):
        zone = datetime.timezone(datetime.timedelta(hours=2))
        state = State(name="S", created_at=datetime.datetime(2020, 1, 1, 12, tzinfo=zone))
        state.save()
        storage.close()
        assert storage.get(State, state.id).to_dict()["created_at"] == "2020-01-01T10:00:00.000000"

    @pytest.mark.parametrize("time", ["yesterday", 5, None, ["2020-01-01"], "0001-01-01T00:00+14:00"])
    def test_an_invalid_time_is_refused(self, time):
        with pytest.raises(Invalid, match="created_at"):
            State(created_at=time)

    def test_save_and_delete_use_the_current_storage(self, monkeypatch):
        calls = []

        class Fake:
            def new(self, obj): calls.append(("new", obj))
            def save(self): calls.append("save")
            def delete(self, obj): calls.append(("delete", obj))
        monkeypatch.setattr(models, "storage", Fake())
        obj = BaseModel()
        old = obj.updated_at
        obj.save()
        obj.delete()
        assert calls == [("new", obj), "save", ("delete", obj)]
        assert obj.updated_at > old
        assert obj.created_at == old


class TestEachModel:
    @pytest.mark.parametrize("cls", ALL)
    def test_str_of_each_model_shows_class_id_and_attributes(self, cls):
        obj = cls()
        assert isinstance(obj, BaseModel)
        assert re.fullmatch(rf"\[{cls.__name__}\] \({obj.id}\) {{.*}}", str(obj))
        assert str(obj).startswith(f"[{cls.__name__}] ({obj.id}) {{'id': '{obj.id}', 'created_at': datetime.datetime(")

    @pytest.mark.parametrize("cls", ALL)
    def test_each_model_is_found_by_its_file(self, cls):
        assert models.classes[cls.__name__] is cls

    @pytest.mark.parametrize(("cls", "attribute", "value"), [
        (User, "email", ""), (User, "password", ""), (User, "first_name", ""), (User, "last_name", ""),
        (State, "name", ""), (City, "state_id", ""), (City, "name", ""), (Amenity, "name", ""),
        (Place, "city_id", ""), (Place, "user_id", ""), (Place, "name", ""), (Place, "description", None),
        (Place, "number_rooms", 0), (Place, "number_bathrooms", 0), (Place, "max_guest", 0),
        (Place, "price_by_night", 0), (Place, "latitude", None), (Place, "longitude", None), (Place, "amenity_ids", []),
        (Review, "place_id", ""), (Review, "user_id", ""), (Review, "text", "")])
    def test_an_unset_attribute_reads_as_its_blank_value(self, cls, attribute, value):
        assert getattr(cls(), attribute) == value

    def test_amenity_ids_are_not_shared_between_places(self):
        one, other = Place(), Place()
        one.amenities.append(Amenity(name="Wifi"))
        assert len(one.amenity_ids) == 1
        assert other.amenity_ids == []

    def test_an_unknown_attribute_is_refused_and_named(self):
        with pytest.raises(Invalid, match="Unknown attribute: nickname"):
            State(nickname="x")

    def test_to_dict_with_unknown_attributes_makes_an_object_that_save_refuses(self, storage: Storage):
        state = State(name="Ohio")
        state.my_number = 89
        again = State(**state.to_dict())
        assert again.to_dict() == state.to_dict()
        with pytest.raises(Invalid, match="State has no attribute my_number"):
            again.save()
        storage.close()
        assert storage.count(State) == 0

    @pytest.mark.parametrize("name", ["save", "to_dict", "metadata", "__table__", "_sa_instance_state", "_sa_x"])
    def test_a_dict_cannot_replace_members_of_the_class(self, name):
        with pytest.raises(Invalid, match=f"Unknown attribute: {name}"):
            State(**{"__class__": "State", name: 1})


class TestUser:
    def test_a_password_is_hashed_when_it_is_set_and_is_not_shown(self):
        user = User(email="a@b.c", password="secret word")
        assert user.password.startswith("$argon2id$")
        assert "secret" not in str(user) + str(user.to_dict()) + str(vars(user))
        assert "password" not in user.to_dict()
        assert "password" not in str(user)
        assert user.to_dict(save_fs=1)["password"] == user.password

    def test_a_hash_is_not_hashed_again(self):
        user = User(password="secret")
        assert User(**user.to_dict(save_fs=1)).password == user.password

    @pytest.mark.parametrize("odd", ["$nologin$", "md5:x", "$argon2id$v=19$m=8,t=2000000,p=1$c2FsdHNhbHQ$aGFzaA"])
    def test_a_chosen_password_is_hashed_even_if_it_looks_like_a_hash(self, storage: Storage, odd):
        user = objects.create(User, {"email": "a@b.c", "password": odd})
        assert user.password != odd
        assert user.check_password(odd)

    def test_a_damaged_hash_matches_no_password(self):
        user = User(password="$argon2id$v=19$m=4294967295,t=1,p=1$c2FsdHNhbHQ$aGFzaA")
        assert not user.check_password("x")

    def test_older_forms_of_a_password_match_and_are_replaced(self):
        for kept in (hashlib.md5(b"secret").hexdigest(), passwords.protected(hashlib.md5(b"secret").hexdigest())):
            user = User()
            vars(user)["password"] = kept
            assert not user.check_password("wrong")
            assert user.check_password("secret")
            assert passwords.is_strong(user.password)
            assert user.check_password("secret")

    def test_check_password_accepts_only_the_password(self):
        user = User(password="secret")
        assert user.check_password("secret")
        assert not user.check_password("Secret")

    def test_reading_a_user_does_not_hash_its_password_again(self, storage: Storage):
        user = User(email="a@b.c", password="secret")
        user.save()
        kept = user.password
        storage.close()
        storage.reload()
        again = storage.get(User, user.id)
        assert again.password == kept
        assert again.check_password("secret")


class TestRelationships:
    def test_relationships_read_the_same_on_both_engines(self, storage: Storage):
        market = Market()
        storage.close()
        state = storage.get(State, market.state.id)
        [city] = state.cities
        [place] = city.places
        assert city.state is state
        assert [amenity.name for amenity in place.amenities] == ["Wifi", "Pool"]
        assert place.amenity_ids == [market.wifi.id, market.pool.id]
        assert place.user.places == [place]
        assert [review.text for review in place.reviews] == ["Lovely."]
        assert place.reviews[0].user.reviews == place.reviews
        assert place.amenities[0].places == [place]

    def test_a_saved_city_is_in_the_cities_of_its_state(self, storage: Storage):
        state = State(name="S")
        state.save()
        assert state.cities == []
        first = City(name="A", state_id=state.id)
        first.save()
        assert state.cities == [first]
        second = City(name="B", state_id=state.id)
        second.save()
        assert state.cities == [first, second]
        first.delete()
        storage.save()
        assert state.cities == [second]

    def test_moving_a_city_changes_the_cities_of_both_states(self, storage: Storage):
        one, other = State(name="1"), State(name="2")
        storage.new(one)
        storage.new(other)
        city = City(name="C", state=one)
        city.save()
        assert (one.cities, other.cities) == ([city], [])
        city.state_id = other.id
        city.save()
        assert (one.cities, other.cities) == ([], [city])
        assert city.state is other

    def test_an_amenity_appended_to_a_place_is_stored(self, storage: Storage):
        market = Market()
        sauna = Amenity(name="Sauna")
        market.place.amenities.append(sauna)
        market.place.save()
        storage.close()
        assert sauna.id in storage.get(Place, market.place.id).amenity_ids

    def test_amenity_ids_can_be_assigned(self, storage: Storage):
        market = Market()
        market.place.amenity_ids = [market.pool.id]
        market.place.save()
        storage.close()
        assert storage.get(Place, market.place.id).amenity_ids == [market.pool.id]
        with pytest.raises(Invalid, match="amenity_ids"):
            storage.get(Place, market.place.id).amenity_ids = ["nope", market.wifi.id]
        storage.save()
        storage.close()
        assert storage.get(Place, market.place.id).amenity_ids == [market.pool.id]

    def test_a_removed_amenity_is_removed_from_its_places(self, storage: Storage):
        market = Market()
        assert len(market.place.amenities) == 2
        market.wifi.delete()
        storage.save()
        assert market.place.amenity_ids == [market.pool.id]


@pytest.mark.parametrize("text", [
    "2024-01-06T03:39:10.000096", "2024-01-06 03:39:10.000096", "20240106T03:39:10.00009612",
    "2024-W01-6T03:39:10.000096", "2024-01-06T03:39:10,000096", "2024-01-06T033910.000096123",
    "2024-01-06T05:39:10.000096+02:00"])
def test_times_of_all_forms_are_stored_in_the_same_form(text):
    assert codec.TIME.pack(text) == "2024-01-06T03:39:10.000096"
