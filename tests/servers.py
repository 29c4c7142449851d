"""Server processes for tests, each on a free port."""
from __future__ import annotations

import socket
import tempfile
import time
import urllib.request
from collections.abc import Mapping, Sequence
from typing import Any

from tests.programs import ROOT, Program


def free_port(address: str = "127.0.0.1") -> int:
    with socket.socket() as probe:
        probe.bind((address, 0))
        return int(probe.getsockname()[1])


class Server:
    """A server process that runs during a `with` block, which begins when the server responds.

    Args:
        command: the arguments for Python.
        environ: the environment variables.
        port: the port on which the server will listen.
        path: a path that the server answers once it is ready.
        options: additional arguments for `tests.programs.Program`.
    """

    def __init__(self, command: Sequence[str], environ: Mapping[str, str], port: int,
                 path: str = "/api/v1/status", **options: Any) -> None:
        self.address = f"http://127.0.0.1:{port}"
        self._path = path
        self._log = tempfile.TemporaryFile("w+")
        self.process = Program(command, environ, cwd=ROOT, stdout=self._log, stderr=self._log, **options)

    def __enter__(self) -> Server:
        for _ in range(1200):   # a busy machine may need a minute to open a large file
            try:
                urllib.request.urlopen(f"{self.address}{self._path}", timeout=5).close()
                return self
            except OSError:
                if self.process.poll() is not None:
                    break
                time.sleep(0.1)
        self.__exit__()
        raise AssertionError(f"the server does not respond:\n{self.log()}")

    def __exit__(self, *_: Any) -> None:
        self.process.terminate()
        self.process.wait(60)
        self._text = self.log()
        self._log.close()

    def log(self) -> str:
        if self._log.closed:
            return self._text
        self._log.seek(0)
        return self._log.read()
