"""Fixtures for the deployment tests."""
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
    if problem := hosts.missing():
        pytest.skip(f"{problem}. Deployment was tested only with sshd and nginx on 127.0.0.x")


@pytest.fixture(scope="session")
def wheels(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheels that the servers install. One pytest worker builds them, and the others wait."""
    folder = tmp_path_factory.getbasetemp()
    folder = (folder.parent if "PYTEST_XDIST_WORKER" in os.environ else folder) / "wheels"
    with open(f"{folder}.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not folder.exists():
            part = folder.with_suffix(".part")
            part.mkdir(exist_ok=True)
            fleet.build_wheels(part)
            part.rename(folder)
    return folder


@pytest.fixture(scope="session")
def bare(can_boot: None, wheels: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Fleet]:
    """Bare hosts."""
    folder = tmp_path_factory.mktemp("fleet")
    (folder / "hosts").mkdir()
    with hosts.Hosts(fleet.NAMES, folder / "hosts") as found:
        yield Fleet(found, folder, wheels)


@pytest.fixture(scope="session")
def live(bare: Fleet) -> Fleet:
    """A site that was set up with the commands of docs/deployment.md, and has a previous release."""
    for command in fleet.commands("first"):
        bare.setup_output.append(bare.fab_ok(*command))
        if command[:2] == ["production", "provision"]:
            for host in bare.web:
                bare.copy_packages(bare.hosts["staging-01"], host)
    bare.token = re.findall(r"hbnb_[0-9a-f-]{36}_\S+", "".join(bare.setup_output))[0]
    bare.commit()
    bare.fab_ok("production", "deploy")
    return bare
