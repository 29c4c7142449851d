"""Tests of permissions: every route and method, called by every actor, must follow the table of permissions."""
from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import update
from werkzeug.exceptions import HTTPException

import models
from api.v1.openapi.operations import SAFE, operation_of
from errors import Forbidden, Unauthorized
from models.place import Place
from models.state import State
from models.user import User
from services import permissions
from services.actor import DEVELOPER, OPERATOR, VISITOR, Actor
from services.listing import allowed_names
from services.registry import service_for
from tests.actors import NAMES, UNKNOWN, Cast
from tests.apps import ready_app
from tests.market import ACCOUNTS, Market

APPS = {env: ready_app(env=env, rate_limit="none") for env in ("dev", "staging")}
METHODS = ("GET", "HEAD", "OPTIONS", "POST", "PUT", "DELETE", "PATCH")
ACTIONS = {"GET": {"read"}, "POST": {"create", "link", "read"}, "PUT": {"update"}, "DELETE": {"remove", "link"}}
NO_ROUTES = ["/api/v1/nope", "/api/v2/states", "/nope"]
VARIANTS = {"anyone may write": permissions.anyone, "only operators may write": permissions.operators}
# The actors with each variant of the table; the unchanged table is tried with all.
CASES = [*((name, "unchanged") for name in NAMES),
         *((name, table) for name in ("visitor", "guest", "operator") for table in VARIANTS)]


@pytest.fixture
def cast(storage) -> Cast:
    return Cast()


@pytest.fixture(params=[*APPS])
def app(request) -> Flask:
    return APPS[request.param]


