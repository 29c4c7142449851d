"""Error handler: each class of errors has a status, and each application one handler, for JSON and pages."""
from __future__ import annotations

import pytest

import errors
import wsgi
from api.v1 import app as api_app
from serving.errors import STATUS
from tests.apps import ready_app
from web_flask import app as web_app

CLASSES = [cls for cls in vars(errors).values() if isinstance(cls, type) and issubclass(cls, errors.HBNBError)]
HANDLED = {errors.HBNBError: 500, errors.Damaged: 503, errors.Outdated: 503, **STATUS}


def raised(cls: type[errors.HBNBError]) -> errors.HBNBError:
    return cls("It went wrong", shown=False) if cls is errors.Unauthorized else cls("It went wrong")


def test_every_error_class_has_a_status():
    assert {*CLASSES} == {*HANDLED}


@pytest.mark.parametrize("module", [wsgi, api_app, web_app], ids=lambda module: module.__name__)
def test_an_application_has_a_single_error_handler(module):
    app = ready_app(module.create_app)
    assert [scope for scope, found in app.error_handler_spec.items() if any(found.values())] == [None]
    assert len({handler for found in app.error_handler_spec[None].values() for handler in found.values()}) == 1


@pytest.mark.parametrize("cls", CLASSES)
@pytest.mark.parametrize(("make", "path", "mimetype"), [
    (wsgi.create_app, "/api/v1/nope", "application/json"), (wsgi.create_app, "/nope", "text/html"),
    (api_app.create_app, "/nope", "application/json"), (web_app.create_app, "/api/v1/nope", "text/html")])
def test_an_error_is_answered_with_the_status_of_its_class_in_the_format_of_the_path(make, path, mimetype, cls):
    app = ready_app(make)

    @app.before_request
    def fail() -> None:
        raise raised(cls)
    answer = app.test_client().get(path)
    assert (answer.status_code, answer.mimetype) == (HANDLED[cls], mimetype)
    assert answer.headers.get("Retry-After") == {503: "5", 429: "60"}.get(answer.status_code)
    if answer.is_json:
        hidden = answer.status_code == 503
        assert answer.json == {
            "error": "The storage is not available. Try again later" if hidden else "It went wrong"}


@pytest.mark.parametrize(("method", "path", "is_read"), [
    ("GET", "/api/v1/states", True), ("POST", "/api/v1/places_search/", True),
    ("POST", "/api/v1/states", False), ("DELETE", "/api/v1/states/1", False)])
def test_a_failed_write_is_said_to_be_uncertain(method, path, is_read):
    app = ready_app()

    @app.before_request
    def fail() -> None:
        raise errors.Unavailable("gone")
    answer = app.test_client().open(path, method=method)
    assert ("may or may not have been stored" in answer.json["error"]) is not is_read
