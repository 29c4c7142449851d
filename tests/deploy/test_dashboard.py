"""The dashboard: its content, and its protection against forged requests."""
from __future__ import annotations

import os
import re
import socket
import subprocess
import sys
import urllib.request
from dataclasses import replace

import pytest

from deploy import dashboard, release
from deploy.config import DeployError, Environment
from deploy.transaction import HostState
from tests.conftest import ROOT
from tests.servers import free_port

OWN = "http://127.0.0.1:8008"
SECRET = "sEcReT-0123456789"
STATE = HostState("two", "one", ["one", "two"], ["one", "two"], [], "", "", 1000, True, "", {})


@pytest.fixture
def rollbacks(monkeypatch):
    """The rollbacks that were requested, as environment and release."""
    rollbacks = []
    monkeypatch.setattr(release, "status", lambda environment, unreachable: {"web-01": STATE, "web-02": STATE})
    monkeypatch.setattr(release, "history", lambda environment, unreachable: [
        {"at": "2026-01-01T00:00:00Z", "action": "deploy", "release": "two", "by": "<b>eve</b>", "ok": True}])
    monkeypatch.setattr(release, "rollback", lambda environment, to: rollbacks.append((environment.name, to)))
    return rollbacks


@pytest.fixture
def client(rollbacks):
    return dashboard.create_app(Environment("production", ["web-01", "web-02"]), 8008, SECRET).test_client()


def csrf_token(client) -> str:
    return re.search(r'name="csrf_token" value="([^"]{40,})"', client.get(f"/{SECRET}/", base_url=OWN).text)[1]


def post(client, origin: str | None = OWN, base_url: str = OWN, **form: str):
    return client.post(f"/{SECRET}/rollback", base_url=base_url, data=form,
                       headers={"Origin": origin} if origin else {})


def test_the_page_shows_hosts_and_history_with_escaped_text(client):
    page = client.get(f"/{SECRET}/", base_url=OWN)
    assert page.status_code == 200
    assert "&lt;b&gt;eve" in page.text
    for name in ("web-01", "web-02", "<option selected>one</option>"):
        assert name in page.text
    assert page.text.count("<option") == 1, "the current release is not offered"
    assert "style-src 'self'" in page.headers["Content-Security-Policy"]
    assert client.get(f"/{SECRET}/style.css", base_url=OWN).mimetype == "text/css"


def test_the_button_runs_a_rollback(client, rollbacks):
    answer = post(client, csrf_token=csrf_token(client), to="one")
    assert (answer.status_code, answer.location) == (303, f"/{SECRET}/")
    assert rollbacks == [("production", "one")]
    assert release.rollback.__module__ == __name__, "the dashboard has no rollback code of its own"


@pytest.mark.parametrize("origin", [None, "null", "http://evil.test", "http://127.0.0.1:9999", "https://127.0.0.1:8008",
                                    "http://127.0.0.1:8008.evil.test"])
def test_a_post_from_another_site_is_refused(client, rollbacks, origin):
    assert post(client, origin, csrf_token=csrf_token(client), to="one").status_code == 403
    assert rollbacks == []


@pytest.mark.parametrize("form", [{}, {"csrf_token": ""}, {"csrf_token": "guess"}, {"csrf_token": "é"}])
def test_a_post_without_the_csrf_token_is_refused(client, rollbacks, form):
    assert post(client, to="one", **form).status_code == 403
    assert rollbacks == []


@pytest.mark.parametrize("host", ["evil.test:8008", "evil.test", "127.0.0.1", "127.0.0.1:80", "[::1]:8008"])
def test_a_request_for_another_host_name_is_refused(client, rollbacks, host):
    address = f"http://{host}"
    assert client.get(f"/{SECRET}/", base_url=address).status_code == 421
    assert post(client, address, address, csrf_token=csrf_token(client), to="one").status_code == 421
    assert rollbacks == []


def test_a_get_request_cannot_roll_back(client, rollbacks):
    assert client.get(f"/{SECRET}/rollback?to=one", base_url=OWN).status_code == 405


def test_a_post_without_a_release_is_refused(client, rollbacks):
    assert post(client, csrf_token=csrf_token(client)).status_code == 400
    assert rollbacks == []


def test_a_failed_rollback_is_shown(client, monkeypatch):
    def refuse(environment, to):
        raise DeployError("web-01: another deployment is running", 75)
    monkeypatch.setattr(release, "rollback", refuse)
    answer = post(client, csrf_token=csrf_token(client), to="one")
    assert answer.status_code == 409
    assert "another deployment is running" in answer.text


@pytest.mark.parametrize("path", ["/", "/style.css", "/rollback", f"/{SECRET[:-1]}/", f"/{SECRET}x/", f"/x/{SECRET}/",
                                  f"//{SECRET}/", f"/?key={SECRET}", "/é/", "/\0/"])
def test_without_the_secret_every_path_is_404(client, rollbacks, path):
    for method in ("GET", "POST"):
        answer = client.open(path, base_url=OWN, method=method, headers={"Origin": OWN}, data={"to": "one"})
        assert answer.status_code == 404
        assert SECRET not in f"{answer.headers}{answer.text}"
    assert rollbacks == []


def test_the_secret_is_never_in_a_referer(client):
    assert client.get(f"/{SECRET}/", base_url=OWN).headers["Referrer-Policy"] == "strict-origin"


def test_the_secret_is_new_each_time_and_never_logged_and_an_idle_connection_blocks_no_request(tmp_path):
    (tmp_path / "hosts.toml").write_text('[dev]\nweb = ["web-01"]\n')
    environ = {**os.environ, "HBNB_DEPLOY": str(tmp_path / "hosts.toml"), "PYTHONUNBUFFERED": "1"}
    found = set()
    for _ in range(2):
        port = free_port()
        with subprocess.Popen([sys.executable, "-m", "fabric", "dev", "dashboard", f"--port={port}"], cwd=ROOT,
                              env=environ, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT) as process:
            try:
                secret = re.match(rf"http://127\.0\.0\.1:{port}/([\w-]{{40,}})/ ", process.stdout.readline())[1]
                while "Running on" not in (line := process.stdout.readline()):
                    assert line
                with socket.create_connection(("127.0.0.1", port)):
                    urllib.request.urlopen(f"http://127.0.0.1:{port}/{secret}/style.css", timeout=30).close()
            finally:
                process.terminate()
            assert secret not in process.stdout.read()
        found.add(secret)
    assert len(found) == 2


def test_an_unreachable_host_is_reported_and_the_others_are_shown(client, monkeypatch):
    def status(environment, unreachable):
        unreachable["web-02"] = "web-02 cannot be reached"
        return {"web-01": replace(STATE, healthy=False, health_error="<no database>")}
    monkeypatch.setattr(release, "status", status)
    page = client.get(f"/{SECRET}/", base_url=OWN)
    assert page.status_code == 200
    for words in ("web-02 cannot be reached", "web-01", "NO: &lt;no database&gt;", "<option selected>one</option>"):
        assert words in page.text


def test_an_error_on_a_host_is_shown(client, monkeypatch):
    def refuse(environment, unreachable):
        raise DeployError("web-02: state failed")
    monkeypatch.setattr(release, "status", refuse)
    assert "web-02: state failed" in client.get(f"/{SECRET}/", base_url=OWN).text
