"""Measurement helpers: alternating runs, timing, and runs in a fresh process."""
from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from bench.size import size

T = TypeVar("T")
WARM_UP = size(1, 0)    # turns that are not counted
ROOT = Path(__file__).parent.parent


def alternate(times: int, *runs: Callable[[], T]) -> list[list[T]]:
    """Call the runs in turns, so that other load of the machine affects all of them alike.

    A first turn is not counted, because it warms up caches.

    Returns:
        The results of each run, `times` for each.
    """
    turns = [[run() for run in runs] for _ in range(WARM_UP + times)]
    return [list(each) for each in zip(*turns[WARM_UP:], strict=True)]


def seconds(function: Callable[[], object]) -> float:
    """Return the duration of a call in seconds."""
    start = time.perf_counter()
    function()
    return time.perf_counter() - start


def environment(**settings: str) -> dict[str, str]:
    """Return environment variables for a measured program: these settings of HBNB, but none of the shell's."""
    return {name: value for name, value in os.environ.items() if not name.startswith("HBNB_")} | settings


def child(function: str, *arguments: Any) -> Any:
    """Call `module:function` in a fresh process; arguments and result must be JSON values."""
    done = subprocess.run([sys.executable, "-m", "bench.child", function, json.dumps(arguments)],
                          cwd=ROOT, env=environment(), check=True, stdout=subprocess.PIPE)
    return json.loads(done.stdout)
