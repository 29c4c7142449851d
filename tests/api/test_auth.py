"""Tests of authentication: tokens, refused writes, and private attributes in lists and caches."""
from __future__ import annotations

import csv
import io
import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
from playwright.sync_api import expect

import models
import wsgi
from api.v1 import app as api_app
from cli import lexer
from cli.completion import candidates
from cli.formatting import FORMATS
from config import ENVIRONMENTS, Settings
from errors import Conflict, Invalid, Misconfigured, NotFound
from models.answer import Answer
from models.engine.file_storage import FileStorage
from models.state import State
from models.token import Token
from models.user import User
from sample import Sample
from sample.fill import fill
from services import permissions, tokens
from services.transfer.files import export_file, import_file
from tests import objects, programs
from tests.apps import ready_app, shared_app
from tests.conftest import ROOT, Run
from tests.market import Market
from tests.servers import Server, free_port

GUARDED = ("staging", "production")
TOKEN = re.compile(r"hbnb_([0-9a-f-]{36})_[\w-]{43}")


@pytest.fixture
def token(storage) -> str:
    text = tokens.create("mine")
    storage.close()
    return text


@pytest.fixture(params=GUARDED)
def guarded(request, token):
    """A client of an API in a guarded environment."""
    return shared_app(env=request.param).test_client()


@pytest.fixture
def staging(token):
    return shared_app(env="staging").test_client()


