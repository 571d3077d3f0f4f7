"""A message with a key starts one instance of a process at a time: the instance's key, and what waits for its end.

Additive. The version before does not know the columns: what it starts meanwhile has no key, and holds nothing up. What waits when one goes
back to it is not lost: it starts its process when that is published again.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0012_0010"
down_revision = "0011_0010"
branch_labels = None
depends_on = None

ONE_PER_KEY = sa.text("status = 'ACTIVE' AND correlation_key IS NOT NULL")
HELD = sa.text("held_for IS NOT NULL")
COLUMNS = (
    ("release", "one_per_key", sa.Boolean()),
    ("instance", "correlation_key", sa.String(240)),
    ("buffered_message", "held_for", sa.JSON()),
    ("buffered_message", "patient", sa.Boolean()),
)


def upgrade() -> None:
    for table, name, kind in COLUMNS:
        op.add_column(table, sa.Column(name, kind, nullable=True))
    op.create_index(
        "ix_instance_one_per_key",
        "instance",
        ["area_key", "process_id", "correlation_key"],
        unique=True,
        sqlite_where=ONE_PER_KEY,
        postgresql_where=ONE_PER_KEY,
    )
    op.create_index(
        "ix_buffered_message_held",
        "buffered_message",
        ["area_key", "correlation_key"],
        sqlite_where=HELD,
        postgresql_where=HELD,
    )


def downgrade() -> None:
    op.drop_index("ix_buffered_message_held", "buffered_message")
    op.drop_index("ix_instance_one_per_key", "instance")
    for table, name, _ in reversed(COLUMNS):
        op.drop_column(table, name)
