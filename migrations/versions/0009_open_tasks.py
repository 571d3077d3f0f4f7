"""What is open in an area, in the order of the work list."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

OPEN = sa.text("state = 'open'")


def upgrade() -> None:
    op.create_index(
        "ix_work_item_open",
        "work_item",
        ["area_key", "due_at", sa.text("priority DESC"), "key"],
        sqlite_where=OPEN,
        postgresql_where=OPEN,
    )


def downgrade() -> None:
    op.drop_index("ix_work_item_open", "work_item")
