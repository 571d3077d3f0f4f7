"""Who took a task, or was handed it, because it is offered to them: theirs while it is.

Additive. The version before does not know the column: what is taken meanwhile counts as given by name, as does what was taken before.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0013_0010"
down_revision = "0012_0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("work_item", sa.Column("taken_by", sa.BigInteger(), nullable=True))


def downgrade() -> None:
    op.drop_column("work_item", "taken_by")
