"""Starting the console: whole processes, in milliseconds."""
from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from statistics import median

from bench import market
from bench.measure import ROOT, alternate, environment, seconds
from bench.row import Row
from bench.size import size

TURNS, PLACES = size(15, 1), size(200, 20)


def rows(folder: Path) -> list[Row]:
    """`echo 'count State' | ./console.py` on the sample's first places, against importing SQLAlchemy's ORM."""
    environ = environment(HBNB_FILE_PATH=market.sample(folder, PLACES), HBNB_HISTORY="")

    def run(*arguments: str, says: str = "") -> float:
        def process() -> None:
            done = subprocess.run([sys.executable, *arguments], cwd=folder, env=environ, input="count State\n",
                                  check=True, stdout=subprocess.PIPE, text=True)
            assert done.stdout == says, done.stdout
        return 1000 * seconds(process)

    ours, limit = alternate(TURNS, lambda: run(str(ROOT / "console.py"), says="12\n"),
                            lambda: run("-c", "import sqlalchemy.orm"))
    return [Row(f"console: count State, {PLACES} places", median(ours), median(limit), "ms",
                "python -c 'import sqlalchemy.orm'", at_most=1.5)]
