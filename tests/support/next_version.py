"""What the next version of Convenor is to a test: one migration more, and models that use what it adds. Its processes import it."""

from __future__ import annotations

import os
from pathlib import Path

from sqlalchemy import String
from sqlalchemy.orm import mapped_column

from app import schema
from app.runtime.models import Instance
from app.store.jobs import Job
from app.work.models import WorkItem

VARIABLE = "CONVENOR_TEST_NEXT_VERSION"  # the folder of its migrations
MIGRATION = """
import sqlalchemy as sa
from alembic import op

revision = "{revision}"
down_revision = "{before}"
branch_labels = None
depends_on = None


def upgrade():
    op.create_table("of_the_next", sa.Column("key", sa.BigInteger, primary_key=True))
    op.add_column("job", sa.Column("note", sa.String(40)))
    op.add_column("instance", sa.Column("weight", sa.Integer, nullable=False, server_default="7"))
    op.add_column("work_item", sa.Column("colour", sa.String(10), nullable=False, server_default="none"))


def downgrade():
    pass
"""


def write_migration(folder: Path) -> str:
    """Add the next version's migration to a copy of ours; its revision, which code of this version may go on serving."""
    before = schema.newest()
    revision = f"9999_{before[:4]}"
    (folder / "versions" / "9999_next.py").write_text(MIGRATION.format(revision=revision, before=before))
    return revision


if VARIABLE in os.environ:
    schema.FOLDER = Path(os.environ[VARIABLE])
    Job.note = mapped_column(String(40), default="of the next version")  # type: ignore[attr-defined]
    Instance.weight = mapped_column(default=8)  # type: ignore[attr-defined]
    WorkItem.colour = mapped_column(String(10), default="blue")  # type: ignore[attr-defined]
