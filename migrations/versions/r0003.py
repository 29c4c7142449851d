"""Equal e-mail addresses by the same rule as in a file; hashes of passwords that a restore left as text."""
from __future__ import annotations

from typing import Any

from alembic import op
from sqlalchemy import Connection, text

import migrations
from legacy.database import Plan
from models import passwords
from models.engine.db import ddl

revision = "0003"
down_revision = "0002"
backward_compatible = True

KEY = "NULLIF(RTRIM(LOWER(email)), '')"
# The comparison of 0002: by a collation of the server, without case and accents.
OLDER_KEY = "email COLLATE utf8mb4_general_ci"
TEXT = "VARCHAR(128) CHARACTER SET utf8mb4 COLLATE"


def preview(connection: Connection) -> Plan:
    """Return the plan for tables of revision 0002; for older tables, the preview of 0002 includes these checks."""
    plan, stamp = Plan(), migrations.read_stamp(connection)
    if not stamp or stamp.revision != down_revision:
        return plan
    if several := _duplicates(connection, f"{KEY} COLLATE utf8mb4_bin"):
        plan.stops.append("users have the same e-mail address, apart from case: change or remove all but one of them: "
                          f"{'; '.join(several)}")
    if unsafe := _unhashed(connection):
        plan.lines.append(f"users: passwords to hash: {len(unsafe)}")
        plan.changed.append("users")
    return plan


def upgrade() -> None:
    connection = op.get_bind()
    unsafe = _unhashed(connection)
    for (id, _), password in zip(unsafe, passwords.all_protected([kept for _, kept in unsafe]), strict=True):
        connection.execute(text("UPDATE users SET password = :password WHERE id = :id"),
                           {"id": id, "password": password})
    columns, index = _existing(connection)
    _alter(connection, [
        f"MODIFY email {TEXT} utf8mb4_bin NOT NULL" if columns["email"] != "utf8mb4_bin" else "",
        "" if "email_key" in columns else f"ADD COLUMN email_key VARCHAR(128) GENERATED ALWAYS AS ({KEY}) VIRTUAL",
        "DROP INDEX uq_users_email" if index not in (None, "email_key") else "",
        "" if index == "email_key" else "ADD UNIQUE INDEX uq_users_email (email_key)"])


def downgrade() -> None:
    connection = op.get_bind()
    columns, index = _existing(connection)
    several = _duplicates(connection, OLDER_KEY)
    if several:
        ddl.report("users: the unique index of e-mail addresses is dropped, because the previous release treats these "
                   f"addresses as equal: {'; '.join(several)}")
    _alter(connection, [
        f"MODIFY email {TEXT} utf8mb4_general_ci NOT NULL" if columns["email"] != "utf8mb4_general_ci" else "",
        "DROP INDEX uq_users_email" if index == "email_key" else "",
        "DROP COLUMN email_key" if "email_key" in columns else "",
        "ADD UNIQUE INDEX uq_users_email (email)" if index != "email" and not several else ""])


def _alter(connection: Connection, changes: list[str]) -> None:
    """Change the table in one statement, which is atomic."""
    if wanted := [each for each in changes if each]:
        connection.execute(text(f"ALTER TABLE users {', '.join(wanted)}"))


def _existing(connection: Connection) -> tuple[dict[str, str | None], str | None]:
    """Return the columns of `users` with their collations, and the column of the unique index."""
    columns = {row[0]: row[1] for row in connection.execute(text(
        "SELECT column_name, collation_name FROM information_schema.columns "
        "WHERE table_schema = DATABASE() AND table_name = 'users'"))}
    index = connection.scalar(text(
        "SELECT column_name FROM information_schema.statistics WHERE table_schema = DATABASE() "
        "AND table_name = 'users' AND index_name = 'uq_users_email'"))
    return columns, index


def _duplicates(connection: Connection, key: str) -> list[str]:
    """Return, for each e-mail address that several users have, these users."""
    found: dict[str, list[str]] = {}
    for kept, id, email in connection.execute(text(
            f"SELECT twice.kept, id, email FROM users JOIN (SELECT {key} AS kept FROM users GROUP BY kept "
            f"HAVING COUNT(*) > 1) AS twice ON {key} = twice.kept ORDER BY kept, id")):
        found.setdefault(kept, []).append(f"{id} ({email})")
    return [", ".join(each) for each in found.values()]


def _unhashed(connection: Connection) -> list[tuple[str, Any]]:
    rows = connection.execute(text("SELECT id, password FROM users WHERE password NOT LIKE '%$argon2id$%'"))
    return [(id, kept) for id, kept in rows if kept and not passwords.is_hash(kept)]
