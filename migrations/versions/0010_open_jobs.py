"""What waits for workers outside, by type: the metrics count it at every reading, whatever is kept of what has ended."""

import sqlalchemy as sa
from alembic import op

revision = "0010_0009"
down_revision = "0009"
branch_labels = None
depends_on = None

OPEN = sa.text("ended_at IS NULL")


def upgrade() -> None:
    op.create_index("ix_outside_job_open", "outside_job", ["type"], sqlite_where=OPEN, postgresql_where=OPEN)


def downgrade() -> None:
    op.drop_index("ix_outside_job_open", "outside_job")
