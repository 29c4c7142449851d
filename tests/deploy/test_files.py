"""The configuration files that provisioning installs on hosts."""
from __future__ import annotations

import io
import re
import subprocess
import tarfile
from dataclasses import replace
from pathlib import Path

import pytest

from deploy import provision
from deploy.config import Environment
from tests.conftest import ROOT

PLAIN = Environment("production", ["web-01", "web-02"], balancer=["lb-01"], web_addresses=["10.0.0.1", "10.0.0.2"])


def files(environment=PLAIN, settings=None) -> dict[str, str]:
    with tarfile.open(fileobj=io.BytesIO(provision._files(environment, settings or {}))) as tar:
        return {entry.name: tar.extractfile(entry).read().decode() for entry in tar}


def test_every_placeholder_is_filled_in():
    for name, text in files().items():
        assert not re.search(r"@[a-z_]+@", text), name


def test_every_file_is_installed():
    scripts = "".join(path.read_text() for path in (ROOT / "deploy" / "provision").glob("*.sh"))
    for name in {*files()} - {"settings"}:
        assert re.search(rf"^file {re.escape(name)} /|^file {re.escape(name)} \"", scripts, re.M), name


def test_the_maintenance_page_refers_to_no_other_file():
    page = files()["away.html"]
    assert "<h1>We will be back soon</h1>" in page
    assert {address for address in re.findall(r'(?:src|href)="([^"]+)"', page) if not address.startswith("data:")} == {
        "/", "#content"}
    assert "url(" not in page


def test_the_error_page_fits_into_haproxys_buffer():
    found = files()
    room = int(re.search(r"tune.bufsize (\d+)", found["haproxy.cfg"])[1])
    assert len(found["unavailable.http"]) < room * 3 / 4


def certificate(folder: Path) -> None:
    """Create `site.pem`, with a certificate and its key."""
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                    "-subj", "/CN=test", "-keyout", str(folder / "key"), "-out", str(folder / "certificate")],
                   check=True, capture_output=True)
    (folder / "site.pem").write_text((folder / "key").read_text() + (folder / "certificate").read_text())


def haproxy(found: dict[str, str], folder: Path) -> str:
    """HAProxy's configuration, with its error page in a folder."""
    (folder / "hbnb.http").write_text(found["unavailable.http"])
    return found["haproxy.cfg"].replace("/etc/haproxy/errors", str(folder))


@pytest.mark.parametrize("path", ["", "/etc/haproxy/site.pem"])
def test_haproxy_accepts_its_configuration_without_a_warning(tmp_path, path):
    certificate(tmp_path)
    found = files(replace(PLAIN, certificate=path, server_name="hbnb.example.com"))
    text = haproxy(found, tmp_path).replace("/etc/haproxy/site.pem", str(tmp_path / "site.pem"))
    (tmp_path / "haproxy.cfg").write_text(text)
    ended = subprocess.run(["haproxy", "-c", "-f", str(tmp_path / "haproxy.cfg")], capture_output=True, text=True)
    assert (ended.returncode, "WARN" in ended.stderr) == (0, False), ended.stderr
    assert ("bind :443" in text) == bool(path)


@pytest.mark.parametrize("value", ["plain", "two words", '"quoted"', "$HOME `id` \\n ; #", "", "é"])
def test_a_setting_reaches_the_application_unchanged(tmp_path, value):
    (tmp_path / "settings").write_text(files(settings={"HBNB_X": value})["settings"])
    ended = subprocess.run(
        ["sh", "-euc", 'setting() { printf "%s=%s" "$1" "$2" > env; }; . ./settings; . ./env; printf %s "$HBNB_X"'],
        cwd=tmp_path, capture_output=True, text=True, check=True)
    assert ended.stdout == value


def test_manage_called_by_root_runs_as_hbnb(tmp_path):
    for name, script in (("id", "echo 0"), ("runuser", 'echo "$@"')):
        (tmp_path / name).write_text(f"#!/bin/sh\n{script}\n")
        (tmp_path / name).chmod(0o755)
    (tmp_path / "manage").write_text(files()["manage"])
    ended = subprocess.run(["sh", str(tmp_path / "manage"), "one", "console.py", "-c", "count State"], text=True,
                           capture_output=True, env={"PATH": f"{tmp_path}:/usr/bin:/bin"})
    assert ended.stdout == f"-u hbnb -- {tmp_path / 'manage'} one console.py -c count State\n", ended.stderr
