"""utf8mb4, exact times and coordinates, indexes, hashed passwords, line breaks."""
from __future__ import annotations

from alembic import op
from sqlalchemy import BigInteger, Boolean, Column, Connection, Index, Integer, MetaData, Table
from sqlalchemy import PrimaryKeyConstraint as PrimaryKey
from sqlalchemy import UniqueConstraint as Unique
from sqlalchemy.dialects.mysql import LONGTEXT

from legacy import database
from legacy.database import Plan
from migrations.versions import r0001
from models.engine.db import ddl

revision = "0002"
down_revision = "0001"
backward_compatible = False


def tables() -> MetaData:
    """All tables after this migration."""
    metadata = r0001.tables()
    for table in metadata.tables.values():
        table.indexes.clear()
        for key in table.foreign_key_constraints:
            [column] = key.column_keys
            key.name, key.ondelete = f"fk_{table.name}_{column}", "CASCADE"
            if "id" in table.c:
                Index(f"ix_{table.name}_{column}", table.c[column], table.c.created_at, table.c.id)
    t = metadata.tables
    Index("ix_users_created_at", t["users"].c.created_at, t["users"].c.id)
    Index("ix_places_created_at", t["places"].c.created_at, t["places"].c.id, t["places"].c.city_id)
    Index("ix_place_amenity_amenity_id", t["place_amenity"].c.amenity_id, t["place_amenity"].c.place_id)
    Table("tokens", metadata, *r0001.of_all(), r0001.key("name"), r0001.text("digest", 64),
          PrimaryKey("id"), Unique("name", name="uq_tokens_name"))
    answers = Table("answers", metadata, *r0001.of_all(), r0001.text("digest", 64),
                    Column("status", Integer, nullable=False), r0001.text("headers", 1024),
                    Column("body", LONGTEXT, nullable=False), PrimaryKey("id"))
    Index("ix_answers_created_at", answers.c.created_at)
    Table("versions", metadata, Column("only_row", Boolean, primary_key=True),
          Column("version", BigInteger, nullable=False))
    return metadata


def preview(connection: Connection) -> Plan:
    return database.plan(connection, tables(), [*r0001.COLUMNS])


def upgrade() -> None:
    database.run(op.get_bind(), tables(), [*r0001.COLUMNS])


def downgrade() -> None:
    ddl.report("The tables get their classic foreign keys and indexes back. All rows stay, and so do utf8mb4, exact "
               "times and coordinates, line breaks, tokens, and hashed passwords. An older HBNB cannot check these, so "
               "its users cannot log in")
    for table in tables().sorted_tables:
        for line in ddl.dropped_indexes(op.get_bind(), table):
            ddl.report(line)
    ddl.keys_and_indexes(op.get_bind(), r0001.tables())
