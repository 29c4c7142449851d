"""Release archives: same bytes for the same revision, only files that run, classic names."""
from __future__ import annotations

import gzip
import os
import re
import shutil
import subprocess
import sys
import tarfile
import time
from pathlib import Path

import pytest

from deploy import archive
from deploy.archive import Archive
from deploy.config import DeployError
from tests.conftest import ROOT
from tests.project.test_architecture import LAYERS

FAB = str(Path(sys.executable).with_name("fab"))


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A repository with the current files of this checkout, committed."""
    folder = tmp_path_factory.mktemp("checkout") / "hbnb"
    listed = subprocess.run(["git", "ls-files", "-co", "--exclude-standard"], cwd=ROOT, capture_output=True, text=True,
                            check=True).stdout
    for name in listed.splitlines():
        if (ROOT / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, folder / name)
    git(folder, "init", "-q")
    git(folder, "add", "-A")
    git(folder, "commit", "-qm", "all")
    return folder


def git(folder: Path, *command: str) -> str:
    return subprocess.run(["git", "-c", "user.name=t", "-c", "user.email=t@t", *command], cwd=folder, check=True,
                          capture_output=True, text=True).stdout.strip()


def fab(folder: Path, *command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([FAB, *command], cwd=folder, capture_output=True, text=True)


@pytest.fixture
def packing(checkout, monkeypatch):
    monkeypatch.setattr(archive, "ROOT", checkout)
    yield checkout
    shutil.rmtree(checkout / "versions", ignore_errors=True)


def test_the_same_revision_gives_the_same_bytes_under_each_name(packing):
    first = archive.pack("staging")
    time.sleep(1.1)     # gzip could store the time
    for name, value in (("core.autocrlf", "true"), ("tar.umask", "0077")):
        git(packing, "config", name, value)
    second = archive.pack("production", version="9.9")
    assert first.sha256 == second.sha256
    assert first.revision == git(packing, "rev-parse", "HEAD")
    short = first.revision[:12]
    assert (first.name, second.name) == (f"staging_0.1.0_{short}", f"production_9.9_{short}")


def test_an_archive_contains_only_files_that_run(packing):
    with tarfile.open(archive.pack("").path) as tar:
        names = tar.getnames()
    top = {name.partition("/")[0].removesuffix(".py") for name in names}
    modules = {name for layer in LAYERS for name in layer.split()} - {"sample"}
    assert top == modules | {"requirements", "requirements.txt", "web_static", "pyproject.toml", "LICENSE"}
    assert {name for name in names if name.startswith("requirements/")} == {
        f"requirements/{name}.txt" for name in ("monitoring", "mysql", "production", "redis")}
    assert "api/v1/openapi/swagger_ui/__init__.py" in names, "exclusions apply to top-level folders only"


def test_the_packed_application_runs(packing, tmp_path):
    with tarfile.open(archive.pack("").path) as tar:
        tar.extractall(tmp_path / "release", filter="data")
    ended = subprocess.run([sys.executable, "-c", "import wsgi, console; print('made')"], cwd=tmp_path / "release",
                           env={"HBNB_FILE_PATH": str(tmp_path / "file.json"), "PATH": os.environ["PATH"]},
                           capture_output=True, text=True)
    assert ended.stdout == "made\n", ended.stderr


def test_pack_makes_the_classic_archive(packing):
    for name in ("pack", "do_pack"):
        ended = fab(packing, name)
        assert ended.returncode == 0, ended.stderr
        [made] = (packing / "versions").iterdir()
        assert re.fullmatch(r"web_static_\d{14}\.tgz", made.name)
        assert ended.stdout.startswith(f"versions/{made.name}  {made.stat().st_size} bytes, sha256 ")
        made.unlink()


def test_uncommitted_changes_are_not_packed_and_reported(packing):
    before = archive.pack("dev").sha256
    wsgi = packing / "wsgi.py"
    kept = wsgi.read_text()
    try:
        wsgi.write_text("broken")
        assert archive.pack("dev").sha256 == before
        assert "Uncommitted changes are not packed" in fab(packing, "pack").stdout
    finally:
        wsgi.write_text(kept)


@pytest.mark.parametrize("revision", ["nowhere", "--help", ""])
def test_an_unknown_revision_is_an_error(packing, revision):
    with pytest.raises(DeployError, match="no such revision"):
        archive.pack("dev", revision=revision)


@pytest.mark.parametrize(("name", "content"), [
    ("none.tgz", None), ("cut.tgz", b"\x1f\x8b\x08"), ("text.tgz", b"text"),
    ("damaged.tgz", gzip.compress(b"", mtime=0)[:10] + b"\xff" * 20), ("a b.tgz", "good"), ("x.zip", "good"),
    ("-x.tgz", "good"), (".tgz", "good")])
def test_a_file_that_is_not_an_archive_is_refused(packing, tmp_path, name, content):
    path = tmp_path / name
    if content is not None:
        path.write_bytes(archive.pack("").path.read_bytes() if content == "good" else content)
    with pytest.raises(DeployError, match="cannot be deployed"):
        Archive.read(path)


@pytest.mark.parametrize(("keep", "left"), [(0, 1), (1, 1), (2, 2), (9, 3)])
def test_clean_keeps_the_newest(packing, keep, left):
    folder = packing / "versions"
    folder.mkdir(exist_ok=True)
    for number, name in enumerate("cab"):
        (folder / f"{name}.tgz").write_text("")
        os.utime(folder / f"{name}.tgz", (number, number))
    assert archive.clean("", keep) == ["c.tgz", "a.tgz", "b.tgz"][:3 - left]
    assert sorted(path.name for path in folder.iterdir()) == sorted(["c.tgz", "a.tgz", "b.tgz"][3 - left:])


def test_an_archive_lists_its_migrations(packing):
    found = archive.pack("dev").migrations()
    assert found.keys() == {path.stem[1:] for path in (ROOT / "migrations/versions").glob("r*.py")}
    assert (found["0001"], found["0002"]) == (True, False)


def test_clean_keeps_the_archives_of_other_environments(packing):
    folder = packing / "versions"
    folder.mkdir(exist_ok=True)
    for name in ("staging_1", "production_1", "web_static_1"):
        (folder / f"{name}.tgz").write_text("")
        (folder / f"{name}2.tgz").write_text("")
    assert [len(archive.clean(target, 1)) for target in ("production", "staging", "")] == [1, 1, 1]
    assert {path.name.rpartition("_")[0] for path in folder.iterdir()} == {"staging", "production", "web_static"}


def test_tag_marks_the_live_revision(packing):
    archive.tag("HEAD")
    assert git(packing, "rev-parse", "LIVE") == git(packing, "rev-parse", "HEAD")
    assert re.search(r"^DEPLOYED-\d{4}-\d\d-\d\dT\d{6}$", git(packing, "tag"), re.M)
