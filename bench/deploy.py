"""Switching the `current` release under load: HBNB's atomic swap against two common ways.

It runs on a test host (tests/deploy/hosts.py), whose nginx serves the files of the link `current`.
"""
from __future__ import annotations

import re
import signal
import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path

from bench.row import Row
from bench.size import size
from tests.deploy import hosts

SWAPS = size(50, 2)
FOLDER = "/data/hbnb"
NGINX = f"""
worker_processes 1;
events {{}}
http {{ server {{ listen 80; access_log off; root {FOLDER}/current; }} }}
"""
COMMON = Path(__file__).parent.parent / "deploy" / "steps" / "common.sh"
ATOMIC = f"ROOT={FOLDER}\n{COMMON.read_text()}\npoint_link releases/NAME current"
NAIVE = (f"rm -rf {FOLDER}/current", f"ln -s releases/NAME {FOLDER}/current")


def rows(folder: Path, *_: str) -> Iterator[Row]:
    """Count failed requests, which should be 0 with HBNB's swap; each row compares it with a common way."""
    if lacking := hosts.missing():
        raise RuntimeError(lacking)
    (folder / "hosts").mkdir()
    with hosts.Hosts(["web-01"], folder / "hosts") as found:
        found["web-01"].run(f"""
            mkdir -p {FOLDER}/releases/a {FOLDER}/releases/b && cd {FOLDER} && ln -s releases/a current
            echo a > releases/a/page && echo b > releases/b/page
            cat > /etc/nginx/nginx.conf && systemctl start nginx""", input=NGINX).check_returncode()
        failed, requests = _swapped(found, [ATOMIC])
        for commands, description in ((NAIVE, "rm -rf, ln -s"), ([" && ".join(NAIVE)], "both in one call")):
            naive_failed, naive_requests = _swapped(found, commands)
            yield Row(f"{SWAPS} swaps of current: failed of {requests:,}", failed, naive_failed, "requests",
                      f"{description}, of {naive_requests:,}", at_most=0)


def _swapped(found: hosts.Hosts, commands: Sequence[str]) -> tuple[int, int]:
    """Send requests during some swaps over one SSH connection; return the numbers of failed and of all requests.

    Args:
        commands: the shell commands of a swap, each run by a call of its own.
    """
    ssh = ["ssh", "-F", found.config, "-o", "ControlMaster=auto", "-o", "ControlPersist=5",
           "-o", f"ControlPath={found.folder}/control", "web-01"]
    with subprocess.Popen(["wrk", "-t", "1", "-c", "4", "-d", "60s", f"http://{found['web-01'].address}/page"],
                          stdout=subprocess.PIPE, text=True) as wrk:
        for number in range(SWAPS):
            for command in commands:
                subprocess.run([*ssh, command.replace("NAME", "ab"[number % 2])], check=True,
                               stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        wrk.send_signal(signal.SIGINT)
        report = wrk.communicate()[0]
    errors = re.findall(r"(?:Non-2xx or 3xx responses: |connect |read |write |timeout )(\d+)", report)
    [requests] = re.findall(r"(\d+) requests in", report)
    return sum(map(int, errors)), int(requests)
