"""The console command `audit`."""
from __future__ import annotations

import re

from cli import formatting
from errors import Invalid
from models.audit_entry import AuditEntry
from services import audit
from services.actor import OPERATOR

LIMIT = 50      # entries that are printed by default


def run_audit(words: list[str], output_format: str | None) -> None:
    """Print the newest entries of the audit log."""
    match words:
        case []:
            limit = LIMIT
        case ["limit", number] if re.fullmatch("[0-9]{1,9}", number):
            limit = int(number)
        case _:
            raise Invalid("Type audit or audit limit NUMBER: see help audit")
    found = audit.list(OPERATOR, limit)
    for entry in found:     # a table cuts long texts, but not ids
        entry["class"], _, entry["id"] = entry.pop("object").partition(".")
    formatting.show(found, output_format or "--table", ["actor", "action", "class"])
    total = audit.count(OPERATOR) if len(found) == limit else 0
    formatting.print_count(output_format, AuditEntry, len(found), total)
