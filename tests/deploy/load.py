"""Load generator: sends requests to a site all the time, from a separate process.

Each request uses a new connection, so no connection outlives the server that accepted it. The number of requests is
limited.
"""
from __future__ import annotations

import http.client
import json
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from tests.processes import ROOT

CLIENTS = 6
PAUSE = 0.1             # seconds between two requests of a client
LIMIT = 60_000          # requests of all clients


@dataclass
class Answers:
    """Number of responses by status, or by name of the error; and the worst latency in ms."""

    seen: Counter[str] = field(default_factory=Counter)
    worst: float = 0

    @property
    def requests(self) -> int:
        return self.seen.total()

    @property
    def failed(self) -> dict[str, int]:
        return {what: number for what, number in self.seen.items() if what != "200"}

    def __str__(self) -> str:
        return f"{self.requests:,} requests, {sum(self.failed.values()):,} failed, worst {self.worst:.1f} ms"


class Load:
    """Requests to a site during the block.

    Args:
        address: host of the site.
        paths: requested in turn.
    """

    def __init__(self, address: str, paths: Sequence[str]) -> None:
        self.answers = Answers()
        self._command = [sys.executable, "-m", "tests.deploy.load", address, *paths]

    def __enter__(self) -> Answers:
        self._process = subprocess.Popen(self._command, cwd=ROOT, text=True, stdin=subprocess.PIPE,
                                         stdout=subprocess.PIPE)
        self._process.stdout.readline()     # wait until the clients run
        return self.answers

    def __exit__(self, *_: Any) -> None:
        result = json.loads(self._process.communicate(timeout=30)[0])
        self.answers.seen, self.answers.worst = Counter(result["seen"]), result["worst"]


def _client(address: str, paths: Sequence[str], number: int, over: threading.Event, answers: Answers) -> None:
    for turn in range(number, LIMIT // CLIENTS):
        began = time.perf_counter()
        connection = http.client.HTTPConnection(address, timeout=10)
        try:
            connection.request("GET", paths[turn % len(paths)], headers={"Connection": "close"})
            response = connection.getresponse()
            response.read()
            seen = str(response.status)
        except (OSError, http.client.HTTPException) as error:
            seen = type(error).__name__
        connection.close()
        answers.seen[seen] += 1
        answers.worst = max(answers.worst, (time.perf_counter() - began) * 1000)
        if over.wait(PAUSE):
            return


def main(address: str, *paths: str) -> None:
    over = threading.Event()
    each = [Answers() for _ in range(CLIENTS)]
    threads = [threading.Thread(target=_client, args=(address, paths, number, over, answers))
               for number, answers in enumerate(each)]
    for thread in threads:
        thread.start()
    print("running", flush=True)
    sys.stdin.read()        # until the parent process closes it
    over.set()
    for thread in threads:
        thread.join()
    print(json.dumps({"seen": sum((answers.seen for answers in each), Counter()),
                      "worst": max(answers.worst for answers in each)}))


if __name__ == "__main__":
    main(*sys.argv[1:])
