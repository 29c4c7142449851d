"""Fixtures for the deployment tests."""
from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.deploy import fleet, hosts
from tests.deploy.fleet import Fleet


@pytest.fixture(scope="session")
def can_boot() -> None:
    if problem := hosts.missing():
        pytest.skip(f"{problem}. Deployment was tested only with sshd and nginx on 127.0.0.x")


@pytest.fixture(scope="session")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder for all pytest workers."""
    folder = tmp_path_factory.getbasetemp()
    return folder.parent if "PYTEST_XDIST_WORKER" in os.environ else folder


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Block other pytest workers that want to make or use this folder."""
    with open(f"{folder}.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


@pytest.fixture(scope="session")
def wheels(shared: Path) -> Path:
    """The wheels that the servers install. One pytest worker builds them, and the others wait."""
    folder = shared / "wheels"
    with locked(folder):
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
def live(bare: Fleet, shared: Path) -> Fleet:
    """A site that was set up with the commands of docs/deployment.md, and has a previous release."""
    packages = shared / "packages"
    with locked(packages):
        first = fleet.commands("first")
        while ["staging", "deploy"] in first:
            bare.set_up(first.pop(0))
        if not packages.exists():
            part = packages.with_suffix(".part")
            part.mkdir(exist_ok=True)
            fleet.copy_packages(bare.hosts["staging-01"].packages, part)
            part.rename(packages)
    for command in first:
        bare.set_up(command, packages)
    bare.deploy_again()
    return bare


@pytest.fixture(scope="session")
def production(bare: Fleet, shared: Path) -> Fleet:
    """The production hosts of a site like `live`. If another pytest worker sets up `live`, only they are set up here.

    This saves time, as do the packages that the other worker installs.
    """
    if not bare.setup_output:
        packages = shared / "packages"
        with locked(packages):      # wait for the other worker
            installed = packages if packages.exists() else None
        for command in fleet.commands("first"):
            if command[:2] in (["production", "provision"], ["production", "deploy"]):
                bare.set_up(command, installed)
        bare.deploy_again()
    return bare
