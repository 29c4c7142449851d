"""Worker processes of the server: shutdown, and replacement of workers that die."""
from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from server import ENDING
from serving import workers
from tests.processes import ROOT, family
from tests.servers import Server, free_port

COMMANDS = {
    "wsgi.py, one worker": ["wsgi.py", "--port", "{}"],
    "wsgi.py, two workers": ["wsgi.py", "--port", "{}", "--workers", "2"],
    "api.v1.app": ["-m", "api.v1.app"],
}
BROKEN = """import os, sys, types, server
class Broken(types.ModuleType):
    def __getattr__(self, name):
        print('it begins', flush=True)
        {}
sys.modules['broken'] = Broken('broken')
server.serve('broken:app', '127.0.0.1', int(sys.argv[1]), 2)
"""


@pytest.fixture
def start(tmp_path) -> Iterator[Callable[[list[str]], Server]]:
    """Start a server as the leader of a new process group, like a server started in a terminal."""
    started: list[Server] = []

    def start(command: list[str]) -> Server:
        port = free_port()
        environ = {**os.environ, "HBNB_FILE_PATH": str(tmp_path / "f.json"), "HBNB_API_HOST": "127.0.0.1",
                   "HBNB_API_PORT": str(port)}
        server = Server([each.format(port) for each in command], environ, port, start_new_session=True)
        started.append(server)
        return server.__enter__()
    yield start
    for each in started:
        with suppress(ProcessLookupError):
            os.killpg(each.process.pid, signal.SIGKILL)
        each.__exit__()


def is_alive(pid: int) -> bool:
    with suppress(OSError):
        return ") Z " not in Path(f"/proc/{pid}/stat").read_text()
    return False


def listens(port: int) -> bool:
    with socket.socket() as client:
        return client.connect_ex(("127.0.0.1", port)) == 0


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("command", COMMANDS.values(), ids=COMMANDS)
def test_a_signal_to_the_whole_process_group_ends_the_server(start, command, number):
    server = start(command)
    os.killpg(server.process.pid, number)
    # A worker that does not end by itself is killed after ENDING seconds.
    assert server.process.wait(ENDING - 1) == 0


@pytest.mark.parametrize("command", COMMANDS.values(), ids=COMMANDS)
def test_a_killed_worker_is_replaced_every_time(start, command):
    server = start(command)
    for _ in range(2):
        before = family(server.process.pid)[1:]
        os.kill(before[0], signal.SIGKILL)
        deadline = time.monotonic() + 60
        while len(now := family(server.process.pid)[1:]) < len(before) or before[0] in now:
            assert server.process.poll() is None, server.log()
            assert time.monotonic() < deadline, server.log()
            time.sleep(0.05)
        while True:
            with suppress(OSError):
                urllib.request.urlopen(f"{server.address}/api/v1/status", timeout=5).close()
                break
            assert time.monotonic() < deadline
    server.process.terminate()
    assert server.process.wait(60) == 0


def test_workers_end_if_their_parent_is_killed(start):
    server = start(COMMANDS["wsgi.py, two workers"])
    before = family(server.process.pid)[1:]
    assert len(before) >= 2
    os.kill(server.process.pid, signal.SIGKILL)
    server.process.wait(60)
    deadline = time.monotonic() + 60
    while any(map(is_alive, before)):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    assert not listens(int(server.address.rpartition(":")[2]))


@pytest.mark.parametrize("number", ["0", "-1", "x"])
def test_fewer_than_one_worker_is_refused(number):
    ended = subprocess.run([sys.executable, "wsgi.py", "--port", str(free_port()), "--workers", number], cwd=ROOT,
                           timeout=120, capture_output=True, text=True)
    assert ended.returncode == 2
    assert "--workers" in ended.stderr


@pytest.mark.parametrize("how", ["raise RuntimeError('it cannot')", "os.kill(os.getpid(), 11)"], ids=["error", "crash"])
def test_the_server_fails_if_its_workers_cannot_start(tmp_path, how):
    ended = subprocess.run([sys.executable, "-c", BROKEN.format(how), str(free_port())], cwd=ROOT, timeout=120, env={
        **os.environ, "HBNB_FILE_PATH": str(tmp_path / "f.json")}, capture_output=True, text=True)
    assert ended.returncode == 1
    assert workers.STARTS <= ended.stdout.count("it begins") <= 2 * workers.STARTS
