"""The rules of a service apply to the API, the console and the importer, on both engines."""
from __future__ import annotations

import ast
import json
import re
import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from sqlalchemy import select

import models
import wsgi
from api.v1.views.resource import Resource
from errors import Invalid
from models.place import Place
from models.review import Review
from models.state import State
from models.user import User
from services import registry
from services.actor import Actor
from services.crud import Service
from services.places import Places
from services.transfer.files import import_file
from tests.airbnb import Files, listing, without
from tests.market import Market
from tests.project.test_architecture import ROOT, tracked


class QuietReviews(Service[Review]):
    """A service with rules: no review in capital letters only, at most two reviews of a place."""

    def __init__(self, cls: type[Review]) -> None:
        super().__init__(cls)
        self.calls: list[tuple[str, str]] = []

    def validate(self, actor: Actor, values: Mapping[str, Any], before: Mapping[str, Any] | None) -> None:
        if values["text"].isupper():
            raise Invalid("text must not be written in capitals only", "text")
        if before is None and len(models.storage.read(
                select(Review.id).where(Review.place_id == values["place_id"])).all()) >= 2:
            raise Invalid("the place has two reviews already")

    def created(self, actor: Actor, values: Mapping[str, Any]) -> None:
        self.calls.append(("created", values["text"]))

    def updated(self, actor: Actor, values: Mapping[str, Any], before: Mapping[str, Any]) -> None:
        self.calls.append((before["text"], values["text"]))

    def removed(self, actor: Actor, values: Mapping[str, Any]) -> None:
        self.calls.append(("removed", values["text"]))


@pytest.fixture
def market(storage) -> Market:
    market = Market()
    storage.close()     # what is undone later no longer concerns these objects
    return market


@pytest.fixture
def reviews(market, monkeypatch) -> QuietReviews:
    service = QuietReviews(Review)
    monkeypatch.setitem(registry.SERVICES, Review, service)
    return service


