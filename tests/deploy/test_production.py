"""The files and commands of docs/production.md, run on this machine with the paths of a temporary folder."""
from __future__ import annotations

import json
import os
import re
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.conftest import ROOT
from tests.deploy.loopback import NGINX, _served
from tests.documents import block
from tests.functional.test_site import Site
from tests.mariadb import MariaDB
from tests.servers import free_port

PAGE = "production.md"
OWN = {name: value for name, value in os.environ.items() if not name.startswith("HBNB_")}


@pytest.fixture
def place(tmp_path: Path) -> Callable[[str], str]:
    """Function that replaces a server's paths in a text by paths in a temporary folder."""
    current = tmp_path / "current"
    for folder in (current, tmp_path / "run", tmp_path / "down", tmp_path / "shared", tmp_path / "bin"):
        folder.mkdir()
    for path in ROOT.iterdir():
        (current / path.name).symlink_to(path)
    paths = {"/srv/hbnb": tmp_path, "/etc/hbnb/env": tmp_path / "env", "/var/lib/hbnb": tmp_path, "$(id -u)": "1",
             "/usr/local/bin/hbnb": tmp_path / "bin" / "hbnb", "/usr/local/lib/hbnb/down": tmp_path / "down",
             "/etc/nginx/sites-available/hbnb": tmp_path / "site", "/run/hbnb": tmp_path / "run"}

    def placed(text: str) -> str:
        for there, here in paths.items():
            text = text.replace(there, str(here))
        return text
    return placed


@pytest.fixture(params=["file", "db"])
def settings(request: pytest.FixtureRequest) -> str:
    """The lines of /etc/hbnb/env, for the file engine and for a database."""
    text = block(PAGE, "/etc/hbnb/env")
    if request.param == "db":
        server: MariaDB = request.getfixturevalue("mariadb")
        server.execute("DROP DATABASE IF EXISTS hbnb_db; DROP USER IF EXISTS hbnb@localhost;" + block(PAGE, "database"))
        text = re.sub("HBNB_FILE_PATH=.*\n", block(PAGE, "database settings"), text)
        text = text.replace("/run/mysqld/mysqld.sock", server.socket)
    return text


def test_a_manually_installed_server_works_behind_nginx(tmp_path, place, settings):
    (tmp_path / "env").write_text(place(settings))
    program = tmp_path / "bin" / "hbnb"
    program.write_text(place(block(PAGE, "/usr/local/bin/hbnb")))
    program.chmod(0o755)

    def run(name: str) -> str:
        return subprocess.run(["sh", "-euc", place(block(PAGE, name))], cwd=tmp_path / "current", check=True, text=True,
                              env=OWN | {"PATH": f"{program.parent}:{OWN['PATH']}"}, stdout=subprocess.PIPE).stdout
    [token] = re.findall(r"hbnb_[0-9a-f-]{36}_\S+", run("first"))
    run("nginx")
    port = free_port()
    site = place((tmp_path / "site").read_text()).replace("listen 80", f"listen 127.0.0.1:{port}").replace(
        "listen [::]:80 default_server;", "").replace("/var/log/nginx", str(tmp_path))
    (tmp_path / "nginx.conf").write_text(NGINX.format(root=tmp_path, site=site))
    [command] = re.findall("^ExecStart=(.+)$", place(block(PAGE, "/etc/systemd/system/hbnb.service")), re.M)
    with (subprocess.Popen(command.split(), env={"PATH": "/usr/bin:/bin"}, stdout=subprocess.DEVNULL,
                           stderr=subprocess.DEVNULL) as process,
          _served(["/usr/sbin/nginx", "-p", str(tmp_path), "-e", str(tmp_path / "error.log"), "-c",
                   str(tmp_path / "nginx.conf")], ("127.0.0.1", port), tmp_path / "nginx.log")):
        try:
            front = Site(f"http://127.0.0.1:{port}")
            assert front.ask("/api/v1/states").status in (200, 503)
            while front.ask("/health/ready").status != 200:
                assert process.poll() is None
                time.sleep(0.1)
            body, kind = json.dumps({"name": "Kept"}).encode(), "application/json"
            assert front.ask("/api/v1/states", body, Content_Type=kind).status == 401
            assert front.ask("/api/v1/states", body, Content_Type=kind, Authorization=f"Bearer {token}").status == 201
            assert "Kept" in front.ask("/states").text
            worker = place(block(PAGE, "/etc/systemd/system/hbnb-worker.service"))
            [command] = re.findall("^ExecStart=(.+)$", worker, re.M)
            subprocess.run([*command.split(), "--once"], env={"PATH": "/usr/bin:/bin"}, check=True)
            assert front.ask("/web_static/styles/tokens.css").status == 200
            (tmp_path / "shared" / "maintenance").touch()
            assert "We will be back soon" in front.ask("/hbnb").text
            assert "unavailable" in front.ask("/api/v1/states").json["error"]
        finally:
            process.terminate()


@pytest.mark.parametrize("name", ["hbnb.service", "hbnb-worker.service"])
def test_systemd_accepts_the_units(tmp_path, place, name):
    unit = tmp_path / name
    (tmp_path / "bin" / "hbnb").touch(mode=0o755)
    unit.write_text(place(block(PAGE, f"/etc/systemd/system/{name}")))
    ended = subprocess.run(["systemd-analyze", "verify", "--man=no", str(unit)], capture_output=True, text=True)
    assert [line for line in ended.stderr.splitlines() if name in line] == []
