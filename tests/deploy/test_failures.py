"""Failed deployments: the operator gets an error, nothing changes, and visitors notice nothing."""
from __future__ import annotations

import base64
import re
import shutil
from contextlib import contextmanager

import pytest

from tests.deploy.fleet import UNWRAP_CURL, wrap_curl


@contextmanager
def unchanged(fleet):
    """Assert that the web servers do not change during the block, and that visitors notice nothing."""
    before = fleet.state()
    with fleet.visitors():
        yield
    assert fleet.state() == before


def failed_deploy(fleet, status: int = 1) -> str:
    """Run a deployment that fails. Returns its output."""
    ended = fleet.fab("production", "deploy")
    assert ended.returncode == status, ended.stdout
    assert "\nfab: " in f"\n{ended.stdout}"      # a message, not a traceback
    return ended.stdout


def test_deploy_fails_if_a_host_is_off(production):
    first, second = production.web
    before = production.state(first)
    second.off()
    try:
        with production.visitors(address=first.address):
            production.commit()
            assert "web-02 cannot be reached" in failed_deploy(production)
            for command, shown in (("status", "web-01: production_"), ("history", "(web-01)"), ("log", "web-01:\n")):
                ended = production.fab("production", command)
                assert ended.returncode == 1
                assert shown in ended.stdout
                assert "fab: web-02 cannot be reached" in ended.stdout
        assert production.state(first) == before
    finally:
        second.boot()


def test_deploy_fails_if_a_host_does_not_answer(production):
    first, second = production.web
    before = production.state()
    second.drop_packets()
    try:
        with production.visitors(address=first.address):
            production.commit()
            assert "web-02 cannot be reached" in failed_deploy(production)
    finally:
        second.accept_packets()
    assert production.state() == before


@pytest.mark.parametrize("key", ["unknown", "changed"])
def test_deploy_fails_if_a_host_key_is(production, key, tmp_path):
    known = production.hosts.known_hosts
    shutil.copy(known, tmp_path)
    lines = known.read_text().splitlines(keepends=True)
    [own] = [line for line in lines if line.startswith("web-02")]
    [other] = [line for line in lines if line.startswith("lb-01")]
    sessions = accepted(production)
    known.write_text("".join({"unknown": [line for line in lines if line != own],
                              "changed": [line.replace(own.split()[2], other.split()[2]) for line in lines]}[key]))
    try:
        with unchanged(production):
            output = failed_deploy(production)
    finally:
        shutil.copy(tmp_path / known.name, known)
    assert {"unknown": "web-02 is not in", "changed": "web-02 shows another host key"}[key] in output
    assert accepted(production) == sessions


def accepted(fleet) -> str:
    """The number of log-ins on web-02."""
    return fleet.web[1].run("journalctl --unit ssh --grep Accepted --output cat | wc -l").stdout


def test_deploy_fails_while_another_deployment_runs(production):
    production.commit()
    with production.visitors(), production.running_fab("production", "deploy") as other:
        for line in other.stdout:
            if line.startswith("unpack"):
                break
        output = failed_deploy(production, 75)
        assert production.fab("production", "provision").returncode == 75
        other.stdout.read()
        assert other.wait() == 0
    assert re.search(r"another deployment is running: \w+.* since \d", output), output
    assert production.current().endswith(production.head())


def test_history_skips_lines_of_another_format(production):
    production.web[0].run("printf '%s\\n' '[1]' '{\"at\": 1}' cut >> /data/hbnb/releases.log")
    assert "deploy" in production.fab_ok("production", "history")


def test_deploy_repairs_uploads_that_were_cut_off_or_corrupted(production):
    production.commit()
    name, sha256 = packed(production)
    half = (production.checkout / "versions" / f"{name}.tgz").read_bytes()[:20_000]
    for host, content in zip(production.web, (half, b"?" * len(half)), strict=True):
        part = f"/data/hbnb/shared/uploads/{sha256}.tgz.part"
        host.run(f"base64 -d > {part}; chown deploy: {part}", input=base64.b64encode(content).decode())
    with production.visitors():
        production.fab_ok("production", "deploy")
    assert production.current() == name


def packed(fleet) -> tuple[str, str]:
    """Pack the newest revision. Returns the archive's name and SHA-256."""
    output = fleet.fab_ok("production", "pack")
    found = re.search(r"versions/(\S+)\.tgz .*sha256 (\w{64})", output)
    assert found, output
    return found[1], found[2]


def test_deploy_fails_if_a_disk_is_full(production):
    production.commit()
    with unchanged(production), production.web[1].full():
        output = failed_deploy(production)
    assert "web-02: its disk is full" in output


def test_deploy_fails_if_a_disk_becomes_full_during_unpack(production):
    production.commit()
    name, sha256 = packed(production)
    second = production.web[1]
    part = f"/data/hbnb/shared/uploads/{sha256}.tgz.part"
    content = base64.b64encode((production.checkout / "versions" / f"{name}.tgz").read_bytes()).decode()
    second.run(f"base64 -d > {part}; chown deploy: {part}", input=content)
    # A fake df reports enough space.
    second.run("mkdir -p /usr/local/bin; cd /usr/local/bin; printf '#!/bin/sh\\necho 9999999\\n' > df; chmod 755 df")
    try:
        with unchanged(production), second.full():
            output = failed_deploy(production)
    finally:
        second.run("rm /usr/local/bin/df")
    assert "web-02: unpack" in output
    assert "No space left on device" in output


@pytest.mark.parametrize("module", ["wsgi.py", "server.py"])     # only the server imports the second
def test_deploy_fails_if_the_code_cannot_be_imported(production, module):
    production.commit({module: "raise RuntimeError('broken on purpose')\n"})
    with unchanged(production):
        output = failed_deploy(production)
    assert "RuntimeError: broken on purpose" in output


def test_deploy_fails_if_nginx_does_not_answer_on_the_second_host(production):
    production.commit()
    second = production.web[1]
    second.run(wrap_curl("exit 22"))
    try:
        with unchanged(production):
            output = failed_deploy(production)
    finally:
        second.run(UNWRAP_CURL)
    assert "web-02: switch: nginx " in output
