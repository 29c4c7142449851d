"""How much is measured: all of it, or with `BENCH_QUICK` set just enough to see that every group still works."""
from __future__ import annotations

import os
from typing import TypeVar

T = TypeVar("T")
QUICK = bool(os.environ.get("BENCH_QUICK"))


def size(full: T, quick: T) -> T:
    return quick if QUICK else full
