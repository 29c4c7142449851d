"""What goes wrong on the way: the operator is told, nothing is changed, and guests see nothing."""
from __future__ import annotations

import base64
import re
import shutil
from contextlib import contextmanager

import pytest

from tests.deploy.fleet import FRONT_AS_IT_IS, front


@contextmanager
def unchanged(fleet):
    """Nothing changes on the web servers during the block, and guests see nothing of it."""
    before = fleet.state()
    with fleet.guests():
        yield
    assert fleet.state() == before


def refused(fleet, status: int = 1) -> str:
    """What a deployment says that does not go well."""
    ended = fleet.fab("production", "deploy")
    assert ended.returncode == status, ended.stdout
    assert "\nfab: " in f"\n{ended.stdout}"      # a sentence
    return ended.stdout


def test_a_host_that_is_off(live):
    first, second = live.web
    before = live.state(first)
    second.off()
    try:
        with live.guests(address=first.address):
            live.commit()
            assert "web-02 cannot be reached" in refused(live)
            for command, shown in (("status", "web-01: production_"), ("history", "(web-01)"), ("log", "web-01:\n")):
                ended = live.fab("production", command)
                assert ended.returncode == 1
                assert shown in ended.stdout
                assert "fab: web-02 cannot be reached" in ended.stdout
        assert live.state(first) == before
    finally:
        second.boot()


def test_a_host_that_is_silent(live):
    first, second = live.web
    before = live.state()
    second.silent()
    try:
        with live.guests(address=first.address):
            live.commit()
            assert "web-02 cannot be reached" in refused(live)
    finally:
        second.answers()
    assert live.state() == before


@pytest.mark.parametrize("key", ["unknown", "changed"])
def test_a_host_key_that_is(live, key, tmp_path):
    known = live.hosts.known_hosts
    shutil.copy(known, tmp_path)
    lines = known.read_text().splitlines(keepends=True)
    [own] = [line for line in lines if line.startswith("web-02")]
    [other] = [line for line in lines if line.startswith("lb-01")]
    sessions = accepted(live)
    known.write_text("".join({"unknown": [line for line in lines if line != own],
                              "changed": [line.replace(own.split()[2], other.split()[2]) for line in lines]}[key]))
    try:
        with unchanged(live):
            said = refused(live)
    finally:
        shutil.copy(tmp_path / known.name, known)
    assert {"unknown": "web-02 is not in", "changed": "web-02 shows another host key"}[key] in said
    assert accepted(live) == sessions


def accepted(fleet) -> str:
    """How often web-02 let somebody in."""
    return fleet.web[1].run("journalctl --unit ssh --grep Accepted --output cat | wc -l").stdout


def test_another_deployment_is_running(live):
    live.commit()
    with live.guests(), live.begun("production", "deploy") as other:
        for line in other.stdout:
            if line.startswith("unpack"):
                break
        said = refused(live, 75)
        assert live.fab("production", "provision").returncode == 75
        other.stdout.read()
        assert other.wait() == 0
    assert re.search(r"a deployment is at work: \w+.* since \d", said), said
    assert live.current().endswith(live.head())


def test_a_line_of_somebody_else_in_the_history(live):
    live.web[0].run("printf '%s\\n' '[1]' '{\"at\": 1}' cut >> /data/hbnb/releases.log")
    assert "deploy" in live.done("production", "history")


def test_an_upload_that_was_cut_off_on_one_host_and_corrupted_on_the_other(live):
    live.commit()
    name, sha256 = packed(live)
    half = (live.checkout / "versions" / f"{name}.tgz").read_bytes()[:20_000]
    for host, content in zip(live.web, (half, b"?" * len(half)), strict=True):
        part = f"/data/hbnb/shared/uploads/{sha256}.tgz.part"
        host.run(f"base64 -d > {part}; chown deploy: {part}", input=base64.b64encode(content).decode())
    with live.guests():
        live.done("production", "deploy")
    assert live.current() == name


def packed(fleet) -> tuple[str, str]:
    """Name and digest of the archive of the newest revision."""
    said = fleet.done("production", "pack")
    found = re.search(r"versions/(\S+)\.tgz .*sha256 (\w{64})", said)
    assert found, said
    return found[1], found[2]


def test_a_disk_that_is_full_on_one_host(live):
    live.commit()
    with unchanged(live), live.web[1].full():
        said = refused(live)
    assert "web-02: its disk is full" in said


def test_a_disk_that_becomes_full_while_a_release_is_unpacked(live):
    live.commit()
    name, sha256 = packed(live)
    second = live.web[1]
    part = f"/data/hbnb/shared/uploads/{sha256}.tgz.part"
    content = base64.b64encode((live.checkout / "versions" / f"{name}.tgz").read_bytes()).decode()
    second.run(f"base64 -d > {part}; chown deploy: {part}", input=content)
    # When it is asked, there is room.
    second.run("mkdir -p /usr/local/bin; cd /usr/local/bin; printf '#!/bin/sh\\necho 9999999\\n' > df; chmod 755 df")
    try:
        with unchanged(live), second.full():
            said = refused(live)
    finally:
        second.run("rm /usr/local/bin/df")
    assert "web-02: unpack" in said
    assert "No space left on device" in said


@pytest.mark.parametrize("module", ["wsgi.py", "server.py"])     # that all programs import, and that only the unit does
def test_code_that_cannot_be_imported(live, module):
    live.commit({module: "raise RuntimeError('broken on purpose')\n"})
    with unchanged(live):
        said = refused(live)
    assert "RuntimeError: broken on purpose" in said


def test_a_front_door_that_fails_on_the_second_host(live):
    live.commit()
    second = live.web[1]
    second.run(front("exit 22"))
    try:
        with unchanged(live):
            said = refused(live)
    finally:
        second.run(FRONT_AS_IT_IS)
    assert "web-02: switch: the front door" in said
