"""Jobs: found in the order they are due, however many are due at the same instant."""

from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """The order of claiming is the order of the index, so that a claim reads what it takes and no more."""
    op.create_index("ix_job_due", "job", ["state", "due_at", "key"])
    op.drop_index("ix_job_claim", table_name="job")


def downgrade() -> None:
    """The index as it was."""
    op.create_index("ix_job_claim", "job", ["state", "due_at", "run_after"])
    op.drop_index("ix_job_due", table_name="job")
