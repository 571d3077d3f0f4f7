"""Who presides at a meeting in the Chair's place, and why a meeting was cancelled."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from app.store.database import UtcDateTime

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

COLUMNS = (
    ("presiding_key", sa.BigInteger()),
    ("presiding_by", sa.BigInteger()),
    ("presiding_at", UtcDateTime(timezone=True)),
    ("presiding_reason", sa.LargeBinary()),
    ("cancelled_by", sa.BigInteger()),
    ("cancelled_at", UtcDateTime(timezone=True)),
    ("cancelled_reason", sa.LargeBinary()),
)


def upgrade() -> None:
    """Additive: the code before does not know the columns."""
    with op.batch_alter_table("meeting") as table:
        for name, kind in COLUMNS:
            table.add_column(sa.Column(name, kind, nullable=True))


def downgrade() -> None:
    """Take the columns off again."""
    with op.batch_alter_table("meeting") as table:
        for name, _ in reversed(COLUMNS):
            table.drop_column(name)
