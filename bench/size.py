"""Sizes of the benchmarks: full, or tiny if `BENCH_QUICK` is set, which only checks that every group runs."""
from __future__ import annotations

import os
from typing import TypeVar

T = TypeVar("T")
QUICK = bool(os.environ.get("BENCH_QUICK"))


def size(full: T, quick: T) -> T:
    """Return the first argument, or the second one if `BENCH_QUICK` is set."""
    return quick if QUICK else full
