"""For whom a message is kept past its time to live: instances that had stopped meanwhile.

Additive. The version before does not know the column: what is kept so goes to whoever waits for it there, and is given up an hour later.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0014_0010"
down_revision = "0013_0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("buffered_message", sa.Column("late_for", sa.JSON(), nullable=True))


def downgrade() -> None:
    op.drop_column("buffered_message", "late_for")
