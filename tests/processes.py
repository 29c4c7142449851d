"""Other processes that use a store, as workers and consoles do."""
from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

ROOT = Path(__file__).parent.parent


def start(code: str, environ: Mapping[str, str], *arguments: str) -> subprocess.Popen[str]:
    """Start Python on some code, in which `models` and `State` are there."""
    return subprocess.Popen(
        [sys.executable, "-c", f"import sys, models\nfrom models.state import State\n{code}", *arguments],
        env=dict(environ), stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def finish(process: subprocess.Popen[str]) -> str:
    """What it printed; an error if it failed."""
    out, errors = process.communicate(timeout=120)
    assert process.returncode == 0, errors
    return out


def family(pid: int) -> list[int]:
    """A process and all that it has started."""
    children: list[int] = []
    for path in Path(f"/proc/{pid}/task").glob("*/children"):
        with suppress(FileNotFoundError):       # of a thread that has ended meanwhile
            children += map(int, path.read_text().split())
    return [pid, *(each for child in children for each in family(child))]


def memory(pid: int, name: str = "VmRSS") -> int:
    """VmRSS, which is now, or VmHWM, which was the most, in KiB."""
    found = re.search(rf"{name}:\s*(\d+) kB", Path(f"/proc/{pid}/status").read_text())
    assert found is not None
    return int(found[1])
