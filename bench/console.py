"""Start-up of the console: whole processes, in milliseconds."""
from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from statistics import median

from bench import stores
from bench.measure import ROOT, alternate, environment, seconds
from bench.row import Row
from bench.size import size

TURNS, PLACES = size(15, 1), size(200, 20)


def rows(folder: Path) -> list[Row]:
    """Compare `echo 'count State' | ./console.py`, on a small sample, with importing SQLAlchemy's ORM."""
    environ = environment(HBNB_FILE_PATH=stores.sample(folder, PLACES), HBNB_HISTORY="")

    def run(*arguments: str, expected: str = "") -> float:
        def process() -> None:
            done = subprocess.run([sys.executable, *arguments], cwd=folder, env=environ, input="count State\n",
                                  check=True, stdout=subprocess.PIPE, text=True)
            assert done.stdout == expected, done.stdout
        return 1000 * seconds(process)

    hbnb, reference = alternate(TURNS, lambda: run(str(ROOT / "console.py"), expected="12\n"),
                                lambda: run("-c", "import sqlalchemy.orm"))
    return [Row(f"console: count State, {PLACES} places", median(hbnb), median(reference), "ms",
                "python -c 'import sqlalchemy.orm'", at_most=1.5)]
