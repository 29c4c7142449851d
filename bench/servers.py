"""Applications in server processes of their own, and the measurement of their requests a second."""
from __future__ import annotations

import http.client
import json
import re
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any, NamedTuple

from bench.measure import alternate, environment
from bench.row import Row
from bench.size import size
from tests.servers import Server, free_port

WORKERS, CONNECTIONS, SECONDS, WARM_UP = size((2, 4, 2.0, 6), (1, 4, 0.01, 1))
TURNS = size(3, 1)
# HBNB is started before it is served, as `wsgi.py` does, so its workers share the memory of the search index.
_SERVE = f"""
import sys, server
if sys.argv[1] == "wsgi:app":
    import wsgi
    from serving import concurrency
    concurrency.start(wsgi.app)
server.serve(sys.argv[1], "127.0.0.1", int(sys.argv[2]), workers={WORKERS})
"""
_SCRIPT = """local requests, turn = {{}}, 0
function init()
{}
end
function request()
  turn = turn % #requests + 1
  return requests[turn]
end
"""


class Request(NamedTuple):
    """A request; its path is relative to the root of the server."""

    method: str
    path: str
    body: Mapping[str, Any] | None = None
    headers: Mapping[str, str] = {}


class Answer(NamedTuple):
    status: int
    body: bytes
    tag: str | None


class Served(Server):
    """A server of an application, which runs during a `with` block.

    Args:
        target: the application as `module:name`.
        settings: additional environment variables.
        folder: a folder for temporary files.
        root: the prefix of all requests' paths.
    """

    def __init__(self, target: str, settings: Mapping[str, str], folder: Path, root: str = "/api/v1") -> None:
        self._port, self._folder, self._root = free_port(), folder, root
        super().__init__(["-c", _SERVE, target, str(self._port)], environment(**settings), self._port,
                         f"{root}/states", forks=False)

    def __enter__(self) -> Served:
        super().__enter__()
        return self

    def get(self, request: Request) -> Answer:
        """Send a request."""
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=60)
        connection.request(request.method, self._root + request.path, *_content(request))
        response = connection.getresponse()
        answer = Answer(response.status, response.read(), response.getheader("ETag"))
        connection.close()
        return answer

    def warm(self, requests: Sequence[Request]) -> None:
        """Send each request that changes nothing several times, so that probably every worker has answered it."""
        for request in requests if requests[0].method == "GET" or "search" in requests[0].path else ():
            for _ in range(WARM_UP):
                self.get(request)

    def rate(self, requests: Sequence[Request]) -> float:
        """Send the requests in a loop, and return the number of responses a second.

        Raises:
            RuntimeError: a response was an error or missing.
        """
        script = self._folder / "requests.lua"
        script.write_text(_SCRIPT.format("\n".join(map(self._lua, requests))))
        report = self._report(script)
        rate = re.search(r"^Requests/sec: +([\d.]+)", report, re.MULTILINE)
        if rate is None or "Non-2xx" in report or "Socket errors" in report:
            raise RuntimeError(f"Requests such as {requests[0]} failed:\n{report}")
        return float(rate[1]) or 1 / SECONDS    # 0 if the time was too short for a response

    def _report(self, script: Path) -> str:
        """Run wrk for some seconds, and return its report."""
        with subprocess.Popen(["wrk", "-t", "1", "-c", str(CONNECTIONS), "-d", "60s", "-s", script, self.address],
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as wrk:
            while wrk.poll() is None and not catches(wrk.pid, signal.SIGINT):
                time.sleep(0.005)
            with suppress(subprocess.TimeoutExpired):
                wrk.wait(SECONDS)
            wrk.send_signal(signal.SIGINT)      # makes wrk print its report
            return wrk.communicate()[0]

    def _lua(self, request: Request) -> str:
        """Return a request as a line of Lua, whose string literals equal those of JSON for ASCII text."""
        body, headers = _content(request)
        fields = ", ".join(f"[{json.dumps(name)}] = {json.dumps(value)}" for name, value in headers.items())
        path, text = json.dumps(self._root + request.path), "nil" if body is None else json.dumps(body)
        return f'  requests[#requests + 1] = wrk.format("{request.method}", {path}, {{{fields}}}, {text})'


def compared(name: str, hbnb: Served, reference: Served, requests: Sequence[Request], at_least: float,
             against: str) -> Row:
    """Measure the requests a second of both servers, as medians of alternating turns."""
    servers = (hbnb, reference)
    for each in servers:
        each.warm(requests)
    return Row(name, *map(median, alternate(TURNS, *(partial(each.rate, requests) for each in servers))),
               "requests/s", against, at_least=at_least)


def catches(pid: int, number: signal.Signals) -> bool:
    """Whether a process has a handler for this signal; wrk has one once it sends requests."""
    [mask] = re.findall(r"^SigCgt:\s*(\w+)$", Path(f"/proc/{pid}/status").read_text(), re.MULTILINE)
    return bool(int(mask, 16) >> number - 1 & 1)


def _content(request: Request) -> tuple[str | None, dict[str, str]]:
    """Return the body and the headers of a request."""
    if request.body is None:
        return None, dict(request.headers)
    return json.dumps(request.body), {"Content-Type": "application/json", **request.headers}
