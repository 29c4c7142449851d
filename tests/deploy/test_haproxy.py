"""The balancer, on 127.0.0.1, with servers that answer, close the connection early, or are down."""
from __future__ import annotations

import http.client
import re
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from tests.deploy.test_files import PLAIN, certificate, files, haproxy
from tests.functional.test_site import Answer
from tests.servers import free_port

NAME = "hbnb.example.com"


class Web(BaseHTTPRequestHandler):
    """A healthy web server, which closes the connection of a request for /…/breaks without a response."""

    def do_GET(self) -> None:
        if "breaks" not in self.path:
            self.send_response(200)
            self.send_header("Content-Length", "2")
            self.end_headers()
            self.wfile.write(b"OK")

    def log_message(self, *_: object) -> None:
        pass


class Balancer:
    def __init__(self, port: int, log: socket.socket) -> None:
        self.port, self._log = port, log

    def ask(self, path: str, host: str = NAME, port: int = 0, method: str = "GET") -> Answer:
        with closing(http.client.HTTPConnection("127.0.0.1", port or self.port, timeout=10)) as connection:
            connection.putrequest(method, path, skip_host=True)
            connection.putheader("Host", host)
            connection.endheaders()
            found = connection.getresponse()
            return Answer(found.status, found.headers, found.read())

    def lines(self) -> str:
        """The log lines since the last call."""
        found = []
        while True:
            try:
                found.append(self._log.recv(65536).decode())
            except TimeoutError:
                return "\n".join(found)


@contextmanager
def balancer(folder: Path, servers: str, ports: dict[str, int], **changed: str) -> Iterator[Balancer]:
    found = files(replace(PLAIN, server_name=NAME, **changed))
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as log:
        log.bind(("127.0.0.1", 0))
        log.settimeout(0.5)
        text = haproxy(found, folder).replace("/dev/log", f"127.0.0.1:{log.getsockname()[1]}").replace(
            "inter 500ms", "inter 50ms")
        text = re.sub(r"(?m)^    (user|group|stats) .*\n", "", text)
        text = re.sub(r"10\.0\.0\.[12]:80", servers, text)
        for mark, port in ports.items():
            text = text.replace(f"bind :{mark}", f"bind 127.0.0.1:{port}")
        (folder / "haproxy.cfg").write_text(text)
        with subprocess.Popen(["haproxy", "-db", "-f", str(folder / "haproxy.cfg")], stdout=subprocess.DEVNULL,
                              stderr=subprocess.DEVNULL) as process:
            try:
                started = Balancer(ports["80"], log)
                while True:
                    assert process.poll() is None
                    try:
                        started.ask("/")
                        break
                    except OSError:
                        time.sleep(0.05)
                yield started
            finally:
                process.terminate()


@pytest.fixture(scope="module")
def web() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Web) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def test_without_a_response_the_api_gets_json_and_visitors_get_the_page(tmp_path, web):
    with balancer(tmp_path, web, {"80": free_port()}) as front:
        while front.ask("/hbnb").status != 200 or front.ask("/api/v1/status").status != 200:
            time.sleep(0.05)
        for path, status in (("/api/v1/breaks", 502), ("/%61pi/v1/breaks", 502), ("/health/breaks", 502)):
            answer = front.ask(path)
            assert (answer.status, answer.headers["Content-Type"]) == (status, "application/json")
            assert answer.json["error"].startswith("No server answered")
        assert "We will be back soon" in front.ask("/breaks").text


def test_while_all_servers_are_down_the_api_gets_an_error_in_json(tmp_path):
    with balancer(tmp_path, f"127.0.0.1:{free_port()}", {"80": free_port()}) as front:
        answer = front.ask("/api/v1/status")
        assert (answer.status, answer.headers["Retry-After"]) == (503, "30")
        assert "unavailable" in answer.json["error"]
        assert "We will be back soon" in front.ask("/hbnb").text


def test_the_log_contains_no_query(tmp_path, web):
    with balancer(tmp_path, web, {"80": free_port()}) as front:
        for path in ("/hbnb", "/api/v1/breaks", "/breaks"):
            front.ask(f"{path}?text=a-search-term")
        front.ask("/hbnb?text=a-search-term", method="G{T")
        logged = front.lines()
    assert 'GET "/api/v1/breaks" HTTP/1.1' in logged
    assert "a-search-term" not in logged


def test_the_redirect_to_https_ignores_the_requests_host(tmp_path, web):
    certificate(tmp_path)
    with balancer(tmp_path, web, {"80": free_port(), "443": free_port()},
                  certificate=str(tmp_path / "site.pem")) as front:
        for host in (NAME, "evil.example"):
            answer = front.ask("/places?text=x", host=host)
            assert (answer.status, answer.headers["Location"]) == (301, f"https://{NAME}/places?text=x")
