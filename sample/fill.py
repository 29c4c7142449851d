"""Putting a sample into the store."""
from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import models
from models.account import Account
from sample.people import ADMIN, with_people
from services.transfer.dumps import import_objects
from services.transfer.importer import Importer, Report


def fill(sample: Iterable[dict[str, Any]]) -> Report:
    """Store all of a sample, or nothing. Returns: what was made."""
    report = Report()
    with models.storage.transaction():
        import_objects(((obj["__class__"], obj) for obj in sample), Importer(report, times=True))
    assert not report.refused, report.refused
    return report


def fill_with_people(sample: Iterable[dict[str, Any]]) -> Report:
    """Store all of a sample, and the people with passwords, or nothing. Returns: what was made."""
    with models.storage.transaction():
        report = fill(with_people(sample))
        models.storage.new(Account(id=ADMIN.id, user_id=ADMIN.id, role="admin"))
    return report