def change(table: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Replace the table of permissions by a variant, as the routes must follow any table."""
    for name, action in permissions.PERMISSIONS if table in VARIANTS else ():
        if name in models.classes and action in ("create", "update", "remove", "link"):
            monkeypatch.setitem(permissions.PERMISSIONS, (name, action), VARIANTS[table])


def endpoint(app: Flask, path: str, method: str) -> str | None:
    try:
        return app.url_map.bind("localhost").match(path, method)[0]
    except HTTPException:
        return None


def is_account(app: Flask, path: str, method: str) -> bool:
    """Whether it is a route of accounts, which test_accounts.py tests if its actor may use it."""
    operation = operation_of(app, endpoint(app, path, method))
    return operation is not None and operation.tag == "accounts"


def is_allowed(app: Flask, path: str, method: str, actor: Actor, market: Market) -> bool:
    """Whether the table permits a request. Writes to unknown paths require an actor as well."""
    name = endpoint(app, path, method)
    if method != "OPTIONS" and (operation := operation_of(app, name)):
        if operation.permission is None:
            return True
        cls, action = operation.permission
        obj = market.place if cls is Place and action in ("update", "remove", "link") else None
        return permissions.allows(actor, cls, action, obj)
    return name is not None or method in SAFE or not path.startswith("/api/") or actor is not VISITOR


def valid_body(app: Flask, path: str, method: str, market: Market, actor: Actor) -> dict[str, Any]:
    """A valid body for the route; with the actor's own id if the actor is a user."""
    operation = operation_of(app, endpoint(app, path, method))
    body = dict(operation.example or {}) if operation else {}
    body |= {"user_id": actor.user_id or market.host.id} if "user_id" in body else {}
    return body | ({"email": f"{market.city.id}@b.c"} if "email" in body else {})


class TestRoutes:
    def test_every_route_names_a_permission_that_fits_its_method(self):
        app, open_to_all = APPS["dev"], set()
        for rule in app.url_map.iter_rules():
            if rule.rule.startswith("/api/") and operation_of(app, rule.endpoint).tag != "accounts":
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

    @pytest.mark.parametrize(("name", "table"), CASES)
    def test_every_route_follows_the_table_of_permissions(self, storage, app, cast, name, table, monkeypatch):
        change(table, monkeypatch)
        market, client, actor = Market(host=cast.host), cast.client(app, name), cast.actor(app, name)
        for rule in [*dict.fromkeys(rule.rule for rule in app.url_map.iter_rules()), *NO_ROUTES]:
            path = market.path(rule)
            for method in METHODS if rule.startswith("/api/") else () if rule.startswith(ACCOUNTS) else ("GET",):
                writes = method not in SAFE and endpoint(app, path, method) is not None
                allowed = is_allowed(app, path, method, actor, market)
                if is_account(app, path, method) and (allowed or method in SAFE):
                    continue
                if writes or (table == "unchanged" and (method != "PATCH" or rule in NO_ROUTES)):
                    host = None if rule.startswith("/api/v1/users/") else cast.host     # DELETE removes the user
                    own = Market(f"{method} {path}", host) if writes and allowed else market
                    self.check(client, own.path(rule), method, actor, own, allowed)

    @staticmethod
    def check(client: Any, path: str, method: str, actor: Actor, market: Market, allowed: bool) -> None:
        app, case = client.application, f"{method} {path}"
        before = models.storage.count()
        answer = client.open(path, method=method, buffered=True, **(
            {} if method in SAFE else {"json": valid_body(app, path, method, market, actor)}))
        if allowed:
            expected = (200, 201, 302) if endpoint(app, path, method) else (404, 405)
            assert answer.status_code in expected, (case, answer.text)
            return
        assert answer.status_code == (401 if actor.user_id is None else 403), case
        assert models.storage.count() == before, case
        if answer.status_code == 401:
            has_token = "HTTP_AUTHORIZATION" in client.environ_base
            error = "Invalid or revoked token" if has_token else permissions.TOKEN_NEEDED
            assert answer.json == {"error": error}, case
            assert answer.headers["WWW-Authenticate"].startswith('Bearer realm="HBNB"')
        elif actor.is_read_only:
            assert answer.json == {"error": permissions.READ_ONLY}
        else:
            assert answer.json["error"].startswith("You have no permission for this: ")


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
            with pytest.raises(Forbidden):
                call(Actor("user u", "u"))


class TestTable:
    """The table itself, as a person would say it."""

    @pytest.mark.parametrize(("cls", "actions", "env", "permitted"), [
        ("State City Amenity", "create update remove", "staging", "admin, operator"),
        ("State City Amenity", "create update remove", "dev", "admin, operator, unknown"),
        ("User", "create update remove", "staging", "operator"),
        ("User", "create update remove", "dev", "operator, unknown"),
        ("Review", "create update remove", "staging", "admin, operator"),
        ("Place", "create", "staging", "guest, host, another host, admin, operator, personal token"),
        ("Place", "update remove link", "staging", "host, admin, operator, personal token"),
        ("Place", "update remove link", "dev", "host, admin, operator, personal token, unknown"),
        ("OutgoingMail", "read update", "staging", "admin, operator"),
        ("AuditEntry Token Answer", "read create", "dev", "operator"),
        ("User", "suspend", "dev", "admin, operator"), ("User", "promote", "dev", "operator"),
        ("User", "manage", "dev", "guest, host, another host, admin, personal token")])
    @pytest.mark.parametrize("engine", ["file"], indirect=True)
    def test_these_actors_may_do_this(self, cast, cls, actions, env, permitted):
        names = {name for each in permitted.split(", ") for name in (UNKNOWN if each == "unknown" else [each])}
        place = Place(user_id=cast.host.id)
        for each in cls.split():
            for action in actions.split():
                obj = place if each == "Place" and action != "create" else None
                actors = {name: cast.actor(APPS[env], name) for name in NAMES}
                assert {name for name, actor in actors.items() if permissions.allows(
                    actor, models.stored[each], action, obj)} == names, (each, action)


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

    @pytest.mark.parametrize("name", ["visitor", "invalid token", "host", "admin", "operator"])
    def test_every_route_shows_private_attributes_only_to_permitted_actors(
            self, storage, app, cast, name, private):
        # A new application, as the fast path reads the table of private attributes only once.
        env = "staging" if app is APPS["staging"] else "dev"
        market, client = Market(), cast.client(ready_app(env=env, rate_limit="none"), name)
        actor = cast.actor(app, name)
        storage.close()
        classes_seen = set()
        for method, path in self.requests(app, market):
            answer = client.open(path, method=method, buffered=True, json={} if method == "POST" else None)
            assert answer.status_code in (200, 302), path
            has_token = "HTTP_AUTHORIZATION" in client.environ_base
            assert app is APPS["staging"] or has_token or "Authorization" not in answer.headers.get("Vary", ""), path
            for obj in objects_in(answer.json) if path.startswith("/api/v1/") else ():
                cls = models.classes[obj["__class__"]]
                classes_seen.add(cls)
                hidden = permissions.hidden(actor, cls)
                assert not hidden & obj.keys(), path
                assert "fields=" in path or permissions.private(cls) - hidden <= obj.keys(), path
            if "email" in permissions.hidden(actor, User) or not path.startswith("/api/"):
                assert "@Albany.example" not in answer.text, path
                assert "@people.example" not in answer.text, path
        assert classes_seen == {*models.classes.values()}

    @pytest.mark.parametrize(("env", "name"), [("staging", "visitor"), ("staging", "host"), ("dev", "read-only token")])
    def test_no_response_depends_on_a_value_that_its_reader_is_not_shown(self, cast, env, name):
        market, client = Market(host=cast.host), cast.client(APPS[env], name)
        asked = [*self.requests(APPS[env], market), *(("GET", f"/api/v1/{path}") for path in (
            "users?sort=email", "users?sort=-email&limit=1", "users?fields=email", "users?email=host@people.example",
            "places?include=user&sort=name", "places?text=people.example", "places/suggestions?text=host@people"))]

        def answers() -> dict[Any, Any]:
            found = {}
            for method, path in asked:
                answer = client.open(path, method=method, buffered=True, json={} if method == "POST" else None)
                assert answer.status_code < 500
                found[method, path] = answer.status_code, answer.data, sorted(
                    each for each in answer.headers if each[0] not in ("X-Request-Id", "Date"))
            return found
        before = answers()
        for number, user in enumerate((cast.host, cast.guest, market.guest)):
            with models.storage.transaction():
                models.storage.write(update(User.__table__).where(User.id == user.id).values(email=f"{9 - number}@b.c"))
        models.storage.close()
        assert answers() == before

    def test_the_stored_response_with_an_email_is_not_replayed_to_another_actor(self, cast):
        key, body = {"Idempotency-Key": "one"}, {"email": "new@people.example", "password": "x"}
        for name in ("operator", *(each for each in NAMES if each != "operator")):
            answer = cast.client(APPS["staging"], name).post("/api/v1/users", json=body, headers=key)
            assert answer.status_code == (201 if name == "operator" else 401 if name in UNKNOWN else 403), name
            assert ("new@people.example" in answer.text) is (name == "operator")

    @staticmethod
    def requests(app: Flask, market: Market) -> Iterator[tuple[str, str]]:
        """Every route that reads; those of the API also with each relation, paging, facets and private attributes."""
        for rule in app.url_map.iter_rules():
            operation, path = operation_of(app, rule.endpoint), market.path(rule.rule)
            if (operation and operation.tag == "accounts") or rule.rule.startswith(ACCOUNTS):
                continue        # shows users what is their own
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
