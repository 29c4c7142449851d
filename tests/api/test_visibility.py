"""Places that are not listed, and their reviews, exist only for their owner, admins and operators.

The strongest test compares whole responses: with a hidden place and without it they must be the same, byte for byte.
"""
from __future__ import annotations

import re
import uuid
from collections.abc import Iterator
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import inspect, update

import models
from api.v1.openapi.operations import operation_of
from models.amenity import Amenity
from models.city import City
from models.engine.base import Storage
from models.place import Place
from models.review import Review
from models.state import State
from services.listing import allowed_names
from services.search.value_types import SORTS
from tests import objects
from tests.actors import BROWSER, NAMES, SEEING, Cast
from tests.apps import shared_app
from tests.market import Market

SECRET = "Zanzibar"     # in each text of the hidden places
HIDDEN = ("draft", "unlisted", "unknown")
UNSTABLE = {"X-Request-Id", "Date", "Set-Cookie"}
FILTERS = ("guests=1", "price_max=900", "text=loft", f"text={SECRET}", "rooms=0", "near=42.65,-73.75&km=20000",
           "bbox=-180,-90,180,90")


class World:
    """A market with a listed place, and hidden places beside it that belong to the same host."""

    def __init__(self, cast: Cast) -> None:
        self.cast, self.market = cast, Market(host=cast.host)
        market = self.market
        # The hidden places are alone in a city and with an amenity.
        self.city = City(name="Empty town", state_id=market.state.id)
        self.sauna = Amenity(name="Sauna")
        self.state = State(name="Empty state")
        for obj in (self.city, self.sauna, self.state):
            obj.save()
        models.storage.close()

    def hide(self) -> list[Place]:
        """Add places that are not listed, with amenities and reviews."""
        found = []
        for number, status in enumerate(HIDDEN):
            listed = status == "unknown"    # in a database, a later release may have written it
            place = Place(name=f"{SECRET} {status}", description=SECRET, user_id=self.cast.host.id, price_by_night=5000,
                          city_id=(self.city if number else self.market.city).id, max_guest=9, latitude=10.0 + number,
                          longitude=20.0, status="listed" if listed else status)
            place.amenities = [self.sauna, self.market.wifi]
            place.save()
            for user in (self.cast.guest, self.cast.host):
                Review(text=SECRET, place_id=place.id, user_id=user.id).save()
            if listed:
                set_status(place.id, status)
            found.append(place)
        models.storage.close()
        return found


def set_status(id: str, status: str) -> None:
    """Store a status without any check, as an editor of the file or a later release may."""
    with models.storage.transaction():
        models.storage.write(update(Place.__table__).where(Place.id == id).values(status=status))
    models.storage.close()


def requests(app: Flask, world: World) -> Iterator[tuple[str, str]]:
    """Every route that reads, with each order, relation, filter and page that may show a place or count one."""
    market = world.market
    for rule in app.url_map.iter_rules():
        operation, path = operation_of(app, rule.endpoint), market.path(rule.rule)
        method = "GET" if "GET" in rule.methods else "POST"
        if method == "GET" and not re.match("/(static|apidocs|flasgger|health|pictures|apispec|metrics)", path):
            yield method, path
        if not (operation and operation.reads and "fields" in operation.query):
            continue
        cls = operation.permission[0]
        relations = allowed_names(cls, "include")
        for query in [*(f"include={each}" for each in deep(cls)), "include=" + ",".join(relations), "limit=1",
                      "limit=9&offset=1", *(f"fields={each}" for each in allowed_names(cls, "fields")),
                      *(f"sort=-{each}&limit=2" for each in ("created_at", "id", "updated_at"))]:
            names = {each.partition("=")[0] for each in query.split("&")}
            if names <= operation.query.keys():
                yield method, f"{path}?{query}"
    for id in (world.city.id, market.city.id):
        yield "GET", f"/api/v1/cities/{id}?include=places.reviews"
        yield "GET", f"/api/v1/cities/{id}/places?limit=1"
    for id in (world.sauna.id, market.wifi.id):
        yield "GET", f"/api/v1/amenities/{id}?include=places.city"
    for user in (world.cast.host, world.cast.guest):
        yield "GET", f"/api/v1/users/{user.id}?include=places.reviews,reviews.place"
        yield "GET", f"/api/v1/users/{user.id}/places?limit=1&fields=status&sort=-price_by_night"
    yield from searches(world)


def deep(cls: Any) -> Iterator[str]:
    """The relations of a class, and those of the related classes."""
    for name, relation in inspect(cls).relationships.items():
        yield name
        yield from (f"{name}.{each}" for each in inspect(relation.mapper.class_).relationships)


