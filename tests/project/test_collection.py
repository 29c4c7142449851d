"""The list of tests is the same for every worker that collects it."""
from __future__ import annotations

import time

import pytest

from tests.conftest import collected, group


def test_two_processes_collect_the_same_tests_in_the_same_order(request: pytest.FixtureRequest):
    here = [item.nodeid for item in request.session.items]
    there = getattr(request.config, "workerinput", {}).get("collected")     # before `make test` started its workers
    if not there:
        time.sleep(1)   # what is made of the time must differ
        there = collected("1")
    if len(here) < len(there) / 2:      # only some tests run: look at all of them nevertheless
        here = collected("2")
    assert here == [id for id in there if id in {*here}]


def test_a_parameter_of_bytes_is_named_and_not_spelled_out(request: pytest.FixtureRequest):
    hook = request.config.hook.pytest_make_parametrize_id
    assert hook(config=request.config, val=b"\x1f\x8b\x08\x00", argname="content") == "content"
    assert hook(config=request.config, val="text", argname="content") is None


@pytest.mark.parametrize(("test", "expected"), [
    ("tests/test_a.py::test_b[x::y]", "tests/test_a.py"),
    ("tests/test_a.py::TestB::test_c", "tests/test_a.py::TestB"),
    ("tests/deploy/test_database.py::test_a", "deployment 1"),
    ("tests/deploy/test_ssh.py::TestA::test_b", "deployment 2")])
def test_a_worker_runs_a_class_or_a_module_in_a_row_and_deployment_in_two_groups(test, expected):
    assert group(test) == expected


def test_a_run_begins_with_deployment(request: pytest.FixtureRequest):
    deployment = [item.nodeid.startswith("tests/deploy/") for item in request.session.items]
    assert deployment == sorted(deployment, reverse=True)
