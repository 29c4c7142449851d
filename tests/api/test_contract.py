"""Tests of the API's contract: a table of requests and responses, which must be identical on both engines."""
from __future__ import annotations

import json
import re
from dataclasses import dataclass, replace
from typing import Any

import pytest

import models
from config import Settings
from tests.apps import shared_app

ID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")
TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}")
TAG = re.compile(r'^"[0-9a-f]{24}"$')
HEADERS = ["Content-Type", "Content-Length", "ETag", "Location", "Link", "X-Total-Count"]
NOT_FOUND, NOT_JSON = {"error": "Not found"}, {"error": "Not a JSON"}
FAR, LONG = 10**12, "x" * 129


@dataclass(frozen=True)
class Row:
    """A request and its expected response. `{name}` stands for an id that an earlier row saved under this name.

    Args:
        body: sent as JSON; bytes are sent unchanged.
        expected: the body of the response, with saved ids as `{name}` and times as `{time}`.
        save_as: the name under which to save the id in the response.
    """

    method: str
    path: str
    body: Any
    status: int
    expected: Any
    save_as: str = ""
    type: str = "application/json"


def get(path: str, expected: Any) -> Row:
    return Row("GET", path, None, 200, expected)


def make(path: str, body: Any, expected: Any) -> Row:
    return Row("POST", path, body, 201, expected, save_as=expected["id"].strip("{}"))


def put(path: str, body: Any, expected: Any) -> Row:
    return Row("PUT", path, body, 200, expected)


def delete(path: str) -> Row:
    return Row("DELETE", path, None, 200, {})


def wrong(method: str, path: str, body: Any, sentence: str, status: int = 400) -> Row:
    return Row(method, path, body, status, {"error": sentence})


def missing(method: str, path: str, body: Any = None) -> Row:
    return Row(method, path, body, 404, NOT_FOUND)


def search(body: Any, *found: dict[str, Any]) -> Row:
    return Row("POST", "/places_search", body, 200, list(found))


def not_json(method: str, path: str) -> list[Row]:
    """Rows whose bodies are not JSON objects, or have another content type."""
    return [*(Row(method, path, body, 400, NOT_JSON) for body in (
                None, b"", b"{", b"[]", b'"x"', b"5", b"null", b"true", b'{"name": NaN}', b"[" * 9999, b"\xff{}")),
            *(Row(method, path, b'{"name": "x"}', 400, NOT_JSON, type=type)
              for type in ("text/plain", "application/x-www-form-urlencoded", ""))]


def object_json(cls: str, key: str, **attributes: Any) -> dict[str, Any]:
    return {"id": f"{{{key}}}", "created_at": "{time}", "updated_at": "{time}", **attributes, "__class__": cls}


OHIO, IOWA, UTAH = (object_json("State", name.lower(), name=name) for name in ("Ohio", "Iowa", "Utah"))
AKRON, DAYTON = (object_json("City", name.lower(), name=name, state_id="{ohio}") for name in ("Akron", "Dayton"))
AMES = object_json("City", "ames", name="Ames", state_id="{iowa}")
WIFI, POOL = (object_json("Amenity", name.lower(), name=name) for name in ("Wifi", "Pool"))
ADA = object_json("User", "ada", email="ada@a.example", first_name="Ada", last_name="")
BOB = object_json("User", "bob", email="bob@a.example", first_name="", last_name="Ünï 🙂")
BLANK = {"description": None, "number_rooms": 0, "number_bathrooms": 0, "max_guest": 0, "price_by_night": 0,
         "latitude": None, "longitude": None}
LOFT = object_json("Place", "loft", name="Loft", city_id="{akron}", user_id="{ada}", **BLANK | {
    "description": "By the river", "max_guest": 2, "price_by_night": 120, "latitude": 41.5, "longitude": -81.0})
BARN = object_json("Place", "barn", name="Barn", city_id="{dayton}", user_id="{ada}", **BLANK)
TENT = object_json("Place", "tent", name="Tent", city_id="{ames}", user_id="{bob}", **BLANK)
FINE = object_json("Review", "fine", text="Fine.", place_id="{loft}", user_id="{bob}")
COLD = object_json("Review", "cold", text="Cold.", place_id="{loft}", user_id="{ada}")
LOFT_NOW, NOTHING = {**LOFT, "name": "Attic", "price_by_night": 99}, dict.fromkeys(
    ("amenities", "cities", "places", "reviews", "states", "users"), 0)