class TestRules:
    """Every front end reports the broken rule, and stores nothing."""

    @pytest.fixture
    def client(self, reviews):
        return wsgi.app.test_client()

    def test_the_api_applies_a_rule(self, client, market, storage, reviews):
        path, author = f"/api/v1/places/{market.place.id}/reviews", {"user_id": market.guest.id}
        refused = client.post(path, json=author | {"text": "LOUD"})
        assert (refused.status_code, refused.json) == (400, {"error": "text must not be written in capitals only"})
        assert client.post(path, json=author | {"text": "Second"}).status_code == 201
        assert client.post(path, json=author | {"text": "Third"}).json == {
            "error": "the place has two reviews already"}
        review = f"/api/v1/reviews/{market.review.id}"
        assert client.put(review, json={"text": "LOUD"}).status_code == 400
        assert client.put(review, json={"text": "Softer"}).status_code == 200
        assert client.delete(review).status_code == 200
        storage.close()
        assert [each.text for each in storage.all(Review).values()] == ["Second"]
        assert reviews.calls == [("created", "Second"), (market.review.text, "Softer"), ("removed", "Softer")]

    def test_the_console_applies_a_rule(self, market, storage, reviews, capsys):
        from console import HBNBCommand
        console = HBNBCommand()
        created = f'create Review place_id="{market.place.id}" user_id="{market.guest.id}"'
        for line in (f'{created} text="LOUD"', f'update Review {market.review.id} text "LOUD"',
                     f'{created} text="Second"', f'{created} text="Third"'):
            console.onecmd(line)
        shown = capsys.readouterr()
        assert shown.err.count("text must not be written in capitals only") == 2
        assert shown.err.count("the place has two reviews already") == 1
        storage.close()
        assert sorted(each.text for each in storage.all(Review).values()) == sorted([market.review.text, "Second"])

    def test_holds_in_an_import_also_between_the_rows_of_one_file(self, market, storage, reviews, tmp_path):
        def row(id: str, text: str) -> str:
            return json.dumps({"__class__": "Review", "id": id, "place_id": market.place.id,
                               "user_id": market.guest.id, "text": text,
                               "created_at": "2026-01-01T00:00:00.000000", "updated_at": "2026-01-01T00:00:00.000000"})
        path = tmp_path / "store.jsonl"
        path.write_text("\n".join([row("a", "LOUD"), row("b", "Second"), row("c", "Third")]))
        report = import_file(str(path), keep_going=True)
        assert [reason for _, reason in report.refused] == [
            "text must not be written in capitals only", "the place has two reviews already"]
        storage.close()
        assert {each.id for each in storage.all(Review).values()} == {market.review.id, "b"}
        assert ("created", "Second") in reviews.calls

    def test_holds_if_two_clients_write_at_once(self, client, market, storage, reviews, monkeypatch):
        validate = reviews.validate

        def slowly(*given: Any) -> None:
            validate(*given)
            time.sleep(0.3)
        monkeypatch.setattr(reviews, "validate", slowly)

        def post(text: str) -> int:
            return wsgi.app.test_client().post(f"/api/v1/places/{market.place.id}/reviews", json={
                "user_id": market.guest.id, "text": text}).status_code
        with ThreadPoolExecutor() as pool:
            assert sorted(pool.map(post, ["Second", "Third"])) == [201, 400]
        assert storage.count(Review) == 2

    def test_is_not_asked_about_an_object_without_its_owners(self, market, storage, reviews, capsys):
        from console import HBNBCommand
        for line in (f'create Review user_id="{market.guest.id}" text="No place"',
                     f'create Review place_id="nope" user_id="{market.guest.id}" text="No place"',
                     f"update Review {market.review.id} place_id nope"):
            HBNBCommand().onecmd(line)
        assert re.fullmatch(r"(\*\* place_id refers to an object that does not exist: '(nope)?' \*\*\n){3}",
                            capsys.readouterr().err)
        storage.close()
        assert [each.place_id for each in storage.all(Review).values()] == [market.place.id]

    def test_is_not_asked_about_rows_of_an_import_that_change_nothing(self, market, storage, reviews, tmp_path):
        market.review.text = "LOUD"     # from before there was the rule
        market.review.save()
        (tmp_path / "store.jsonl").write_text(json.dumps(market.review.to_dict()))
        report = import_file(str(tmp_path / "store.jsonl"))
        assert (report.refused, report.same["Review"]) == ([], 1)

    def test_may_answer_409(self, reviews):
        assert Resource(Review, {}).conflicts(is_new=False) == (409,)
        assert Resource(State, {}).conflicts(is_new=True) == ()
        assert (Resource(User, {}).conflicts(is_new=True), Resource(User, {}).conflicts(is_new=False)) == ((409,), ())


class RoomyPlaces(Places):
    """Places that take at least one guest."""

    def __init__(self, cls: type[Place]) -> None:
        super().__init__(cls)
        self.told: list[tuple[int, int]] = []

    def validate(self, actor: Actor, values: Mapping[str, Any], before: Mapping[str, Any] | None) -> None:
        if not values["max_guest"]:
            raise Invalid("max_guest must be from 1", "max_guest")

    def updated(self, actor: Actor, values: Mapping[str, Any], before: Mapping[str, Any]) -> None:
        self.told.append((values["max_guest"], values["price_by_night"]))


def test_a_rule_is_asked_about_what_an_import_leaves_and_not_about_the_row_alone(storage, tmp_path, monkeypatch):
    places, files = RoomyPlaces(Place), Files(tmp_path)
    monkeypatch.setitem(registry.SERVICES, Place, places)
    for row in (listing(accommodates="4"), without(listing(price="$7.00"), "accommodates")):
        assert files.load(row).refused == []
    storage.close()
    assert [each.max_guest for each in storage.all(Place).values()] == [4]
    assert places.told == [(4, 7)]


# Other modules that may write to the storage: programs that create or move whole stores.
WRITERS = {"sample/fill.py"}


def test_only_services_write_to_the_storage():
    for path in tracked("*.py"):
        name = str(path.relative_to(ROOT))
        top = name.partition("/")[0]
        if top in ("services", "models", "tests", "bench", "deploy") or name in WRITERS:
            continue
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
                called = ast.unparse(node.func)
                assert not re.search(r"storage\.(new|save|delete|insert|write|fill)$|(?<!console)\bobj\.(save|delete)$",
                                     called), f"{name}:{node.lineno} calls {called}"
