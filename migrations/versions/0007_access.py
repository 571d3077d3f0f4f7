"""Limits: how often somebody has done something."""

import sqlalchemy as sa
from alembic import op

import app.store.database

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "rate_count",
        sa.Column("bucket", sa.String(length=64), nullable=False),
        sa.Column("begins", app.store.database.UtcDateTime(timezone=True), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("bucket", "begins", name=op.f("pk_rate_count")),
    )
    with op.batch_alter_table("rate_count", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_rate_count_begins"), ["begins"], unique=False)


def downgrade() -> None:
    op.drop_table("rate_count")