def searches(world: World) -> Iterator[tuple[str, str]]:
    places = [f"states={world.market.state.id}", f"cities={world.city.id}", f"amenities={world.sauna.id}", *FILTERS]
    for query in [*places, *(f"sort={each}" for each in SORTS), "sort=status", "sort=-status,name"]:
        for more in ("", "&limit=1", "&facets=true", "&facets=exclusive", "&limit=2&include=reviews"):
            yield "GET", f"/api/v1/places?{query}{more}"
        if "sort" not in query:
            yield "GET", f"/api/v1/places/clusters?{query}"
            yield "GET", f"/hbnb?{query}"
    for text in (SECRET, "Zanz", "Zanzibra", "loft", "empty", "sauna", "town"):
        yield "GET", f"/api/v1/places/suggestions?text={text}"
    for path in ("/100-hbnb", "/states", "/cities_by_states", f"/states/{world.market.state.id}"):
        yield "GET", path


def ask(client: Any, method: str, path: str, **more: Any) -> tuple[Any, ...]:
    answer = client.open(path, method=method, buffered=True, **({"json": {}} if method == "POST" else {}), **more)
    assert answer.status_code < 500, path
    return answer.status_code, answer.data, sorted(each for each in answer.headers if each[0] not in UNSTABLE)


@pytest.fixture
def cast(storage: Storage) -> Cast:
    return Cast()


@pytest.fixture
def world(cast: Cast) -> World:
    return World(cast)


@pytest.fixture(params=["dev", "staging"])
def app(request, storage) -> Flask:
    return shared_app(env=request.param, rate_limit="none")


@pytest.mark.parametrize(("env", "name"), [("staging", "visitor"), ("dev", "another host")])
def test_every_response_is_the_same_with_and_without_hidden_places(env, world, name):
    app = shared_app(env=env, rate_limit="none")
    client = world.cast.client(app, name)
    asked = [*dict.fromkeys(requests(app, world))]
    assert len(asked) > 300
    before = {each: ask(client, *each) for each in asked}
    hidden = world.hide()
    for each in asked:
        assert ask(client, *each) == before[each], each
    set_status(hidden[0].id, "listed")
    shown = {each: ask(client, *each) for each in asked}
    assert sum(shown[each] != before[each] for each in asked) > 200     # so these requests would reveal a place
    set_status(hidden[0].id, "unlisted")
    for each in asked:
        # The tag of a response with the place, which the client still has, does not confirm that the place exists.
        tag = dict(shown[each][2]).get("ETag")
        is_same = tag == dict(before[each][2]).get("ETag")
        found = ask(client, *each, headers={} if is_same or not tag else {"If-None-Match": tag})
        assert found == before[each], each


@pytest.mark.parametrize("name", NAMES)
def test_a_hidden_place_and_its_reviews_are_found_by_these_actors_only(app, world, name):
    client, sees = world.cast.client(app, name), name in SEEING
    for place in world.hide():
        review, own = objects.list(Review, [], ["created_at"])[-1]["id"], f"/api/v1/places/{place.id}"
        for path in (own, f"{own}/", f"{own}/reviews", f"{own}/amenities", f"/api/v1/reviews/{review}",
                     f"{own}?include=reviews.user,amenities", f"{own}?fields=status"):
            answer = client.get(path)
            assert answer.status_code == (200 if sees else 404), path
            assert client.head(path).status_code == answer.status_code
            if not sees:
                assert answer.json == {"error": "Not found"}
        for path in (f"/api/v1/users/{world.cast.host.id}/places", f"/api/v1/cities/{place.city_id}/places",
                     f"/api/v1/users/{world.cast.host.id}?include=places",
                     f"/api/v1/amenities/{world.sauna.id}?include=places"):
            assert (SECRET in client.get(path).text) is sees, path
        for path in ("/api/v1/places", "/api/v1/places?guests=1", "/api/v1/places?include=reviews", "/hbnb"):
            assert SECRET not in client.get(path).text, path


