"""Accounts: sessions, links, tokens of users, mails and the audit log; the status of places."""
from __future__ import annotations

from collections.abc import Callable
from typing import Any

from alembic import op
from sqlalchemy import (
    Column,
    Connection,
    ForeignKeyConstraint,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    UniqueConstraint,
    text,
)
from sqlalchemy import PrimaryKeyConstraint as PrimaryKey
from sqlalchemy.dialects.mysql import DATETIME, LONGTEXT

from migrations.versions import r0001
from models.engine.db import ddl, version

revision = "0006"
down_revision = "0005"
# The previous release ignores the new tables. It shows places that are not listed.
backward_compatible = True


def _time(name: str, nullable: bool = False) -> Column[Any]:
    return Column(name, DATETIME(fsp=6), nullable=nullable)


def _choice(name: str, default: str) -> Column[Any]:
    return Column(name, String(20), nullable=False, server_default=default)


def _count(name: str) -> Column[Any]:
    return Column(name, Integer, nullable=False)


OWNED = ("accounts", "sessions", "one_time_links", "personal_tokens")
OTHERS = ("outgoing_mails", "login_failures", "audit_entries")


def _parts(name: str) -> list[Any]:
    """The columns, constraints and indexes of a new table, except those that all have."""
    parts: dict[str, Callable[[], list[Any]]] = {
        "accounts": lambda: [_choice("status", "active"), _choice("role", "user")],
        "sessions": lambda: [r0001.text("digest", 64), _time("seen_at"), _time("expires_at"), r0001.text("agent")],
        "one_time_links": lambda: [
            r0001.text("digest", 64), _choice("purpose", "confirm"), r0001.text("email"),
            Column("data", LONGTEXT, nullable=False), _time("expires_at"),
            _time("used_at", nullable=True)],
        "personal_tokens": lambda: [
            r0001.text("name"), r0001.text("digest", 64), _choice("scope", "write"), _time("used_at", nullable=True)],
        "outgoing_mails": lambda: [
            r0001.key("dedupe_key"), r0001.text("recipient"), r0001.text("template"),
            Column("data", LONGTEXT, nullable=False), _count("attempts"), _time("due_at", nullable=True),
            _time("expires_at"), _time("sent_at", nullable=True), _time("failed_at", nullable=True),
            r0001.text("error", 1024, nullable=True),
            UniqueConstraint("dedupe_key", name="uq_outgoing_mails_dedupe_key"),
            Index("ix_outgoing_mails_due_at", "due_at")],
        "login_failures": lambda: [_count("failures"), _time("blocked_until")],
        "audit_entries": lambda: [
            r0001.text("actor"), r0001.text("action"), r0001.text("object"),
            Index("ix_audit_entries_created_at", "created_at")],
    }
    return parts[name]()


def tables() -> MetaData:
    """The new tables, and `users`, to which they refer."""
    metadata = MetaData()
    Table("users", metadata, r0001.key("id"), PrimaryKey("id"))
    for name in OWNED:
        Table(name, metadata, *r0001.of_all(), r0001.key("user_id"), *_parts(name), PrimaryKey("id"),
              ForeignKeyConstraint(["user_id"], ["users.id"], f"fk_{name}_user_id", ondelete="CASCADE"),
              Index(f"ix_{name}_user_id", "user_id", "created_at", "id"))
    for name in OTHERS:
        Table(name, metadata, *r0001.of_all(), *_parts(name), PrimaryKey("id"))
    return metadata


def upgrade() -> None:
    connection = op.get_bind()
    for table in tables().sorted_tables:
        table.create(connection, checkfirst=True)
        for index in table.indexes:     # an interrupted upgrade may have created the table only
            index.create(connection, checkfirst=True)
    if not _has_status(connection):
        connection.execute(text("ALTER TABLE places ADD COLUMN status VARCHAR(20) NOT NULL DEFAULT 'listed', "
                                "ADD INDEX ix_places_status (status)"))


def downgrade() -> None:
    connection = op.get_bind()
    if _has_status(connection):
        hidden = connection.scalar(text("SELECT COUNT(*) FROM places WHERE status <> 'listed'"))
        ddl.report(f"Places that were not listed, and that everyone can see now: {hidden}")
        connection.execute(text("ALTER TABLE places DROP COLUMN status"))
        connection.execute(version.CHANGE)      # invalidates the caches of searches
    for name in (*OWNED, *OTHERS):
        connection.execute(text(f"DROP TABLE IF EXISTS {name}"))


def _has_status(connection: Connection) -> bool:
    return bool(connection.scalar(text(
        "SELECT COUNT(*) FROM information_schema.columns WHERE table_schema = DATABASE() "
        "AND table_name = 'places' AND column_name = 'status'")))
