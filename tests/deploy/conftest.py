"""What the tests of deployment share."""
from __future__ import annotations

import fcntl
import os
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.deploy import fleet, hosts
from tests.deploy.fleet import Fleet


@pytest.fixture(scope="session")
def can_boot() -> None:
    if lacking := hosts.missing():
        pytest.skip(f"{lacking}. Of deployment, only the loopback form was tried: sshd and nginx on 127.0.0.x")


@pytest.fixture(scope="session")
def wheels(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the servers install. One worker makes it, and the others wait for it."""
    folder = tmp_path_factory.getbasetemp()
    folder = (folder.parent if "PYTEST_XDIST_WORKER" in os.environ else folder) / "wheels"
    with open(f"{folder}.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not folder.exists():
            made = folder.with_suffix(".part")
            made.mkdir(exist_ok=True)
            fleet.wheels(made)
            made.rename(folder)
    return folder


@pytest.fixture(scope="session")
def bare(can_boot: None, wheels: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Fleet]:
    """Hosts on which nothing was done yet."""
    folder = tmp_path_factory.mktemp("fleet")
    (folder / "hosts").mkdir()
    with hosts.Hosts(fleet.NAMES, folder / "hosts") as found:
        yield Fleet(found, folder, wheels)


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