PLACE_ERRORS = [
    ({"name": None}, "name must not be null"), ({"name": ""}, "name must not be empty"),
    ({"name": " "}, "name must not be empty"), ({"name": LONG}, "name must have at most 128 characters, not 129"),
    ({"description": "x" * 1025}, "description must have at most 1024 characters, not 1025"),
    ({"price_by_night": "abc"}, "price_by_night must be a whole number"),
    ({"price_by_night": True}, "price_by_night must be a whole number"),
    ({"price_by_night": -3}, "price_by_night must be from 0 to 2147483647"),
    ({"price_by_night": FAR}, "price_by_night must be from 0 to 2147483647"),
    ({"max_guest": None}, "max_guest must not be null"), ({"latitude": 91}, "latitude must be from -90 to 90"),
    ({"longitude": "x"}, "longitude must be a number"), ({"foo": 1}, "Unknown attribute: foo"),
    ({"amenities": []}, "Unknown attribute: amenities"), ({"__dict__": {}}, "Unknown attribute: __dict__")]
OWN = {"id": "x", "created_at": "yesterday", "updated_at": 5, "__class__": "Nope"}

TABLE: list[Row] = [
    get("/status", {"status": "OK"}), get("/status/", {"status": "OK"}), get("/stats", NOTHING), get("/states", []),
    get("/amenities/", []), get("/users", []), search({}), search({"states": [], "cities": [], "amenities": []}),

    # States
    make("/states", {"name": "Ohio"}, OHIO), make("/states/", {"name": "Iowa", **OWN}, IOWA),
    get("/states", [OHIO, IOWA]), get("/states/{ohio}", OHIO), get("/states/{ohio}/", OHIO),
    wrong("POST", "/states", {}, "Missing name"), wrong("POST", "/states", {"name": 5}, "name must be a text"),
    wrong("POST", "/states", {"name": ["x"]}, "name must be a text"),
    wrong("POST", "/states", {"name": LONG}, "name must have at most 128 characters, not 129"),
    wrong("POST", "/states", {"name": "x", "cities": []}, "Unknown attribute: cities"),
    *not_json("POST", "/states"), *not_json("PUT", "/states/{ohio}"),
    put("/states/{iowa}", {"name": "I", **OWN}, {**IOWA, "name": "I"}), put("/states/{iowa}/", {"name": "Iowa"}, IOWA),
    put("/states/{iowa}", {}, IOWA), wrong("PUT", "/states/{iowa}", {"save": 1}, "Unknown attribute: save"),
    wrong("PUT", "/states/{iowa}", {"name": "x", "foo": 1}, "Unknown attribute: foo"), get("/states/{iowa}", IOWA),

    # Cities
    get("/states/{ohio}/cities", []), make("/states/{ohio}/cities", {"name": "Akron"}, AKRON),
    make("/states/{ohio}/cities/", {"name": "Dayton", "state_id": "nope"}, DAYTON),
    make("/states/{iowa}/cities", {"name": "Ames"}, AMES), get("/states/{ohio}/cities", [AKRON, DAYTON]),
    get("/cities/{akron}", AKRON), wrong("POST", "/states/{ohio}/cities", {}, "Missing name"),
    *not_json("POST", "/states/{ohio}/cities"), *not_json("PUT", "/cities/{akron}"),
    put("/cities/{akron}", {"name": "A", "state_id": "{iowa}"}, {**AKRON, "name": "A"}),
    put("/cities/{akron}", {"name": "Akron", "state_id": 5}, AKRON),

    # Amenities
    make("/amenities", {"name": "Wifi"}, WIFI), make("/amenities", {"name": "Pool"}, POOL),
    get("/amenities", [WIFI, POOL]), get("/amenities/{wifi}", WIFI), wrong("POST", "/amenities", {}, "Missing name"),
    *not_json("POST", "/amenities"), *not_json("PUT", "/amenities/{wifi}"),
    put("/amenities/{pool}", {"name": "P"}, {**POOL, "name": "P"}), put("/amenities/{pool}", {"name": "Pool"}, POOL),

    # Users
    wrong("POST", "/users", {}, "Missing email"), wrong("POST", "/users", {"password": "x"}, "Missing email"),
    wrong("POST", "/users", {"email": "x@a.example"}, "Missing password"),
    make("/users", {"email": "ada@a.example", "password": "secret", "first_name": "Ada"}, ADA),
    make("/users", {"email": "bob@a.example", "password": "secret", "last_name": "Ünï 🙂"}, BOB),
    wrong("POST", "/users", {"email": "ADA@a.example", "password": "x"},
          "Another object has this email already. Nothing was stored. Choose another email", 409),
    get("/users", [ADA, BOB]), get("/users/{bob}", BOB), *not_json("POST", "/users"), *not_json("PUT", "/users/{ada}"),
    put("/users/{ada}", {"email": "other@a.example", "password": "new", "last_name": "L"}, {**ADA, "last_name": "L"}),
    put("/users/{ada}", {"last_name": ""}, ADA),
    wrong("PUT", "/users/{ada}", {"places": []}, "Unknown attribute: places"),

    # Places. Errors are checked in this order: parent, body, missing user_id, unknown user, other missing attributes
    missing("POST", "/cities/nope/places", b"{"), *not_json("POST", "/cities/{akron}/places"),
    wrong("POST", "/cities/{akron}/places", {}, "Missing user_id"),
    wrong("POST", "/cities/{akron}/places", {"name": "x"}, "Missing user_id"),
    missing("POST", "/cities/{akron}/places", {"user_id": "nope"}),
    missing("POST", "/cities/{akron}/places", {"user_id": "{akron}", "name": "x"}),
    wrong("POST", "/cities/{akron}/places", {"user_id": ["{ada}"]}, "user_id must be a text"),
    wrong("POST", "/cities/{akron}/places", {"user_id": "{ada}"}, "Missing name"),
    make("/cities/{akron}/places", {"user_id": "{ada}", "name": "Loft", "description": "By the river", "max_guest": 2,
                                    "price_by_night": 120, "latitude": 41.5, "longitude": -81}, LOFT),
    make("/cities/{dayton}/places", {"user_id": "{ada}", "name": "Barn"}, BARN),
    make("/cities/{ames}/places/", {"user_id": "{bob}", "name": "Tent"}, TENT),
    get("/cities/{akron}/places", [LOFT]), get("/places/{loft}", LOFT), *not_json("PUT", "/places/{loft}"),
    *(wrong("PUT", "/places/{loft}", body, sentence) for body, sentence in PLACE_ERRORS),
    *(wrong("POST", "/cities/{akron}/places", {"user_id": "{ada}", "name": "x"} | body, sentence)
      for body, sentence in PLACE_ERRORS),
    get("/cities/{akron}/places", [LOFT]),
    put("/places/{loft}", {"name": "Attic", "price_by_night": 99.0, "city_id": "{ames}", "user_id": 5}, LOFT_NOW),

    # Reviews
    missing("POST", "/places/nope/reviews", b"{"), *not_json("POST", "/places/{loft}/reviews"),
    wrong("POST", "/places/{loft}/reviews", {"text": "x"}, "Missing user_id"),
    missing("POST", "/places/{loft}/reviews", {"user_id": "nope", "text": "x"}),
    missing("POST", "/places/{loft}/reviews", {"user_id": "{loft}", "text": "x"}),
    wrong("POST", "/places/{loft}/reviews", {"user_id": "{bob}"}, "Missing text"),
    make("/places/{loft}/reviews", {"user_id": "{bob}", "text": "Fine."}, FINE),
    make("/places/{loft}/reviews/", {"user_id": "{ada}", "text": "Cold."}, COLD),
    get("/places/{loft}/reviews", [FINE, COLD]), get("/reviews/{fine}", FINE), *not_json("PUT", "/reviews/{fine}"),
    put("/reviews/{fine}", {"text": "F", "user_id": "{ada}", "place_id": "x"}, {**FINE, "text": "F"}),
    put("/reviews/{fine}", {"text": "Fine."}, FINE),

    # Links
    get("/places/{loft}/amenities", []), Row("POST", "/places/{loft}/amenities/{wifi}", None, 201, WIFI),
    Row("POST", "/places/{loft}/amenities/{wifi}/", None, 200, WIFI),
    Row("POST", "/places/{loft}/amenities/{pool}", None, 201, POOL),
    Row("POST", "/places/{tent}/amenities/{wifi}", None, 201, WIFI), get("/places/{loft}/amenities", [WIFI, POOL]),
    delete("/places/{loft}/amenities/{pool}"), missing("DELETE", "/places/{loft}/amenities/{pool}"),
    get("/places/{loft}/amenities/", [WIFI]), get("/amenities/{pool}", POOL),
    Row("POST", "/places/{loft}/amenities/{pool}", None, 201, POOL),
    missing("POST", "/places/{loft}/amenities/nope"), missing("POST", "/places/nope/amenities/{wifi}"),
    missing("DELETE", "/places/{loft}/amenities/nope"), missing("DELETE", "/places/nope/amenities/{wifi}"),

    # The search
    make("/states", {"name": "Utah"}, UTAH), search({}, LOFT_NOW, BARN, TENT),
    search({"states": [], "cities": [], "amenities": []}, LOFT_NOW, BARN, TENT),
    search({"states": ["{ohio}"]}, LOFT_NOW, BARN), search({"cities": ["{ames}", "{dayton}"]}, BARN, TENT),
    search({"states": ["{ohio}"], "cities": ["{akron}", "{ames}"]}, LOFT_NOW, BARN, TENT),
    search({"amenities": ["{wifi}"]}, LOFT_NOW, TENT), search({"amenities": ["{wifi}", "{pool}"]}, LOFT_NOW),
    search({"states": ["{iowa}"], "amenities": ["{pool}"]}), search({"states": ["nope"]}),
    search({"states": ["nope", "{iowa}"]}, TENT), search({"amenities": ["nope"]}),
    search({"amenities": ["{wifi}", "nope"]}), search({"states": ["{utah}"], "amenities": ["{wifi}"]}),
    search({"states": ["{ohio}", "{ohio}"], "cities": ["nope"]}, LOFT_NOW, BARN), *not_json("POST", "/places_search"),
    *(wrong("POST", "/places_search", {name: value}, f"{name} must be a list of ids")
      for name in ("states", "cities", "amenities") for value in ("{ohio}", 5, {}, [[]], [{}], [None], [5])),
    *(search({name: None}, LOFT_NOW, BARN, TENT) for name in ("states", "cities", "amenities", "limit", "near")),
    search(dict.fromkeys(("states", "cities", "amenities")), LOFT_NOW, BARN, TENT),
    search({"states": None, "cities": ["{ames}"], "amenities": None}, TENT),
    wrong("POST", "/places_search", {"foo": None}, "Unknown attribute: foo"),
    wrong("POST", "/places_search", {"foo": []}, "Unknown attribute: foo"),

    # Unknown ids and unknown routes
    *(missing(method, f"/{resource}/{id}", b"{") for method in ("GET", "PUT", "DELETE")
      for resource in ("states", "cities", "amenities", "users", "places", "reviews")
      for id in ("nope", "%00", "%CA%BB", "..", "' OR 1=1")),
    *(missing(method, f"/{path}", b"{") for method in ("GET", "POST") for path in (
        "states/nope/cities", "cities/nope/places", "places/nope/reviews")),
    missing("GET", "/places/nope/amenities"), missing("GET", "/nope"), missing("POST", "/states/nope/nope"),
    *(wrong(method, path, None, "Method not allowed", 405) for method, path in (
        ("DELETE", "/status"), ("POST", "/stats"), ("GET", "/places_search"), ("PUT", "/states"),
        ("POST", "/states/{ohio}"), ("PATCH", "/places/{loft}"))),
    wrong("POST", "/states", b" " * 1_000_001, "Request entity too large", 413),

    # Removing
    get("/stats", NOTHING | {"amenities": 2, "cities": 3, "places": 3, "reviews": 2, "states": 3, "users": 2}),
    delete("/amenities/{wifi}"), get("/places/{loft}/amenities", [POOL]), get("/places/{tent}/amenities", []),
    delete("/reviews/{cold}/"), missing("GET", "/reviews/{cold}"), get("/places/{loft}/reviews", [FINE]),
    delete("/places/{barn}"), get("/cities/{dayton}/places", []), delete("/cities/{dayton}"),
    get("/states/{ohio}/cities", [AKRON]), delete("/states/{ohio}"),
    *(missing("GET", path) for path in ("/states/{ohio}", "/cities/{akron}", "/places/{loft}", "/reviews/{fine}")),
    missing("DELETE", "/states/{ohio}"), missing("PUT", "/states/{ohio}", {"name": "x"}),
    get("/amenities/{pool}", POOL), get("/users/{bob}", BOB), delete("/users/{bob}"), missing("GET", "/places/{tent}"),
    get("/stats", NOTHING | {"amenities": 1, "cities": 1, "states": 2, "users": 1}),
]
ROUTES = {
    "/status": "GET", "/stats": "GET", "/states": "GET POST", "/states/<state_id>": "GET PUT DELETE",
    "/states/<state_id>/cities": "GET POST", "/cities/<city_id>": "GET PUT DELETE", "/amenities": "GET POST",
    "/amenities/<amenity_id>": "GET PUT DELETE", "/users": "GET POST", "/users/<user_id>": "GET PUT DELETE",
    "/cities/<city_id>/places": "GET POST", "/places/<place_id>": "GET PUT DELETE",
    "/places/<place_id>/reviews": "GET POST",
    "/reviews/<review_id>": "GET PUT DELETE", "/places/<place_id>/amenities": "GET",
    "/places/<place_id>/amenities/<amenity_id>": "POST DELETE", "/places_search": "POST"}


