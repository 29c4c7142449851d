"""Fill an empty store: `python -m sample`."""
from __future__ import annotations

import models
from sample import Sample
from services.transfer.intake import Intake, Report
from services.transfer.stores import take


def main() -> None:
    if models.storage.count():
        print("The store holds objects already; nothing was added.")
        return
    report = Report()
    with models.storage.transaction():
        take(((obj["__class__"], obj) for obj in Sample()), Intake(report, times=True))
    assert not report.refused, report.refused
    counts = ", ".join(f"{count} {models.classes[name].__tablename__}" for name, count in report.new.items())
    print(f"The store was empty; made {counts}.")


if __name__ == "__main__":
    main()
