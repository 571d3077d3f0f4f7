"""The instance that has the element of a key: keys of elements have 63 bits, and what they hold of the instance's is looked up.

Additive. The version before does not use the index.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0015_0010"
down_revision = "0014_0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index("ix_instance_left", "instance", [sa.text("(key % 2199023255531)")])


def downgrade() -> None:
    op.drop_index("ix_instance_left", "instance")
