"""Places whose price is unknown."""
from __future__ import annotations

from alembic import op
from sqlalchemy import Connection, text

from models.engine.db import ddl, version

revision = "0004"
down_revision = "0003"
backward_compatible = True      # the previous release shows such a price as "$None"


def upgrade() -> None:
    _allow_null(op.get_bind(), True)


def downgrade() -> None:
    connection = op.get_bind()
    count = connection.execute(text("UPDATE places SET price_by_night = 0 WHERE price_by_night IS NULL")).rowcount
    ddl.report(f"Places without a price, which now have the price 0: {count}. Import their listings again after the "
               "next upgrade")
    _allow_null(connection, False)
    connection.execute(version.CHANGE)      # invalidates the caches of searches


def _allow_null(connection: Connection, wanted: bool) -> None:
    there = connection.scalar(text("SELECT is_nullable FROM information_schema.columns WHERE table_schema = DATABASE() "
                                   "AND table_name = 'places' AND column_name = 'price_by_night'"))
    if (there == "YES") is not wanted:
        connection.execute(text(f"ALTER TABLE places MODIFY price_by_night INTEGER {'' if wanted else 'NOT '}NULL"))
