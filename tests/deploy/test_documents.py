"""The daily commands of docs/deployment.md work; `live` runs the first block, and test_staging.py the next one."""
from __future__ import annotations

import pytest

from tests.deploy.fleet import commands


@pytest.mark.parametrize("command", commands("every day"), ids=" ".join)
def test_a_command_of_every_day_works(live, command):
    live.done(*command)
    assert (503 in live.answers()) == (command[1:] == ["maintenance", "on"])
