"""Tests of permissions: every route and method, called by every actor, must follow the table of permissions."""
from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import pytest
from flask import Flask
from werkzeug.exceptions import HTTPException

import models
from api.v1.openapi.operations import SAFE, operation_of
from errors import Unauthorized
from models.place import Place
from models.state import State
from services import permissions, tokens
from services.actor import DEVELOPER, OPERATOR, VISITOR, Actor
from services.listing import allowed_names
from services.registry import service_for
from tests.apps import ready_app
from tests.market import Market

APPS = {env: ready_app(env=env, rate_limit="none") for env in ("dev", "staging")}
METHODS = ("GET", "HEAD", "OPTIONS", "POST", "PUT", "DELETE", "PATCH")
ACTIONS = {"GET": {"read"}, "POST": {"create", "link", "read"}, "PUT": {"update"}, "DELETE": {"remove", "link"}}
NO_ROUTES = ["/api/v1/nope", "/api/v2/states", "/nope"]


@pytest.fixture
def token(storage) -> str:
    return tokens.create("mine")


@pytest.fixture(params=[*APPS])
def app(request) -> Flask:
    return APPS[request.param]


@pytest.fixture(params=["token", "bad token", "none"])
def headers(request, token) -> dict[str, str]:
    shown = {"token": f"Bearer {token}", "bad token": f"Bearer {token}x"}
    return {"Authorization": shown[request.param]} if request.param in shown else {}


@pytest.fixture
def actor(app, headers, token) -> Actor:
    """The actor that a request with these headers should have."""
    if app is APPS["dev"]:
        return DEVELOPER
    return OPERATOR if headers.get("Authorization") == f"Bearer {token}" else VISITOR


@pytest.fixture(params=["unchanged", "anyone may write", "only operators may write"])
def table(request, monkeypatch) -> str:
    """Variants of the table of permissions, as the routes must follow any of them."""
    predicate = {"anyone may write": permissions.anyone,
                 "only operators may write": permissions.operators}.get(request.param)
    for (name, action), old in permissions.PERMISSIONS.items():
        if predicate and name in models.classes and action != "read":
            assert old is permissions.operators_or_open
            monkeypatch.setitem(permissions.PERMISSIONS, (name, action), predicate)
    return request.param


def endpoint(app: Flask, path: str, method: str) -> str | None:
    try:
        return app.url_map.bind("localhost").match(path, method)[0]
    except HTTPException:
        return None


def is_allowed(app: Flask, path: str, method: str, actor: Actor) -> bool:
    """Whether the table permits a request. Writes to unknown paths require a token as well."""
    name = endpoint(app, path, method)
    if method != "OPTIONS" and (operation := operation_of(app, name)):
        return operation.permission is None or permissions.allows(actor, *operation.permission)
    return name is not None or method in SAFE or not path.startswith("/api/") or actor is not VISITOR


def valid_body(app: Flask, path: str, method: str, market: Market) -> dict[str, Any]:
    """A valid body for the route."""
    operation = operation_of(app, endpoint(app, path, method))
    body = dict(operation.example or {}) if operation else {}
    body |= {"user_id": market.host.id} if "user_id" in body else {}
    return body | ({"email": f"{market.city.id}@b.c"} if "email" in body else {})


class TestRoutes:
    def test_every_route_names_a_permission_that_fits_its_method(self):
        app, open_to_all = APPS["dev"], set()
        for rule in app.url_map.iter_rules():
            if rule.rule.startswith("/api/"):
                operation = operation_of(app, rule.endpoint)
                if operation.permission is None:
                    open_to_all.add(rule.rule)
                    assert rule.methods <= {*SAFE}
                    continue
                cls, action = operation.permission
                assert (cls.__name__, action) in permissions.PERMISSIONS
                assert all(action in ACTIONS[method] for method in rule.methods - {"HEAD", "OPTIONS"}), rule
                assert cls.__tablename__ in rule.rule
        assert open_to_all == {"/api/v1/status", "/api/v1/stats"}

    def test_every_route_follows_the_table_of_permissions(self, storage, app, headers, actor, table):
        market, client = Market(), app.test_client()
        for rule in [*dict.fromkeys(rule.rule for rule in app.url_map.iter_rules()), *NO_ROUTES]:
            for method in METHODS if rule.startswith("/api/") else ("GET", "POST"):
                path = market.path(rule)
                writes = method not in SAFE and endpoint(app, path, method)
                own = Market(f"{method} {path}") if writes and is_allowed(app, path, method, actor) else market
                if table == "unchanged" or writes:
                    self.check(client, own.path(rule), method, headers, actor, own)

    @staticmethod
    def check(client, path: str, method: str, headers: Mapping[str, str], actor: Actor, market: Market) -> None:
        app, case = client.application, f"{method} {path}"
        before = models.storage.count()
        answer = client.open(path, method=method, headers=headers, buffered=True,
                             **({} if method in SAFE else {"json": valid_body(app, path, method, market)}))
        if is_allowed(app, path, method, actor):
            expected = (200, 201, 302) if endpoint(app, path, method) else (404, 405)
            assert answer.status_code in expected, case
            return
        assert answer.status_code == 401, case
        has_invalid_token = headers and app is APPS["staging"]      # dev ignores tokens
        error = "Invalid or revoked token" if has_invalid_token else permissions.TOKEN_NEEDED
        assert answer.json == {"error": error}, case
        assert answer.headers["WWW-Authenticate"].startswith('Bearer realm="HBNB"')
        assert models.storage.count() == before, case


