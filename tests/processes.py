"""Other processes that use a store, as workers and consoles do."""
from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping
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
