"""What the tests of deployment share."""
from __future__ import annotations

import re
from collections.abc import Iterator

import pytest

from tests.deploy import fleet, hosts
from tests.deploy.fleet import Fleet


@pytest.fixture(scope="session")
def can_boot() -> None:
    if lacking := hosts.missing():
        pytest.skip(f"{lacking}. Of deployment, only the loopback form was tried: sshd and nginx on 127.0.0.x")


@pytest.fixture(scope="session")
def bare(can_boot: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Fleet]:
    """Hosts on which nothing was done yet."""
    folder = tmp_path_factory.mktemp("fleet")
    for name in ("hosts", "wheels"):
        (folder / name).mkdir()
    fleet.wheels(folder / "wheels")
    with hosts.Hosts(fleet.NAMES, folder / "hosts") as found:
        yield Fleet(found, folder, folder / "wheels")


@pytest.fixture(scope="session")
def live(bare: Fleet) -> Fleet:
    """A site that was made as docs/deployment.md says, and has a release to go back to."""
    for command in fleet.commands("first"):
        bare.said.append(bare.done(*command))
        if command[:2] == ["production", "provision"]:
            for host in bare.web:
                bare.lend(bare.hosts["staging-01"], host)
    bare.token = re.findall(r"hbnb_[0-9a-f-]{36}_\S+", "".join(bare.said))[0]
    bare.commit()
    bare.done("production", "deploy")
    return bare
