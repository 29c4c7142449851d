"""Tests of the OpenAPI document, which must describe exactly what the API does."""
from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator
from openapi_spec_validator import validate
from playwright.sync_api import expect

import models
from models.state import State
from sample import Sample
from sample.fill import fill
from services import links, personal_tokens
from tests.apps import shared_app
from tests.conftest import ROOT
from tests.market import Market
from tests.people import actor, person
from tests.servers import Server, free_port


@pytest.fixture
def client(storage):
    return shared_app().test_client()


@pytest.fixture
def document(client) -> dict:
    return client.get("/apispec_1.json").json


def test_the_document_is_valid(document):
    validate(document)
    assert document["openapi"] == "3.1.0"


def test_spectral_reports_no_problems(tmp_path):
    (tmp_path / "spec.json").write_bytes(shared_app().test_client().get("/apispec_1.json").data)
    ended = subprocess.run(
        [f"{sys.prefix}/bin/node", "tests/node_modules/@stoplight/spectral-cli/dist/index.js", "lint", "--ruleset",
         "tests/spectral.yaml", "--fail-severity", "hint", str(tmp_path / "spec.json")],
        cwd=ROOT, capture_output=True, text=True, timeout=120)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert "No results" in ended.stdout


def test_the_document_has_exactly_the_routes_and_methods_of_the_application(document):
    app = shared_app()
    routes = {(re.sub(r"<(\w+)>", r"{\1}", rule.rule), method.lower()) for rule in app.url_map.iter_rules()
              for method in rule.methods - {"HEAD", "OPTIONS"} if rule.endpoint.startswith("api_v1.")}
    assert routes == {(path, method) for path, found in document["paths"].items() for method in found}


def test_every_operation_has_an_id_a_tag_responses_and_an_example(document):
    operations = [operation for found in document["paths"].values() for operation in found.values()]
    assert len({operation["operationId"] for operation in operations}) == len(operations) >= 38
    for operation in operations:
        assert operation["tags"]
        assert operation["summary"].endswith(".")
        assert operation["description"].endswith(".")
        for parameter in operation["parameters"]:
            assert parameter["description"]
            assert "description" not in parameter["schema"]     # Swagger UI shows only that of the parameter
        assert {"500", "503"} <= operation["responses"].keys()
        for content in [operation["requestBody"]["content"]] if "requestBody" in operation else []:
            assert "example" in content["application/json"]


def test_operations_that_return_304_declare_if_none_match_and_the_paging_headers(client, document):
    Market()
    lists = 0
    for path, found in document["paths"].items():
        operation = found.get("get", {"responses": {}})
        if "304" in operation["responses"]:
            assert "If-None-Match" in [parameter["name"] for parameter in operation["parameters"]]
            assert "ETag" in operation["responses"]["200"]["headers"]
        if "{" not in path and any(parameter["name"] == "limit" for parameter in operation.get("parameters", ())):
            answer = client.get(f"{path}?limit=1")
            for name in ("ETag", "Link", "X-Total-Count"):
                assert name in answer.headers
                assert name in operation["responses"]["200"]["headers"]
            lists += 1
    assert lists == 4


def test_every_example_is_accepted(client, document):
    market = Market()
    ids = {"state_id": market.state.id, "city_id": market.city.id, "place_id": market.place.id,
           "user_id": market.host.id, "review_id": market.review.id, "amenity_id": market.wifi.id}
    checked = 0
    secret = models.storage.transact(lambda: links.create(market.host.id, "reset"))
    # All examples have the same address: its user is created first, and logs in.
    order = {"/api/v1/users": -1, "/api/v1/sessions": 1}
    for path, found in sorted(document["paths"].items(), key=lambda each: order.get(each[0], 0)):
        for method in ("post", "put"):
            body = found.get(method, {}).get("requestBody")
            if body:
                address = path.format(**ids, secret=secret)
                example = json.dumps(body["content"]["application/json"]["example"])
                answer = client.open(address, method=method, content_type="application/json",
                                     data=example.replace("<id of a user>", market.host.id))
                assert answer.status_code in (200, 201, 202), (path, answer.json)
                described = found[method]["responses"][str(answer.status_code)]
                assert described.get("headers", {}).keys() - {"Link", "X-Total-Count"} <= {*answer.headers.keys()}
                if "places_search" not in path:
                    check_schema(document, described, answer.json)
                checked += 1
    assert checked == 17


