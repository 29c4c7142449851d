"""How everything here is measured: in turns, and where it matters in a process of its own."""
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
WARM = size(1, 0)       # turns that do not count
ROOT = Path(__file__).parent.parent


def alternate(times: int, *runs: Callable[[], T]) -> list[list[T]]:
    """What each run gives, so many times, in turns: what else the machine does falls on all alike.

    A first turn does not count, as it warms up.
    """
    turns = [[run() for run in runs] for _ in range(WARM + times)]
    return [list(each) for each in zip(*turns[WARM:], strict=True)]


def seconds(function: Callable[[], object]) -> float:
    """How long a call takes."""
    start = time.perf_counter()
    function()
    return time.perf_counter() - start


def environment(**settings: str) -> dict[str, str]:
    """The environment of a program that is measured: these settings of HBNB, and none of those of the shell."""
    return {name: value for name, value in os.environ.items() if not name.startswith("HBNB_")} | settings


def child(function: str, *arguments: Any) -> Any:
    """Call `module:function` in a fresh process; arguments and result are what JSON can hold."""
    done = subprocess.run([sys.executable, "-m", "bench.child", function, json.dumps(arguments)],
                          cwd=ROOT, env=environment(), check=True, stdout=subprocess.PIPE)
    return json.loads(done.stdout)