@pytest.mark.parametrize("name", NAMES)
def test_for_writers_a_hidden_place_of_another_host_does_not_exist(app, world, name):
    client, cast, market = world.cast.client(app, name), world.cast, world.market
    [hidden, *_] = world.hide()
    review = objects.list(Review)[-1]["id"]
    texts = {"text": "T", "user_id": cast.guest.id}
    for method, path, body in (
            ("PUT", "places/{}", {"name": "N"}), ("DELETE", "places/{}", None), ("POST", "places/{}/reviews", texts),
            ("POST", "places/{}/reviews", {}), ("DELETE", f"places/{{}}/amenities/{market.wifi.id}", None),
            ("POST", f"places/{{}}/amenities/{market.pool.id}", None), ("PUT", "reviews/{}", {"text": "T"}),
            ("DELETE", "reviews/{}", None)):
        if name in SEEING:
            continue
        id = review if path.startswith("reviews") else hidden.id
        for headers in ({}, {"If-Match": '"x"'} if method != "POST" else {"Idempotency-Key": str(uuid.uuid4())}):
            found = [client.open(f"/api/v1/{path.format(each)}", method=method, json=body, headers=headers)
                     for each in (id, str(uuid.uuid4()))]
            hidden_one, unknown_one = ((each.status_code, each.json) for each in found)
            assert hidden_one == unknown_one, path
            assert hidden_one[0] in (400, 401, 403, 404)
    models.storage.close()
    assert models.storage.get(Place, hidden.id).name == f"{SECRET} draft"
    assert len(models.storage.get(Place, hidden.id).reviews) == 2


@pytest.mark.parametrize(("name", "status"), [("another host", 403), ("guest", 403), ("read-only token", 403),
                                              ("visitor", 401), ("host", 200), ("admin", 200), ("personal token", 200)])
def test_a_listed_place_of_another_host_is_refused_and_visitors_are_asked_for_a_token(world, name, status):
    client = world.cast.client(shared_app(env="staging", rate_limit="none"), name)
    path = f"/api/v1/places/{world.market.place.id}"
    for method, more, body in (("PUT", "", {"status": "unlisted"}), ("PUT", "", {"status": "listed"}),
                               ("POST", f"/amenities/{world.market.pool.id}", None),
                               ("DELETE", f"/amenities/{world.market.pool.id}", None), ("DELETE", "", None)):
        assert client.open(path + more, method=method, json=body).status_code == status, (method, more)


def test_the_stored_response_of_an_idempotency_key_is_not_replayed_to_another_actor(app, world):
    key = {"Idempotency-Key": str(uuid.uuid4())}
    path = f"/api/v1/cities/{world.city.id}/places"
    body = {"name": SECRET, "status": "draft", "user_id": world.cast.host.id}
    first = world.cast.client(app, "host").post(path, json=body, headers=key)
    assert first.status_code == 201
    again = world.cast.client(app, "personal token").post(path, json=body, headers=key)     # of the same user
    assert (again.data, again.headers["Idempotency-Replayed"]) == (first.data, "true")
    for name in set(NAMES) - {"host", "personal token"}:
        answer = world.cast.client(app, name).post(path, json=body, headers=key)
        assert answer.status_code in (201, 401, 403), name
        assert first.json["id"] not in answer.text, name


def test_the_fast_path_never_shows_a_hidden_place(app, world):
    client = app.test_client()
    path = f"/api/v1/places/{world.market.place.id}"
    review = f"/api/v1/reviews/{world.market.review.id}"
    tags = [client.get(each).headers["ETag"] for each in (path, review)]
    objects.update(models.storage.get(Place, world.market.place.id), {"status": "draft"})
    models.storage.close()
    for each, tag in zip((path, review), tags, strict=True):
        for headers in ({}, {"If-None-Match": tag}, {"If-None-Match": "*"}, {"Origin": "https://a.example"}):
            answer = client.get(each, headers=headers)
            assert (answer.status_code, "ETag" in answer.headers) == (404, False), headers


def test_a_response_to_an_owner_is_not_kept_by_shared_caches(app, world):
    place = world.hide()[0]
    for name in ("host", "admin"):
        headers = world.cast.client(app, name).get(f"/api/v1/places/{place.id}").headers
        assert {"private", "no-store"} <= {*headers["Cache-Control"].split(", ")}
        assert "Cookie" in headers["Vary"]
    headers = world.cast.client(app, "personal token").get(f"/api/v1/places/{place.id}").headers
    assert "Authorization" in headers["Vary"]


def test_the_owner_lists_an_unlisted_place_again(app, world):
    client, path = world.cast.client(app, "host"), f"/api/v1/places/{world.market.place.id}"
    visitor = app.test_client()
    for status in ("unlisted", "draft", "listed", "unlisted", "listed"):
        assert client.put(path, json={"status": status}, headers=BROWSER).status_code == 200
        assert client.get(f"{path}?fields=status").json == {"status": status}
        assert visitor.get(path).status_code == (200 if status == "listed" else 404)
        assert len(visitor.get("/api/v1/places?guests=1").json) == (status == "listed")
        assert visitor.get("/api/v1/stats").json["places"] == visitor.get("/api/v1/stats").json["reviews"] == (
            status == "listed")
