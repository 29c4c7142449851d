"""The search index: its answers equal those of SQL and of loops over all places, after any changes of any process."""
from __future__ import annotations

import math
import random
import sqlite3
import threading
import unicodedata
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import event, insert, select, text, update

import models
from models.amenity import Amenity, place_amenity
from models.city import City
from models.engine.base import Storage
from models.engine.db import changed
from models.engine.file_storage import FileStorage
from models.place import Place
from models.state import State
from models.user import User
from services.actor import OPERATOR
from services.registry import service_for
from services.search import clusters, columns, indexing, orders, search
from services.search.filters import EARTH
from tests import objects
from tests.market import Market

NAMES = ["Loft", "Café", "Wi-Fi", "Loft by the river", "Zoë's house", "東京の家", "cafe", "House ★", "", "O'Hara", "É"]
WORDS = ["caf", "CAFÉ", "wifi", "wi-fi", "l", "loft river", "zoe's", "zoes", "東京", "京", "★", "house", "ohara", "x",
         "...", "city 1", "State"]
SORTS = {"": lambda row: (), "newest": lambda row: (-row["created_at"].timestamp(),),
         "name": lambda row: (row["name"],),
         "price": lambda row: (row["price_by_night"] is None, row["price_by_night"] or 0)}
STATUSES = ["listed", "listed", "listed", "draft", "unlisted"]
SIZES = [0, 1, 2, 3, 4, 20]


class World:
    """A random market, its random changes, and random searches in it."""

    def __init__(self, storage: Storage, seed: int) -> None:
        self.storage, self.choose = storage, random.Random(seed)
        # Few points, so that some places have the same distance from any other point.
        self.points = [{"latitude": round(self.choose.uniform(-90, 90), 2),
                        "longitude": round(self.choose.uniform(-180, 180), 2)} for _ in range(12)]
        self.host = objects.create(User, {"email": "a@b.c", "password": "x"})
        for _ in range(3):
            self.add_state()
        for _ in range(6):
            self.add_city()
            self.add_amenity()
        for _ in range(60):
            self.add_place()

    def ids(self, cls: type) -> list[str]:
        return self.storage.read(select(cls.id).order_by(cls.id)).scalars()

    def pick(self, cls: type, count: int = 1) -> list[str]:
        known = self.ids(cls)
        return self.choose.sample(known, min(count, len(known)))

    def any(self, cls: type) -> Any:
        return self.storage.get(cls, *self.pick(cls))

    def add_state(self) -> None:
        objects.create(State, {"name": f"State {self.choose.randrange(5)}"})

    def add_city(self) -> None:
        objects.create(City, {"name": f"City {self.choose.randrange(5)}", "state_id": self.pick(State)[0]})

    def add_amenity(self) -> None:
        objects.create(Amenity, {"name": self.choose.choice(["Wifi", "Pool", "TV", "Café nearby", "Sauna"])})

    def add_place(self) -> None:
        place = objects.create(Place, {**self.values(), "user_id": self.host.id, "city_id": self.pick(City)[0]})
        for id in self.pick(Amenity, self.choose.randrange(5)):
            objects.link(place, self.storage.get(Amenity, id))

    def values(self) -> dict[str, Any]:
        choose = self.choose
        return {"name": choose.choice(NAMES) or "No", "description": choose.choice([*NAMES, "Near the river"]),
                "price_by_night": choose.randrange(1, 9), "max_guest": choose.randrange(5),
                "number_rooms": choose.randrange(4), "number_bathrooms": choose.randrange(3),
                "status": choose.choice(STATUSES), **choose.choice(self.points)}

    def change(self) -> None:
        """Make a random change."""
        choose = self.choose
        if len(self.ids(Place)) < 5:
            self.add_place()
        changes: list[Callable[[], Any]] = [
            self.add_place, self.add_place, self.add_city, self.add_amenity, self.add_state,
            lambda: objects.update(self.any(Place), self.values()),
            lambda: objects.update(self.any(Place), {"price_by_night": choose.choice([None, 3, 900])}),
            lambda: objects.update(self.any(Place), {"price_by_night": choose.choice([None, 3, 900])}),
            *[lambda: objects.update(self.any(Place), {"status": choose.choice(STATUSES)})] * 3,
            lambda: objects.link(self.any(Place), self.any(Amenity)),
            lambda: offer(self.any(Place), self.pick(Amenity, 3)),
            lambda: objects.remove(self.any(Place)),
            lambda: objects.update(self.any(State), {"name": f"State {choose.randrange(5)}"}),
            lambda: objects.update(self.any(City), {"name": f"City {choose.randrange(5)}"}),
            lambda: objects.update(self.any(Amenity), {"name": choose.choice(["Wifi", "Jacuzzi"])})]
        removals = [(State, 3), (City, 4), (Amenity, 3)]
        changes += [lambda cls=cls: objects.remove(self.any(cls)) for cls, least in removals
                    if len(self.ids(cls)) > least and choose.random() < 0.3]
        choose.choice(changes)()
        self.storage.close()

    def wanted(self) -> dict[str, Any]:
        """A random search."""
        choose = self.choose
        possible = {
            "states": lambda: self.pick(State, choose.randrange(1, 3)), "text": lambda: choose.choice(WORDS),
            "cities": lambda: [*self.pick(City, choose.randrange(1, 4)), "unknown"],
            "amenities": lambda: self.pick(Amenity, choose.randrange(1, 3)), "guests": lambda: choose.randrange(6),
            "rooms": lambda: choose.randrange(5), "bathrooms": lambda: choose.randrange(4),
            "price_min": lambda: choose.randrange(9), "price_max": lambda: choose.choice([3, 5, 900]),
            "bbox": lambda: [choose.randrange(-180, 181, 60), -45, choose.randrange(-180, 181, 60), 60],
            "near": lambda: {"latitude": choose.randrange(-90, 91, 15), "longitude": choose.randrange(-180, 181, 15),
                             "km": choose.choice([0, 1000, 5000, 20_000])}}
        found = {name: possible[name]() for name in choose.sample([*possible], choose.randrange(4))}
        if sort := choose.choice([*SORTS, *["distance"] * ("near" in found)]):
            found["sort"] = sort
        return found