class Numbers:
    """Replaces values that differ between runs by numbers, in the order of their first appearance."""

    def __init__(self, kind: str) -> None:
        self._kind, self._seen = kind, dict[str, int]()

    def __call__(self, match: re.Match[str]) -> str:
        return f"<{self._kind} {self._seen.setdefault(match[0], len(self._seen))}>"


class Conversation:
    """A client that sends the rows of the table, one after the other, to one engine."""

    def __init__(self) -> None:
        self._client = shared_app().test_client()
        self._ids: dict[str, str] = {}
        self._numbers = [(ID, Numbers("id")), (TIME, Numbers("time")), (TAG, Numbers("tag"))]

    def ask(self, row: Row) -> tuple[Any, ...]:
        """Send a request and check its response; return the response with numbers instead of ids, times and ETags."""
        body = row.body
        if body is not None and not isinstance(body, bytes):
            body = self._with_ids(json.dumps(body)).encode()
        answer = self._client.open(self._with_ids(f"/api/v1{row.path}"), method=row.method, data=body,
                                   content_type=row.type or None)
        if row.save_as:
            self._ids[row.save_as] = answer.json["id"]
        assert answer.status_code == row.status, (answer.status, answer.text)
        assert answer.mimetype == "application/json"
        assert self._with_names(answer.json) == row.expected, self._with_names(answer.json)
        allowed = sorted(answer.headers.get("Allow", "").split(", "))
        return (answer.status, self._with_numbers(answer.data.decode()), allowed,
                *(self._with_numbers(answer.headers.get(name, "")) for name in HEADERS))

    def _with_ids(self, text: str) -> str:
        return re.sub(r"\{(\w+)\}", lambda match: self._ids[match[1]], text)

    def _with_names(self, value: Any) -> Any:
        text = TIME.sub("{time}", json.dumps(value))
        for name, id in self._ids.items():
            text = text.replace(id, f"{{{name}}}")
        return json.loads(text)

    def _with_numbers(self, text: str) -> str:
        for pattern, numbers in self._numbers:
            text = pattern.sub(numbers, text)
        return text


