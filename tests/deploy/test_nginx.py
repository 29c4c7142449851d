"""The site as nginx shows it, on 127.0.0.1, before a release that listens on its socket."""
from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import ROOT
from tests.deploy.loopback import nginx
from tests.functional.test_site import Answer, Site
from tests.servers import free_port


class Front(Site):
    def __init__(self, root: Path, port: int) -> None:
        super().__init__(f"http://127.0.0.1:{port}")
        self.root = root

    def put(self, path: str, body: object, **headers: str) -> Answer:
        return self.ask(path, json.dumps(body).encode(), "PUT", Content_Type="application/json", **headers)


@pytest.fixture(scope="module")
def front(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Front]:
    root, port = tmp_path_factory.mktemp("front"), free_port()
    release = root / "releases" / "one"
    (release / "run").mkdir(parents=True)
    (release / "web_static").symlink_to(ROOT / "web_static")
    (root / "current").symlink_to("releases/one")
    with nginx(root, f"127.0.0.1:{port}"), subprocess.Popen(
            [sys.executable, "wsgi.py", "--socket", str(release / "run" / "app.sock")], cwd=ROOT,
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env={
                "PATH": "/usr/bin:/bin", "HBNB_FILE_PATH": str(root / "file.json"), "HBNB_PROXIES": "1",
                "HBNB_RATE_LIMIT": "1000 per minute"}) as process:
        try:
            front = Front(root, port)
            while front.ask("/health/ready").status != 200:
                assert process.poll() is None
                time.sleep(0.1)
            yield front
        finally:
            process.terminate()


@pytest.fixture
def page(front: Front) -> Iterator[Path]:
    """The maintenance page is up."""
    flag = front.root / "shared" / "maintenance"
    flag.touch()
    yield flag
    flag.unlink()


def post(front: Front, name: str) -> dict[str, str]:
    found = front.ask("/api/v1/states", json.dumps({"name": name}).encode(), Content_Type="application/json").json
    assert isinstance(found, dict)
    return found


def test_a_tag_that_nginx_marked_as_weak_is_still_good(front):
    for number in range(10):
        made = post(front, f"State {number}")
    answer = front.ask("/api/v1/states", Accept_Encoding="gzip")
    assert answer.headers["Content-Encoding"] == "gzip"
    weak = answer.headers["ETag"]
    assert weak.startswith("W/")
    assert front.ask("/api/v1/states", If_None_Match=weak).status == 304
    path = f"/api/v1/states/{made['id']}"
    tag = front.ask(path).headers["ETag"]
    assert front.put(path, {"name": "First"}, If_Match=f"W/{tag}").status == 200
    for stale in (f"W/{tag}", tag, 'W/"x"'):
        assert front.put(path, {"name": "Second"}, If_Match=stale).status == 412


def test_static_files_come_from_the_current_release_under_their_classic_names_too(front):
    for name in ("web_static", "hbnb_static"):
        answer = front.ask(f"/{name}/styles/hbnb.css")
        assert answer.text == (ROOT / "web_static" / "styles" / "hbnb.css").read_text()
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
        assert front.ask(f"/{name}/").text == (ROOT / "web_static" / "index.html").read_text()
        for path in ("../wsgi.py", "..%2fwsgi.py", "nothing.css"):
            assert front.ask(f"/{name}/{path}").status in (400, 404)


def test_the_maintenance_page_is_shown_to_people_and_programs_and_not_to_the_balancer(front, page):
    for path in ("/", "/hbnb", "/no/such/page"):
        answer = front.ask(path)
        assert answer.status == 503
        assert "We are back soon" in answer.text
        assert answer.headers["Retry-After"]
        assert answer.headers["Cache-Control"] == "no-store"
    for body in (None, b"{}"):
        answer = front.ask("/api/v1/states", body)
        assert answer.status == 503
        assert answer.json["error"]
    assert front.ask("/hbnb", b"a=b").status == 503
    assert front.ask("/health/ready").status == 200


def test_a_release_that_is_gone_is_the_maintenance_page(front):
    current = front.root / "current"
    current.rename(front.root / "kept")
    try:
        assert "We are back soon" in front.ask("/hbnb").text
        assert front.ask("/api/v1/status").json["error"]
        assert front.ask("/health/ready").status == 503
    finally:
        (front.root / "kept").rename(current)
    assert front.ask("/hbnb").status == 200


def test_a_guest_cannot_make_up_an_address_but_keeps_the_id_of_a_request(front):
    for number in range(3):
        answer = front.ask("/api/v1/status", X_Forwarded_For=f"192.0.2.{number}", X_Request_ID="mine")
    assert answer.headers["X-Request-ID"] == "mine"
    last = json.loads((front.root / "hbnb.access.log").read_text().splitlines()[-1])
    assert (last["address"], last["id"], last["status"]) == ("127.0.0.1", "mine", 200)


def test_pages_are_compressed_and_say_where_they_come_from(front):
    answer = front.ask("/hbnb", Accept_Encoding="gzip")
    assert answer.headers["Content-Encoding"] == "gzip"
    assert answer.headers["X-Served-By"]
    assert answer.headers["Server"] == "nginx"
