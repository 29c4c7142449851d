"""The everyday commands of docs/deployment.md. The fixture `live` runs its first part, and test_staging.py the next."""
from __future__ import annotations

import pytest

from tests.deploy.fleet import commands


@pytest.mark.parametrize("command", commands("every day"), ids=" ".join)
def test_an_everyday_command_works(production, command):
    production.fab_ok(*command)
    assert (503 in production.statuses()) == (command[1:] == ["maintenance", "on"])