def check_schema(document: dict, described: dict, value: object) -> None:
    """Validate the body of a response against its schema."""
    schema = described["content"]["application/json"]["schema"]
    Draft202012Validator({**schema, "components": document["components"]}).validate(value)


def test_responses_match_their_schemas_with_and_without_fields(client, document):
    market = Market()
    for resource, name, id in (("states", "State", market.state.id), ("cities", "City", market.city.id),
                               ("users", "User", market.host.id), ("places", "Place", market.place.id),
                               ("reviews", "Review", market.review.id), ("amenities", "Amenity", market.wifi.id)):
        shown = client.get(f"/api/v1/{resource}/{id}").json
        required = document["components"]["schemas"][name]["required"]
        assert {*required} == {*shown} - {"email"}      # private: not required, as not every client is shown it
        [path] = [path for path in document["paths"] if re.fullmatch(rf"/api/v1/{resource}/{{\w+}}", path)]
        described = document["paths"][path]["get"]["responses"]["200"]
        for query in ("", "?fields=id", "?fields=__class__"):
            check_schema(document, described, client.get(f"/api/v1/{resource}/{id}{query}").json)


def test_path_parameters_are_named_after_the_class(document):
    names = {name for path in document["paths"] for name in re.findall(r"{(\w+)}", path)}
    assert names == {"state_id", "city_id", "amenity_id", "user_id", "place_id", "review_id", "secret"}


@pytest.mark.parametrize(("engine", "phases", "cases"), [
    ("file", "examples,coverage,fuzzing", 2500),
    ("db", "examples,fuzzing", 150),        # the requests of "coverage" test the validation, which no engine does
], indirect=["engine"])
def test_schemathesis_finds_no_difference_between_document_and_api(environ, storage, tmp_path, phases, cases):
    """Run schemathesis with all its checks, in one worker: Python 3.11 can fail if two threads parse code at once."""
    fill(Sample(places=30))      # few enough that no response with included objects is too large
    storage.close()
    port = free_port()
    with Server(["wsgi.py", "--port", str(port)], environ, port) as server:
        ended = subprocess.run(
            [str(Path(sys.executable).with_name("schemathesis")),
             "--config-file", str(ROOT / "tests/schemathesis.toml"), "run",
             f"{server.address}/apispec_1.json", "--checks", "all",
             "--phases", phases, "-n", "6", "--generation-deterministic"],
            cwd=tmp_path, env={**environ, "NO_COLOR": "1"}, capture_output=True, text=True, timeout=600)
    assert ended.returncode == 0, ended.stdout[-6000:]
    [generated] = re.findall(r"(\d+) generated", ended.stdout)
    assert int(generated) >= cases
    assert "Server error" not in ended.stdout


def test_schemathesis_finds_no_difference_for_a_user_with_a_personal_token(environ, storage, tmp_path):
    user = person()
    token = personal_tokens.create(actor(user), user, "mine")
    storage.close()
    port = free_port()
    with Server(["wsgi.py", "--port", str(port)], environ, port) as server:
        ended = subprocess.run(
            [str(Path(sys.executable).with_name("schemathesis")),
             "--config-file", str(ROOT / "tests/schemathesis.toml"), "run", f"{server.address}/apispec_1.json",
             "--checks", "all", "--include-tag", "accounts", "-H", f"Authorization: Bearer {token}",
             "--phases", "examples,fuzzing", "-n", "6", "--generation-deterministic"],
            cwd=tmp_path, env={**environ, "NO_COLOR": "1"}, capture_output=True, text=True, timeout=600)
    assert ended.returncode == 0, ended.stdout[-6000:]
    assert "Server error" not in ended.stdout


def test_operations_can_be_tried_out_in_swagger_ui(environ, storage, page):
    State(name="There already").save()
    port = free_port()
    with Server(["wsgi.py", "--port", str(port)], environ, port) as server:
        page.goto(f"{server.address}/apidocs?url=http://elsewhere.example/spec.json")
        for operation, shown in (("states_index", "There already"), ("states_create", "New York")):
            block = page.locator(f"#operations-states-{operation}")
            block.locator(".opblock-summary-control").click()
            block.locator(".try-out__btn").click()
            block.locator(".execute").click()
            expect(block.locator(".live-responses-table .response-col_description pre").first).to_contain_text(shown)
    assert {state.name for state in storage.all(State).values()} == {"There already", "New York"}
