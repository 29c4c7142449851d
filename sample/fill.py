"""Putting a sample into the store."""
from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import models
from services.transfer.dumps import import_objects
from services.transfer.importer import Importer, Report


def fill(sample: Iterable[dict[str, Any]]) -> Report:
    """Store all of a sample, or nothing. Returns: what was made."""
    report = Report()
    with models.storage.transaction():
        import_objects(((obj["__class__"], obj) for obj in sample), Importer(report, times=True))
    assert not report.refused, report.refused
    return report