@pytest.fixture
def stores(tmp_path, database, _db_storage):
    """An empty store of each engine."""
    database.empty()
    file = models.make_storage(replace(Settings(), file_path=str(tmp_path / "file.json")))
    yield {"file": file, "db": _db_storage}
    file.close()
    _db_storage.close()


def test_both_engines_return_identical_responses(stores, monkeypatch):
    responses: dict[str, list[tuple[Any, ...]]] = {}
    for engine, storage in stores.items():
        monkeypatch.setattr(models, "storage", storage)
        storage.close()
        conversation = Conversation()
        for number, row in enumerate(TABLE):
            try:
                responses.setdefault(engine, []).append(conversation.ask(row))
            except AssertionError as error:
                raise AssertionError(f"{engine}, {number}: {row.method} {row.path} {row.body!r}\n{error}") from error
    for row, one, other in zip(TABLE, responses["file"], responses["db"], strict=True):
        assert one == other, f"{row.method} {row.path} {row.body!r}"


def test_the_table_covers_every_route_and_its_errors():
    urls = shared_app().url_map.bind("")
    seen: dict[tuple[str, str], set[int]] = {}
    for row in TABLE:
        if row.status not in (404, 405) or "nope" in row.path:
            try:
                rule, _ = urls.match("/api/v1" + row.path, row.method, return_rule=True)
            except Exception:
                continue        # an unknown route
            seen.setdefault((rule.rule.removeprefix("/api/v1"), row.method), set()).add(row.status)
    assert {*seen} == {(route, method) for route, methods in ROUTES.items() for method in methods.split()}
    for (route, method), statuses in seen.items():
        assert statuses & {200, 201}, (route, method)
        assert 404 in statuses or "<" not in route, (route, method)
        assert 400 in statuses or method not in ("POST", "PUT") or route.count("<") == 2, (route, method)
