"""Lock files: each requirements/*.in is pinned with its dependencies, by version and hash."""
from __future__ import annotations

import os
import re
import subprocess
from importlib import metadata
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.conftest import ROOT

LISTS = sorted((ROOT / "requirements").glob("*.in"))
Pins = dict[str, str]


def locked(path: Path) -> Path:
    """Return the lock file of a list; that of `base.in` has the conventional name requirements.txt."""
    return ROOT / "requirements.txt" if path.stem == "base" else path.with_suffix(".txt")


def listed(path: Path) -> Pins:
    """Return the pinned requirements of a list and of the lists that it includes."""
    found: Pins = {}
    for line in path.read_text().splitlines():
        if line.startswith("-r "):
            found |= listed(path.with_name(line[3:]))
        elif line and not line.startswith("#"):
            name, _, version = line.partition("==")
            found[canonicalize_name(name.partition("[")[0])] = version
    return found


def entries(path: Path) -> list[tuple[str, str, str, list[str]]]:
    """Parse a lock file into name, version, marker and hashes of each requirement. Fails on any other line."""
    text = re.sub(r" \\\n *", " ", re.sub(r"^ *#.*\n", "", path.read_text(), flags=re.M))
    found = [re.fullmatch(r"([\w-]+)(?:\[[\w,]+\])?==(\S+?)(?: ; (.*?))?((?: --hash=sha256:[0-9a-f]{64})+)", line)
             for line in text.splitlines()]
    assert all(found), text
    return [(canonicalize_name(each[1]), each[2], each[3] or "", each[4].split()) for each in found]


def needed(names: set[str]) -> set[str]:
    """Return packages with all their possible dependencies on any platform, as far as they are installed here."""
    seen: set[str] = set()
    while names:
        seen |= names
        names = {canonicalize_name(each.name) for name in names for each in requires(name)} - seen
    return seen


def requires(name: str) -> list[Requirement]:
    try:
        return [*map(Requirement, metadata.requires(name) or [])]
    except metadata.PackageNotFoundError:
        return []


@pytest.mark.parametrize("path", LISTS, ids=lambda path: path.stem)
class TestLock:
    def test_contains_each_requirement_of_its_list_with_hashes(self, path):
        lock = {name: version for name, version, *_ in entries(locked(path))}
        assert listed(path).items() <= lock.items(), "run `make lock`"

    def test_contains_nothing_that_the_list_does_not_need(self, path):
        names = {name for name, *_ in entries(locked(path))}
        assert names <= needed({*listed(path)}), "run `make lock`"

    def test_contains_the_dependencies_of_each_requirement(self, path):
        names = {name for name, *_ in entries(locked(path))}
        for name in names:
            for each in requires(name):
                if each.marker is None or each.marker.evaluate({"extra": ""}):
                    assert canonicalize_name(each.name) in names, f"{name} needs {each}: run `make lock`"

    def test_pins_the_versions_that_the_tests_run_with(self, path):
        own, tested = ({(name, version, *hashes) for name, version, _, hashes in entries(each)}
                       for each in (locked(path), ROOT / "requirements" / "dev.txt"))
        assert own <= tested, "run `make lock`"

    def test_contains_no_registry_address(self, path):
        assert not re.search(r"://|--(?:extra-)?index|--trusted|--find-links", locked(path).read_text())


@pytest.mark.parametrize(("wheels", "older", "expected"), [
    ("", False, "-r releases/r1/requirements/production.txt"),
    ("1", False, "--no-index --find-links shared/wheels -r VENV/requirements.txt"),
    ("1", True, "--no-index --find-links shared/wheels -r releases/r1/requirements-production.txt")])
def test_a_server_checks_hashes_except_for_wheels_that_were_built_for_it(tmp_path, wheels, older, expected):
    venv, release = tmp_path / "venv", tmp_path / "releases" / "r1"
    path = release / ("requirements-production.txt" if older else "requirements/production.txt")
    path.parent.mkdir(parents=True)
    path.write_text("mysqlclient==2.3.1\n" if older else (ROOT / "requirements" / "production.txt").read_text())
    (release / ".venv").symlink_to(venv)
    python = tmp_path / "python"
    python.write_text('#!/bin/sh\nmkdir -p "$3/bin" && printf \'#!/bin/sh\\necho "$@" > %s/arguments\\n\' "$3" > '
                      '"$3/bin/python" && chmod 755 "$3/bin/python"\n')
    python.chmod(0o755)
    steps = ROOT / "deploy" / "steps"
    subprocess.run(["sh", "-ec", (steps / "common.sh").read_text() + (steps / "install.sh").read_text()], check=True,
                   env=os.environ | {"ROOT": str(tmp_path), "NAME": "r1", "PYTHON": str(python), "WHEELS": wheels})
    assert (venv / "arguments").read_text().endswith(f" {expected}\n".replace("VENV", str(venv)))
    if "VENV" in expected:
        plain = [line for line in (venv / "requirements.txt").read_text().splitlines() if not line.startswith("#")]
        assert [line.partition(" ;")[0] for line in plain] == [
            f"{name}=={version}" for name, version, *_ in entries(path)]