class TestServices:
    def test_the_table_has_every_class_and_action(self):
        for name in models.stored:
            for action in ("read", "create", "update", "remove"):
                assert (name, action) in permissions.PERMISSIONS

    @pytest.mark.parametrize(("actor", "permitted"), [(OPERATOR, True), (DEVELOPER, True), (VISITOR, False)],
                             ids=lambda each: getattr(each, "name", str(each)))
    def test_services_check_the_permission_to_write(self, storage, actor, permitted):
        market, states, places = Market(), service_for(State), service_for(Place)
        for call in (lambda: states.create(actor, {"name": "S"}), lambda: states.add(actor, {"name": "S"}),
                     lambda: states.update(actor, market.state, {"name": "T"}),
                     lambda: states.assign(actor, market.state, {"name": "U"}),
                     lambda: places.link(actor, market.place, market.pool),
                     lambda: places.unlink(actor, market.place, market.pool),
                     lambda: places.offer(actor, market.place, []),
                     lambda: states.remove(actor, market.state)):
            if permitted:
                call()
            else:
                with pytest.raises(Unauthorized):
                    call()

    def test_services_check_the_permission_to_read(self, storage, monkeypatch):
        monkeypatch.setitem(permissions.PERMISSIONS, ("State", "read"), permissions.operators)
        states, id = service_for(State), Market().state.id
        for call in (lambda actor: states.find(actor, id), lambda actor: states.show(actor, id),
                     lambda actor: states.check(actor, id), states.list, states.count,
                     lambda actor: states.table(actor, ["name"])):
            call(OPERATOR)
            with pytest.raises(Unauthorized):
                call(VISITOR)


class TestPrivateAttributes:
    def test_the_email_of_a_user_is_the_only_private_attribute(self):
        assert [*permissions.PRIVATE] == [("User", "email")]

    @pytest.fixture(params=[(), [("User", "last_name"), ("Review", "updated_at")]],
                    ids=["unchanged", "more"])
    def private(self, request, monkeypatch) -> None:
        for each in request.param:
            monkeypatch.setitem(permissions.PRIVATE, each, permissions.operators_or_open)
        monkeypatch.setattr(permissions, "private", lambda cls: frozenset(      # the original is cached
            name for owner, name in permissions.PRIVATE if owner == cls.__name__))

    def test_every_route_shows_private_attributes_only_to_permitted_actors(
            self, storage, app, headers, actor, private):
        # A new application, as the fast path reads the table of private attributes only once.
        env = "staging" if app is APPS["staging"] else "dev"
        market, client = Market(), ready_app(env=env, rate_limit="none").test_client()
        storage.close()
        classes_seen = set()
        for method, path in self.requests(app, market):
            answer = client.open(path, method=method, headers=headers, buffered=True,
                                 json={} if method == "POST" else None)
            assert answer.status_code in (200, 302), path
            assert app is APPS["staging"] or "Authorization" not in answer.headers.get("Vary", ""), path
            for obj in objects_in(answer.json) if path.startswith("/api/v1/") else ():
                cls = models.classes[obj["__class__"]]
                classes_seen.add(cls)
                hidden = permissions.hidden(actor, cls)
                assert not hidden & obj.keys(), path
                assert "fields=" in path or permissions.private(cls) - hidden <= obj.keys(), path
            if actor is VISITOR or not path.startswith("/api/"):
                assert "@Albany.example" not in answer.text, path
        assert classes_seen == {*models.classes.values()}

    @staticmethod
    def requests(app: Flask, market: Market) -> Iterator[tuple[str, str]]:
        """Every route that reads; those of the API also with each relation, paging, facets and private attributes."""
        for rule in app.url_map.iter_rules():
            operation, path = operation_of(app, rule.endpoint), market.path(rule.rule)
            method = "GET" if "GET" in rule.methods else "POST"
            if method == "GET" or (operation and operation.reads):
                yield method, path
            if operation and operation.reads and "fields" in operation.query:
                cls, more = operation.permission[0], {"limit": "&limit=9", "facets": "&facets=true"}
                for query in ("", *(text for name, text in more.items() if name in operation.query)):
                    yield from ((method, f"{path}?include={name}{query}") for name in allowed_names(cls, "include"))
                yield from ((method, f"{path}?fields=id,__class__,{name}") for name in permissions.private(cls))


def objects_in(value: Any) -> Iterator[dict[str, Any]]:
    """The objects in a JSON value, at any depth."""
    if isinstance(value, dict) and value.get("__class__") in models.classes:
        yield value
    for each in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from objects_in(each)
