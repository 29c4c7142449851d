"""Test collection: all workers collect the same tests, and run them in the intended order and groups."""
from __future__ import annotations

import time

import pytest

from tests.conftest import collected, group


def test_two_processes_collect_the_same_tests_in_the_same_order(request: pytest.FixtureRequest):
    own = [item.nodeid for item in request.session.items]
    others = getattr(request.config, "workerinput", {}).get("collected")    # collected before the workers started
    if not others:
        time.sleep(1)   # so that ids which contain the time differ
        others = collected("1")
    if len(own) < len(others) / 2:      # only some tests were selected: compare all of them nevertheless
        own = collected("2")
    assert own == [id for id in others if id in {*own}]


def test_the_id_of_a_bytes_parameter_is_its_name(request: pytest.FixtureRequest):
    hook = request.config.hook.pytest_make_parametrize_id
    assert hook(config=request.config, val=b"\x1f\x8b\x08\x00", argname="content") == "content"
    assert hook(config=request.config, val="text", argname="content") is None


@pytest.mark.parametrize(("test", "expected"), [
    ("tests/test_a.py::test_b[x::y]", "tests/test_a.py"),
    ("tests/test_a.py::TestB::test_c", "tests/test_a.py::TestB"),
    ("tests/deploy/test_database.py::test_a", "deployment 1"),
    ("tests/deploy/test_ssh.py::TestA::test_b", "deployment 2")])
def test_a_class_or_a_module_is_a_group_and_deployment_is_two_groups(test, expected):
    assert group(test) == expected


def test_deployment_tests_run_first(request: pytest.FixtureRequest):
    deployment = [item.nodeid.startswith("tests/deploy/") for item in request.session.items]
    assert deployment == sorted(deployment, reverse=True)


def test_the_second_deployment_group_sets_up_no_staging_host_and_first_runs_tests_without_hosts(
        request: pytest.FixtureRequest):
    fixtures = [getattr(item, "fixturenames", ()) for item in request.session.items
                if group(item.nodeid) == "deployment 2"]
    assert not any("live" in names for names in fixtures)
    needed = ["production" in names for names in fixtures]
    assert needed == sorted(needed)
