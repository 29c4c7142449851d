"""The dashboard: what it shows, and who may press its button."""
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
from deploy.config import Environment, Refused
from deploy.work import State
from tests.conftest import ROOT
from tests.servers import free_port

OWN = "http://127.0.0.1:8008"
SECRET = "sEcReT-0123456789"
STATE = State("two", "one", ["one", "two"], ["one", "two"], [], "", "", 1000, True, "", {})


@pytest.fixture
def asked(monkeypatch):
    """What was taken back to."""
    asked = []
    monkeypatch.setattr(release, "status", lambda environment, away: {"web-01": STATE, "web-02": STATE})
    monkeypatch.setattr(release, "history", lambda environment, away: [
        {"at": "2026-01-01T00:00:00Z", "action": "deploy", "release": "two", "by": "<b>eve</b>", "ok": True}])
    monkeypatch.setattr(release, "rollback", lambda environment, to: asked.append((environment.name, to)))
    return asked


@pytest.fixture
def client(asked):
    return dashboard.create_app(Environment("production", ["web-01", "web-02"]), 8008, SECRET).test_client()


def word(client) -> str:
    return re.search(r'name="word" value="([^"]{40,})"', client.get(f"/{SECRET}/", base_url=OWN).text)[1]


def post(client, origin: str | None = OWN, base_url: str = OWN, **form: str):
    return client.post(f"/{SECRET}/rollback", base_url=base_url, data=form,
                       headers={"Origin": origin} if origin else {})


def test_shows_hosts_and_history_as_text(client):
    page = client.get(f"/{SECRET}/", base_url=OWN)
    assert page.status_code == 200
    assert "&lt;b&gt;eve" in page.text
    for name in ("web-01", "web-02", "<option selected>one</option>"):
        assert name in page.text
    assert page.text.count("<option") == 1, "what is current need not become it"
    assert "style-src 'self'" in page.headers["Content-Security-Policy"]
    assert client.get(f"/{SECRET}/style.css", base_url=OWN).mimetype == "text/css"


def test_its_button_is_fab_rollback(client, asked):
    answer = post(client, word=word(client), to="one")
    assert (answer.status_code, answer.location) == (303, f"/{SECRET}/")
    assert asked == [("production", "one")]
    assert release.rollback.__module__ == __name__, "and no code of its own"


@pytest.mark.parametrize("origin", [None, "null", "http://evil.test", "http://127.0.0.1:9999", "https://127.0.0.1:8008",
                                    "http://127.0.0.1:8008.evil.test"])
def test_what_another_site_posts_is_refused(client, asked, origin):
    assert post(client, origin, word=word(client), to="one").status_code == 403
    assert asked == []


@pytest.mark.parametrize("given", [{}, {"word": ""}, {"word": "guess"}, {"word": "é"}])
def test_what_does_not_know_the_word_of_the_page_is_refused(client, asked, given):
    assert post(client, to="one", **given).status_code == 403
    assert asked == []


@pytest.mark.parametrize("host", ["evil.test:8008", "evil.test", "127.0.0.1", "127.0.0.1:80", "[::1]:8008"])
def test_a_name_that_was_made_to_lead_here_is_refused(client, asked, host):
    address = f"http://{host}"
    assert client.get(f"/{SECRET}/", base_url=address).status_code == 421
    assert post(client, address, address, word=word(client), to="one").status_code == 421
    assert asked == []


def test_a_rollback_is_never_asked_by_a_link(client, asked):
    assert client.get(f"/{SECRET}/rollback?to=one", base_url=OWN).status_code == 405


def test_without_a_release_nothing_is_done(client, asked):
    assert post(client, word=word(client)).status_code == 400
    assert asked == []


def test_a_refusal_is_shown(client, monkeypatch):
    def refuse(environment, to):
        raise Refused("web-01: another deployment is at work", 75)
    monkeypatch.setattr(release, "rollback", refuse)
    answer = post(client, word=word(client), to="one")
    assert answer.status_code == 409
    assert "another deployment is at work" in answer.text


@pytest.mark.parametrize("path", ["/", "/style.css", "/rollback", f"/{SECRET[:-1]}/", f"/{SECRET}x/", f"/x/{SECRET}/",
                                  f"//{SECRET}/", f"/?key={SECRET}", "/é/", "/\0/"])
def test_without_the_secret_of_its_address_there_is_nothing(client, asked, path):
    for method in ("GET", "POST"):
        answer = client.open(path, base_url=OWN, method=method, headers={"Origin": OWN}, data={"to": "one"})
        assert answer.status_code == 404
        assert SECRET not in f"{answer.headers}{answer.text}"
    assert asked == []


def test_its_secret_is_in_no_referer(client):
    assert client.get(f"/{SECRET}/", base_url=OWN).headers["Referrer-Policy"] == "strict-origin"


def test_its_address_is_new_each_time_and_in_no_log_and_a_silent_connection_keeps_nobody_waiting(tmp_path):
    (tmp_path / "hosts.toml").write_text('[dev]\nweb = ["web-01"]\n')
    environ = {**os.environ, "HBNB_DEPLOY": str(tmp_path / "hosts.toml"), "PYTHONUNBUFFERED": "1"}
    found = set()
    for _ in range(2):
        port = free_port()
        with subprocess.Popen([sys.executable, "-m", "fabric", "dev", "dashboard", f"--port={port}"], cwd=ROOT,
                              env=environ, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT) as process:
            try:
                secret = re.match(rf"http://127\.0\.0\.1:{port}/([\w-]{{40,}})/ ", process.stdout.readline())[1]
                while "Running on" not in (said := process.stdout.readline()):
                    assert said
                with socket.create_connection(("127.0.0.1", port)):
                    urllib.request.urlopen(f"http://127.0.0.1:{port}/{secret}/style.css", timeout=30).close()
            finally:
                process.terminate()
            assert secret not in process.stdout.read()
        found.add(secret)
    assert len(found) == 2


def test_hosts_that_cannot_be_reached_are_told_and_the_others_shown(client, monkeypatch):
    def status(environment, away):
        away["web-02"] = "web-02 cannot be reached"
        return {"web-01": replace(STATE, healthy=False, trouble="<no database>")}
    monkeypatch.setattr(release, "status", status)
    page = client.get(f"/{SECRET}/", base_url=OWN)
    assert page.status_code == 200
    for words in ("web-02 cannot be reached", "web-01", "NO: &lt;no database&gt;", "<option selected>one</option>"):
        assert words in page.text


def test_what_goes_wrong_on_a_host_is_told(client, monkeypatch):
    def refuse(environment, away):
        raise Refused("web-02: state broke off")
    monkeypatch.setattr(release, "status", refuse)
    assert "web-02: state broke off" in client.get(f"/{SECRET}/", base_url=OWN).text
