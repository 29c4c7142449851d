"""Fill an empty store: `python -m sample`."""
from __future__ import annotations

import models
from config import Settings
from errors import HBNBError
from sample import Sample
from sample.fill import fill


def main() -> None:
    if Settings.from_environ().env != "dev":
        print("A sample is made in the environment dev only.")
        return
    if models.storage.count():
        print("The store holds objects already; nothing was added.")
        return
    report = fill(Sample())
    counts = ", ".join(f"{count} {models.classes[name].__tablename__}" for name, count in report.new.items())
    print(f"The store was empty; made {counts}.")


if __name__ == "__main__":
    try:
        main()
    except HBNBError as error:
        raise SystemExit(f"hbnb: {error}") from None
