"""The Makefile: its help, its error messages, and the repair of incomplete virtual environments."""
from __future__ import annotations

import os
import re
import shutil
import socket
import subprocess
from pathlib import Path

import pytest

from tests.conftest import ROOT

# A fake Python: it creates virtual environments that contain itself, and fails on commands that match {fails}.
PYTHON = """#!/bin/sh
case "$*" in
*{fails}*) exit 1;;
"-m venv"*)
    for folder; do :; done
    mkdir -p "$folder/bin" && touch "$folder/pyvenv.cfg" && cp "{whole}" "$folder/bin/python";;
*create_connection*) exit 1;;
-c*) ;;
*) echo "ran $*";;
esac
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("Makefile", "requirements.txt"):
        shutil.copy(ROOT / name, tmp_path)
    program(tmp_path / "whole", "never")
    return tmp_path


def program(path: Path, fails: str) -> None:
    path.parent.mkdir(exist_ok=True)
    path.write_text(PYTHON.format(fails=fails, whole=path.parent / "whole"))
    path.chmod(0o755)


def make(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    environ = {name: value for name, value in os.environ.items() if not name.startswith("MAKE")}
    return subprocess.run(["make", *arguments], cwd=folder, env=environ, text=True, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, timeout=60)


class TestHelp:
    def test_is_aligned_and_lists_every_target_and_option(self, folder):
        printed = make(folder).stdout
        targets = dict(re.findall(r"^  (make [a-z-]+ +)(\S.*)$", printed, re.M))
        assert {name.split()[1] for name in targets} == {
            *re.search(r"^\.PHONY: (.+)$", (ROOT / "Makefile").read_text(), re.M)[1].split()}
        options = re.findall(r"^  ([A-Z]+=\S+ +)(\S.*)$", printed, re.M)
        assert [name.partition("=")[0] for name, _ in options] == ["PORT", "PYTHON"]
        assert len({len(name) for name in targets}) == len({len(name) for name, _ in options}) == 1


class TestEnvironment:
    @pytest.mark.parametrize("target", ["run", "test", "plain"])
    def test_an_older_python_is_refused_with_a_corrected_command(self, folder, target):
        program(folder / "old", "version_info")
        ended = make(folder, target, "PYTHON=./old")
        assert ended.returncode != 0
        assert f"Name one: make {target} PYTHON=python3.11" in ended.stdout
        assert not (folder / ".venv").exists()

    def test_without_the_venv_module_the_error_says_what_to_install_and_the_next_run_works(self, folder):
        program(folder / "bare", "ensurepip")
        for _ in range(2):
            ended = make(folder, "run", "PYTHON=./bare")
            assert ended.returncode != 0
            assert "sudo apt-get install python3-venv), and run again: make run" in ended.stdout
        assert "ran wsgi.py" in make(folder, "run", "PYTHON=./whole").stdout

    @pytest.mark.parametrize("lacks", ["pip", "version_info"])
    def test_an_environment_without_pip_or_of_an_older_python_is_created_again(self, folder, lacks):
        (folder / ".venv").mkdir()
        (folder / ".venv" / "pyvenv.cfg").touch()
        program(folder / ".venv" / "bin" / "python", lacks)
        printed = make(folder, "run", "PYTHON=./whole").stdout
        assert "ran -m pip" in printed
        assert "ran wsgi.py --port 5000 --work" in printed

    def test_a_working_environment_is_kept_even_if_another_python_is_named(self, folder):
        (folder / ".venv").mkdir()
        program(folder / ".venv" / "bin" / "python", "never")
        program(folder / "old", "version_info")
        assert "ran wsgi.py" in make(folder, "run", "PYTHON=./old").stdout


class TestRun:
    def test_a_port_in_use_is_refused_with_a_command_for_another_port_before_sample_data_is_created(self, folder):
        with socket.create_server(("127.0.0.1", 0)) as taken:
            port = taken.getsockname()[1]
            program(folder / "whole", "never")
            (folder / "whole").write_text((folder / "whole").read_text().replace(
                "*create_connection*) exit 1;;", f"*create_connection*) exec {shutil.which('python3')} \"$@\";;"))
            ended = make(folder, "run", "PYTHON=./whole", f"PORT={port}")
        assert ended.returncode != 0
        assert f"make run PORT={port + 1}" in ended.stdout
        assert "ran -m sample" not in ended.stdout


class TestCI:
    @pytest.mark.parametrize(("fails", "status"), [("none", 0), ("lint", 2), ("test", 2), (".venv/dev", 2)])
    def test_fails_if_lint_or_a_test_fails_and_shows_the_output_of_both(self, tmp_path, fails, status):
        (tmp_path / ".ci").mkdir()
        shutil.copy(ROOT / ".ci/run", tmp_path / ".ci")
        (tmp_path / "make").write_text('#!/bin/sh\necho "output of $1"; [ "$1" != "$FAILS" ] || exit 2\n')
        (tmp_path / "make").chmod(0o755)
        environ = {"PATH": f"{tmp_path}:{os.environ['PATH']}", "FAILS": fails}
        ended = subprocess.run([tmp_path / ".ci/run"], env=environ, capture_output=True, text=True, timeout=60)
        assert ended.returncode == status
        targets = [".venv/dev"] if fails == ".venv/dev" else [".venv/dev", "test", "lint"]
        assert ended.stdout.splitlines() == [f"output of {target}" for target in targets]
