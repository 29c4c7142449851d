"""A log of the objects that were changed."""
from __future__ import annotations

from alembic import op

revision = "0005"
down_revision = "0004"
backward_compatible = True      # the previous release does not write the log; readers of the log notice that


def upgrade() -> None:
    # In one statement with its index: an upgrade that is interrupted between two would never make the second.
    op.execute("CREATE TABLE IF NOT EXISTS changes (number BIGINT NOT NULL AUTO_INCREMENT PRIMARY KEY, "
               "version BIGINT NOT NULL, former BIGINT, class VARCHAR(60) NOT NULL, "
               "object_id VARCHAR(60) CHARACTER SET ascii COLLATE ascii_bin NOT NULL, "
               "INDEX ix_changes_former (former)) ENGINE=InnoDB CHARSET=utf8mb4 COLLATE=utf8mb4_bin")


def downgrade() -> None:
    op.execute("DROP TABLE IF EXISTS changes")
