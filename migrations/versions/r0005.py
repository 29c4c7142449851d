"""A log of the objects that were changed."""
from __future__ import annotations

from alembic import op
from sqlalchemy import BigInteger, Column, Index, MetaData, String, Table
from sqlalchemy.dialects.mysql import VARCHAR

revision = "0005"
down_revision = "0004"
backward_compatible = True      # the previous release does not use the table; the log notices its changes


def upgrade() -> None:
    _table().create(op.get_bind(), checkfirst=True)


def downgrade() -> None:
    _table().drop(op.get_bind(), checkfirst=True)


def _table() -> Table:
    table = Table("changes", MetaData(), Column("number", BigInteger, primary_key=True, autoincrement=True),
                  Column("version", BigInteger, nullable=False), Column("former", BigInteger),
                  Column("class", String(60), nullable=False),
                  Column("object_id", VARCHAR(60, charset="ascii", collation="ascii_bin"), nullable=False))
    Index("ix_changes_former", table.c.former)
    return table
