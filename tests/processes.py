"""Helpers that start and inspect other processes."""
from __future__ import annotations

import re
import subprocess
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from tests.programs import ROOT, Program

__all__ = ["ROOT", "family", "finish", "memory", "start"]


def start(code: str, environ: Mapping[str, str], *arguments: str) -> subprocess.Popen[str]:
    """Run code in a new Python process, with `models` and `State` imported."""
    return Program(["-c", f"import sys, models\nfrom models.state import State\n{code}", *arguments], environ,
                   stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def finish(process: subprocess.Popen[str]) -> str:
    """Wait for a process, and return its standard output. Fails if its exit status is not 0."""
    out, errors = process.communicate(timeout=120)
    assert process.returncode == 0, errors
    return out


def family(pid: int) -> list[int]:
    """Return the ids of a process and its descendants."""
    children: list[int] = []
    for path in Path(f"/proc/{pid}/task").glob("*/children"):
        with suppress(FileNotFoundError):       # the thread ended meanwhile
            children += map(int, path.read_text().split())
    return [pid, *(each for child in children for each in family(child))]


def memory(pid: int, name: str = "VmRSS") -> int:
    """Return the memory of a process in KiB: VmRSS is the current use, VmHWM the peak."""
    found = re.search(rf"{name}:\s*(\d+) kB", Path(f"/proc/{pid}/status").read_text())
    assert found is not None
    return int(found[1])
