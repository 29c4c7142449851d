"""nginx with the site's configuration, on 127.0.0.1, in front of a release on its socket."""
from __future__ import annotations

import http.client
import json
import re
import socket
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import pytest

from tests.conftest import ROOT
from tests.deploy.loopback import nginx
from tests.functional.test_site import Answer, Site
from tests.servers import free_port

NAME = "hbnb.example.com"


class Front(Site):
    def __init__(self, root: Path, port: int) -> None:
        super().__init__(f"http://127.0.0.1:{port}")
        self.root, self.port = root, port

    def ask(self, path: str, body: bytes | None = None, method: str | None = None, **headers: str) -> Answer:
        return super().ask(path, body, method, **{"Host": NAME, **headers})

    def send(self, request: str) -> tuple[int, str, str]:
        """Send raw bytes. Returns the response's status, headers and body."""
        with socket.create_connection(("127.0.0.1", self.port), 10) as connection:
            connection.sendall(request.encode("latin-1"))
            answer = http.client.HTTPResponse(connection)
            answer.begin()
            return answer.status, str(answer.headers), answer.read().decode()

    def put(self, path: str, body: object, **headers: str) -> Answer:
        return self.ask(path, json.dumps(body).encode(), "PUT", Content_Type="application/json", **headers)


@pytest.fixture(scope="module")
def front(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Front]:
    root, port = tmp_path_factory.mktemp("front"), free_port()
    release = root / "releases" / "one"
    (release / "run").mkdir(parents=True)
    (release / "web_static").symlink_to(ROOT / "web_static")
    (root / "current").symlink_to("releases/one")
    with nginx(root, f"127.0.0.1:{port}", server_name=NAME), subprocess.Popen(
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
    """Puts the maintenance page up."""
    flag = front.root / "shared" / "maintenance"
    flag.touch()
    yield flag
    flag.unlink()


def post(front: Front, name: str) -> dict[str, str]:
    found = front.ask("/api/v1/states", json.dumps({"name": name}).encode(), Content_Type="application/json").json
    assert isinstance(found, dict)
    return found


def test_an_etag_that_nginx_weakened_still_matches(front):
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


def test_static_files_are_served_from_the_current_release_under_both_paths(front):
    for name in ("web_static", "hbnb_static"):
        answer = front.ask(f"/{name}/styles/hbnb.css")
        assert answer.text == (ROOT / "web_static" / "styles" / "hbnb.css").read_text()
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
        assert front.ask(f"/{name}/").text == (ROOT / "web_static" / "index.html").read_text()
        for path in ("../wsgi.py", "..%2fwsgi.py", "nothing.css"):
            assert front.ask(f"/{name}/{path}").status in (400, 404)


def test_the_maintenance_page_is_served_to_visitors_and_the_api_but_not_to_health_checks(front, page):
    for path in ("/", "/hbnb", "/no/such/page"):
        answer = front.ask(path)
        assert answer.status == 503
        assert "We will be back soon" in answer.text
        assert answer.headers["Retry-After"]
        assert answer.headers["Cache-Control"] == "no-store"
    for body in (None, b"{}"):
        answer = front.ask("/api/v1/states", body)
        assert answer.status == 503
        assert answer.json["error"]
    assert front.ask("/hbnb", b"a=b").status == 503
    assert front.ask("/health/ready").status == 200


def test_without_a_current_release_the_maintenance_page_is_served(front):
    current = front.root / "current"
    current.rename(front.root / "kept")
    try:
        assert "We will be back soon" in front.ask("/hbnb").text
        assert front.ask("/api/v1/status").json["error"]
        assert front.ask("/health/ready").status == 503
    finally:
        (front.root / "kept").rename(current)
    assert front.ask("/hbnb").status == 200


def test_a_client_cannot_forge_its_address_but_can_set_the_request_id(front):
    for number in range(3):
        answer = front.ask("/api/v1/status", X_Forwarded_For=f"192.0.2.{number}", X_Request_ID="mine")
    assert answer.headers["X-Request-ID"] == "mine"
    last = json.loads((front.root / "hbnb.access.log").read_text().splitlines()[-1])
    assert (last["address"], last["id"], last["status"]) == ("127.0.0.1", "mine", 200)


def test_pages_are_compressed_and_name_their_server(front):
    answer = front.ask("/hbnb", Accept_Encoding="gzip")
    assert answer.headers["Content-Encoding"] == "gzip"
    assert answer.headers["X-Served-By"]
    assert answer.headers["Server"] == "nginx"


class TestALongQuery:
    """nginx accepts a request line of 8 kB; the application's response to it must fit into nginx's buffers."""

    @pytest.mark.parametrize("ids", [1, 24, 100, 180])
    def test_of_ids_gets_its_page_with_the_links_that_fit(self, front, ids):
        query = "cities=" + ",".join(str(uuid.uuid4()) for _ in range(ids))
        answer = front.ask(f"/api/v1/places?limit=20&offset=20&{query}")
        assert (answer.status, answer.json, answer.headers["X-Total-Count"]) == (200, [], "0")
        assert len(answer.headers["Link"]) <= 12_000
        assert {"first", "prev"} & {*re.findall('rel="([a-z]+)"', answer.headers["Link"])}

    @pytest.mark.parametrize("text", ["é" * 1200, ",;" * 3600, "x" * 7800], ids=["accents", "signs", "letters"])
    def test_of_words_gets_its_page(self, front, text):
        sent = quote(text, safe=",;")
        assert 7000 < len(sent) < 8000
        for path in ("/api/v1/places", "/hbnb", "/100-hbnb/", "/apidocs/"):
            assert front.ask(f"{path}?text={sent}&limit=1&offset=1").status in (200, 400), path

    def test_links_the_next_page_rather_than_the_last(self, front):
        for number in range(3):
            post(front, f"Long {number}")
        padding = f"_={'x' * 7000}"
        link = front.ask(f"/api/v1/states?limit=1&offset=1&{padding}").headers["Link"]
        assert re.findall('rel="([a-z]+)"', link) == ["next"]

    def test_that_is_too_long_gets_an_error_in_json(self, front):
        status, head, text = front.send(f"GET /api/v1/places?text={'x' * 9000} HTTP/1.1\r\nHost: {NAME}\r\n\r\n")
        assert (status, "application/json" in head) == (414, True)
        assert "POST /api/v1/places_search" in json.loads(text)["error"]


BIG = f"POST /api/v1/states HTTP/1.1\r\nHost: {NAME}\r\nContent-Length: 3000000\r\n\r\n"
REFUSED = {
    413: BIG,
    400: f"GET /api/v1/states HTTP/1.1\r\nHost: {NAME}\r\nHost: {NAME}\r\n\r\n",
    431: f"GET /api/v1/states HTTP/1.1\r\nHost: {NAME}\r\nX-Long: {'x' * 9000}\r\n\r\n",
    405: f"TRACE /api/v1/states HTTP/1.1\r\nHost: {NAME}\r\nConnection: close\r\n\r\n",
    501: f"POST /api/v1/states HTTP/1.1\r\nHost: {NAME}\r\nTransfer-Encoding: odd\r\n\r\n",
    505: f"GET /api/v1/states HTTP/3.0\r\nHost: {NAME}\r\n\r\n",
    421: "GET /api/v1/states HTTP/1.1\r\nHost: evil.example\r\nConnection: close\r\n\r\n"}


@pytest.mark.parametrize("status", REFUSED)
def test_nginxs_own_errors_are_json_for_the_api_and_html_elsewhere(front, status):
    for path, kind in (("/api/v1/states", "application/json"), ("/%61pi/v1/states", "application/json"),
                       ("/hbnb", "text/html")):
        if status in (400, 505) and "%" in path:
            continue        # nginx did not decode the address
        found, head, text = front.send(REFUSED[status].replace("/api/v1/states", path))
        assert (found, re.search(r"(?m)^Content-Type: ([a-z/]+)", head)[1]) == (status, kind), head
        assert "nginx</center>" not in text
        if kind == "application/json":
            assert len(json.loads(text)["error"]) > 10


@pytest.mark.parametrize("path", ["/api", "/health", "/web_static/images", "/hbnb_static/styles", "/100-hbnb"])
def test_a_redirect_never_repeats_the_requests_host(front, path):
    for host in (NAME, "evil.example", f"{NAME}.evil.example", f"evil.example/{NAME}"):
        status, head, _ = front.send(f"GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n")
        assert "evil" not in head
        assert not re.search(r"(?m)^Location: (?!/[^/])", head)
        assert (status in (400, 421)) == (host != NAME), (host, head)


def test_no_log_contains_the_secret_of_a_link(front):
    paths = ["/confirm/", "/reset/", "/email/", "/api/v1/confirmations/", "/api/v1/password-resets/"]
    for path in paths:
        front.ask(f"{path}a-secret?x=a-secret")
    for _ in range(100):        # nginx writes the line after the response
        logged = "".join(file.read_text() for file in front.root.glob("*.log"))
        if f'"request": "GET {paths[-1]}..."' in logged:
            break
        time.sleep(0.1)
    assert all(f'"request": "GET {path}..."' in logged for path in paths)
    assert "a-secret" not in logged


def test_no_log_contains_a_query(front):
    words = "a-search-term"

    def ask() -> None:
        for path in ("/hbnb", "/api/v1/places", "/no/such/page", "/web_static/none.css", "/web_static/images"):
            front.ask(f"{path}?text={words}", Referer=f"http://{NAME}/?text={words}")
        for request in (*REFUSED.values(), f"GET /api/v1/x{'x' * 9000} HTTP/1.1\r\nHost: {NAME}\r\n\r\n"):
            front.send(re.sub(r" (/\S+) ", rf" \1?text={words} ", request, count=1))
    ask()
    current = front.root / "current"
    current.rename(front.root / "kept")
    try:
        ask()
    finally:
        (front.root / "kept").rename(current)
    logged = "".join(path.read_text() for path in front.root.glob("*.log"))
    assert words not in logged
    assert '"request": "GET /api/v1/places", "status": 503, "upstream": "502"' in logged
