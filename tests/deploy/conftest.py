"""What the tests of deployment share."""
from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.deploy import hosts


@pytest.fixture(scope="session")
def can_boot() -> None:
    if lacking := hosts.missing():
        pytest.skip(f"{lacking}; deployment was not tried")


@pytest.fixture(scope="module")
def two(can_boot: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[hosts.Hosts]:
    """Two bare hosts."""
    with hosts.Hosts(("web-01", "web-02"), tmp_path_factory.mktemp("hosts")) as found:
        yield found
