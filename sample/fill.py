"""Putting a sample into the store."""
from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import models
from services.transfer.dumps import take
from services.transfer.importer import Intake, Report


def fill(sample: Iterable[dict[str, Any]]) -> Report:
    """Store all of a sample, or nothing. Returns: what was made."""
    report = Report()
    with models.storage.transaction():
        take(((obj["__class__"], obj) for obj in sample), Intake(report, times=True))
    assert not report.refused, report.refused
    return report