def offer(place: Place, ids: list[str]) -> None:
    service_for(Place).offer(OPERATOR, place, ids)


def folded(text: str) -> str:
    plain = unicodedata.normalize("NFKD", text).casefold()
    return "".join(each for each in plain if not unicodedata.combining(each))


def words(text: str) -> list[str]:
    """The words of a text, and hyphened ones without their hyphen; of Chinese and Japanese text, all endings."""
    found: list[str] = []
    for word in folded(text).split():
        parts = word.replace("'", "-").split("-")
        found += [*parts, "".join(parts), *(word[start:] for start in range(len(word)) if word[0] > "\u3000")]
    return [each for each in found if each.strip(".")]


class Expected:
    """The answer to a search, found by a loop over all places."""

    def __init__(self, storage: Storage, wanted: dict[str, Any]) -> None:
        self._wanted = wanted
        named = {cls: {row["id"]: row for row in storage.read(select(cls.__table__))} for cls in (State, City, Amenity)}
        self._states, self._cities, self._amenities = named.values()
        self._offered: dict[str, set[str]] = {}
        for place, amenity in storage.read(select(models.amenity.place_amenity)).tuples():
            self._offered.setdefault(place, set()).add(amenity)
        rows = [row for row in storage.read(select(Place.__table__)) if self._matches(row)]
        self.rows = sorted(rows, key=lambda row: (*self._key(row), row["created_at"], row["id"]))
        self.ids = [row["id"] for row in self.rows]

    def _key(self, row: Any) -> tuple[Any, ...]:
        by = self._wanted.get("sort", "")
        return (self._distance(row),) if by == "distance" else SORTS[by](row)

    def _matches(self, row: Any) -> bool:
        wanted = self._wanted
        city = self._cities[row["city_id"]]
        somewhere = {*wanted.get("states", ()), *wanted.get("cities", ())}
        said = words(" ".join([row["name"], row["description"] or "", city["name"], self._states[city["state_id"]][
            "name"], *(self._amenities[id]["name"] for id in self._offered.get(row["id"], ()))]))
        price = row["price_by_night"]
        return bool(
            row["status"] == "listed" and (not somewhere or {city["id"], city["state_id"]} & somewhere)
            and {*wanted.get("amenities", ())} <= self._offered.get(row["id"], set())
            and all(row[column] >= wanted.get(name, 0) for name, column in (
                ("guests", "max_guest"), ("rooms", "number_rooms"), ("bathrooms", "number_bathrooms")))
            and ("price_min" not in wanted or (price is not None and price >= wanted["price_min"]))
            and ("price_max" not in wanted or (price is not None and price <= wanted["price_max"]))
            and ("near" not in wanted or self._distance(row) <= wanted["near"]["km"])
            and self._is_inside(row) and self._contains(said))

    def _contains(self, said: list[str]) -> bool:
        text = self._wanted.get("text", "")
        asked = [word for word in folded(text).split() if word.strip(".")]

        def has(part: str) -> bool:
            return any(each.startswith(part) for each in said)
        return (bool(asked) or not text) and all(
            has("".join(word.replace("'", "-").split("-"))) or all(map(has, word.replace("'", "-").split("-")))
            for word in asked)

    def _is_inside(self, row: Any) -> bool:
        if "bbox" not in self._wanted:
            return True
        west, south, east, north = self._wanted["bbox"]
        across = (west <= row["longitude"] <= east if west <= east
                  else row["longitude"] >= west or row["longitude"] <= east)
        return across and south <= row["latitude"] <= north

    def _distance(self, row: Any) -> float:
        near = self._wanted["near"]
        one, other = (tuple(map(math.radians, (each["latitude"], each["longitude"]))) for each in (near, row))
        square = math.sin((other[0] - one[0]) / 2) ** 2 + math.cos(one[0]) * math.cos(other[0]) * math.sin(
            (other[1] - one[1]) / 2) ** 2
        return 2 * EARTH * math.asin(min(1, math.sqrt(square)))

    def facets(self) -> dict[str, list[tuple[str, int]]]:
        cities = Counter(row["city_id"] for row in self.rows)
        states: Counter[str] = Counter()
        for id, count in cities.items():
            states[self._cities[id]["state_id"]] += count
        amenities = Counter(id for row in self.rows for id in self._offered.get(row["id"], ()))
        return {name: sorted(counts.items(), key=lambda each: (-each[1], known[each[0]]["name"], each[0]))
                for name, counts, known in (("amenities", amenities, self._amenities), ("states", states, self._states),
                                            ("cities", cities, self._cities))}


