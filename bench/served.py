"""Applications, each served by processes of its own, and how many requests a second they answer."""
from __future__ import annotations

import http.client
import json
import re
import signal
import subprocess
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

WORKERS, CONNECTIONS, SECONDS, WARM = size((2, 4, 2.0, 6), (1, 4, 0.1, 1))
TURNS = size(3, 1)
# As `python wsgi.py` does it, with more workers.
_SERVE = f"import sys, server; server.serve(sys.argv[1], '127.0.0.1', int(sys.argv[2]), workers={WORKERS})"
_SCRIPT = """local asked, turn = {{}}, 0
function init()
{}
end
function request()
  turn = turn % #asked + 1
  return asked[turn]
end
"""


class Request(NamedTuple):
    """What is asked: the path below the root of what is served, and what goes along with it."""

    method: str
    path: str
    body: Mapping[str, Any] | None = None
    headers: Mapping[str, str] = {}


class Answer(NamedTuple):
    status: int
    body: bytes
    tag: str | None


class Served(Server):
    """An application, from when it answers to the end of the block.

    Args:
        target: `module:name` of it.
        settings: its environment, beside ours.
        folder: for files that may stay there.
        root: what all paths that are asked begin with.
    """

    def __init__(self, target: str, settings: Mapping[str, str], folder: Path, root: str = "/api/v1") -> None:
        self._port, self._folder, self._root = free_port(), folder, root
        super().__init__(["-c", _SERVE, target, str(self._port)], environment(**settings), self._port,
                         f"{root}/states")

    def __enter__(self) -> Served:
        super().__enter__()
        return self

    def get(self, request: Request) -> Answer:
        """Ask once."""
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=60)
        connection.request(request.method, self._root + request.path, *_sent(request))
        response = connection.getresponse()
        found = Answer(response.status, response.read(), response.getheader("ETag"))
        connection.close()
        return found

    def warm(self, requests: Sequence[Request]) -> None:
        """Ask each as often as it takes until all workers have most likely answered it once."""
        for request in requests if requests[0].method == "GET" or "search" in requests[0].path else ():
            for _ in range(WARM):
                self.get(request)

    def rate(self, requests: Sequence[Request]) -> float:
        """How many requests a second it answers, when these are asked again and again.

        Raises:
            RuntimeError: an answer was an error, or none came.
        """
        script = self._folder / "asked.lua"
        script.write_text(_SCRIPT.format("\n".join(map(self._prepared, requests))))
        with subprocess.Popen(["wrk", "-t", "1", "-c", str(CONNECTIONS), "-d", "60s", "-s", script, self.address],
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as wrk:
            with suppress(subprocess.TimeoutExpired):
                wrk.wait(SECONDS)
            wrk.send_signal(signal.SIGINT)      # it then says what it counted
            said = wrk.communicate()[0]
        found = re.search(r"^Requests/sec: +([\d.]+)", said, re.MULTILINE)
        if found is None or "Non-2xx" in said or "Socket errors" in said:
            raise RuntimeError(f"{requests[0]} and others like it are not answered:\n{said}")
        return float(found[1]) or 1 / SECONDS   # not one, where one would have been enough

    def _prepared(self, request: Request) -> str:
        """A request as a line of Lua, in which a text reads as in JSON while all of it is ASCII."""
        body, headers = _sent(request)
        fields = ", ".join(f"[{json.dumps(name)}] = {json.dumps(value)}" for name, value in headers.items())
        path, text = json.dumps(self._root + request.path), "nil" if body is None else json.dumps(body)
        return f'  asked[#asked + 1] = wrk.format("{request.method}", {path}, {{{fields}}}, {text})'


def compared(what: str, ours: Served, limit: Served, requests: Sequence[Request], at_least: float,
             against: str) -> Row:
    """How many of these requests a second ours answers, beside the limit: medians of turns."""
    for each in (ours, limit):
        each.warm(requests)
    mine, theirs = map(median, alternate(TURNS, *(partial(each.rate, requests) for each in (ours, limit))))
    return Row(what, mine, theirs, "requests/s", against, at_least=at_least)


def _sent(request: Request) -> tuple[str | None, dict[str, str]]:
    """The body, and the headers."""
    if request.body is None:
        return None, dict(request.headers)
    return json.dumps(request.body), {"Content-Type": "application/json", **request.headers}