def bearer(text: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {text}"}


class TestWrites:
    @pytest.mark.parametrize("env", ENVIRONMENTS)
    def test_writes_require_a_token_only_in_staging_and_production(self, token, env):
        client = ready_app(env=env).test_client()
        assert client.post("/api/v1/states", json={"name": "S"}).status_code == (401 if env in GUARDED else 201)
        assert client.post("/api/v1/states", json={"name": "S"}, headers=bearer(token)).status_code == 201
        assert Settings(env=env).guarded == (env in GUARDED)

    def test_a_write_without_a_token_is_refused_before_its_path_or_body_is_checked(self, guarded, storage):
        for method, path in (("POST", "/api/v1/states"), ("POST", "/api/v1/nope"), ("PATCH", "/api/v1/states"),
                             ("DELETE", "/api/v1/stats")):
            for slash in ("", "/"):
                answer = guarded.open(path + slash, method=method, data="{" * 2_000_000)
                assert (answer.status_code, answer.json) == (401, {"error": permissions.TOKEN_NEEDED}), (method, path)
                assert answer.headers["X-Request-Id"]
        assert storage.count() == 0

    def test_a_refused_write_returns_problem_details_if_the_client_accepts_them(self, staging):
        answer = staging.post("/api/v1/states", headers={"Accept": "application/problem+json"})
        assert (answer.status_code, answer.json["title"]) == (401, "Unauthorized")
        assert answer.headers["WWW-Authenticate"] == 'Bearer realm="HBNB"'

    def test_a_write_with_an_invalid_token_is_refused(self, guarded, token, storage):
        tokens.create("other")
        id, secret = token.split("_", 2)[1:]
        [other] = [each["id"] for each in tokens.list() if each["name"] == "other"]
        digest = storage.get(Token, id).digest
        storage.close()
        for text in ("x", "a=b", token[:-1], token + "x", token.upper(), f"hbnb_{other}_{secret}",
                     f"hbnb_nope_{secret}", f"hbnb_{id}_{digest}", f"hbnb_{'0' * 36}_{secret}", secret, ""):
            answer = guarded.post("/api/v1/states", json={"name": "S"}, headers=bearer(text))
            assert (answer.status_code, answer.json["error"]) == (401, "Invalid or revoked token"), text
            assert answer.headers["WWW-Authenticate"] == 'Bearer realm="HBNB", error="invalid_token"'
        answer = guarded.post("/api/v1/states", json={"name": "S"}, headers={"Authorization": "Basic YTpi"})
        assert answer.headers["WWW-Authenticate"] == 'Bearer realm="HBNB"'
        assert storage.count(State) == 0

    def test_a_revoked_token_no_longer_authorizes_writes(self, guarded, token):
        tokens.create("other")
        assert guarded.post("/api/v1/states", json={"name": "S"}, headers=bearer(token)).status_code == 201
        tokens.revoke("mine")
        assert guarded.post("/api/v1/states", json={"name": "S"}, headers=bearer(token)).status_code == 401

    def test_a_preflight_from_an_allowed_origin_permits_every_header_of_a_write(self, token):
        client = ready_app(env="staging", cors_origins="https://b.example").test_client()
        headers = "authorization, content-type, idempotency-key, if-match, if-none-match"
        for method in ("POST", "PUT", "DELETE"):
            preflight = client.options("/api/v1/states", headers={
                "Origin": "https://b.example", "Access-Control-Request-Method": method,
                "Access-Control-Request-Headers": headers})
            assert preflight.status_code == 200
            assert {*preflight.headers["Access-Control-Allow-Headers"].split(", ")} == {*headers.split(", ")}
            assert method in preflight.headers["Access-Control-Allow-Methods"]
            assert preflight.headers["Access-Control-Allow-Origin"] == "https://b.example"
        refused = client.post("/api/v1/states", headers={"Origin": "https://b.example"})
        assert refused.headers["Access-Control-Allow-Origin"] == "https://b.example"
        assert "WWW-Authenticate" in refused.headers["Access-Control-Expose-Headers"]


class TestEmails:
    @pytest.fixture
    def market(self, storage):
        market = Market()
        storage.close()
        return market

    @staticmethod
    def paths(market: Market) -> list[str]:
        return ["users", "users?limit=1", "users?offset=1", "users?fields=email,first_name", "users?include=places",
                f"users/{market.host.id}", f"users/{market.host.id}?fields=email", "places?include=user",
                f"users/{market.host.id}?include=reviews", "places?include=user&fields=name",
                f"places/{market.place.id}?include=reviews.user", f"reviews/{market.review.id}?include=user",
                f"places/{market.place.id}/reviews?include=user", f"users/{market.host.id}/places?include=user",
                f"cities/{market.city.id}/places?include=user", "places?facets=true&include=user"]

    def test_sorting_by_email_requires_a_token(self, staging, token, market):
        for sort in ("email", "-email", "first_name,-email"):
            answer = staging.get(f"/api/v1/users?sort={sort}")
            assert (answer.status_code, answer.json["error"]) == (400, "email is private: send a token to sort by it")
        sorted_by = staging.get("/api/v1/users?sort=email", headers=bearer(token)).json
        assert [user["email"] for user in sorted_by] == ["guest@Albany.example", "host@Albany.example"]
        assert ready_app().test_client().get("/api/v1/users?sort=email").json == sorted_by

    def test_responses_with_and_without_emails_have_different_etags_and_vary_by_token(self, staging, token, market):
        for path in self.paths(market):
            others = staging.get(f"/api/v1/{path}")
            own = staging.get(f"/api/v1/{path}", headers=bearer(token))
            assert others.headers["ETag"] != own.headers["ETag"]
            again = staging.get(f"/api/v1/{path}", headers={"If-None-Match": own.headers["ETag"]})
            assert (again.status_code, "email" in again.text) == (200, False)
            not_again = staging.get(f"/api/v1/{path}", headers={"If-None-Match": others.headers["ETag"]})
            assert not_again.status_code == 304
            for answer in (others, own, again, not_again):
                assert "Authorization" in answer.headers["Vary"]
        for path in ("states", "places", f"places/{market.place.id}", "stats", "status"):
            assert "Authorization" not in staging.get(f"/api/v1/{path}").headers.get("Vary", "")

    def test_a_streamed_list_leaves_emails_out(self, staging, token, storage):
        for number in range(1200):
            storage.new(User(email=f"{number}@b.c", password=""))
        storage.save()
        storage.close()
        assert len(staging.get("/api/v1/users").json) == 1200
        assert "@b.c" not in staging.get("/api/v1/users").text
        assert staging.get("/api/v1/users", headers=bearer(token)).text.count("@b.c") == 1200

    def test_an_etag_of_a_user_with_its_email_can_be_sent_as_if_match(self, staging, token, market):
        path, headers = f"/api/v1/users/{market.host.id}", bearer(token)
        seen = staging.get(path, headers=headers).headers["ETag"]
        changed = staging.put(path, json={"first_name": "B"}, headers=headers | {"If-Match": seen})
        assert (changed.status_code, changed.json["email"]) == (200, "host@Albany.example")


def test_a_token_costs_one_statement_and_disables_no_optimization(staging, token, storage, sent, engine):
    market, path = Market(), "/api/v1/places?limit=5"
    storage.close()
    for address, most in ((path, 2), (f"{path}&include=user", 3), ("/api/v1/states", 1)):
        for _ in range(2):
            sent.clear()
            assert staging.get(address, headers=bearer(token)).status_code == 200
        assert len(sent) == most, sent
    sent.clear()
    made = staging.post(f"/api/v1/places/{market.place.id}/reviews", headers=bearer(token),
                        json={"text": "T", "user_id": market.guest.id})
    assert made.status_code == 201
    if engine == "db":
        # The token, the place and the user; the review and its audit entry, in one transaction.
        assert [sql.split()[0] for sql in sent] == ["SELECT"] * 3 + ["INSERT"] * 2


class TestTokens:
    def test_a_token_is_random_and_only_its_digest_is_stored(self, storage, settings, engine):
        texts = [tokens.create(name) for name in ("one", "two")]
        assert all(TOKEN.fullmatch(text) for text in texts)
        secrets = [text.split("_", 2)[2] for text in texts]
        assert secrets[0] != secrets[1]
        rows = str(storage.read(Token.__table__.select()).tuples())
        assert not any(secret in rows for secret in secrets)
        if engine == "file":
            storage.compact()
            assert not any(secret in Path(settings.file_path).read_text() for secret in secrets)
        assert [tokens.verify(text) for text in texts] == [text.split("_")[1] for text in texts]

    def test_listed_tokens_are_sorted_by_name_and_show_no_digest(self, storage):
        for name in ("b", "a"):
            tokens.create(name)
        assert [each["name"] for each in tokens.list()] == ["a", "b"]
        assert {*tokens.list()[0]} == {"id", "created_at", "updated_at", "name", "__class__"}
        [shown] = [str(obj) for obj in storage.all(Token).values() if obj.name == "a"]
        assert "digest" not in shown

    def test_names_of_tokens_are_unique_and_case_sensitive(self, storage):
        tokens.create("one")
        with pytest.raises(Conflict, match=r"A token named one already exists\. Revoke it, or choose another name"):
            tokens.create("one")
        tokens.create("ONE")
        assert tokens.count() == 2
        assert tokens.revoke("one") == 1
        with pytest.raises(NotFound, match=r"There is no token named one\. `token list` prints the names"):
            tokens.revoke("one")
        assert [each["name"] for each in tokens.list()] == ["ONE"]

    @pytest.mark.parametrize("name", ["", " ", "a b", "x" * 61, "é", "a\n", "\x00"])
    def test_an_invalid_name_of_a_token_is_refused(self, storage, name):
        for each in (tokens.create, tokens.revoke):
            with pytest.raises(Invalid, match="1 to 60 letters, digits or punctuation"):
                each(name)

    def test_tokens_are_shared_with_other_processes_and_survive_a_restart(self, storage, settings, console):
        text = console(args=("token", "create", "theirs")).stdout.strip()
        assert tokens.verify(text)
        storage.close()
        other = models.make_storage(settings)
        other.reload()
        assert other.count(Token) == 1
        other.close()
        console(args=("token", "revoke", "theirs"))
        assert tokens.verify(text) is None

    def test_tokens_are_compared_in_constant_time(self, storage, monkeypatch):
        compared = []
        monkeypatch.setattr("hmac.compare_digest", lambda *digests: compared.append(digests))
        text = tokens.create("one")
        assert tokens.verify(text) is None
        [(stored, received)] = compared
        assert stored == received == storage.get(Token, text.split("_")[1]).digest


class TestInternalModels:
    """Tokens and stored responses are in the storage, but are not part of the market."""

    @pytest.fixture
    def market(self, storage):
        market = Market()
        tokens.create("mine")
        Answer(id="a", digest="", status=200, headers="{}", body="{}").save()
        return market

    def test_internal_models_are_all_stored_classes_except_the_six(self):
        assert {*models.internal} == {"Token", "Answer", "Account", "Session", "OneTimeLink", "PersonalToken",
                                      "OutgoingMail", "LoginFailure", "AuditEntry"}
        assert models.stored == models.classes | models.internal
        assert {"User", "State", "City", "Amenity", "Place", "Review"} <= {*models.classes}

    def test_internal_objects_are_neither_listed_nor_counted(self, storage, market):
        assert storage.count() == len(storage.all()) == len(vars(market))
        assert {type(obj).__name__ for obj in storage.all().values()} == {*models.classes}
        assert {*objects.stats()} == {cls.__tablename__ for cls in models.classes.values()}
        for name in models.internal:
            with pytest.raises(Invalid, match="There is no class"):
                storage.all(name)

    def test_unsaved_internal_objects_are_not_counted(self, storage):
        storage.new(Token(name="x", digest=""))
        assert (storage.count(), storage.all(), storage.count(Token)) == (0, {}, 1)

    def test_the_console_does_not_know_internal_classes(self, console: Run, market):
        lines = [f"{command} {name}" for command in ("create", "all", "count", "find") for name in models.internal]
        assert {*console(*lines).stdout.splitlines()} == {"** class doesn't exist **"}
        assert console("count Token", "Token.all()", "all").stdout.count("Token") == 0

    def test_internal_objects_are_neither_exported_nor_imported(self, storage, market, settings, engine, tmp_path):
        assert export_file(str(tmp_path / "x.jsonl"), with_passwords=True) == 8
        assert "Token" not in (tmp_path / "x.jsonl").read_text()
        classic = {f"{type(obj).__name__}.{obj.id}": obj.to_dict(1) for obj in storage.all(Token).values()}
        classic["State.s"] = {"name": "S"}
        storage.delete(next(iter(storage.all(Token).values())))
        storage.save()
        (tmp_path / "old.json").write_text(json.dumps(classic))
        report = import_file(str(tmp_path / "old.json"))
        assert (report.new.total(), report.refused) == (1, [])
        assert tokens.count() == 0

    def test_internal_objects_survive_the_deletion_of_other_objects(self, storage, market):
        objects.remove(market.state)
        assert (storage.count(Token), storage.count(Answer)) == (1, 1)

    def test_the_openapi_document_has_no_internal_schemas(self, storage):
        document = ready_app().test_client().get("/apispec_1.json").json
        assert not {*document["components"]["schemas"]} & {*models.internal}


class TestStartup:
    @pytest.mark.parametrize("create_app", [wsgi.create_app, api_app.create_app])
    def test_production_refuses_to_start_without_a_token(self, storage, create_app):
        for env in ("dev", "test", "staging"):
            ready_app(create_app, env=env)
        with pytest.raises(Misconfigured, match=r"no token yet: create one with `console\.py token create NAME`"):
            ready_app(create_app, env="production")
        tokens.create("mine")
        ready_app(create_app, env="production")

    def test_a_refused_start_prints_one_line(self, storage, environ):
        ended = programs.run([ROOT / "wsgi.py"], {**environ, "HBNB_ENV": "production"})
        assert ended.returncode == 1
        assert re.fullmatch("hbnb: .*no token yet.*\n", ended.stderr)

    def test_under_another_wsgi_server_requests_get_503_until_there_is_a_token(self, storage, caplog):
        client = wsgi.create_app(Settings(env="production")).test_client()
        assert [client.get(path).status_code for path in ("/api/v1/states", "/", "/health/live")] == [503, 503, 200]
        assert "no token yet" in caplog.text
        tokens.create("mine")
        assert client.get("/api/v1/states").status_code == 200

    def test_writes_require_a_token_even_if_the_storage_was_unavailable_at_the_start(self, tmp_path, monkeypatch):
        (tmp_path / "file.json").write_text("{")
        monkeypatch.setattr(models, "storage", FileStorage(tmp_path / "file.json"))
        client = ready_app(env="production").test_client()
        assert client.post("/api/v1/states", json={"name": "S"}).status_code == 401
        answer = client.post("/api/v1/states", json={"name": "S"}, headers=bearer(f"hbnb_{'0' * 36}_{'x' * 43}"))
        assert answer.status_code == client.get("/api/v1/users").status_code == 503
        (tmp_path / "file.json").write_text("{}")
        text = tokens.create("mine")
        assert client.post("/api/v1/states", json={"name": "S"}).status_code == 401
        assert client.post("/api/v1/states", json={"name": "S"}, headers=bearer(text)).status_code == 201


class TestTokenCommand:
    def test_token_creates_lists_and_revokes(self, console: Run, storage):
        made = console("token create one", "token list", 'token create "two"')
        one, heads, _, row, two = made.stdout.splitlines()
        assert TOKEN.fullmatch(one)
        assert TOKEN.fullmatch(two)
        assert (heads.split()[-1], row.split()[-1], made.stderr) == ("name", "one", "1 token\n")
        rows = [*csv.DictReader(io.StringIO(console("token list --csv").stdout))]
        assert [row["name"] for row in rows] == ["one", "two"]
        revoked = console(args=("token", "revoke", "one"))
        assert (revoked.stdout, revoked.stderr, revoked.returncode) == ("", "", 0)
        assert [each["name"] for each in json.loads(console(args=("-c", "token list --json")).stdout)] == ["two"]

    @pytest.mark.parametrize(("line", "note"), [
        ("token", "Type token create NAME, token list or token revoke NAME: see help token"),
        ("token create", "Type token"), ("token revoke", "Type token"), ("token list x", "Type token"),
        ("token create a b", "Type token"), ("token nope x", "Type token"), ("token create x --json", "Type token"),
        ("token create there", "A token named there already exists. Revoke it, or choose another name"),
        ("token revoke nope", "There is no token named nope. `token list` prints the names of all tokens"),
        ('token create "a b"', "A token's name must have 1 to 60"),
        ('token create ""', "A token's name must have"),
        ("token create --help", "A token's name must have")])
    def test_token_reports_wrong_arguments(self, console: Run, storage, line, note):
        tokens.create("there")
        storage.close()
        ended = console(args=("-c", line))
        assert (ended.stdout, ended.returncode) == ("", 1)
        assert ended.stderr.startswith(f"** {note}")
        assert ended.stderr.count("\n") == 1

    def test_revoking_the_last_token_warns_in_production(self, console: Run, storage):
        console("token create a", "token create b")
        assert console("token revoke a", HBNB_ENV="production").stderr == ""
        assert console("token revoke b", HBNB_ENV="production").stderr == (
            "** This was the last token: HBNB does not start in production until you create another one **\n")
        console("token create a")
        assert console("token revoke a").stderr == ""

    def test_errors_and_history_never_repeat_a_typed_token(self, console: Run, token):
        for line in (f"token revoke {token}", token, f"show {token}", f"create State {token}", f"{token}.all()",
                     f"token create {token}"):
            ended = console(line)
            assert token.split("_", 2)[2] not in ended.stdout + ended.stderr, line
        assert lexer.public(f"token revoke {token}") == "token revoke …"
        assert lexer.public("token revoke hbnb_name") == "token revoke hbnb_name"

    def test_token_completes_its_arguments(self, storage, token):
        assert candidates(["token"], "") == ["create", "list", "revoke"]
        assert candidates(["token", "list"], "--") == [*FORMATS]
        assert candidates(["token", "revoke"], "m") == ["mine"]
        assert candidates(["token", "revoke"], "x") == candidates(["token", "create"], "m") == []


# The operations that are not safe, but need no actor.
PUBLIC = {("post", "/places_search"), ("post", "/sign-ups"), ("post", "/sessions"), ("post", "/password-resets"),
          ("put", "/password-resets/{secret}"), ("put", "/confirmations/{secret}")}


class TestDocument:
    def test_the_document_declares_which_operations_require_a_token(self, token):
        for env in ENVIRONMENTS:
            client = ready_app(env=env).test_client()
            document = client.get("/apispec_1.json").json
            assert document["components"]["securitySchemes"].keys() == {"bearer", "session"}
            assert document["security"] == [{}, {"bearer": []}, {"session": []}]
            for path, found in document["paths"].items():
                for method, operation in found.items():
                    is_account = operation["tags"] == ["accounts"]
                    needed = method != "get" and (env in GUARDED or is_account) and (
                        (method, path.removeprefix("/api/v1")) not in PUBLIC)
                    assert operation.get("security") == ([{"bearer": []}, {"session": []}] if needed else None), path
                    assert is_account or ({"401", "403"} <= operation["responses"].keys()) == needed, path

    @pytest.mark.parametrize("engine", ["file"])     # test_openapi.py runs it on both engines
    def test_schemathesis_finds_no_difference_to_a_guarded_api(self, environ, storage, tmp_path):
        fill(Sample(places=30))
        text, port = tokens.create("mine"), free_port()
        storage.close()
        with Server(["wsgi.py", "--port", str(port)], {**environ, "HBNB_ENV": "staging", "HBNB_RATE_LIMIT": "none"},
                    port) as server:
            ended = subprocess.run(
                [str(Path(sys.executable).with_name("schemathesis")),
                 "--config-file", str(ROOT / "tests/schemathesis.toml"), "run",
                 f"{server.address}/apispec_1.json", "--checks", "all", "-H", f"Authorization: Bearer {text}",
                 "--phases", "examples,fuzzing", "-n", "6", "--generation-deterministic"],
                cwd=tmp_path, env={**environ, "NO_COLOR": "1"}, capture_output=True, text=True, timeout=600)
            log = server.log()
        assert ended.returncode == 0, ended.stdout[-6000:]
        assert "Server error" not in ended.stdout
        assert text.split("_", 2)[2] not in log

    @pytest.mark.parametrize("engine", ["file"], indirect=True)
    def test_swagger_ui_sends_the_token(self, environ, token, storage, page):
        port = free_port()
        with Server(["wsgi.py", "--port", str(port)], {**environ, "HBNB_ENV": "staging"}, port) as server:
            page.goto(f"{server.address}/apidocs/")
            page.locator(".auth-wrapper .authorize").first.click()
            page.locator(".modal-ux input").first.fill(token)
            page.locator(".modal-ux .authorize").first.click()
            page.locator(".modal-ux .btn-done").first.click()
            block = page.locator("#operations-states-states_create")
            block.locator(".opblock-summary-control").click()
            block.locator(".try-out__btn").click()
            block.locator(".execute").click()
            expect(block.locator(".live-responses-table .response .response-col_status")).to_contain_text("201")
        assert [state.name for state in storage.all(State).values()] == ["New York"]