def check(storage: Storage, wanted: dict[str, Any], choose: random.Random) -> None:
    right = Expected(storage, wanted)
    assert [row["id"] for row in search(wanted).all()] == right.ids, wanted
    limit, offset = choose.choice(SIZES), choose.choice(SIZES)
    page = search({**wanted, "limit": limit, "offset": offset, "facets": True})
    assert [row["id"] for row in page.all()] == right.ids[offset:offset + limit]
    assert page.total() == len(right.ids)
    assert {name: [(each["id"], each["count"]) for each in facets]
            for name, facets in page.facets().items()} == right.facets()


@pytest.fixture(params=[False, True], ids=["sorted", "walked"])
def small_blocks(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Orders have many blocks, which are looked through even for few results."""
    monkeypatch.setattr(orders, "SIZE", 4)
    if request.param:
        monkeypatch.setattr(orders, "FEW", 0)
        monkeypatch.setattr(orders, "SPARSE", 2)


@pytest.mark.parametrize("seed", range(2))
@pytest.mark.usefixtures("small_blocks")
def test_any_search_after_any_changes_finds_what_a_loop_over_all_places_finds(storage: Storage, seed: int):
    world = World(storage, seed)
    check(storage, {}, world.choose)
    built = indexing.current()
    for _ in range(60):
        world.change()
        check(storage, world.wanted(), world.choose)
    assert indexing.current() is built, "built again"


@pytest.mark.parametrize("seed", range(2))
def test_exclusive_facets_leave_out_their_own_filter_and_count_prices(storage: Storage, seed: int):
    world = World(storage, seed)
    for _ in range(15):
        world.change()
        wanted = world.wanted()
        found = search({**wanted, "facets": "exclusive"}).facets()

        def without(*names: str, wanted: dict[str, Any] = wanted) -> Expected:
            return Expected(storage, {name: value for name, value in wanted.items() if name not in names})
        regions, amenities = without("states", "cities").facets(), without("amenities").facets()
        assert {name: [(each["id"], each["count"]) for each in found[name]] for name in regions} == {
            **regions, "amenities": amenities["amenities"]}
        prices = [row["price_by_night"] for row in without("price_min", "price_max").rows]
        known = [price for price in prices if price is not None]
        assert sum(each["count"] for each in found["prices"]) == len(known)
        for each in found["prices"]:
            most = math.inf if each["to"] is None else each["to"]
            assert each["count"] == sum(each["from"] <= price <= most for price in known)


def test_clusters_are_the_places_of_each_cell_of_the_map(storage: Storage):
    world = World(storage, 1)
    rows = storage.read(select(Place.__table__).where(Place.status == "listed")).all()
    for zoom in (0, 2, 20):
        found = clusters({}, zoom)
        size = 90 / 2 ** zoom
        cells = Counter((row["latitude"] // size, row["longitude"] // size) for row in rows)
        assert [each["count"] for each in found] == sorted(cells.values(), reverse=True)
        for each in found:
            inside = [row for row in rows if row["latitude"] // size == each["latitude"] // size
                      and row["longitude"] // size == each["longitude"] // size]
            assert len(inside) == each["count"]
            assert each["id"] == (inside[0]["id"] if len(inside) == 1 else None)
            assert each["latitude"] == pytest.approx(sum(row["latitude"] for row in inside) / len(inside))
    only = clusters({"guests": 4}, 0)
    assert sum(each["count"] for each in only) == search({"guests": 4}).total() > 0
    world.storage.close()


class TestTransactions:
    def test_a_search_in_a_transaction_sees_its_changes_and_others_do_not(self, storage: Storage):
        market = Market()
        wanted = {"cities": [market.city.id]}

        def found() -> set[str]:
            return {row["id"] for row in search(wanted).all()}
        assert found() == {market.place.id}
        with storage.transaction(dry_run=True):
            row = {column.key: getattr(market.place, column.key) for column in Place.__table__.c}
            storage.write(insert(Place.__table__), {**row, "id": "new"})
            assert found() == {market.place.id, "new"}
        assert found() == {market.place.id}

    def test_a_rolled_back_change_keeps_the_version(self, storage: Storage):
        Market()
        version = storage.version()
        with storage.transaction(dry_run=True):
            storage.new(State(name="S"))
        assert storage.version() == version

    @pytest.mark.parametrize("engine", ["db"], indirect=True)
    def test_only_changes_of_searched_objects_change_the_version(self, storage: Storage):
        market = Market()
        version = storage.version()
        User(email="a@b.c", password="x").save()
        market.review.text = "Changed"
        market.review.save()
        assert storage.version() == version
        market.place.name = "Changed"
        market.place.save()
        assert storage.version() != version


def test_a_change_of_the_status_of_many_places_by_one_statement_is_taken_over(storage: Storage):
    world = World(storage, 1)
    wanted = {"guests": 0, "facets": True}
    check(storage, wanted, world.choose)
    built = indexing.current()
    for status in ("unlisted", "listed", "draft", "later release", "listed"):
        with storage.transaction():
            storage.write(update(Place.__table__).where(Place.user_id == world.host.id).values(status=status))
        check(storage, wanted, world.choose)
        assert search(wanted).total() == (storage.count(Place) if status == "listed" else 0)
    assert indexing.current() is built, "built again"


def test_a_search_in_a_transaction_before_any_other_sees_all_its_changes(storage: Storage):
    market = Market()
    row = {column.key: getattr(market.place, column.key) for column in Place.__table__.c}
    storage.close()
    with storage.transaction(dry_run=True):
        assert search({"guests": 1}).total() == 1
        storage.write(insert(Place.__table__), {**row, "id": "new"})
        assert search({"guests": 1}).total() == 2
    assert search({"guests": 1}).total() == 1


@pytest.mark.parametrize("engine", ["db"], indirect=True)
def test_the_index_of_a_database_without_any_logged_change_is_built_once(storage: Storage):
    Market()
    with storage.transaction():     # as in a database that an older release has filled
        for table in ("versions", "changes"):
            storage.write(text(f"DELETE FROM {table}"))
        changed.take(storage._session.connection())     # so the commit does not write the version
    built = indexing.fresh()
    assert indexing.fresh() is built
    assert search({}).total() == 1
    state = State(name="First change")
    state.save()
    storage.close()
    assert indexing.fresh() is built
    assert state.id in built.states


@pytest.mark.parametrize("engine", ["file"], indirect=True)
class TestFiles:
    """The index of files, which may hold what no database holds."""

    def test_a_place_that_is_removed_between_the_version_and_the_rows_is_not_in_the_answer(
            self, storage: FileStorage, monkeypatch: pytest.MonkeyPatch):
        market = Market()
        storage.close()
        assert search({"guests": 1}).total() == 1
        read = storage._autocommit.compiled

        def remove_first(*arguments: Any) -> Any:
            monkeypatch.setattr(storage._autocommit, "compiled", read)
            objects.remove(storage.get(Place, market.place.id))
            storage.close()
            return read(*arguments)
        monkeypatch.setattr(storage._autocommit, "compiled", remove_first)
        page = search({"guests": 1})
        assert (page.all(), page.total()) == ([], 0)

    def test_links_to_an_amenity_count_as_soon_as_it_exists(self, storage: FileStorage):
        market = Market()
        with storage.transaction():
            storage.write(insert(place_amenity), {"place_id": market.place.id, "amenity_id": "late"})
        assert search({"amenities": ["late"]}).total() == 0
        late = Amenity(id="late", name="Late")
        late.save()
        storage.close()
        assert search({"amenities": ["late"]}).total() == 1

    def test_negative_prices_are_in_the_first_range(self, storage: FileStorage):
        market = Market()
        with storage.transaction():
            storage.write(update(Place.__table__).values(price_by_night=-3))
        [*_, prices] = search({"facets": "exclusive"}).facets().values()
        assert prices == [{"from": 0, "to": 0, "count": 1}]
        assert search({"price_max": 0}).total() == 1
        assert search({"guests": 1}).all()[0]["id"] == market.place.id

    def test_any_number_of_cities_can_change_between_two_searches(self, storage: FileStorage):
        market = Market()
        assert indexing.fresh()
        event.listen(storage._engine, "checkout", lambda connection, *_: connection.setlimit(
            sqlite3.SQLITE_LIMIT_VARIABLE_NUMBER, 1500))
        with storage.transaction():
            for number in range(1600):
                storage.new(City(name=f"City {number}", state_id=market.state.id))
        assert len(indexing.fresh().cities) == 1601


@pytest.mark.parametrize("most", [1000, 4], ids=["few", "many"])
def test_places_can_be_sorted_by_any_attributes(storage: Storage, monkeypatch: pytest.MonkeyPatch, most: int):
    monkeypatch.setattr("services.search.LISTED", most)
    world = World(storage, 1)
    for _ in range(10):
        world.change()
    for sort, key in (
            (["number_rooms"], lambda row: row["number_rooms"]),
            (["-name", "max_guest"], lambda row: ([*(-ord(each) for each in row["name"]), 0], row["max_guest"])),
            (["-price_by_night"], lambda row: (row["price_by_night"] is None, -(row["price_by_night"] or 0)))):
        for wanted in ({}, {"guests": 2}, {"text": "loft"}, {"text": "none"}):
            ids = [row["id"] for row in sorted(Expected(storage, wanted).rows, key=key)]
            assert [row["id"] for row in search(wanted, sort).all()] == ids
            page = search({**wanted, "limit": 3, "offset": 2}, sort)
            assert ([row["id"] for row in page.all()], page.total()) == (ids[2:5], len(ids))


def test_no_other_search_waits_while_the_storage_sorts(storage: Storage, monkeypatch: pytest.MonkeyPatch):
    market = Market()
    storage.close()
    index, read, seen = indexing.fresh(), storage.read, list[bool]()

    def look() -> None:
        if index.lock.acquire(blocking=False):
            index.lock.release()
            seen.append(True)

    def watched(*arguments: Any) -> Any:
        thread = threading.Thread(target=look)
        thread.start()
        thread.join()
        return read(*arguments)
    monkeypatch.setattr(storage, "read", watched)
    assert [row["id"] for row in search({"limit": 5}, ["number_rooms"]).all()] == [market.place.id]
    assert len(seen) == 2
    assert seen[0]


def test_former_names_do_not_fill_the_memory(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(columns, "MOST_UNUSED", 100)
    texts = columns.Texts()
    texts.extend([b"first", b""])
    for number in range(2000):
        expected = [b"x" * (number % 30), b"y" * (number % 7)]
        texts[0], texts[1] = expected
        assert [texts[0], texts[1]] == expected
    texts[2] = b"new"
    assert [texts[number] for number in range(3)] == [*expected, b"new"]
    assert texts.size < 1000


def test_many_changes_of_texts_free_the_numbers_of_the_former_texts(storage: Storage, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("services.search.index.MOST_DEAD", 3)
    market = Market()
    for number in range(12):
        objects.update(storage.get(Place, market.place.id), {"name": f"Name {number}"})
        assert search({"text": f"{number}"}).total() == 1
        assert search({"text": "loft"}).total() == search({"text": f"{number - 1}"}).total() == 0
    index = indexing.fresh()
    assert len(index.words) < 6
    assert max(index.all) < 10


def test_a_change_of_a_price_keeps_the_form_and_changes_the_results_of_filters(storage: Storage):
    market = Market()
    assert search({"price_max": 150}).total() == 1
    index = indexing.fresh()
    edition = index.edition
    place = storage.get(Place, market.place.id)
    for price, total in ((200, 0), (150, 1), (None, 0)):
        objects.update(place, {"price_by_night": price})
        assert search({"price_max": 150}).total() == total
    assert indexing.fresh() is index
    assert index.edition == edition
    objects.remove(place)
    assert indexing.fresh().edition != edition      # the city has no places any more, so the form does not offer it
