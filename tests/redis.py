"""A Redis server for tests, on a Unix socket in a temporary folder."""
from __future__ import annotations

import shutil
import signal
import socket
import subprocess
import tempfile
import time
from pathlib import Path


class Redis:
    """A server that a test can start, stop and suspend."""

    def __init__(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="hbnb-redis-"))
        self.socket = str(self.folder / "socket")
        self.url = f"unix://{self.socket}"
        self._process: subprocess.Popen[bytes] | None = None
        self.start()

    def start(self) -> None:
        program = shutil.which("redis-server") or shutil.which("valkey-server")
        if program is None:
            raise RuntimeError("redis-server is not installed: apt-get install redis-server")
        self._process = subprocess.Popen(
            [program, "--port", "0", "--unixsocket", self.socket, "--save", "", "--dir", str(self.folder)],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        for _ in range(300):
            if self.ask("PING") == "+PONG":
                return
            time.sleep(0.1)
        raise RuntimeError("Redis does not start")

    def ask(self, command: str) -> str:
        """Send a command, and return the first line of the response, or "" if the server does not respond."""
        with socket.socket(socket.AF_UNIX) as connection:
            try:
                connection.connect(self.socket)
                connection.sendall(f"{command}\r\n".encode())
                return connection.recv(1000).decode().partition("\r\n")[0]
            except OSError:
                return ""

    def pause(self) -> None:
        """Suspend the server: it accepts connections, but does not respond."""
        self._send(signal.SIGSTOP)

    def resume(self) -> None:
        self._send(signal.SIGCONT)

    def stop(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait(60)
            self._process = None

    def remove(self) -> None:
        self.stop()
        shutil.rmtree(self.folder, ignore_errors=True)

    def _send(self, number: signal.Signals) -> None:
        assert self._process is not None
        self._process.send_signal(number)
